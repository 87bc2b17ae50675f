// Files that hold something else than a network that is read: what they are, by their bytes, and how their weights get into one.

import { Described, RequestError } from "../errors.ts";
import { quoted } from "./text.ts";

/** What a file is, and what to do with it. */
interface Kind {
  readonly what: string;
  readonly remedy: string;
}

const EXPECTED = "a network as safetensors, ONNX or JSON";

const python = (goal: string, ...lines: readonly string[]) =>
  `${goal} with Python:\n${lines.map((line) => `  ${line}`).join("\n")}`;
const SAFETENSORS = "write it as safetensors";

const fromTorch = python(
  SAFETENSORS,
  "import torch; from safetensors.torch import save_file",
  'state = torch.load("model.pt", map_location="cpu", weights_only=True)  # a state dict',
  'save_file({k: v.contiguous() for k, v in state.get("state_dict", state).items()}, "model.safetensors")',
);
const fromKeras = python(
  SAFETENSORS,
  "from keras.models import load_model; from safetensors.numpy import save_file",
  'layers = load_model("model.h5", compile=False).layers  # or "model.keras"',
  'save_file({f"{i}.{k}": w for i, l in enumerate(layers) for k, w in zip(("kernel", "bias"), l.get_weights())}, "model.safetensors")',
);
const fromNumpy = python(
  SAFETENSORS,
  "import numpy; from safetensors.numpy import save_file",
  'arrays = numpy.load("model.npz")  # or {"fc1.weight": numpy.load("fc1.npy"), ...}',
  'save_file({k: arrays[k] for k in arrays}, "model.safetensors")  # named fc1.weight [outputs, inputs], fc1.bias, ...',
);
const fromStateJson = python(
  SAFETENSORS,
  "import json, numpy; from safetensors.numpy import save_file",
  'state = json.load(open("model.json"))  # "fc1.weight" of shape [outputs, inputs], "fc1.bias", ...',
  'save_file({k: numpy.array(v, "float64") for k, v in state.items()}, "model.safetensors")',
);
const fromShards = python(
  "join the files that it names",
  "import json; from safetensors.torch import load_file, save_file",
  'files = set(json.load(open("model.safetensors.index.json"))["weight_map"].values())',
  'save_file({k: v for file in files for k, v in load_file(file).items()}, "model.safetensors")',
);
const fromPickle = python(
  "write a model of scikit-learn as ONNX",
  "import joblib, numpy; from skl2onnx import to_onnx",
  'model = joblib.load("model.pkl")  # runs code of the file: only from someone you trust',
  'open("model.onnx", "wb").write(to_onnx(model, numpy.zeros((1, model.n_features_in_), "float32")).SerializeToString())',
);
const fromGguf = python(
  SAFETENSORS,
  "from gguf import GGUFReader; from gguf.quants import dequantize; from safetensors.numpy import save_file",
  'tensors = GGUFReader("model.gguf").tensors',
  'save_file({t.name: dequantize(t.data, t.tensor_type) for t in tensors}, "model.safetensors")',
);
const fromFlax = python(
  SAFETENSORS,
  "from flax.serialization import msgpack_restore; from flax.traverse_util import flatten_dict; from safetensors.numpy import save_file",
  'state = msgpack_restore(open("model.msgpack", "rb").read())["params"]',
  'save_file(flatten_dict(state, sep="."), "model.safetensors")',
);
const fromTflite = "python -m tf2onnx.convert --tflite model.tflite --output model.onnx";
const fromSavedModel = "python -m tf2onnx.convert --saved-model FOLDER --output model.onnx";
const fromGraph =
  "python -m tf2onnx.convert --graphdef model.pb --inputs x:0 --outputs y:0 --output model.onnx";
const UNPACK = "unpack it and give the network in it";
const NO_NETWORK = "give the file with the weights";

/** What exported tickets are known by: the producer of a model, and a field of the metadata of tensors. */
export const EXPORTER = "exacta";

/** @throws {RequestError} For the file of an exported ticket: which is to be given itself, since a model hides its masks. */
export function refuseExported(): never {
  throw new RequestError(
    "file",
    "a network",
    new Described("an exported ticket"),
    "give the ticket itself, which exacta export has read",
  );
}

/** Files that are known by the bytes at one place. */
const signatures: readonly (Kind & { readonly at: number; readonly bytes: string })[] = [
  { at: 0, bytes: "\x89HDF\r\n\x1a\n", what: "an HDF5 file, such as Keras's .h5", remedy: fromKeras },
  { at: 0, bytes: "\x93NUMPY", what: "a NumPy array (.npy)", remedy: fromNumpy },
  { at: 4, bytes: "TFL3", what: "a TensorFlow Lite model (.tflite)", remedy: fromTflite },
  {
    at: 4,
    bytes: "ET12",
    what: "an ExecuTorch program (.pte)",
    remedy: "export the model that it was made from",
  },
  { at: 0, bytes: "GGUF", what: "a GGUF file", remedy: fromGguf },
  {
    at: 0,
    bytes: "version https://git-lfs.github.com/spec/",
    what: "a pointer of Git LFS, instead of the file that it stands for",
    remedy: "run git lfs pull in its repository",
  },
  { at: 0, bytes: "\x1f\x8b", what: "a gzip file", remedy: `${UNPACK}: gunzip FILE` },
  { at: 0, bytes: "\xfd7zXZ\0", what: "an xz file", remedy: `${UNPACK}: unxz FILE` },
  { at: 0, bytes: "BZh", what: "a bzip2 file", remedy: `${UNPACK}: bunzip2 FILE` },
  { at: 0, bytes: "\x28\xb5\x2f\xfd", what: "a Zstandard file", remedy: `${UNPACK}: unzstd FILE` },
  { at: 0, bytes: "7z\xbc\xaf\x27\x1c", what: "a 7z archive", remedy: `${UNPACK}: 7z x FILE` },
  { at: 257, bytes: "ustar", what: "a tar archive", remedy: `${UNPACK}: tar xf FILE` },
  { at: 0, bytes: "\x89PNG", what: "a PNG image", remedy: NO_NETWORK },
  { at: 0, bytes: "\xff\xd8\xff", what: "a JPEG image", remedy: NO_NETWORK },
  { at: 0, bytes: "\xff\xfe", what: "text in UTF-16", remedy: "save it in UTF-8" },
  { at: 0, bytes: "\xfe\xff", what: "text in UTF-16", remedy: "save it in UTF-8" },
];

/** How far into a file text is looked for. */
const TEXT_BYTES = 2 ** 16;

/** @throws {RequestError} For bytes of a kind of file that is known and not read: says what it is, and what to do. */
export function refuseForeignBytes(bytes: Uint8Array): void {
  const kind = kindOf(bytes);
  if (kind) throw new RequestError("file", EXPECTED, new Described(kind.what), kind.remedy);
}

function kindOf(bytes: Uint8Array): Kind | undefined {
  if (bytes.length === 0) return { what: "an empty file", remedy: "copy or download it again" };
  if (bytes.every((byte) => byte === 0)) return { what: "zeros only", remedy: "copy or download it again" };
  if (["PK\x03\x04", "PK\x05\x06"].some((start) => hasAt(bytes, 0, start))) return zipKind(bytes);
  const signature = signatures.find((known) => hasAt(bytes, known.at, known.bytes));
  if (signature) return signature;
  const start = latinOf(bytes.subarray(0, TEXT_BYTES));
  if (/^(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)/i.test(start))
    return {
      what: "a page of HTML, such as that of a download",
      remedy: "download the file itself; on Hugging Face its address has /resolve/ in place of /blob/",
    };
  if (/^(\xef\xbb\xbf)?\s*<(\?xml|[a-z]+[ >])/i.test(start))
    return { what: "an XML file", remedy: "give the file with the weights, or download it again" };
  return binaryKind(bytes, start);
}

/** What torch.save wrote before version 1.6: its magic number, as a pickle of its own. */
const OLD_TORCH = "\x80\x02\x8a\x0al\xfc\x9cF\xf9";

/** @param start The first bytes of the file, as characters. */
function binaryKind(bytes: Uint8Array, start: string): Kind | undefined {
  const [first = 0, second = 0] = bytes;
  // Pickles of protocol 2 to 5.
  if (first === 0x80 && second >= 2 && second <= 5)
    return start.startsWith(OLD_TORCH) || start.slice(0, 512).includes("torch")
      ? { what: "a PyTorch file (.pt, .pth), as a pickle", remedy: fromTorch }
      : { what: "a Python pickle", remedy: fromPickle };
  // A SavedModel has version 1 in field 1, and in field 2, behind its length, a graph that begins with its own field 1.
  if (start.startsWith("\x08\x01\x12")) {
    const lengthEnd = bytes.findIndex((byte, i) => i >= 3 && byte < 0x80);
    if (bytes[lengthEnd + 1] === 0x0a)
      return { what: "a TensorFlow SavedModel (.pb)", remedy: fromSavedModel };
  }
  // The nodes of a graph are its field 1, and their operators, field 2 of these.
  if (first === 0x0a && start.includes("\x12") && /Placeholder|Const|NoOp|VarHandleOp|VariableV2/.test(start))
    return { what: "a TensorFlow graph (.pb)", remedy: fromGraph };
  if (first > 0x80 && first < 0x90 && start.slice(2, 8) === "params")
    return { what: "a Flax file (.msgpack)", remedy: fromFlax };
  return undefined;
}

function hasAt(bytes: Uint8Array, at: number, text: string): boolean {
  return latinOf(bytes.subarray(at, at + text.length)) === text;
}

/** Bytes as characters of the same codes. */
function latinOf(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096)
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}

/** The bytes of a zip archive's directory that are looked at: at its end. */
const DIRECTORY_BYTES = 2 ** 20;

/** What a zip archive holds, by the names in its directory; where it is cut off, by those of its first members. */
function zipKind(bytes: Uint8Array): Kind {
  const names = [...zipNames(bytes.subarray(-DIRECTORY_BYTES)), ...zipNames(bytes.subarray(0, TEXT_BYTES))];
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/(^|\/)data\.pkl$/))
    return has(/(^|\/)code\//) || has(/(^|\/)constants\.pkl$/)
      ? {
          what: "a TorchScript model of PyTorch (.pt)",
          remedy: fromTorch.replace(
            'torch.load("model.pt", map_location="cpu", weights_only=True)  # a state dict',
            'torch.jit.load("model.pt", map_location="cpu").state_dict()',
          ),
        }
      : { what: "a PyTorch file (.pt, .pth)", remedy: fromTorch };
  if (has(/(^|\/)model\.weights\.h5$/)) return { what: "a Keras model (.keras)", remedy: fromKeras };
  if (names.length > 0 && names.every((name) => name.endsWith(".npy")))
    return { what: "NumPy arrays (.npz)", remedy: fromNumpy };
  return { what: "a zip archive", remedy: `${UNPACK}: unzip FILE` };
}

/** The names behind the signatures of members, local and in the directory. */
function zipNames(bytes: Uint8Array): string[] {
  const text = latinOf(bytes);
  const names: string[] = [];
  for (const { 1: kind, index } of text.matchAll(/PK(..)/gs)) {
    if (kind !== "\x01\x02" && kind !== "\x03\x04") continue;
    const [lengthAt, nameAt] = kind === "\x01\x02" ? [28, 46] : [26, 30];
    const length = text.charCodeAt(index + lengthAt) + 256 * text.charCodeAt(index + lengthAt + 1);
    const name = text.slice(index + nameAt, index + nameAt + length);
    if (name.length === length && length > 0) names.push(name);
  }
  return names;
}

/** The form of JSON that is read. */
const FORM = '{"layers": [{"weights": [[0.5, -1]], "biases": [0.1]}]}, weights of shape [outputs, inputs]';

/** @throws {RequestError} For JSON that is no network and no attempt at one: says what it is, and what to do. */
export function refuseForeignJson(value: unknown): void {
  const kind = jsonKind(value);
  if (kind)
    throw new RequestError("network", `JSON of the form ${FORM}`, new Described(kind.what), kind.remedy);
}

/** Fields of the configurations of models: of transformers, diffusers and Keras. */
const CONFIGURATION =
  /^(model_type|architectures|hidden_size|class_name|_class_name|torch_dtype|transformers_version)$/;

function jsonKind(value: unknown): Kind | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const what = Array.isArray(value) ? "a list" : JSON.stringify(value).slice(0, 60);
    return { what, remedy: "put its layers into an object" };
  }
  const names = Object.keys(value);
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  const listed = names.slice(0, 4).map(quoted).join(", ") || "nothing";
  if (has(/^(layers|nodes|bits|activationBits)$/)) return undefined;
  if (has(/^weight_map$/))
    return { what: "the index of a safetensors file in several parts", remedy: fromShards };
  if (has(CONFIGURATION))
    return { what: "the configuration of a model, without weights", remedy: NO_NETWORK };
  if (has(/(weight|bias|kernel)s?$/i)) return { what: `tensors by name, ${listed}`, remedy: fromStateJson };
  return { what: `an object with ${listed}`, remedy: NO_NETWORK };
}
