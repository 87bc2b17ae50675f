"""Random words, values and weights, and rounding: sections 2 and 3 of docs/ticket.md. All functions take arrays."""

import numpy

from .checks import require

MASK32 = numpy.uint64(0xFFFFFFFF)
# The shifts to the left and to the right that make up the rotation of a round.
ROTATIONS = [(numpy.uint32(left), numpy.uint32(32 - left)) for left in (13, 15, 26, 6, 17, 29, 16, 24)]


def words(values):
    return numpy.atleast_1d(numpy.asarray(values)).astype(numpy.uint32)


def threefry(key, c0, c1):
    """Two arrays of words for a key of two words and counters of two arrays of words."""
    k = [words(key[0]), words(key[1])]
    k.append(k[0] ^ k[1] ^ words(0x1BD11BDA))
    x, y = words(c0) + k[0], words(c1) + k[1]
    for turn in range(20):
        x = x + y
        left, right = ROTATIONS[turn % 8]
        y = ((y << left) | (y >> right)) ^ x
        if turn % 4 == 3:
            s = (turn + 1) // 4
            x = x + k[s % 3]
            y = y + k[(s + 1) % 3] + numpy.uint32(s)
    return x, y


def stream_key(seed, s0, s1):
    """The key of stream (s0, s1) of a seed of 64 bits."""
    x, y = threefry((seed & 0xFFFFFFFF, seed >> 32), s0, s1)
    return int(x[0]), int(y[0])


def values(count, key, trials, items):
    """Integers of 0..count - 1 for arrays of trials and items."""
    log2 = count.bit_length() - 1
    if count == 1 << log2:
        bits = max(log2, 1)
    else:
        bits = 16 if count <= 1 << 11 else 32
    per_word = 32 // bits
    threshold = numpy.uint64((((1 << bits) % count) << (32 - bits)) & 0xFFFFFFFF)
    top = words(((1 << bits) - 1) << (32 - bits))
    trials = numpy.asarray(trials, numpy.uint64)
    items = numpy.asarray(items, numpy.uint64)
    low = trials & MASK32
    high = (trials >> numpy.uint64(32)) << numpy.uint64(16)
    word = items // numpy.uint64(per_word)
    x, y = threefry(key, low, high + (word >> numpy.uint64(1)))
    drawn = numpy.where(word & numpy.uint64(1), y, x)
    slices = (drawn << words((items % numpy.uint64(per_word)) * numpy.uint64(bits))) & top
    product = slices.astype(numpy.uint64) * numpy.uint64(count)
    attempt = 1
    while True:
        (again,) = numpy.nonzero((product & MASK32) < threshold)
        if len(again) == 0:
            return (product >> numpy.uint64(32)).astype(numpy.int64)
        x, _ = threefry(key, low[again], high[again] + numpy.uint64(64 * attempt) + items[again])
        product[again] = (x & top).astype(numpy.uint64) * numpy.uint64(count)
        attempt += 1


def indexed_values(count, key, indices):
    """Integers of 0..count - 1 for an array of indices."""
    return values(count, key, numpy.asarray(indices) // 64, numpy.asarray(indices) % 64)


def quantize(quantizer, a, divisor):
    """Integers a divided by a positive integer or an array of them, rounded."""
    a = numpy.asarray(a)
    if quantizer == "floor":
        return a // divisor
    magnitude = abs(a)
    if quantizer == "nearest":
        # (2 |a| + divisor) / (2 divisor), without the doubling of |a|.
        rest = magnitude % divisor
        magnitude = magnitude // divisor + (rest >= divisor - rest)
    elif quantizer == "away":
        magnitude = -(-magnitude // divisor)
    else:
        magnitude = magnitude // divisor
    return numpy.sign(a) * magnitude


def exact_product(x, rows):
    """Numbers x [samples, columns] times rows [outputs, columns] of weights. Raises Refused for sums that could reach 2^63."""
    bound = int(abs(rows).sum(axis=1).max()) * int(abs(x).max(initial=0))
    require(bound < 2**63, "sums of the pass could reach 2^63")
    # float64 is faster, and exact below 2^53.
    dtype = numpy.float64 if bound < 2**53 else numpy.int64
    return (x.astype(dtype) @ rows.T.astype(dtype)).astype(numpy.int64)


def weights(law, key, indices):
    """The random weights of indices. `law` has initialBits, bits, weightQuantizer and zero."""
    half = 1 << law["initialBits"]
    v = indexed_values(weight_range(law), key, indices) - half
    if not law["zero"]:
        v += v >= 0
    return quantize(law["weightQuantizer"], v, 1 << (law["initialBits"] - law["bits"]))


def weight_range(law):
    return 2 * (1 << law["initialBits"]) + int(law["zero"])


def layer_key(law, seed, layer):
    """The key of the weights of a random layer."""
    return stream_key(seed, (1 << 16) + layer, weight_range(law))
