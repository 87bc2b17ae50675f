// Text from files, decoded without platform functions: src has neither TextDecoder nor Buffer.

import { RequestError } from "../errors.ts";

/** The most bytes that a call of String.fromCharCode takes as arguments. */
const CHUNK_BYTES = 2 ** 12;

/**
 * Decodes UTF-8.
 * @throws {RequestError} For bytes that are not UTF-8.
 */
export function textOf(what: string, bytes: Uint8Array): string {
  let text = "";
  let ascii = true;
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    text += String.fromCharCode(...chunk);
    ascii &&= chunk.every((byte) => byte < 0x80);
  }
  if (ascii) return text;
  try {
    // decodeURIComponent is the UTF-8 decoder of ECMAScript itself; it takes bytes as % and two hexadecimal digits.
    return decodeURIComponent(
      text.replace(/[%\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`),
    );
  } catch {
    throw new RequestError(what, "text in UTF-8", text.slice(0, 60));
  }
}

/** A name for a message: in quotes, with special characters escaped, and cut to 60 characters. */
export function quoted(name: string): string {
  const text = JSON.stringify(name.slice(0, 60));
  return name.length > 60 ? `${text}...` : text;
}
