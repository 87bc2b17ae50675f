"""Tickets of version 2, whose targets are graphs: sections 9 to 11 of docs/ticket.md."""

import hashlib

import numpy

from . import graph, layers
from .checks import QUANTIZERS, Refused, integer, require
from .container import Fields, compact, read_masks
from .graph import LINEAR, read_network, run_network  # noqa: F401
from .layers import RandomLayer, Ticket, check_bits, check_sizes, draw

FLAT = {"shift": 0, "quantizer": "floor", "relu": False, "clamp": False}
SCHEME = ("theorem", "initialBits", "bits", "weightQuantizer", "zero", "pools", "support", "units", "skip")


def outline_of(network):
    """The outline of a graph: everything but its names and numbers, in the order of the file."""
    nodes = []
    for node in network["nodes"]:
        outline = {name: node[name] for name in ("kind", "from", "shape")}
        if node["kind"] in LINEAR:
            outline.update({"bits": node["bits"], "biases": node["biases"] is not None})
        outline.update({name: node[name] for name in ("window", "groups", "countPadding") if name in node})
        rounding = {name: node.get(name, value) for name, value in FLAT.items()}
        outline["epilogue"] = {"activationBits": node["activationBits"], **rounding}
        nodes.append(outline)
    return {"input": network["input"], "nodes": nodes}


def network_of(outline):
    """The graph of an outline with weights of 0. Raises Refused for an outline that no graph has."""
    try:
        shapes = [outline["input"]["shape"], *(node["shape"] for node in outline["nodes"])]
        nodes = [described(node, number, shapes) for number, node in enumerate(outline["nodes"])]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError):
        raise Refused("the target of the ticket is no outline") from None
    network = graph.read_network({"input": outline["input"], "nodes": nodes})
    require(outline_of(network) == outline, "the target of the ticket is the outline of no graph")
    return network


def described(node, number, shapes):
    """The JSON of a node of an outline, with arrays that take no memory for weights."""
    names = ["input", *(f"node {i}" for i in range(number))]
    epilogue = node["epilogue"]
    result = {"kind": node["kind"], "name": f"node {number}", "from": [names[value] for value in node["from"]]}
    if node["kind"] in graph.ROUNDING:
        result.update({name: epilogue[name] for name in ("activationBits", "quantizer", "relu", "clamp")})
    if node["kind"] in LINEAR:
        channels = shapes[node["from"][0]][0]
        size = [channels // node["groups"], *node["window"]["size"]] if node["kind"] == "conv" else [channels]
        zero = numpy.zeros((), numpy.int64)
        result["bits"] = node["bits"]
        result["weights"] = numpy.broadcast_to(zero, [node["shape"][0], *size])
        if node["biases"]:
            result["biases"] = numpy.broadcast_to(zero, [node["shape"][0]])
    result.update({name: node[name] for name in ("groups", "countPadding") if name in node})
    names = ("stride", "padding", "dilation") if node["kind"] == "conv" else ("size", "stride", "padding", "dilation")
    result.update({name: node["window"][name] for name in names if "window" in node})
    return result


def read_ticket(content, metadata):
    """A ticket from the bytes of its file."""
    fields = Fields(metadata)
    fields.text("format")
    fields.text("version")
    seed = fields.integer("seed", 0, 2**64 - 1)
    target = network_of(fields.json("target"))
    require(compact(outline_of(target)) == metadata["target"], "the fields of the target are in another order")
    scheme = fields.json("scheme")
    require(isinstance(scheme, dict) and tuple(scheme) == SCHEME, f"the scheme has not the fields {SCHEME}")
    digest = fields.digest("targetDigest")
    random = random_layers(target, scheme)
    kept = read_masks(content, fields.written, [layer.weights for layer in random])
    read = {"target": target, "targetDigest": digest}
    return Ticket(seed, read, scheme["pools"], scheme["support"], random, kept, draw(random, seed, kept))


def random_layers(network, scheme):
    """The random layers of a ticket, in their order."""
    nodes = [node for node in network["nodes"] if node["kind"] in LINEAR]
    require(len(nodes) > 0, "the target has no layer with weights")
    integer(scheme["theorem"], "theorem", 1, 1)
    require(scheme["weightQuantizer"] in QUANTIZERS, "the quantizer of weights is unknown")
    require(scheme["pools"] in ("shared", "halves"), "pools are unknown")
    require(scheme["skip"] == "identity", "skip is not identity")
    require(isinstance(scheme["zero"], bool), "zero is neither true nor false")
    require(isinstance(scheme["support"], bool), "support is neither true nor false")
    for name in ("initialBits", "bits", "units"):
        lists = isinstance(scheme[name], list) and len(scheme[name]) == len(nodes)
        require(lists, f"{name} is no list of {len(nodes)} integers")
    values = [network["input"], *network["nodes"]]
    result = []
    for target, node in enumerate(nodes):
        j = integer(scheme["initialBits"][target], "initialBits", 0, 10)
        k = integer(scheme["bits"][target], "bits", 0, 10)
        h = integer(scheme["units"][target], "units", 1, 10_000)
        check_bits(1, node["bits"], k, j)
        require(scheme["pools"] == "shared" or h % 2 == 0, "units are odd with halves")
        read = values[node["from"][0]]
        has_biases = node["biases"] is not None
        outputs, channels = node["shape"][0], read["shape"][0]
        taps = taps_of(node)
        slots = node["weights"][0].size + int(has_biases)
        signed = read.get("signed", not read.get("nonnegative"))
        negative = numpy.full(slots, signed)
        if has_biases:
            negative[-1] = False
        law = {"initialBits": j, "bits": k, **{name: scheme[name] for name in ("weightQuantizer", "zero")}}
        result.append(RandomLayer("hidden", (channels + int(has_biases)) * h, law, target, h))
        result.append(
            RandomLayer(
                kind="pooled",
                weights=outputs * slots * h,
                law=law,
                target=target,
                h=h,
                rows=outputs,
                slots=slots,
                channel_of=channels_by(outputs, channels, node.get("groups", 1), taps, slots if has_biases else 0),
                negative=negative,
                e=max(2 * k - node["bits"], 0),
            )
        )
    check_sizes(result)
    return result


def taps_of(node):
    """The number of taps of a layer's window."""
    return int(numpy.prod(node["window"]["size"])) if node["kind"] == "conv" else 1


def channels_by(outputs, channels, groups, taps, slots):
    """The function from rows and slots to channels. The last of `slots` is that of the constant unit; 0 if there is none."""

    def channel_of(row, slot):
        first = row * groups // outputs * (channels // groups)
        return numpy.where(slot == slots - 1, channels, first + slot // taps)

    return channel_of


def matrices_of(network):
    """The weights of each layer, shape [outputs, slots]."""
    result = []
    for node in network["nodes"]:
        if node["kind"] in LINEAR:
            matrix = node["weights"].reshape(node["shape"][0], -1)
            result.append(matrix if node["biases"] is None else numpy.column_stack([matrix, node["biases"]]))
    return result


def digest_of(network):
    """The digest by which a ticket names its target."""
    lines = [compact(outline_of(network))]
    lines += [" ".join(map(str, matrix.ravel().tolist())) for matrix in matrices_of(network)]
    return hashlib.sha256("".join(line + "\n" for line in lines).encode("ascii")).hexdigest()


def find_fault(ticket, network):
    """What a ticket lacks to equal a network on every input; None if it equals it."""
    wanted, given = outline_of(ticket.fields["target"]), outline_of(network)
    require(wanted["input"] == given["input"], "the network has another input than the ticket's target")
    require(len(wanted["nodes"]) == len(given["nodes"]), "the network has another number of nodes than the ticket's target")
    for node, (one, other) in zip(network["nodes"], zip(wanted["nodes"], given["nodes"])):
        require(one == other, f"{node['name']} is not as in the ticket's target: {other} instead of {one}")
    fault = layers.find_fault(ticket, matrices_of(network))
    if fault is None and digest_of(network) != ticket.fields["targetDigest"]:
        fault = "the file names another target"
    return fault


def run_ticket(ticket, inputs):
    """The outputs of the kept weights for integers of shape [samples, elements], with every kept hidden unit by itself."""

    def sums_of(target, node, x, m):
        number = 2 * target + 1
        layer = ticket.layers[number]
        units = layers.hidden_units(ticket, number - 1)
        row, slot, unit = layers.places(ticket, number)
        taps = taps_of(node)
        is_constant = unit >= x.shape[1] * layer.h
        points = node["shape"][1:]
        reads = (place for place, _ in graph.taps_of(node, x)) if node["kind"] == "conv" else [x]
        sums = numpy.zeros((layer.rows, len(x), *points), numpy.int64)

        def add(chosen, numbers):
            hidden = numpy.maximum(units[unit[chosen]].reshape(-1, *[1] * (numbers.ndim - 1)) * numbers, 0)
            sums[...] += layers.row_sums(ticket, number, chosen, row[chosen], hidden)

        for tap, read in enumerate(reads):
            (chosen,) = numpy.nonzero(~is_constant & (slot % taps == tap))
            add(chosen, numpy.moveaxis(read, 1, 0)[unit[chosen] // layer.h])
        (chosen,) = numpy.nonzero(is_constant)
        add(chosen, numpy.full((len(chosen), len(x), *points), 1 << m))
        return numpy.moveaxis(sums, 0, 1), layer.e

    return run_network(ticket.fields["target"], inputs, sums_of)
