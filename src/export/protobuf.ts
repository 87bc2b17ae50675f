// Writes the wire format of protocol buffers (https://protobuf.dev/programming-guides/encoding). A message is a list of pieces
// of bytes, so that large tensors are copied once, when the whole message is joined.

export type Pieces = readonly Uint8Array[];

/** The number of bytes of pieces. */
function lengthOf(pieces: Pieces): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** An unsigned integer of up to 53 bits, 7 bits a byte, the lowest first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.of(...bytes, rest);
}

/** A field with a nonnegative integer. */
export function integerField(number: number, value: number): Pieces {
  return [varint(number * 8), varint(value)];
}

/** A field with bytes: a nested message, a packed list or a text. */
export function bytesField(number: number, content: Pieces): Pieces {
  return [varint(number * 8 + 2), varint(lengthOf(content)), ...content];
}

/** A field with text in ASCII. */
export function textField(number: number, text: string): Pieces {
  return bytesField(number, [Uint8Array.from(text, (character) => character.charCodeAt(0))]);
}

/** A field with a packed list of nonnegative integers. */
export function integersField(number: number, values: readonly number[]): Pieces {
  return bytesField(number, values.map(varint));
}

/** All pieces, one behind another. */
export function joined(pieces: Pieces): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
