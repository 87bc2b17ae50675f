"""Checks of what files say, and the error of files that are no ticket or no network."""

import numpy

QUANTIZERS = ("floor", "truncate", "nearest", "away")


class Refused(ValueError):
    """A file or a request is not as docs/ticket.md says. Its text names what is wrong."""


def require(holds, what):
    """Raises Refused with `what` unless `holds`."""
    if not holds:
        raise Refused(what)


def integer(value, name, least, most):
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    require(is_integer and least <= value <= most, f"{name} is no integer of {least}..{most}")
    return value


def integers(value, name, least, lengths):
    require(isinstance(value, list) and len(value) in lengths, f"{name} is no list of {lengths} integers")
    return [integer(entry, name, least, 2**24) for entry in value]


def weights_of(value, name, dimensions, bits):
    """Nested lists of integers of -2^bits..2^bits as an array. An array stays as it is."""
    if isinstance(value, numpy.ndarray):
        require(value.ndim == dimensions, f"{name} have not {dimensions} dimensions")
        return value
    try:
        exact = numpy.array(value, dtype=object)
        array = numpy.array(value, dtype=numpy.int64)
    except (ValueError, TypeError, OverflowError):
        raise Refused(f"{name} are no lists of integers of one length") from None
    require(array.ndim == dimensions and array.size > 0, f"{name} are no lists of integers of one length")
    require(bool((array == exact).all()), f"{name} has a number that is no integer")
    require(int(abs(array).max()) <= 1 << bits, f"{name} has a number outside -2^{bits}..2^{bits}")
    return array
