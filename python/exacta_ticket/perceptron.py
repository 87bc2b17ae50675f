"""Tickets of version 1, whose targets are perceptrons: sections 4 to 7 of docs/ticket.md."""

import hashlib

import numpy

from . import layers
from .checks import QUANTIZERS, integer, require, weights_of
from .container import Fields, read_masks
from .layers import RandomLayer, Ticket, check_bits, check_sizes, draw
from .numbers import exact_product, quantize


LAW = ("initialBits", "bits", "weightQuantizer", "zero")


def read_ticket(content, metadata):
    """A ticket from the bytes of its file."""
    fields = Fields(metadata)
    fields.text("format")
    fields.text("version")
    seed = fields.integer("seed", 0, 2**64 - 1)
    read = {
        "widths": fields.integers("widths", 1, 2**20),
        "targetBits": fields.integer("targetBits", 0, 20),
        "quantizer": fields.text("quantizer", QUANTIZERS),
        "activationBits": fields.integer("activationBits", 0, 20),
        "clamp": fields.boolean("clamp"),
        "constant": fields.boolean("constant"),
        "theorem": fields.integer("theorem", 1, 2),
        "initialBits": fields.integer("initialBits", 0, 10),
        "bits": fields.integer("bits", 0, 10),
        "weightQuantizer": fields.text("weightQuantizer", QUANTIZERS),
        "zero": fields.boolean("zero"),
        "pools": fields.text("pools", ("shared", "halves")),
        "support": fields.boolean("support"),
        "units": fields.integers("units", 1, 10_000),
        "copies": fields.integers("copies", 1, 10_000),
        "targetDigest": fields.digest("targetDigest"),
    }
    random = random_layers(read)
    kept = read_masks(content, fields.written, [layer.weights for layer in random])
    return Ticket(seed, read, read["pools"], read["support"], random, kept, draw(random, seed, kept))


def random_layers(fields):
    """The random layers of a ticket, in their order."""
    widths, k, kt, theorem = fields["widths"], fields["bits"], fields["targetBits"], fields["theorem"]
    units, all_copies = fields["units"], fields["copies"]
    law = {name: fields[name] for name in LAW}
    depth = len(widths) - 1
    require(1 <= depth <= 1000, "widths have less than 2 or more than 1001 entries")
    check_bits(theorem, kt, k, fields["initialBits"])
    lengths = (depth, 0) if theorem == 1 else (1, depth - 1)
    require((len(units), len(all_copies)) == lengths, "units or copies have a wrong length")
    require(fields["pools"] == "shared" or all(h % 2 == 0 for h in units), "units are odd with halves")
    result = []
    for t in range(depth):
        inputs, outputs = widths[t], widths[t + 1]
        copies = all_copies[t] if theorem == 2 and t < depth - 1 else 1
        pair = theorem == 1 or t == 0
        h = units[t] if pair else all_copies[t - 1]
        if pair:
            result.append(RandomLayer("hidden", inputs * h, law, t, h))
        result.append(
            RandomLayer(
                kind="pooled" if pair else "direct",
                weights=outputs * copies * inputs * h,
                law=law,
                target=t,
                h=h,
                rows=outputs * copies,
                copies=copies,
                slots=inputs,
                channel_of=lambda row, slot: slot,
                negative=numpy.full(inputs, t == 0),
                e=max((2 * k if pair else k) - kt, 0),
            )
        )
    check_sizes(result)
    return result


def read_network(value):
    """A target from its JSON: a dictionary with a matrix for each layer."""
    require(isinstance(value, dict), "the network is no object")
    unknown = set(value) - {"bits", "activationBits", "quantizer", "clamp", "layers"}
    require(not unknown, f"the network has unknown fields: {sorted(unknown)}")
    bits = integer(value.get("bits"), "bits", 0, 20)
    network = {
        "bits": bits,
        "activationBits": integer(value.get("activationBits"), "activationBits", 0, 20),
        "quantizer": value.get("quantizer", "floor"),
        "clamp": value.get("clamp", False),
    }
    require(network["quantizer"] in QUANTIZERS, "the quantizer is unknown")
    require(isinstance(network["clamp"], bool), "clamp is neither true nor false")
    given = value.get("layers")
    require(isinstance(given, list) and given, "the network has no layers")
    for layer in given:
        require(isinstance(layer, dict) and set(layer) <= {"weights", "biases"}, "a layer has other fields")
    constant = any(layer.get("biases") is not None for layer in given)
    matrices = []
    for t, layer in enumerate(given):
        rows = weights_of(layer.get("weights"), f"layer {t}: weights", 2, bits)
        require(t == 0 or rows.shape[1] == len(given[t - 1]["weights"]), f"layer {t} does not fit the one before")
        if constant:
            biases = layer.get("biases")
            column = [0] * len(rows) if biases is None else weights_of(biases, f"layer {t}: biases", 1, bits)
            require(len(column) == len(rows), f"layer {t} has a wrong number of biases")
            rows = numpy.column_stack([rows, column])
            if t < len(given) - 1:
                unit = numpy.zeros(rows.shape[1], numpy.int64)
                unit[-1] = 1 << bits
                rows = numpy.vstack([rows, unit])
        matrices.append(rows)
    return {**network, "constant": constant, "matrices": matrices}


def digest_of(network):
    """The digest by which a ticket names its target."""
    flag = {True: "true", False: "false"}
    lines = [
        f"{network['bits']} {network['quantizer']} {network['activationBits']} "
        f"{flag[network['clamp']]} {flag[network['constant']]}"
    ]
    for matrix in network["matrices"]:
        rows, columns = matrix.shape
        lines.append(" ".join(map(str, [rows, columns, *matrix.ravel().tolist()])))
    return hashlib.sha256("".join(line + "\n" for line in lines).encode("ascii")).hexdigest()


def find_fault(ticket, network):
    """What a ticket lacks to equal a network on every input; None if it equals it."""
    fields, matrices = ticket.fields, network["matrices"]
    outline = {
        "widths": [matrices[0].shape[1], *(len(matrix) for matrix in matrices)],
        "targetBits": network["bits"],
        **{name: network[name] for name in ("quantizer", "activationBits", "clamp", "constant")},
    }
    for name, value in outline.items():
        require(fields[name] == value, f"{name} is {value} in the network and {fields[name]} in the ticket")
    fault = layers.find_fault(ticket, matrices)
    if fault is None and digest_of(network) != fields["targetDigest"]:
        fault = "the file names another target"
    return fault


def with_constant(fields, width, inputs):
    """Inputs of shape [samples, inputs], with the constant unit where there is one: shape [samples, width]."""
    one = 1 << fields["activationBits"]
    columns = width - int(fields["constant"])
    require(inputs.ndim == 2 and inputs.shape[1] == columns, f"a sample has not {columns} integers")
    require(int(abs(inputs).max(initial=0)) <= one, f"an input is outside -{one}..{one}")
    return numpy.column_stack([inputs, numpy.full(len(inputs), one)]) if fields["constant"] else inputs


def finish(fields, sums, shift, last):
    """The outputs of a layer for its sums."""
    outputs = quantize(fields["quantizer"], sums, 1 << shift)
    if not last:
        outputs = numpy.maximum(outputs, 0)
    one = 1 << fields["activationBits"]
    return numpy.clip(outputs, -one, one) if fields["clamp"] else outputs


def run_network(network, inputs):
    """The outputs of a network for integers of shape [samples, inputs]."""
    matrices = network["matrices"]
    x = with_constant(network, matrices[0].shape[1], inputs)
    for t, matrix in enumerate(matrices):
        x = finish(network, exact_product(x, matrix), network["bits"], t == len(matrices) - 1)
    return x


def run_ticket(ticket, inputs):
    """The outputs of the kept weights for integers of shape [samples, inputs], with every kept hidden unit by itself."""
    fields = ticket.fields
    x = with_constant(fields, fields["widths"][0], inputs)
    for number, layer in enumerate(ticket.layers):
        if layer.kind == "hidden":
            x = numpy.maximum(numpy.repeat(x, layer.h, axis=1) * layers.hidden_units(ticket, number), 0)
            continue
        row, _, unit = layers.places(ticket, number)
        sums = layers.row_sums(ticket, number, numpy.arange(len(row)), row, x.T[unit])
        x = finish(fields, sums.T, fields["targetBits"] + layer.e, number == len(ticket.layers) - 1)
    return x
