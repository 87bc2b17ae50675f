// Share: the address of what is shown, its numbers and its picture as files, the command that computes the same, and citations.

import { useEffect, useId, useRef, useState } from "preact/hooks";
import { bibtex } from "../citation.ts";
import { messageOf } from "../message.ts";
import { exported, page, shownAddress, type Exports } from "../page.ts";
import { useCopy } from "./copy.ts";
import { csvOf } from "./csv.ts";
import { Problem } from "./problem.tsx";
import { saveFile } from "./save.ts";
import "./share.css";

/** What was shown when the dialog was opened: trials are counted on behind it. */
interface Shared {
  readonly address: string;
  readonly name: string;
  readonly exports: Exports | undefined;
}

export function Share() {
  const [shared, setShared] = useState<Shared>();
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        onClick={() =>
          setShared({
            address: shownAddress(),
            name: page.open.value?.name ?? "exacta",
            exports: exported.value,
          })
        }
      >
        Share
      </button>
      {shared && <ShareDialog {...shared} close={() => setShared(undefined)} />}
    </>
  );
}

function ShareDialog({ address, name, exports, close }: Shared & { readonly close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => dialog.current!.showModal(), []);
  const embedded = new URL(address);
  embedded.searchParams.set("embed", "yes");

  /** Saves a file whose making may take a moment, or may fail. */
  async function save(ending: string, make: (exports: Exports) => Blob | Promise<Blob>): Promise<void> {
    try {
      saveFile(`exacta-${name}.${ending}`, await make(exports!));
      setProblem("");
    } catch (error) {
      setProblem(`The ${ending} file cannot be made: ${messageOf(error)}`);
    }
  }

  return (
    <dialog
      ref={dialog}
      class="share"
      aria-label="Share"
      onClose={close}
      // The dialog fills its box, so that a click on the dialog itself is one beside it.
      onClick={(event) => event.target === event.currentTarget && dialog.current!.close()}
    >
      <div>
        <h2>Share what is shown</h2>
        <Copy label="Address">{address}</Copy>
        <Copy label="Address without controls, for a frame in another page">{String(embedded)}</Copy>
        {exports && (
          <>
            <Copy label={exports.label ?? "Command that computes the same"}>{exports.command}</Copy>
            <div class="row">
              <button
                type="button"
                onClick={() =>
                  void save("json", ({ records }) =>
                    file("application/json", JSON.stringify(records(), null, 1)),
                  )
                }
              >
                JSON
              </button>
              <button
                type="button"
                onClick={() => void save("csv", ({ records }) => file("text/csv", csvOf(records())))}
              >
                CSV
              </button>
              <button
                type="button"
                onClick={() =>
                  void save("svg", async ({ picture }) => file("image/svg+xml", await picture()))
                }
              >
                SVG
              </button>
              <button
                type="button"
                onClick={() => void save("png", async ({ picture }) => pngOf(await picture()))}
              >
                PNG
              </button>
            </div>
          </>
        )}
        {problem && <Problem text={problem} />}
        <Copy label="BibTeX of the paper and of exacta" isLong>
          {bibtex}
        </Copy>
        <button type="button" class="main" onClick={() => dialog.current!.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}

/** A text with a button that copies it. */
function Copy({
  label,
  children,
  isLong = false,
}: {
  readonly label: string;
  readonly children: string;
  readonly isLong?: boolean;
}) {
  const id = useId();
  const { state, copy } = useCopy();
  const field = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  useEffect(() => {
    // The visitor copies what is selected.
    if (state === "refused") field.current!.select();
  }, [state]);
  const shared = { id, ref: field, readOnly: true, value: children, spellcheck: false } as const;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="copy">
        {isLong ? <textarea {...shared} rows={6} /> : <input {...shared} />}
        <button type="button" aria-label={`Copy: ${label}`} onClick={() => copy(children)}>
          {state === "copied" ? "Copied" : "Copy"}
        </button>
      </div>
    </div>
  );
}

const file = (type: string, text: string) => new Blob([text], { type });

/** Pixels of a picture for one of its units. */
const DENSITY = 2;

/** Draws the text of an SVG document as a PNG file. */
async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  const address = URL.createObjectURL(file("image/svg+xml", svg));
  try {
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = DENSITY * image.width;
    canvas.height = DENSITY * image.height;
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => {
      canvas.toBlob((png) => (png ? resolve(png) : reject(new Error("the picture is too large"))));
    });
  } finally {
    URL.revokeObjectURL(address);
  }
}
