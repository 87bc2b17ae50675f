// The table and the report of `exacta digits`: the weights of both networks as pictures, and their outputs for some images.

import type { DigitsFinding } from "../../../src/finding.ts";
import type { Network } from "../../../src/network.ts";
import { documentHtml, entry, runHtml, type RunAbout } from "./page.ts";
import { columns, grouped } from "./table.ts";

/** The test images read by one network. */
export interface Reading {
  readonly outputs: Float64Array;
  /** Images whose largest output is that of their digit. */
  readonly correct: number;
  readonly seconds: number;
}

/** The width of the first column of the table. */
const NAME_COLUMNS = 44;

/** The table, of the readings by the network and by the ticket with its audit and its collapsed pass. */
export function digitsText(
  { theorem, targetBits, seed, images, target, ...rest }: DigitsFinding,
  [whole, audit, collapsed]: readonly [Reading, Reading, Reading],
): string {
  const { initial, kept, certified, equal, engine, adapter } = rest;
  const reads = ({ correct, seconds }: Reading) => [
    `${((100 * correct) / images).toFixed(2)} %`,
    seconds.toFixed(2),
  ];
  const table = columns([
    ["".padEnd(NAME_COLUMNS), "weights", "kept", `reads of ${grouped(images)} images`, "seconds"],
    [`the network, ${targetBits} bits a weight`.padEnd(NAME_COLUMNS), grouped(target), "", ...reads(whole)],
    [
      "a random network, pruned, all hidden units".padEnd(NAME_COLUMNS),
      grouped(initial),
      grouped(kept),
      ...reads(audit),
    ],
    ["the same, collapsed".padEnd(NAME_COLUMNS), "", "", ...reads(collapsed)],
  ]);
  const outputs = grouped(whole.outputs.length);
  return [
    `A network that reads handwritten digits, and the random network of seed ${seed}, pruned to it by Theorem ${theorem}`,
    "",
    ...table,
    "",
    certified
      ? "certified: the kept items behind every weight sum to it, so both networks are equal on every input"
      : "not certified: a weight differs",
    `${equal ? `all ${outputs} outputs are the same integers` : "outputs differ"} (${engine}: ${adapter})`,
    "",
  ].join("\n");
}

/** Rows and columns of an image. */
const SIDE = 28;
/** Images in the report. */
const SHOWN_IMAGES = 12;

export interface DigitsReport {
  /** The network, and the one that the ticket represents, summed up from its kept weights alone. */
  readonly network: Network;
  readonly represented: Network;
  /** SIDE x SIDE values of each image, image by image, and the digits that they show. */
  readonly images: Int32Array;
  readonly labels: Uint8Array;
  /** Outputs of the network and of the pruned network, as integers, image by image. */
  readonly outputs: Float64Array;
  readonly pruned: Float64Array;
}

/** A complete HTML document. */
export function digitsReport(finding: DigitsFinding, report: DigitsReport, about: RunAbout): string {
  const { network, represented, images, labels, outputs, pruned } = report;
  const { theorem, targetBits, target, initial, kept, correct, images: count } = finding;
  const width = outputs.length / labels.length;
  const pixels = SIDE ** 2;
  const unitsOf = ({ layers: [layer] }: Network) =>
    Array.from({ length: layer!.rows - 1 }, (_, unit) =>
      weightsPicture(
        layer!.weights.subarray(unit * layer!.columns, unit * layer!.columns + pixels),
        targetBits,
      ),
    );
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
  return documentHtml(
    "A network inside a random one",
    `<p>A perceptron that was trained to read handwriting, with weights of ${targetBits} bits, and a random network that was pruned
until it equals that perceptron (Theorem ${theorem} of Kumar and Natale). The random network was not trained: a seed gives its
weights, and a mask selects those that are kept.</p>
<dl>
${entry("the network", `${grouped(target)} weights`)}
${entry("the random network", `${grouped(initial)} weights, of which ${grouped(kept)} are kept`)}
${entry("test images", `${grouped(correct)} of ${grouped(count)} are read right, by both`)}
${entry("outputs", finding.equal ? "the same integers" : "<strong>not the same</strong>")}
</dl>
<h2>Weights of the hidden units</h2>
<p>The weights of each hidden unit, one for each pixel: blue is positive, red is negative. First the weights of the network, then, for
each of them, the sum of the kept items of the random network.</p>
<p>${unitsOf(network).join("\n")}</p>
<p>${unitsOf(represented).join("\n")}</p>
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

/** An image as black ink on white paper. */
function inkPicture(ink: Int32Array, label: number): string {
  return picture(
    `a handwritten ${label}`,
    2,
    Array.from(ink, (value): Color => [255 - value, 255 - value, 255 - value]),
  );
}

/** Weights in -2^bits..2^bits as a picture: blue above 0, red below. */
function weightsPicture(weights: Int32Array, bits: number): string {
  const colors = Array.from(weights, (weight): Color => {
    const pale = Math.round(255 * (1 - Math.min(1, (2 * Math.abs(weight)) / 2 ** bits)));
    return weight > 0 ? [pale, pale, 255] : [255, pale, pale];
  });
  return picture("weights of a hidden unit", 2, colors);
}

/** Red, green and blue, 0..255. */
type Color = readonly [number, number, number];

/** An image of SIDE x SIDE pixels, row by row from the top, as a bitmap (BMP) that is part of the document. */
function picture(alt: string, zoom: number, colors: readonly Color[]): string {
  const HEADER = 54;
  const bytes = Buffer.alloc(HEADER + 3 * SIDE ** 2);
  bytes.write("BM");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(HEADER, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(SIDE, 18);
  // A negative height has the top row first.
  bytes.writeInt32LE(-SIDE, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  colors.forEach(([red, green, blue], i) => bytes.set([blue, green, red], HEADER + 3 * i));
  const size = SIDE * zoom;
  return `<img src="data:image/bmp;base64,${bytes.toString("base64")}" alt="${alt}" width="${size}" height="${size}" style="image-rendering:pixelated">`;
}
