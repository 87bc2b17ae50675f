// The form of the experiment: shows inputs and reads them back.

import { mostBits, names, type Inputs } from "./inputs.ts";

/** The bits that have a checkbox are 1..MAX_BITS, the most of any ensemble (`mostBits`). */
const MAX_BITS = 14;

/** Adds a checkbox for each number of bits, and calls `changed` when an input changes or the form is submitted. */
export function openControls(form: HTMLFormElement, changed: () => void): void {
  form.querySelector("#bits")!.append(
    ...Array.from({ length: MAX_BITS }, (_, i) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.name = "bits";
      box.value = String(i + 1);
      label.append(box, box.value);
      return label;
    }),
  );
  form.addEventListener("change", () => {
    offerBits(form);
    changed();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    changed();
  });
}

/** Shows inputs. A value that the form does not offer, such as an unknown engine, leaves its field blank. */
export function showInputs(form: HTMLFormElement, inputs: Inputs): void {
  const bits = new Set(inputs.bits.split(",").map((text) => text.trim()));
  for (const name of names) {
    const field = form.elements.namedItem(name);
    if (field instanceof RadioNodeList)
      for (const box of field as Iterable<HTMLInputElement>) box.checked = bits.has(box.value);
    else (field as HTMLInputElement | HTMLSelectElement).value = inputs[name];
  }
  offerBits(form);
}

export function readInputs(form: HTMLFormElement): Inputs {
  const data = new FormData(form);
  return Object.fromEntries(
    names.map((name) => [name, (data.getAll(name) as string[]).join(",").trim()]),
  ) as Inputs;
}

/** Unchecks and disables the bits that are not offered for the chosen ensemble. */
function offerBits(form: HTMLFormElement): void {
  const most = mostBits((form.elements.namedItem("ensemble") as HTMLSelectElement).value);
  for (const box of form.querySelectorAll<HTMLInputElement>("input[name=bits]")) {
    box.disabled = Number(box.value) > most;
    if (box.disabled) box.checked = false;
  }
}
