// A network of the visitor's own: a file that is chosen, or dropped anywhere on the page.

import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { messageOf } from "../message.ts";
import { numberText } from "../number.ts";
import { ask } from "../worker/ask.ts";
import type { ImportOrder } from "../worker/import.ts";
import { Problem } from "./problem.tsx";

/** A file that holds a network. */
export interface GivenFile {
  readonly name: string;
  readonly imported: ImportOrder["answer"];
}

interface FileInputProps {
  /** The view, with the field for a file at its place. */
  readonly children: (field: JSX.Element) => JSX.Element;
  /** The file that the view shows; undefined where it shows none. */
  readonly given: GivenFile | undefined;
  /** Called with a file that was read. A file that is no network is refused in a sentence. */
  readonly give: (file: GivenFile) => void;
}

/** The most bytes of a file that the page reads. */
const MAX_BYTES = 2 ** 27;

export function FileInput({ children, given, give }: FileInputProps) {
  const id = useId();
  const [problem, setProblem] = useState("");
  const [isOver, setOver] = useState(false);
  /** Counts what the visitor asked for. A file that was asked for before the last wish is ignored. */
  const wishes = useRef(0);

  async function read(file: File | undefined): Promise<void> {
    if (!file) return;
    const wish = ++wishes.current;
    const { name, size } = file;
    try {
      if (size > MAX_BYTES) throw new Error(`${name}: at most ${numberText(MAX_BYTES)} bytes are read here`);
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (wish !== wishes.current) return;
      const imported = await ask("import", { name, file: bytes }).answer;
      if (wish !== wishes.current) return;
      give({ name, imported });
      setProblem("");
    } catch (error) {
      if (wish === wishes.current) setProblem(messageOf(error));
    }
  }

  // Without a file the visitor went back to the small network.
  useEffect(() => {
    if (!given) wishes.current++;
  }, [given]);

  // A file that is dropped beside the view would otherwise replace the page.
  useEffect(() => {
    const over = (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    };
    const leave = ({ relatedTarget }: DragEvent) => {
      // A pointer that moves on to another element has not left the page.
      if (relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      void read(event.dataTransfer?.files[0]);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
      // A file that is still being read belongs to no view.
      wishes.current++;
    };
  }, []);

  const field = (
    <div class="field">
      <label for={id}>
        A network of your own: drop a JSON, safetensors or ONNX file on this page, or choose one. It stays in
        your browser: nothing is uploaded.
      </label>
      <input
        id={id}
        type="file"
        accept=".json,.safetensors,.onnx"
        aria-invalid={problem !== ""}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={({ currentTarget }) => {
          void read(currentTarget.files?.[0]);
          // The same file can be chosen again.
          currentTarget.value = "";
        }}
      />
      {problem && <Problem id={`${id}-problem`} text={problem} />}
    </div>
  );
  return <div class={isOver ? "drop over" : "drop"}>{children(field)}</div>;
}
