// The file of a ticket: verified, and saved.

import { useState } from "preact/hooks";
import { messageOf } from "../message.ts";
import { counted } from "../number.ts";
import { Term } from "../words.tsx";
import { ask } from "../worker/ask.ts";
import type { NetworkSource } from "../worker/networks.ts";
import type { TicketAnswer } from "../worker/ticket.ts";
import type { Verified } from "../worker/verify.ts";

export function TicketFile({
  answer,
  source,
}: {
  readonly answer: TicketAnswer;
  readonly source: NetworkSource;
}) {
  const { file, finding } = answer;
  const [verdict, setVerdict] = useState<{ readonly of: TicketAnswer; readonly text: string }>();
  async function verify(ticket: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      setVerdict({ of: answer, text: verdictText(await ask("verify", { source, ticket }).answer) });
    } catch (error) {
      setVerdict({ of: answer, text: messageOf(error) });
    }
  }
  if (!file)
    return finding.found ? (
      <p class="faint">
        Only a page from https or localhost can compute the digest that a ticket file needs.
      </p>
    ) : null;
  return (
    <>
      <div class="row">
        <button type="button" class="main" onClick={() => void verify(file.bytes)}>
          Verify
        </button>
        <button type="button" onClick={() => save(file.bytes)}>
          Save the ticket
        </button>
        <span class="faint">
          A <Term name="ticket" /> of {counted(file.bytes.length, "byte")}, SHA-256{" "}
          <code>{file.digest.slice(0, 16)}…</code>
        </span>
      </div>
      <p class="verdict" aria-live="polite">
        {verdict?.of === answer && verdict.text}
      </p>
    </>
  );
}

function save(bytes: Uint8Array<ArrayBuffer>): void {
  const url = URL.createObjectURL(new Blob([bytes]));
  const link = document.createElement("a");
  link.href = url;
  link.download = "ticket.safetensors";
  link.click();
  URL.revokeObjectURL(url);
}

function verdictText({ certified, deviation, targetDigest, fileDigest, milliseconds }: Verified): string {
  if (!certified)
    return deviation
      ? `The ticket does not equal the network: the weight from input ${deviation.input} to output ${deviation.output} of layer ${deviation.layer} differs, counted from 0.`
      : "The ticket is about another network.";
  return (
    `Drawn again on the CPU in ${Math.ceil(milliseconds)} ms: every weight is equal. ` +
    `SHA-256 of the ticket ${fileDigest}, of the network ${targetDigest}.`
  );
}
