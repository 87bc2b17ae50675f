// Text in files that others wrote.

import { RequestError } from "../errors.ts";

/** Arguments of one call. */
const CHUNK = 2 ** 12;

/** The text of bytes in UTF-8. Throws TypeError where they are none. */
export function textOf(what: string, bytes: Uint8Array): string {
  let text = "";
  let ascii = true;
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK);
    text += String.fromCharCode(...chunk);
    ascii &&= chunk.every((byte) => byte < 0x80);
  }
  if (ascii) return text;
  try {
    // What ECMAScript itself has for UTF-8: a byte as % and two digits.
    return decodeURIComponent(
      text.replace(/[%\u0080-\u00ff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`),
    );
  } catch {
    throw new RequestError(what, "text in UTF-8", text.slice(0, 60));
  }
}

/** A name as it stands in messages: quoted, whatever it holds, and cut where it is long. */
export function quoted(name: string): string {
  const text = JSON.stringify(name.slice(0, 60));
  return name.length > 60 ? `${text}...` : text;
}
