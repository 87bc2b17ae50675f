// Files of other kinds, each by its own bytes: what they are called, and that a way to a network is named.

import { describe, expect, test } from "vitest";
import { field, join } from "../../test/writers.ts";
import { RequestError } from "../errors.ts";
import { importNetwork } from "./network.ts";

const latin = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const padded = (text: string) => join(latin(text), new Uint8Array(300));

/** A zip archive of files without content; `isCut` leaves its directory out. */
function zip(names: readonly string[], isCut = false): Uint8Array {
  const numbers = (...words: readonly number[]) => new Uint8Array(Uint16Array.from(words).buffer);
  const locals = names.map((name) =>
    join(latin("PK\x03\x04"), numbers(20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, name.length, 0), latin(name)),
  );
  const directory = names.map((name) =>
    join(
      latin("PK\x01\x02"),
      numbers(20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, name.length, 0, 0, 0, 0, 0, 0, 0, 0),
      latin(name),
    ),
  );
  const content = new Uint8Array(names.length * 50_000);
  return join(...locals, content, ...(isCut ? [] : directory), latin("PK\x05\x06"), new Uint8Array(18));
}

function refusalOf(bytes: Uint8Array): RequestError {
  try {
    importNetwork(bytes);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
  throw new Error("it was read");
}

const lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
const savedModel = (text: string) =>
  join(
    field(1, 1),
    field(
      2,
      join(field(1, join(field(2, field(1, text)), field(5, "2.15.0"))), field(2, new Uint8Array(200))),
    ),
  );

const kinds: readonly (readonly [string, Uint8Array, string, RegExp])[] = [
  ["an empty file", new Uint8Array(), "an empty file", /download it again/],
  ["zeros", new Uint8Array(100), "zeros only", /download it again/],
  [
    "PyTorch",
    zip(["archive/data.pkl", "archive/data/0", "archive/version"]),
    "a PyTorch file (.pt, .pth)",
    /torch\.load/,
  ],
  ["PyTorch, cut off", zip(["m/data.pkl", "m/data/0"], true), "a PyTorch file (.pt, .pth)", /torch\.load/],
  [
    "TorchScript",
    zip(["m/code/__torch__.py", "m/data.pkl", "m/constants.pkl"]),
    "a TorchScript model of PyTorch (.pt)",
    /torch\.jit\.load/,
  ],
  [
    "PyTorch before 1.6",
    padded("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
    "a PyTorch file (.pt, .pth), as a pickle",
    /torch\.load/,
  ],
  [
    "a pickle of tensors",
    padded("\x80\x04\x95\x10\0\0\0\0\0\0\0}\x8c\x0ctorch._utils"),
    "a PyTorch file (.pt, .pth), as a pickle",
    /torch\.load/,
  ],
  ["a pickle", padded("\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x07sklearn"), "a Python pickle", /to_onnx/],
  [
    "Keras",
    zip(["metadata.json", "config.json", "model.weights.h5"]),
    "a Keras model (.keras)",
    /load_model/,
  ],
  ["NumPy arrays", zip(["W1.npy", "b1.npy"]), "NumPy arrays (.npz)", /numpy\.load/],
  ["another zip", zip(["model.onnx", "readme.txt"]), "a zip archive", /unzip/],
  ["an empty zip", zip([]), "a zip archive", /unzip/],
  ["HDF5", padded("\x89HDF\r\n\x1a\n"), "an HDF5 file, such as Keras's .h5", /load_model/],
  ["a NumPy array", padded("\x93NUMPY\x01\0"), "a NumPy array (.npy)", /numpy\.load/],
  [
    "TensorFlow Lite",
    padded("\x1c\0\0\0TFL3"),
    "a TensorFlow Lite model (.tflite)",
    /tf2onnx\.convert --tflite/,
  ],
  ["ExecuTorch", padded("\x1c\0\0\0ET12"), "an ExecuTorch program (.pte)", /export/],
  ["a SavedModel", savedModel("VarHandleOp"), "a TensorFlow SavedModel (.pb)", /--saved-model/],
  [
    "a TensorFlow graph",
    join(field(1, join(field(1, "x"), field(2, "Placeholder"))), new Uint8Array(40)),
    "a TensorFlow graph (.pb)",
    /--graphdef/,
  ],
  ["Flax", padded("\x81\xa6params\x82"), "a Flax file (.msgpack)", /msgpack_restore/],
  ["GGUF", padded("GGUF\x03\0\0\0"), "a GGUF file", /GGUFReader/],
  [
    "a Git LFS pointer",
    latin(lfs),
    "a pointer of Git LFS, instead of the file that it stands for",
    /git lfs pull/,
  ],
  [
    "a page",
    latin("\n <!DOCTYPE html>\n<html>"),
    "a page of HTML, such as that of a download",
    /\/resolve\//,
  ],
  [
    "a page behind a byte order mark",
    latin("\xef\xbb\xbf<html lang=en>"),
    "a page of HTML, such as that of a download",
    /\/resolve\//,
  ],
  [
    "XML",
    latin('<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
    "an XML file",
    /download it again/,
  ],
  ["gzip", padded("\x1f\x8b\x08"), "a gzip file", /gunzip/],
  ["xz", padded("\xfd7zXZ\0"), "an xz file", /unxz/],
  ["bzip2", padded("BZh91AY"), "a bzip2 file", /bunzip2/],
  ["Zstandard", padded("\x28\xb5\x2f\xfd"), "a Zstandard file", /unzstd/],
  ["7z", padded("7z\xbc\xaf\x27\x1c"), "a 7z archive", /7z x/],
  ["tar", join(new Uint8Array(257).fill(65), padded("ustar\0")), "a tar archive", /tar xf/],
  ["PNG", padded("\x89PNG\r\n\x1a\n"), "a PNG image", /weights/],
  ["JPEG", padded("\xff\xd8\xff\xe0"), "a JPEG image", /weights/],
  ["UTF-16", latin("\xff\xfe{\0}\0"), "text in UTF-16", /UTF-8/],
  [
    "the index of shards",
    latin('{"metadata":{},"weight_map":{"fc1.weight":"a.safetensors"}}'),
    "the index of a safetensors file in several parts",
    /weight_map/,
  ],
  [
    "a configuration",
    latin('{"architectures":["X"],"hidden_size":8}'),
    "the configuration of a model, without weights",
    /weights/,
  ],
  [
    "a state dict in JSON",
    latin('{"fc1.weight":[[1]],"fc1.bias":[1]}'),
    'tensors by name, "fc1.weight", "fc1.bias"',
    /json\.load/,
  ],
  ["another object", latin('{"a":1}'), 'an object with "a"', /weights/],
  ["an empty object", latin("{}"), "an object with nothing", /weights/],
  ["a list", latin("[1]"), "a list", /object/],
  ["null", latin("null"), "null", /object/],
];

describe("Files of other kinds", () => {
  test.each(kinds)("A file of %s is named", (_, bytes, what, remedy) => {
    const error = refusalOf(bytes);
    expect(error.message).toContain(`, got ${what}; `);
    expect(error.message).toMatch(/(safetensors, ONNX or JSON|JSON of the form)/);
    expect(error.remedy).toMatch(remedy);
  });

  test("A file of another kind is named whatever follows its first bytes, and for any place in memory", () => {
    for (const [, bytes, what] of kinds.filter(([, bytes]) => bytes.length > 300)) {
      const shifted = new Uint8Array(bytes.length + 3).fill(7);
      shifted.set(bytes, 3);
      expect(refusalOf(shifted.subarray(3)).message).toContain(what);
    }
  });

  test("JSON behind a byte order mark is read", () => {
    const { network } = importNetwork(latin('\xef\xbb\xbf{"layers":[{"weights":[[0.5,0.25]]}]}'), {
      targetBits: 2,
    });
    expect(Array.from(network.layers[0]!.weights)).toEqual([4, 2]);
  });
});
