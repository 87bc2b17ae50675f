"""The safetensors file of a ticket: section 1 of docs/ticket.md."""

import json

import numpy

from .checks import Refused, integer, require


def compact(value):
    """JSON without blanks between tokens."""
    return json.dumps(value, separators=(",", ":"))


def read_metadata(content):
    """The metadata of a file, whose form is not checked yet, and the bytes of the header."""
    require(len(content) >= 8, "the file has less than 8 bytes")
    length = int.from_bytes(content[:8], "little")
    require(length <= 1 << 20, f"the header has {length} bytes, more than 2^20")
    require(len(content) >= 8 + length, "the file ends within its header")
    try:
        header = json.loads(content[8 : 8 + length].decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise Refused(f"the header is no JSON in ASCII: {error}") from None
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    require(isinstance(metadata, dict), "the header has no __metadata__")
    require(all(isinstance(text, str) for text in metadata.values()), "a value of the metadata is no text")
    require(metadata.get("format") == "exacta.ticket", "the file is no ticket of exacta")
    return metadata


def read_masks(content, metadata, sizes):
    """The kept weights of each layer, as ascending indices. `metadata` is as it must be in the file, in order."""
    header, end = {"__metadata__": metadata}, 0
    for layer, weights in enumerate(sizes):
        start, end = end, end + (weights + 7) // 8
        header[f"mask.{layer}"] = {"dtype": "U8", "shape": [end - start], "data_offsets": [start, end]}
    text = compact(header).encode("ascii")
    text += b" " * (-(8 + len(text)) % 8)
    wanted = len(text).to_bytes(8, "little") + text
    require(content[: len(wanted)] == wanted, "the header is not the one that its metadata ask for")
    data = numpy.frombuffer(content, numpy.uint8, offset=len(wanted))
    require(len(data) == end, f"the masks have {len(data)} bytes instead of {end}")
    kept = []
    for layer, weights in enumerate(sizes):
        start, end = header[f"mask.{layer}"]["data_offsets"]
        mask = data[start:end]
        # Most bytes of a mask are 0.
        (places,) = numpy.nonzero(mask)
        byte, bit = numpy.nonzero(numpy.unpackbits(mask[places, None], axis=1, bitorder="little"))
        indices = places[byte].astype(numpy.int64) * 8 + bit
        require(len(indices) == 0 or indices[-1] < weights, f"mask.{layer} has bits after its last weight")
        kept.append(indices)
    return kept


class Fields:
    """Reads the fields of a metadata one by one, and writes them again as they must be in the file."""

    def __init__(self, metadata):
        self.metadata = metadata
        self.written = {}

    def text(self, name, allowed=None):
        require(name in self.metadata, f"the metadata have no {name}")
        text = self.metadata[name]
        require(allowed is None or text in allowed, f"{name} is not one of {allowed}: {text[:40]}")
        self.written[name] = text
        return text

    def json(self, name):
        text = self.text(name)
        try:
            value = json.loads(text)
            written = compact(value)
        except (ValueError, RecursionError) as error:
            raise Refused(f"{name} is no JSON: {error}") from None
        require(written == text, f"{name} is not written as a ticket has it: {text[:40]}")
        return value

    def digest(self, name):
        text = self.text(name)
        require(len(text) == 64 and set(text) <= set("0123456789abcdef"), f"{name} is not 64 digits of 0-9 and a-f")
        return text

    def boolean(self, name):
        value = self.json(name)
        require(isinstance(value, bool), f"{name} is neither true nor false")
        return value

    def integer(self, name, least, most):
        return integer(self.json(name), name, least, most)

    def integers(self, name, least, most):
        value = self.json(name)
        require(isinstance(value, list), f"{name} is no list")
        return [integer(entry, name, least, most) for entry in value]
