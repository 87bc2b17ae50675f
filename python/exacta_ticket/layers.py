"""Random layers and the certificate: what sections 5 and 10 of docs/ticket.md have in common."""

from dataclasses import dataclass
from typing import Callable, Optional

import numpy

from .checks import require
from .numbers import layer_key, stream_key, values, weights

MOST_WEIGHTS = 2**31


@dataclass
class RandomLayer:
    """One layer of the random network. A hidden layer has the fields up to `h` alone, and a level those up to `rows` and its own."""

    # "hidden", "level", "pooled" or "direct"
    kind: str
    # The number of weights.
    weights: int
    # initialBits, bits, weightQuantizer and zero.
    law: dict
    # Which layer of the target it represents.
    target: int
    # The number of hidden units or copies of each channel.
    h: int = 0
    # The rows, which are the copies of outputs, and the slots of each.
    rows: int = 0
    copies: int = 1
    slots: int = 0
    # The channels of slots, given arrays of rows and slots.
    channel_of: Optional[Callable] = None
    # Whether a slot asks for a sum for negative inputs, for each slot.
    negative: Optional[numpy.ndarray] = None
    # Whether hidden units have a ReLU. Otherwise the units of both signs have one sum.
    rectified: bool = True
    # A weight w of the target is the sum w 2^e.
    e: int = 0
    # Where the layer takes an addition over: the slot of each row that has the row's own channel at its own place.
    diagonal: Optional[numpy.ndarray] = None
    # Whether the hidden layer ends with a weight for each row, a random skip.
    random_skips: bool = False
    # The weights of a row of a level, and the rows of a level that read the same units.
    fan: int = 0
    block: int = 0


@dataclass
class Ticket:
    seed: int
    # Metadata that the module of a version reads.
    fields: dict
    pools: str
    support: bool
    layers: list
    # The indices of the kept weights of each layer, ascending, and their weights.
    kept: list
    drawn: list


def draw(layers, seed, kept):
    """The weights of kept indices, layer by layer."""
    return [
        weights(layer.law, layer_key(layer.law, seed, number), indices)
        for number, (layer, indices) in enumerate(zip(layers, kept))
    ]


def check_bits(theorem, kt, k, initial_bits):
    """Refuses bits with which a scheme cannot represent its target."""
    require(k <= initial_bits, "bits are more than initialBits")
    require(k == 0 or kt <= (2 * k if theorem == 1 else k), "bits are too few for the target's")


def check_sizes(layers):
    """Refuses layers with more weights than a ticket may have."""
    for number, layer in enumerate(layers):
        require(layer.weights <= MOST_WEIGHTS, f"mask.{number} has more than 2^31 weights")


def hidden_units(ticket, number):
    """The weights U of all units of hidden layer `number`, 0 where a unit is not kept."""
    units = numpy.zeros(ticket.layers[number].weights, numpy.int64)
    units[ticket.kept[number]] = ticket.drawn[number]
    return units


def level_places(ticket, number):
    """Rows, and units of the layer before, of the kept weights of a level."""
    layer = ticket.layers[number]
    row, edge = numpy.divmod(ticket.kept[number], layer.fan)
    return row, row // layer.block * layer.fan + edge


def passed_on(ticket, number):
    """The multiples of relu(x) and of relu(-x) in each row of hidden layer or level `number`: section 12."""
    layer = ticket.layers[number]
    if layer.kind == "hidden":
        units = hidden_units(ticket, number)
        return [numpy.maximum(units, 0), numpy.maximum(-units, 0)]
    row, unit = level_places(ticket, number)
    result = []
    for below in passed_on(ticket, number - 1):
        sums = numpy.zeros(layer.rows, numpy.int64)
        numpy.add.at(sums, row, ticket.drawn[number] * below[unit])
        require(abs(sums).max() * layer.h < 2**31, f"random layer {number} passes numbers on that are too large")
        result.append(numpy.maximum(sums, 0))
    return result


def skip_weights(ticket, number):
    """What the random skips of pooled layer `number` add to the sums of their rows, 0 where they are not kept."""
    layer = ticket.layers[number]
    return hidden_units(ticket, number - 1)[-layer.rows :] << layer.law["bits"]


def places(ticket, number):
    """Rows, slots, and units or columns of the kept weights of a pooled or direct layer."""
    layer = ticket.layers[number]
    row, column = numpy.divmod(ticket.kept[number], layer.slots * layer.h)
    slot, q = numpy.divmod(column, layer.h)
    return row, slot, layer.channel_of(row, slot) * layer.h + q


def find_fault(ticket, matrices):
    """The first weight of matrices [outputs, slots] that a ticket does not represent, in words; None if there is none."""
    for number, layer in enumerate(ticket.layers):
        if layer.kind in ("hidden", "level"):
            continue
        wanted = numpy.repeat(matrices[layer.target], layer.copies, axis=0) << layer.e
        row, slot, unit = places(ticket, number)
        if layer.kind == "pooled":
            positive, negative = (multiples[unit] for multiples in passed_on(ticket, number - 1))
        else:
            positive, negative = numpy.ones_like(unit), numpy.zeros_like(unit)
        # Without a ReLU every unit serves both signs.
        both = positive - negative
        for sign, factor in ((1, positive if layer.rectified else both), (-1, -negative if layer.rectified else both)):
            served = factor != 0
            product = factor * ticket.drawn[number]
            sums = numpy.zeros(wanted.shape, numpy.int64)
            if layer.random_skips:
                sums[numpy.arange(layer.rows), layer.diagonal] = skip_weights(ticket, number)
            numpy.add.at(sums, (row[served], slot[served]), product[served])
            wrong = sums != wanted
            if sign < 0:
                wrong &= layer.negative
            if wrong.any():
                r, s = numpy.argwhere(wrong)[0]
                return (
                    f"layer {layer.target}, output {r // layer.copies}, copy {r % layer.copies}, weight {s}, "
                    f"sign {sign}: the kept weights sum to {sums[r, s]} instead of {wanted[r, s]}"
                )
        # In levels a unit may have both multiples; then the options that leave products out are not set.
        factor = positive - negative
        outside = count_outside(ticket, number, factor, factor * ticket.drawn[number], slot)
        if outside:
            return f"random layer {number} keeps {outside} products that its scheme leaves out"
    return None


def count_outside(ticket, number, factor, product, slot):
    """The number of kept products of a layer that the options `halves` and `support` leave out."""
    layer, kept = ticket.layers[number], ticket.kept[number]
    if layer.kind == "direct":
        return 0
    counts = (product != 0) & ((factor > 0) | layer.negative[slot] | (not layer.rectified))
    outside = numpy.zeros(len(factor), bool)
    if ticket.pools == "halves" and layer.rectified:
        outside |= (kept % layer.h < layer.h // 2) != (factor > 0)
    if ticket.support:
        k = layer.law["bits"]
        magnitudes = numpy.arange(1, (1 << k) + 1)
        ways = numpy.bincount(numpy.multiply.outer(magnitudes, magnitudes).ravel())[abs(product)]
        key = stream_key(ticket.seed, (1 << 17) + number, k)
        for count in numpy.unique(ways[counts]):
            (here,) = numpy.nonzero(counts & (ways == count))
            outside[here] |= values(int(count), key, kept[here], numpy.zeros_like(here)) != 0
    return int((outside & counts).sum())


def row_sums(ticket, number, chosen, row, numbers):
    """Sums over rows of the weights of some kept places of a layer times numbers: shape [rows, ...].

    `chosen` are the positions of these places among the kept ones, ascending; `row` and `numbers` have an entry for each.
    """
    weight = ticket.drawn[number][chosen]
    result = numpy.zeros((ticket.layers[number].rows, *numbers.shape[1:]), numpy.int64)
    if len(chosen) == 0:
        return result
    starts = numpy.flatnonzero(numpy.diff(row, prepend=-1))
    bound = int(numpy.add.reduceat(abs(weight), starts).max()) * int(abs(numbers).max(initial=0))
    require(bound < 2**62, "sums of the pass could reach 2^62")
    weight = weight.reshape(-1, *[1] * (numbers.ndim - 1))
    result[row[starts]] = numpy.add.reduceat(weight * numbers, starts, axis=0)
    return result
