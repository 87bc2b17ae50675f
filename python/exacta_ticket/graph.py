"""Networks of version 2, which are graphs, and their forward passes: section 8 of docs/ticket.md."""

import numpy

from .checks import QUANTIZERS, integer, integers, require, weights_of
from .numbers import exact_product, quantize

PLAIN = ("dense", "conv")
# Nodes whose matrix is the product of two, and the names of these.
FACTORED = {"bilinear": ("queries", "keys"), "product": ("first", "second")}
LINEAR = (*PLAIN, *FACTORED)
ROUNDING = (*LINEAR, "average-pool", "add")
POOLS = ("max-pool", "average-pool")
WINDOWED = ("conv", *POOLS)
# The fields of a node besides kind, name and from, with the kinds that have them.
FIELDS = {
    "bits": LINEAR,
    "weights": PLAIN,
    "biases": PLAIN,
    **{name: (kind,) for kind, names in FACTORED.items() for name in names},
    "activationBits": ROUNDING,
    "quantizer": ROUNDING,
    "relu": ROUNDING,
    "clamp": ROUNDING,
    "size": POOLS,
    "stride": WINDOWED,
    "padding": WINDOWED,
    "dilation": WINDOWED,
    "groups": ("conv",),
    "countPadding": ("average-pool",),
}


def read_network(value):
    """A graph from its JSON: a dictionary with a list of nodes, whose fields are all stated."""
    require(isinstance(value, dict), "the network is no object")
    defaults = {"quantizer": "floor", "clamp": False, "relu": False}
    for name, given in value.items():
        require(name in ("input", "nodes", "bits", "activationBits", "quantizer", "clamp"), f"{name} is unknown")
        if name not in ("input", "nodes"):
            defaults[name] = given
    given = value.get("input")
    require(isinstance(given, dict), "the network has no input")
    require(set(given) <= {"shape", "activationBits", "nonnegative"}, "the input has an unknown field")
    shape = integers(given.get("shape"), "input: shape", 1, (1, 3))
    bits = integer(given.get("activationBits"), "input: activationBits", 0, 20)
    nonnegative = given.get("nonnegative", False)
    require(isinstance(nonnegative, bool), "input: nonnegative is neither true nor false")
    graph = {"input": {"shape": shape, "activationBits": bits, "nonnegative": nonnegative}, "nodes": []}
    reads = [{"shape": shape, "activationBits": bits, "signed": not nonnegative}]
    names = {"input": 0}
    require(isinstance(value.get("nodes"), list) and value["nodes"], "the network has no nodes")
    for number, described in enumerate(value["nodes"]):
        require(isinstance(described, dict), f"node {number + 1} is no object")
        name = described.get("name", f"{described.get('kind')}{number + 1}")
        require(isinstance(name, str), f"node {number + 1}: the name is no text")
        sources = [number]
        if "from" in described:
            given_names = described["from"] if isinstance(described["from"], list) else [described["from"]]
            require(all(isinstance(given, str) for given in given_names), f"{name}: from has no names")
            require(set(given_names) <= set(names), f"{name}: from has a name that is not known yet")
            sources = [names[given] for given in given_names]
        count = 2 if described.get("kind") == "add" else 1
        require(len(sources) == count, f"{name} does not read {count} values")
        require(name not in names, f"two nodes are called {name}")
        node = {"name": name, "from": sources, **read_node(described, name, defaults, [reads[s] for s in sources])}
        names[name] = number + 1
        graph["nodes"].append(node)
        reads.append(node)
    read = {source for node in graph["nodes"] for source in node["from"]}
    require(read == set(range(len(graph["nodes"]))), "nothing reads one of the values")
    return graph


def read_node(given, name, defaults, reads):
    """A node without its name: shapes, shifts and signs follow from what it reads."""
    kind, read = given.get("kind"), reads[0]
    fields = [field for field, kinds in FIELDS.items() if kind in kinds]
    require(kind in ("flatten", *ROUNDING, *POOLS), f"{name}: the kind is unknown")
    for field in given:
        require(field in ("kind", "name", "from", *fields), f"{name}: {field} is no field of {kind}")
    node = {"kind": kind}
    image = len(read["shape"]) == 3
    require(image or kind not in WINDOWED, f"{name} reads no image")
    unit = max(value["activationBits"] for value in reads)
    if kind in LINEAR:
        node["bits"] = integer(given.get("bits", defaults.get("bits")), f"{name}: bits", 0, 20)
        unit += weight_bits(node)
    if kind in FACTORED:
        require(image or kind == "product", f"{name} reads no image")
        unit += read["activationBits"] if kind == "bilinear" else 0
        node["weights"], node["inner"] = factored_weights(given, name, kind, node["bits"])
        node["biases"] = None
    if kind in PLAIN:
        node["weights"] = weights_of(given.get("weights"), f"{name}: weights", 2 if kind == "dense" else 4, node["bits"])
        outputs = len(node["weights"])
        biases = given.get("biases")
        node["biases"] = None if biases is None else weights_of(biases, f"{name}: biases", 1, node["bits"])
        require(biases is None or len(biases) == outputs, f"{name} has a wrong number of biases")
    if kind in WINDOWED:
        channels, height, width = read["shape"]
        size = node["weights"].shape[2:] if kind == "conv" else integers(given.get("size"), f"{name}: size", 1, (2,))
        stride = integers(given.get("stride", [1, 1]), f"{name}: stride", 1, (2,))
        padding = integers(given.get("padding", [0] * 4), f"{name}: padding", 0, (4,))
        dilation = integers(given.get("dilation", [1, 1]), f"{name}: dilation", 1, (2,))
        node["window"] = {"size": list(size), "stride": stride, "padding": padding, "dilation": dilation}
        along = [
            (length + padding[axis] + padding[axis + 2] - dilation[axis] * (size[axis] - 1) - 1) // stride[axis] + 1
            for axis, length in enumerate((height, width))
        ]
        require(min(along) >= 1, f"{name}: the window does not fit")
    if kind == "conv":
        groups = node["groups"] = integer(given.get("groups", 1), f"{name}: groups", 1, channels)
        require(channels % groups == 0 and outputs % groups == 0, f"{name}: groups do not divide channels")
        require(node["weights"].shape[1] == channels // groups, f"{name}: weights have a wrong number of channels")
        node["shape"] = [outputs, *along]
    elif kind == "dense":
        require(not image, f"{name} reads an image")
        require(node["weights"].shape[1] == read["shape"][0], f"{name}: weights do not fit what it reads")
        node["shape"] = [outputs]
    elif kind in POOLS:
        node["shape"] = [channels, *along]
    elif kind in FACTORED:
        require(node["weights"].shape[1] == read["shape"][0], f"{name}: matrices do not fit what it reads")
        sides = read["shape"][1:]
        node["shape"] = [int(numpy.prod(sides)) if kind == "bilinear" else len(node["weights"]), *sides]
    elif kind == "flatten":
        node["shape"] = [int(numpy.prod(read["shape"]))]
    else:
        require(reads[0]["shape"] == reads[1]["shape"], f"{name} adds two shapes")
        node["shape"] = read["shape"]
    if kind == "average-pool":
        node["countPadding"] = given.get("countPadding", False)
    relu = False
    if kind in ROUNDING:
        m = given.get("activationBits", defaults.get("activationBits"))
        m = unit if m == "exact" else integer(m, f"{name}: activationBits", 0, 52)
        node["quantizer"], relu, node["clamp"] = (
            given.get(field, defaults[field]) for field in ("quantizer", "relu", "clamp")
        )
        require(node["quantizer"] in QUANTIZERS, f"{name}: the quantizer is unknown")
        node.update({"activationBits": m, "shift": unit - m, "relu": relu})
        for field in ("relu", "clamp", "countPadding"):
            require(isinstance(node.get(field, False), bool), f"{name}: {field} is neither true nor false")
    else:
        node["activationBits"] = read["activationBits"]
    node["signed"] = not relu and (kind in LINEAR or any(value["signed"] for value in reads))
    return node


def weight_bits(node):
    """The weights of a layer are in units of 2^-(these bits)."""
    return 2 * node["bits"] if node["kind"] in FACTORED else node["bits"]


def factored_weights(given, name, kind, bits):
    """The product of two matrices, transposed, and the length of the index over which it sums."""
    first, second = (weights_of(given.get(field), f"{name}: {field}", 2, bits) for field in FACTORED[kind])
    if kind == "bilinear":
        require(first.shape == second.shape, f"{name}: queries and keys have two shapes")
        second = second.T
    inner = first.shape[1]
    require(first.size > 0 and second.shape[0] == inner, f"{name}: the matrices have no product")
    require(inner << (2 * bits) <= 1 << 30, f"{name}: products could be larger than 2^30")
    if isinstance(given[FACTORED[kind][0]], numpy.ndarray):
        # The outline of a ticket has no numbers, and its matrices may be large.
        return numpy.broadcast_to(first[0, 0], (second.shape[1], first.shape[0])), inner
    return numpy.ascontiguousarray((first @ second).T), inner


def check_inputs(graph, inputs):
    """Inputs of shape [samples, elements] in the shape of the graph's input. Raises Refused for other numbers."""
    shape, m = graph["input"]["shape"], graph["input"]["activationBits"]
    require(inputs.ndim == 2 and inputs.shape[1] == int(numpy.prod(shape)), f"an input has not shape {shape}")
    least = 0 if graph["input"]["nonnegative"] else -(1 << m)
    inside = bool(((inputs >= least) & (inputs <= 1 << m)).all())
    require(inside, f"an input is outside {least}..{1 << m}")
    return inputs.reshape(len(inputs), *shape)


def run_network(graph, inputs, sums_of=None):
    """The outputs of a graph for integers of shape [samples, elements of the input].

    `sums_of(number, node, x, m)` gives the sums of layer `number` of those with weights, and the power of two by which they are
    finer than the target's. By default these are the sums of the node's own weights.
    """
    values = [check_inputs(graph, inputs)]
    bits = [graph["input"]["activationBits"]]
    layer = 0
    for node in graph["nodes"]:
        kind, x = node["kind"], values[node["from"][0]]
        m = bits[node["from"][0]]
        count, finer = 1, 0
        if kind in LINEAR:
            if sums_of:
                sums, finer = sums_of(layer, node, x, m)
            else:
                sums = linear_sums(node, x, m)
            layer += 1
        elif kind == "average-pool":
            places = list(taps_of(node, x))
            sums = sum(place for place, _ in places)
            inside = sum(inside.astype(numpy.int64) for _, inside in places)
            count = len(places) if node["countPadding"] else inside
        elif kind == "max-pool":
            sums = numpy.full((len(x), *node["shape"]), numpy.iinfo(numpy.int64).min)
            for place, inside in taps_of(node, x):
                sums = numpy.where(inside, numpy.maximum(sums, place), sums)
        elif kind == "add":
            y, n = values[node["from"][1]], bits[node["from"][1]]
            sums = (x << max(n - m, 0)) + (y << max(m - n, 0))
        else:
            sums = x.reshape(len(x), -1)
        values.append(finish(node, sums, count, finer) if kind in ROUNDING else sums)
        bits.append(node["activationBits"])
    return values[-1].reshape(len(inputs), -1)


def finish(node, sums, count, finer):
    """The epilogue of a node."""
    shift = node["shift"] + finer
    if shift < 0:
        sums = sums << -shift
    outputs = quantize(node["quantizer"], sums, count << max(shift, 0))
    if node["relu"]:
        outputs = numpy.maximum(outputs, 0)
    if node["clamp"]:
        outputs = numpy.clip(outputs, -(1 << node["activationBits"]), 1 << node["activationBits"])
    return outputs


def taps_of(node, x):
    """For each tap of a window, what it reads at every output point, 0 outside the image, and whether that is inside."""
    size, stride, dilation = (node["window"][name] for name in ("size", "stride", "dilation"))
    top, left, bottom, right = node["window"]["padding"]
    rows, columns = node["shape"][1:]
    padded = numpy.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    image = numpy.pad(numpy.ones(x.shape[2:], bool), ((top, bottom), (left, right)))
    for a in range(size[0]):
        for b in range(size[1]):
            down = slice(a * dilation[0], a * dilation[0] + (rows - 1) * stride[0] + 1, stride[0])
            across = slice(b * dilation[1], b * dilation[1] + (columns - 1) * stride[1] + 1, stride[1])
            yield padded[:, :, down, across], image[down, across]


def factored_sums(node, x, rows):
    """The sums of a factored node, given its matrix times every point, shape [samples, rows, points]."""
    if node["kind"] == "bilinear":
        x = x.reshape(*x.shape[:2], -1)
        rows = numpy.stack([exact_product(keys.T, products.T) for keys, products in zip(x, rows)])
    return rows.reshape(len(x), *node["shape"])


def linear_sums(node, x, m):
    """The sums of a dense layer or a convolution for what it reads, in units of 2^-(kt + m)."""
    weights, biases = node["weights"], node["biases"]
    if node["kind"] in FACTORED:
        # Shape [samples, points, outputs], and back.
        points = numpy.moveaxis(x, 1, -1).reshape(len(x), -1, x.shape[1])
        rows = exact_product(points.reshape(-1, x.shape[1]), weights).reshape(*points.shape[:2], -1)
        return factored_sums(node, x, numpy.moveaxis(rows, 2, 1))
    constant = 0 if biases is None else (biases << m)
    if node["kind"] == "dense":
        return exact_product(x, weights) + constant
    outputs, *size = node["shape"]
    groups, channels = node["groups"], weights.shape[1]
    # Shape [groups, samples and points, channels of a group and taps].
    windows = numpy.stack([place for place, _ in taps_of(node, x)], axis=2)
    windows = windows.reshape(len(x), groups, channels, -1, *size).transpose(1, 0, 4, 5, 2, 3)
    windows = windows.reshape(groups, -1, weights[0].size)
    rows = weights.reshape(groups, outputs // groups, -1)
    sums = numpy.stack([exact_product(windows[g], rows[g]) for g in range(groups)], axis=1)
    sums = sums.reshape(len(x), *size, outputs) + constant
    return numpy.moveaxis(sums, 3, 1)
