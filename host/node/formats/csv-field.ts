// Fields of CSV.

/** A field of CSV by RFC 4180; empty where there is no value. */
export function csvField(value: string | number | boolean | undefined): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
