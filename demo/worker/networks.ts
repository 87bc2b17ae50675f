// The networks to which the worker prunes: the text of a small one, or a file that was imported and is kept here.

import { RequestError } from "../../src/errors.ts";
import { importNetwork, type ImportedNetwork } from "../../src/import/network.ts";

/** The number of an imported network. */
export type NetworkId = number;

/** A network as the page names it: the text of its JSON file, or the number of an imported one. */
export type NetworkSource = string | NetworkId;

/** The network that was imported last. The page shows no other. */
let kept: { readonly id: NetworkId; readonly imported: ImportedNetwork } | undefined;

export function keepNetwork(imported: ImportedNetwork): NetworkId {
  kept = { id: (kept?.id ?? 0) + 1, imported };
  return kept.id;
}

/** @throws {RequestError} The text is no network, or the file is no longer kept. */
export function networkOf(source: NetworkSource): ImportedNetwork {
  if (typeof source === "string") return importNetwork(new TextEncoder().encode(source));
  if (source !== kept?.id)
    throw new RequestError("network", "the last file", source, "choose the file again");
  return kept.imported;
}
