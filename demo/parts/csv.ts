// Records as CSV, for spreadsheets.

/** CSV by RFC 4180 with a row for each record. Fields of nested values have their path as name: `targets.0.solved`. */
export function csvOf(records: readonly object[]): string {
  const rows = records.map((record) => new Map(fieldsOf(record)));
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = [names, ...rows.map((row) => names.map((name) => row.get(name) ?? ""))];
  return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

function fieldsOf(value: object, path = ""): [name: string, text: string][] {
  return Object.entries(value).flatMap(([name, field]: [string, unknown]): [string, string][] => {
    if (field === undefined || field === null) return [];
    if (typeof field === "object") return fieldsOf(field, `${path}${name}.`);
    return [[`${path}${name}`, typeof field === "string" ? field : JSON.stringify(field)]];
  });
}

const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
