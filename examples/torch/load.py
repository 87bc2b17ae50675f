"""Runs an exported ticket in PyTorch, and compares it with the same ticket as an ONNX model.

    exacta export ticket.safetensors --to safetensors --out network.safetensors
    exacta export ticket.safetensors --to onnx --out network.onnx
    python3 load.py network.safetensors --onnx network.onnx --inputs inputs.csv
"""

import argparse
import json

import numpy
import torch
from safetensors import safe_open
from torch.nn import functional


class PrunedNetwork(torch.nn.Module):
    """The pruned random network, or the layers that equal it, in float64, which is exact up to 2^53.

    `forward` takes integers of shape [samples, ...] and gives those of `exacta forward`.
    """

    def __init__(self, path: str):
        super().__init__()
        with safe_open(path, "pt") as file:
            description = json.loads(file.metadata()["exacta"])
            for name in file.keys():
                self.register_buffer(name.replace(".", "_"), file.get_tensor(name))
        self.input = description["input"]
        self.nodes = description["nodes"]

    def part(self, node: dict, name: str):
        """The kept weights of a part of a layer, None where it has no such part."""
        name = f"{node['name']}.{name}".replace(".", "_")
        buffers = dict(self.named_buffers())
        if name in buffers:
            return buffers[name].double()
        if f"{name}_orig" in buffers:
            return buffers[f"{name}_orig"].double() * buffers[f"{name}_mask"].double()
        return None

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        bits = self.input["activationBits"]
        shape = self.input["shape"]
        value = inputs.double()
        if self.input["constant"]:
            shape = [shape[0] - 1]
            value = functional.pad(value.reshape(-1, *shape), (0, 1), value=2.0**bits)
        values = [(value.reshape(-1, *self.input["shape"]), bits)]
        for node in self.nodes:
            sums, divisor = self.sums(node, [values[k] for k in node["from"]])
            values.append((finish(sums, divisor, node["epilogue"]), node["epilogue"]["activationBits"]))
        return values[-1][0].long()

    def sums(self, node: dict, reads: list):
        """The sums of a node, and what the quantizer divides them by beside a power of two."""
        value, bits = reads[0]
        if node["kind"] == "flatten":
            return value.flatten(1), 1.0
        if node["kind"] == "add":
            finest = max(own for _, own in reads)
            return sum(read * 2.0 ** (finest - own) for read, own in reads), 1.0
        if node["kind"] == "max-pool":
            window = node["window"]
            padded = pad(value, window, float("-inf"))
            return functional.max_pool2d(padded, window["size"], window["stride"], 0, window["dilation"]), 1.0
        if node["kind"] == "average-pool":
            ones = torch.ones(value.shape[1], 1, *node["window"]["size"], dtype=torch.float64)
            total = convolve(value, ones, node["window"], value.shape[1])
            count = convolve(torch.ones_like(value), ones, node["window"], value.shape[1])
            return total, ones[0].numel() if node["countPadding"] else count
        if node["kind"] in ("bilinear", "product"):
            return self.attention(node, value), 1.0
        return self.layer(node, value, 2.0**bits), 1.0

    def attention(self, node: dict, value: torch.Tensor) -> torch.Tensor:
        """The products of two matrices, without a ReLU between: of every point, or of every pair of points."""
        points = value.reshape(*value.shape[:2], -1)
        hidden, second = self.part(node, "hidden.weight"), self.part(node, "pooled.weight")
        first = points
        if hidden is None:
            second = self.part(node, "weight")
        else:
            first = (points.unsqueeze(2) * hidden.unsqueeze(2)).flatten(1, 2)
        if node["kind"] == "product":
            return (second @ first).reshape(-1, *node["shape"])
        return (points.transpose(1, 2) @ second @ first).reshape(-1, *node["shape"])

    def levels(self, node: dict, kind: str, units: torch.Tensor) -> torch.Tensor:
        """The outputs of the levels behind hidden units, which are in the second axis."""
        level = 1
        while (weight := self.part(node, f"level{level}.{kind}")) is not None:
            # A block of rows reads a block of units.
            blocks = units.shape[1] // weight.shape[1]
            below = units.reshape(units.shape[0], blocks, weight.shape[1], -1)
            sums = weight.reshape(blocks, -1, weight.shape[1]) @ below
            units = functional.relu(sums).reshape(units.shape[0], -1, *units.shape[2:])
            level += 1
        return units

    def layer(self, node: dict, value: torch.Tensor, unit: float) -> torch.Tensor:
        """The sums of a layer with weights; `unit` is the constant unit."""
        is_image = node["kind"] == "conv"

        def product(read, weight):
            if is_image:
                return convolve(read, weight, node["window"], node["groups"])
            return read @ weight.T

        def per_output(numbers):
            return numbers.reshape(-1, 1, 1) if is_image else numbers

        hidden = self.part(node, "hidden.weight")
        if hidden is not None:
            if is_image:
                units = functional.conv2d(value, hidden, groups=value.shape[1])
            else:
                units = (value.unsqueeze(2) * hidden).flatten(1)
            units = self.levels(node, "weight", functional.relu(units))
            sums = product(units, self.part(node, "pooled.weight"))
        elif (positive := self.part(node, "positive.weight")) is not None:
            negative = self.part(node, "negative.weight")
            sums = product(functional.relu(value), positive) - product(functional.relu(-value), negative)
        else:
            weight = self.part(node, "weight")
            sums = product(value, self.part(node, "direct.weight") if weight is None else weight)
        constant = self.part(node, "hidden.constant")
        if constant is not None:
            units = self.levels(node, "constant", functional.relu(constant * unit).reshape(1, -1))
            sums = sums + per_output(self.part(node, "pooled.constant") @ units[0])
        bias = self.part(node, "bias")
        if bias is not None:
            sums = sums + per_output(bias * unit)
        skip = self.part(node, "hidden.skip")
        if skip is not None:
            sums = sums + per_output(skip * node["edge"]) * value
        return sums


def pad(value: torch.Tensor, window: dict, filler: float) -> torch.Tensor:
    top, left, bottom, right = window["padding"]
    return functional.pad(value, (left, right, top, bottom), value=filler)


def convolve(value: torch.Tensor, weight: torch.Tensor, window: dict, groups: int) -> torch.Tensor:
    padded = pad(value, window, 0.0)
    return functional.conv2d(padded, weight, None, window["stride"], 0, window["dilation"], groups)


def finish(sums: torch.Tensor, count, epilogue: dict) -> torch.Tensor:
    """The outputs of sums: quantized, rectified and clamped."""
    shift = epilogue["shift"]
    sums = sums * 2.0 ** max(-shift, 0)
    divisor = count * 2.0 ** max(shift, 0)
    quantizer = epilogue["quantizer"]
    if quantizer == "floor":
        sums = torch.floor(sums / divisor)
    else:
        magnitude = sums.abs()
        rounded = (torch.ceil if quantizer == "away" else torch.floor)(magnitude / divisor)
        if quantizer == "nearest":
            rounded = rounded + torch.floor(2 * (magnitude - rounded * divisor) / divisor)
        sums = sums.sign() * rounded
    if epilogue["relu"]:
        sums = functional.relu(sums)
    most = 2.0 ** epilogue["activationBits"]
    return sums.clamp(-most, most) if epilogue["clamp"] else sums


def run_onnx(path: str, inputs: numpy.ndarray) -> numpy.ndarray:
    """What the model gives, by ONNX Runtime, or else by the reference evaluator of the package onnx."""
    try:
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        shape = session.get_inputs()[0].shape
    except ImportError:
        import onnx.reference

        session = onnx.reference.ReferenceEvaluator(path)
        shape = [size.dim_value for size in session.input_types_[0].tensor_type.shape.dim]
    [outputs] = session.run(None, {"input": inputs.reshape([-1, *shape[1:]])})
    return outputs.reshape(len(inputs), -1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs an exported ticket in PyTorch.")
    parser.add_argument("network", help="a file of exacta export --to safetensors")
    parser.add_argument("--inputs", required=True, help="integers as CSV, a row for each input")
    parser.add_argument("--onnx", help="a file of exacta export --to onnx to compare with")
    args = parser.parse_args()
    inputs = numpy.loadtxt(args.inputs, delimiter=",", dtype=numpy.int64, ndmin=2)
    with torch.no_grad():
        outputs = PrunedNetwork(args.network)(torch.from_numpy(inputs)).flatten(1).numpy()
    for row in outputs:
        print(",".join(map(str, row)))
    if args.onnx and not numpy.array_equal(outputs, run_onnx(args.onnx, inputs)):
        raise SystemExit(f"{args.onnx} gives other integers")


if __name__ == "__main__":
    main()
