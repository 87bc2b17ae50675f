// SHA-256, by the function that browsers and Node share.

/** The SHA-256 of bytes, 64 hexadecimal digits in lower case. Browsers compute it in secure contexts only. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
