// The table and the report of `exacta digits`: the hidden units or kernels of the random network from noise to their weights, the
// controls, and the outputs of both networks for some images.

import { sideOf, stages, unitCells } from "../../../src/figures/unit.ts";
import type { DigitsFinding } from "../../../src/finding.ts";
import type { Control } from "../../../src/ticket/controls.ts";
import { ticketLayers } from "../../../src/ticket/scheme.ts";
import type { GraphTicket, Ticket } from "../../../src/ticket/ticket.ts";
import { unitCount, unitProducts } from "../../../src/ticket/unit.ts";
import { documentHtml, entry, runHtml, type RunAbout } from "./page.ts";
import { cellsAddress } from "./png.ts";
import { columns, grouped } from "./table.ts";

/** The test images read by one network. */
export interface Reading {
  readonly outputs: Float64Array;
  /** Images whose largest output is that of their digit. */
  readonly correct: number;
  readonly seconds: number;
}

/** The readings by the network, by the ticket with both of its passes, and by the controls where they were run. */
export interface Readings extends Readonly<Record<"network" | "audit" | "collapsed", Reading>> {
  readonly controls?: Readonly<Record<Control, Reading>>;
}

/** The width of the first column of the table. */
const NAME_COLUMNS = 44;

/** What the networks of the package are called. */
const titles = new Map([
  ["perceptron", "a perceptron"],
  ["lenet", "a LeNet-5"],
]);

const percentOf = (correct: number, images: number) => `${((100 * correct) / images).toFixed(2)} %`;

export function digitsText(
  { network, theorem, targetBits, seed, images, target, ...rest }: DigitsFinding,
  readings: Readings,
  inputs: string,
): string {
  const { initial, kept, certified, equal, engine, adapter } = rest;
  const row = (name: string, weights: string, keptWeights: string, { correct, seconds }: Reading) => [
    name.padEnd(NAME_COLUMNS),
    weights,
    keptWeights,
    percentOf(correct, images),
    seconds.toFixed(2),
  ];
  const { network: whole, controls } = readings;
  const table = columns([
    ["".padEnd(NAME_COLUMNS), "weights", "kept", `reads of ${grouped(images)} images`, "seconds"],
    row(`${titles.get(network) ?? "the network"}, ${targetBits} bits a weight`, grouped(target), "", whole),
    row("a random network, pruned, all hidden units", grouped(initial), grouped(kept), readings.audit),
    row("the same, collapsed", "", "", readings.collapsed),
    ...(controls
      ? [
          row("the random network, uncut", "", grouped(initial), controls.uncut),
          row("the random network, cut at random", "", grouped(kept), controls.random),
        ]
      : []),
  ]);
  const outputs = grouped(whole.outputs.length);
  return [
    `A network that reads handwritten digits, and the random network of seed ${seed}, pruned to it by Theorem ${theorem}`,
    "",
    ...table,
    "",
    certified
      ? `certified: the kept items behind every weight sum to it, so both networks are equal on every ${inputs}`
      : "not certified: a weight differs",
    `${equal ? `all ${outputs} outputs are the same integers` : "outputs differ"} (${engine}: ${adapter})`,
    "",
  ].join("\n");
}

/** Images in the report, and the most hidden units or kernels. */
const SHOWN_IMAGES = 12;
const MAX_SHOWN_UNITS = 64;
/** The width of a picture of an image, and of one of a hidden unit or a kernel, in CSS pixels. */
const IMAGE_WIDTH = 56;
const UNIT_WIDTH = 280;

/** The colors of positive and negative weights, legible on light and on dark paper. */
const PLUS = [224, 112, 26] as const;
const MINUS = [66, 125, 222] as const;
/** Ink that is legible on both. */
const INK = [128, 134, 144] as const;

export interface DigitsReport {
  readonly ticket: Ticket | GraphTicket;
  /** The values of each image, 0..255, image by image, and the digits that they show. */
  readonly images: Int32Array;
  readonly labels: Uint8Array;
  /** Outputs of the network and of the pruned network, as integers, image by image. */
  readonly outputs: Float64Array;
  readonly pruned: Float64Array;
}

/** A complete HTML document. */
export function digitsReport(finding: DigitsFinding, report: DigitsReport, about: RunAbout): string {
  const { ticket, images, labels, outputs, pruned } = report;
  const { theorem, targetBits, seed, target, initial, kept, images: count } = finding;
  const { uncutCorrect, randomCorrect } = finding;
  const width = outputs.length / labels.length;
  const pixels = images.length / labels.length;
  const form = formOf(ticket);
  const shown = Math.min(unitCount(ticket), MAX_SHOWN_UNITS);
  const units = Array.from({ length: shown }, (_, unit) => unitHtml(ticket, unit, form));
  const rows = Array.from({ length: Math.min(SHOWN_IMAGES, labels.length) }, (_, k) => {
    const ours = Array.from(outputs.subarray(k * width, (k + 1) * width));
    const answer = ours.indexOf(Math.max(...ours));
    const cells = ours.map((value, digit) => {
      const both = `${value}<br>${pruned[k * width + digit]}`;
      return `<td>${digit === answer ? `<strong>${both}</strong>` : both}</td>`;
    });
    const image = inkPicture(images.subarray(k * pixels, (k + 1) * pixels), labels[k]!);
    return `<tr><td>${image}</td><th scope="row">network<br>pruned</th>${cells.join("")}</tr>`;
  });
  const reads = (correct: number) => `reads ${grouped(correct)} of ${grouped(count)} images right`;
  return documentHtml(
    "A network inside a random one",
    `<p>A network that was trained to read handwriting, with weights of ${targetBits} bits, and a random network that was pruned until it
equals the trained one (Theorem ${theorem} of <a href="https://arxiv.org/abs/2508.11020">Kumar and Natale</a>). The random network was
not trained: seed ${seed} draws its weights, and a mask says which of them are kept.</p>
<dl>
${entry("the trained network", `${titles.get(finding.network) ?? "a network of your own"}, ${grouped(target)} weights; ${reads(finding.correct)}`)}
${entry("the random network, pruned", `${grouped(initial)} weights, of which ${grouped(kept)} are kept; ${reads(finding.correct)}`)}
${entry("its outputs", finding.equal ? "the same integers as those of the trained network, for all images" : "<strong>not the same</strong>")}
${uncutCorrect === undefined ? "" : entry("the random network, uncut", reads(uncutCorrect))}
${randomCorrect === undefined ? "" : entry("the random network, cut at random", `as many weights of each layer are kept, chosen by the seed; fewer products are, since a product needs both of its weights; ${reads(randomCorrect)}`)}
</dl>
${unitsHtml(form)}
${units.join("\n")}
<h2>Outputs</h2>
<p>The first test images, and the ten outputs of both networks for each. The largest output is the answer.</p>
<div class="scroll" tabindex="0" role="region" aria-label="outputs">
<table>
<thead><tr><th scope="col">image</th><th scope="col"></th>${Array.from({ length: width }, (_, digit) => `<th scope="col">${digit}</th>`).join("")}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</div>
<h2>Run</h2>
${runHtml(about, [], [])}`,
  );
}

/** The kind of the first layer, and whether some products pass on inputs below 0. */
interface Form {
  readonly isConvolution: boolean;
  readonly signed: boolean;
}

function formOf(ticket: Ticket | GraphTicket): Form {
  const { taps, signed } = ticketLayers(ticket)[1]!;
  return { isConvolution: taps !== undefined, signed };
}

/** The heading above the units or kernels, and what their pictures show. */
function unitsHtml({ isConvolution, signed }: Form): string {
  const [heading, each] = isConvolution
    ? ["Kernels", "one kernel of the first layer, weight by weight"]
    : ["Hidden units", "one hidden unit, pixel by pixel"];
  const dots = signed
    ? `The strong dots pass on pixels with ink and are added up here. The pale dots pass on inputs below 0, which no image has.`
    : "Every dot is a kept product, whatever its magnitude.";
  return `<h2>${heading}</h2>
<p>Each row is ${each}: all its random products of two weights, those that are kept, and what the kept ones add up to, which is the
weight of the trained network. Orange is above 0, blue below. ${dots}</p>`;
}

/** A hidden unit or a kernel as three pictures: noise, the kept products, and their sums. */
function unitHtml(ticket: Ticket | GraphTicket, unit: number, { isConvolution, signed }: Form): string {
  const products = unitProducts(ticket, unit);
  const { positive, negative, inputs, across } = products;
  const name = `${isConvolution ? "kernel" : "unit"} ${unit + 1}`;
  const height = Math.round((UNIT_WIDTH * Math.ceil(inputs / across)) / across);
  const picture = (stage: number, alt: string, caption: string) =>
    `<figure>${imageHtml(cellsAddress(unitCells(products, stage), PLUS, MINUS), alt, UNIT_WIDTH, height)}<figcaption>${caption}</figcaption></figure>`;
  const ink = signed ? `, ${grouped(positive)} of them for pixels with ink` : "";
  return `<div class="unit">
${picture(stages.noise, `noise of ${name}`, `${name}: ${grouped(products.products.length)} random products`)}
${picture(stages.kept, `kept products of ${name}`, `${grouped(positive + negative)} are kept${ink}`)}
${picture(stages.sum, `weights of ${name}`, "what those add up to")}
</div>`;
}

/** An image as ink on the paper of the page. */
function inkPicture(ink: Int32Array, label: number): string {
  const side = sideOf(ink.length);
  const cells = { width: side, height: side, shades: Float32Array.from(ink, (value) => value / 255) };
  return imageHtml(cellsAddress(cells, INK, INK), `a handwritten ${label}`, IMAGE_WIDTH);
}

function imageHtml(address: string, alt: string, width: number, height = width): string {
  return `<img src="${address}" alt="${alt}" width="${width}" height="${height}">`;
}
