"""Tickets that exacta wrote, with and without faults, in the process of the test."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy

from exacta_ticket.__main__ import main

HERE = Path(__file__).parent
NAMES = ("first", "second", "third", "fourth")


def call(*arguments):
    """The exit status of the command line, and what it prints."""
    out, error = io.StringIO(), io.StringIO()
    with mock.patch.object(sys, "argv", ["exacta_ticket", *map(str, arguments)]):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            return main(), out.getvalue() + error.getvalue()


class Tickets(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, content):
        path = Path(self.folder.name) / "file"
        path.write_bytes(content)
        return path

    def test_every_ticket_equals_its_network_and_no_other(self):
        for ticket in NAMES:
            for network in NAMES:
                status, text = call("verify", HERE / f"{ticket}.safetensors", "--network", HERE / f"{network}.json")
                self.assertEqual(status == 0, ticket == network, text)

    def test_a_ticket_without_one_of_its_kept_weights_is_found(self):
        for name in NAMES:
            content = (HERE / f"{name}.safetensors").read_bytes()
            start = 8 + int.from_bytes(content[:8], "little")
            found = 0
            for place in range(start, len(content)):
                for bit in range(8):
                    if content[place] >> bit & 1:
                        faulty = bytearray(content)
                        faulty[place] ^= 1 << bit
                        status, text = call("verify", self.path(faulty), "--network", HERE / f"{name}.json")
                        self.assertEqual(status, 1, text)
                        self.assertIn("the kept weights sum to", text)
                        found += 1
            self.assertGreater(found, 20)

    def test_a_file_with_any_byte_of_its_header_changed_is_refused_or_found(self):
        content = (HERE / "first.safetensors").read_bytes()
        for place in range(8 + int.from_bytes(content[:8], "little")):
            faulty = bytearray(content)
            faulty[place] ^= 1
            status, _ = call("verify", self.path(faulty), "--network", HERE / "first.json")
            self.assertIn(status, (1, 2), f"byte {place}")

    def test_a_ticket_and_its_network_have_the_same_outputs(self):
        random = numpy.random.default_rng(1)
        for name, elements in zip(NAMES, (2, 2, 32, 8)):
            inputs = Path(self.folder.name) / "inputs.npy"
            numpy.save(inputs, random.integers(-8, 9, (100, elements)))
            outputs = [call("run", HERE / f"{name}{end}", "--inputs", inputs) for end in (".safetensors", ".json")]
            self.assertEqual(outputs[0], outputs[1])
            self.assertEqual(outputs[0][0], 0)
            self.assertGreater(len(set(outputs[0][1].split())), 3)


if __name__ == "__main__":
    unittest.main()
