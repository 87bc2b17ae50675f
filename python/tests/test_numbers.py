"""Random numbers and rounding against published vectors, scalar code and fractions."""

import math
import unittest
from fractions import Fraction

import numpy

from exacta_ticket.numbers import indexed_values, quantize, stream_key, threefry, values, weights

# Random123, kat_vectors: key, counter, output.
VECTORS = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


def slow_threefry(key, counter):
    """Threefry in integers of Python."""
    k = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = (counter[0] + k[0]) % 2**32, (counter[1] + k[1]) % 2**32
    for turn in range(20):
        x = (x + y) % 2**32
        left = [13, 15, 26, 6, 17, 29, 16, 24][turn % 8]
        y = (y << left | y >> (32 - left)) % 2**32 ^ x
        if turn % 4 == 3:
            s = turn // 4 + 1
            x, y = (x + k[s % 3]) % 2**32, (y + k[(s + 1) % 3] + s) % 2**32
    return x, y


def slow_value(count, key, trial, item):
    """One value in integers of Python."""
    log2 = math.log2(count)
    bits = max(int(log2), 1) if log2.is_integer() else 16 if count <= 2048 else 32
    per_word = 32 // bits
    high = (trial >> 32) << 16
    block = slow_threefry(key, (trial % 2**32, high + item // per_word // 2))
    word = block[item // per_word % 2]
    piece = word >> (32 - bits * (item % per_word + 1)) & (2**bits - 1)
    attempt = 0
    # A slice is rejected where its product falls into the part of 2^bits that is no multiple of the range.
    while (piece * count) % 2**bits < 2**bits % count:
        attempt += 1
        piece = slow_threefry(key, (trial % 2**32, high + 64 * attempt + item))[0] >> (32 - bits)
    return piece * count >> bits


class Numbers(unittest.TestCase):
    def test_threefry_has_the_published_outputs(self):
        for key, counter, output in VECTORS:
            self.assertEqual(tuple(int(word[0]) for word in threefry(key, *counter)), output)
            self.assertEqual(slow_threefry(key, counter), output)
            self.assertNotEqual(slow_threefry((key[0] ^ 1, key[1]), counter), output)

    def test_values_are_those_of_scalar_code_for_every_kind_of_range(self):
        key = stream_key(2**64 - 1, 3, 5)
        rejected = 0
        for count in (1, 2, 3, 4, 5, 9, 33, 513, 1025, 2047, 2048, 2049, 3000, 4095):
            for trial in (0, 1, 2**32 - 1, 2**32, 2**47 + 12345):
                items = numpy.arange(64)
                found = values(count, key, numpy.full(64, trial), items).tolist()
                wanted = [slow_value(count, key, trial, item) for item in range(64)]
                self.assertEqual(found, wanted, (count, trial))
            many = indexed_values(count, key, numpy.arange(40_000))
            self.assertEqual((int(many.min()), int(many.max())), (0, count - 1))
            rejected += sum(int(many[i]) != slow_first(count, key, i) for i in range(0, 40_000, 97))
        self.assertGreater(rejected, 0)

    def test_weights_without_zero_are_all_others_and_quantizers_round_as_fractions_do(self):
        law = {"initialBits": 2, "bits": 2, "weightQuantizer": "away", "zero": False}
        self.assertEqual(set(weights(law, (1, 2), numpy.arange(500)).tolist()), set(range(-4, 5)) - {0})
        self.assertIn(0, weights({**law, "zero": True}, (1, 2), numpy.arange(500)))
        rules = {
            "floor": math.floor,
            "truncate": math.trunc,
            "away": lambda f: math.copysign(math.ceil(abs(f)), f),
            "nearest": lambda f: math.copysign(math.floor(abs(f) + Fraction(1, 2)), f),
        }
        for name, rule in rules.items():
            for divisor in (1, 2, 3, 4, 6, 8, 9):
                a = numpy.arange(-40, 41)
                found = quantize(name, a, divisor).tolist()
                self.assertEqual(found, [int(rule(Fraction(int(n), divisor))) for n in a], (name, divisor))


def slow_first(count, key, index):
    """The value that the first slice of an index would give, were none rejected."""
    bits = 16 if count <= 2048 else 32
    if count & (count - 1) == 0:
        bits = max(count.bit_length() - 1, 1)
    per_word = 32 // bits
    trial, item = divmod(index, 64)
    word = slow_threefry(key, (trial, item // per_word // 2))[item // per_word % 2]
    return (word >> (32 - bits * (item % per_word + 1)) & (2**bits - 1)) * count >> bits


if __name__ == "__main__":
    unittest.main()
