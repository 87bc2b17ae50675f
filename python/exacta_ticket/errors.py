"""The error of files that are no ticket or no network."""


class Refused(ValueError):
    """A file or a request is not as docs/ticket.md says. Its text names what is wrong."""


def require(holds, what):
    """Raises Refused with `what` unless `holds`."""
    if not holds:
        raise Refused(what)
