"""Tickets of version 2, whose targets are graphs: sections 9 to 12 of docs/ticket.md."""

import hashlib

import numpy

from . import graph, layers
from .checks import QUANTIZERS, Refused, integer, require
from .container import Fields, compact, read_masks
from .graph import FACTORED, LINEAR, PLAIN, read_network, run_network  # noqa: F401
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
        if node["kind"] in FACTORED:
            outline["inner"] = node["inner"]
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
    zero = numpy.zeros((), numpy.int64)
    if node["kind"] in FACTORED:
        require(node["biases"] is False, "the target of the ticket has biases in attention")
        channels, outputs = shapes[node["from"][0]][0], node["shape"][0]
        first, second = FACTORED[node["kind"]]
        result["bits"] = node["bits"]
        result[first] = numpy.broadcast_to(zero, [channels, node["inner"]])
        sizes = [channels, node["inner"]] if node["kind"] == "bilinear" else [node["inner"], outputs]
        result[second] = numpy.broadcast_to(zero, sizes)
    if node["kind"] in PLAIN:
        channels = shapes[node["from"][0]][0]
        size = [channels // node["groups"], *node["window"]["size"]] if node["kind"] == "conv" else [channels]
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
    known = isinstance(scheme, dict) and tuple(scheme) in (SCHEME, (*SCHEME, "copies"))
    require(known, f"the scheme has not the fields {SCHEME}")
    digest = fields.digest("targetDigest")
    require(scheme["skip"] in ("identity", "none", "random"), "skip is unknown")
    computed, diagonals = without_additions(target, scheme["skip"])
    random = random_layers(computed, diagonals, scheme)
    kept = read_masks(content, fields.written, [layer.weights for layer in random])
    read = {"target": target, "computed": computed, "targetDigest": digest}
    return Ticket(seed, read, scheme["pools"], scheme["support"], random, kept, draw(random, seed, kept))


def without_additions(network, skip):
    """The graph that a random network computes, and the diagonal tap of each layer that takes an addition over, by its number.

    Raises Refused for a graph to which `skip` does not apply.
    """
    nodes = network["nodes"]
    if skip == "identity":
        return network, {}
    additions, taps = {}, {}
    linear = [number for number, node in enumerate(nodes) if node["kind"] in LINEAR]
    for number, node in enumerate(nodes):
        if node["kind"] == "add":
            layer = layer_of(nodes, node)
            require(
                layer is not None and readers_of(nodes, layer) == [number],
                f"{node['name']} is not the sum of a layer, which nothing else reads, and of what that layer reads",
            )
            additions[layer] = number
            taps[linear.index(layer)] = diagonal_tap(nodes[layer])
    require(len(additions) > 0, "there is no addition that a layer takes over")
    # The number of a value of the whole graph among those that are left.
    values, left = [0], []
    for number, node in enumerate(nodes):
        if node["kind"] == "add":
            values.append(next(values[layer + 1] for layer in additions if additions[layer] == number))
            continue
        node = {**node, "from": [values[value] for value in node["from"]]}
        if number in additions:
            addition = nodes[additions[number]]
            node.update({name: addition[name] for name in ("activationBits", "signed", *FLAT)})
        left.append(node)
        values.append(len(left))
    return {"input": network["input"], "nodes": left}, taps


def layer_of(nodes, addition):
    """The number of the layer whose output an addition adds to what that layer reads; None if there is none."""
    for one, other in (addition["from"], addition["from"][::-1]):
        if one > 0 and nodes[one - 1]["kind"] in PLAIN and nodes[one - 1]["from"] == [other]:
            return one - 1
    return None


def readers_of(nodes, number):
    return [reader for reader, node in enumerate(nodes) if number + 1 in node["from"]]


def diagonal_tap(node):
    """The tap of a layer that reads the place of the output. Raises Refused if the layer cannot take an addition over."""
    plain = (node["shift"], node["relu"], node["clamp"]) == (0, False, False)
    require(plain, f"{node['name']} does not pass exact sums to its addition")
    if node["kind"] == "dense":
        return 0
    window = node["window"]
    require(window["stride"] == [1, 1], f"{node['name']} has strides")
    tap = [divmod(padding, dilation) for padding, dilation in zip(window["padding"], window["dilation"])]
    inside = all(rest == 0 and place < size for (place, rest), size in zip(tap, window["size"]))
    require(inside, f"{node['name']} has no tap that reads the place of the output")
    return tap[0][0] * window["size"][1] + tap[1][0]


def random_layers(network, diagonals, scheme):
    """The random layers of a ticket, in their order. `diagonals` are the taps of layers that take an addition over."""
    nodes = [node for node in network["nodes"] if node["kind"] in LINEAR]
    require(len(nodes) > 0, "the target has no layer with weights")
    integer(scheme["theorem"], "theorem", 1, 1)
    require(scheme["weightQuantizer"] in QUANTIZERS, "the quantizer of weights is unknown")
    require(scheme["pools"] in ("shared", "halves"), "pools are unknown")
    require(isinstance(scheme["zero"], bool), "zero is neither true nor false")
    require(isinstance(scheme["support"], bool), "support is neither true nor false")
    is_random = scheme["skip"] == "random"
    literal = scheme["pools"] == "halves" or scheme["support"]
    require(not (is_random and literal), "random skips go neither with halves nor with support")
    in_depth = "copies" in scheme
    for name in ("initialBits", "bits", "units", *(["copies"] if in_depth else [])):
        lists = isinstance(scheme[name], list) and len(scheme[name]) == len(nodes)
        require(lists, f"{name} is no list of {len(nodes)} integers")
    values = [network["input"], *network["nodes"]]
    result = []
    for target, node in enumerate(nodes):
        j = integer(scheme["initialBits"][target], "initialBits", 0, 10)
        k = integer(scheme["bits"][target], "bits", 0, 10)
        h = integer(scheme["units"][target], "units", 1, 10_000)
        rectified = node["kind"] not in FACTORED
        check_bits(1, graph.weight_bits(node), k, j)
        if in_depth:
            copies = integer(scheme["copies"][target], "copies", 1, 10_000)
            plain = scheme["pools"] == "shared" and not scheme["support"] and scheme["skip"] == "identity"
            require(j == 0 and plain and rectified, "weights in depth have other bits, pools, support, skips or layers")
        require(scheme["pools"] == "shared" or h % 2 == 0, "units are odd with halves")
        read = values[node["from"][0]]
        has_biases = node["biases"] is not None
        outputs, channels, groups = len(node["weights"]), read["shape"][0], node.get("groups", 1)
        taps = taps_of(node)
        slots = node["weights"][0].size + int(has_biases)
        signed = read.get("signed", not read.get("nonnegative"))
        negative = numpy.full(slots, signed and rectified)
        if has_biases:
            negative[-1] = False
        diagonal = None
        if target in diagonals:
            diagonal = numpy.arange(outputs) % (channels // groups) * taps + diagonals[target]
        random_skips = is_random and diagonal is not None
        law = {"initialBits": j, "bits": k, **{name: scheme[name] for name in ("weightQuantizer", "zero")}}
        hidden = (channels + int(has_biases)) * h + (outputs if random_skips else 0)
        result.append(RandomLayer("hidden", hidden, law, target, h))
        last = h
        if in_depth:
            for level in range(1, node["bits"] + 1):
                rows = copies * (level + 1)
                group = (2 if signed else 1) * rows
                fan, block = (h, group) if level == 1 else (copies * level, rows)
                total = (channels + int(has_biases)) * group
                result.append(RandomLayer("level", total * fan, law, target, group, total, fan=fan, block=block))
                last = group
        result.append(
            RandomLayer(
                kind="pooled",
                weights=outputs * slots * last,
                law=law,
                target=target,
                h=last,
                rows=outputs,
                slots=slots,
                channel_of=channels_by(outputs, channels, groups, taps, slots if has_biases else 0),
                negative=negative,
                e=max(2 * k - graph.weight_bits(node), 0),
                rectified=rectified,
                diagonal=diagonal,
                random_skips=random_skips,
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
            matrix = node["weights"].reshape(len(node["weights"]), -1)
            result.append(matrix if node["biases"] is None else numpy.column_stack([matrix, node["biases"]]))
    return result


def bits_of(network, target):
    """kt of a layer, by its number among the layers."""
    return [node["bits"] for node in network["nodes"] if node["kind"] in LINEAR][target]


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
    matrices = matrices_of(network)
    for layer in ticket.layers:
        if layer.diagonal is not None:
            # A copy, since a matrix may be the weights of the network themselves.
            matrix = matrices[layer.target] = matrices[layer.target].copy()
            matrix[numpy.arange(layer.rows), layer.diagonal] += 1 << bits_of(network, layer.target)
    fault = layers.find_fault(ticket, matrices)
    if fault is None and digest_of(network) != ticket.fields["targetDigest"]:
        fault = "the file names another target"
    return fault


def run_ticket(ticket, inputs):
    """The outputs of the kept weights for integers of shape [samples, elements], with every kept hidden unit by itself."""

    def sums_of(target, node, x, m):
        number = next(n for n, layer in enumerate(ticket.layers) if (layer.kind, layer.target) == ("pooled", target))
        layer = ticket.layers[number]
        if ticket.layers[number - 1].kind == "level":
            return level_sums(ticket, number, node, x, m), layer.e
        units = layers.hidden_units(ticket, number - 1)
        row, slot, unit = layers.places(ticket, number)
        taps = taps_of(node)
        if not layer.rectified:
            points = numpy.moveaxis(x.reshape(*x.shape[:2], -1), 1, 0)[unit // layer.h]
            hidden = units[unit].reshape(-1, 1, 1) * points
            rows = layers.row_sums(ticket, number, numpy.arange(len(row)), row, hidden)
            return graph.factored_sums(node, x, numpy.moveaxis(rows, 0, 1)), layer.e
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
        if layer.random_skips:
            weight = layers.skip_weights(ticket, number)
            sums += weight.reshape(-1, *[1] * (sums.ndim - 1)) * numpy.moveaxis(x, 1, 0)
        return numpy.moveaxis(sums, 0, 1), layer.e

    return run_network(ticket.fields["computed"], inputs, sums_of)


def level_sums(ticket, number, node, x, m):
    """The sums of pooled layer `number` behind levels, shape [samples, outputs, ...]: section 12."""
    layer = ticket.layers[number]
    constant = numpy.full((len(x), 1, *x.shape[2:]), 1 << m, numpy.int64)
    rows = level_rows(ticket, number - 1, numpy.moveaxis(numpy.concatenate([x, constant], axis=1), 1, 0))
    end = x.shape[1] * layer.h
    row, slot, unit = layers.places(ticket, number)
    copies = numpy.moveaxis(rows[:end], 0, 1)
    reads = (place for place, _ in graph.taps_of(node, copies)) if node["kind"] == "conv" else [copies]
    sums = numpy.zeros((layer.rows, len(x), *node["shape"][1:]), numpy.int64)
    for tap, read in enumerate(reads):
        (chosen,) = numpy.nonzero((unit < end) & (slot % taps_of(node) == tap))
        sums += layers.row_sums(ticket, number, chosen, row[chosen], numpy.moveaxis(read, 1, 0)[unit[chosen]])
    (chosen,) = numpy.nonzero(unit >= end)
    # The rows of the constant unit are the same at every point.
    numbers = rows[unit[chosen]][(..., *[slice(1)] * (x.ndim - 2))]
    sums += layers.row_sums(ticket, number, chosen, row[chosen], numbers)
    return numpy.moveaxis(sums, 0, 1)


def level_rows(ticket, number, x):
    """The rows of hidden layer or level `number` for channels of shape [channels, ...], the constant unit among them."""
    layer = ticket.layers[number]
    if layer.kind == "hidden":
        units = layers.hidden_units(ticket, number)
        channel = numpy.arange(len(units)) // layer.h
        return numpy.maximum(units.reshape(-1, *[1] * (x.ndim - 1)) * x[channel], 0)
    row, unit = layers.level_places(ticket, number)
    numbers = level_rows(ticket, number - 1, x)[unit]
    return numpy.maximum(layers.row_sums(ticket, number, numpy.arange(len(row)), row, numbers), 0)
