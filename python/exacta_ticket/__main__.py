"""The command line: python3 -m exacta_ticket verify TICKET --network NETWORK, and run FILE --inputs INPUTS."""

import argparse
import json
import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy

from . import graph_ticket, perceptron
from .checks import Refused, require
from .container import read_metadata

# Samples that are run at a time, which bounds the memory.
SAMPLES = 32


def read_ticket(path):
    """The module that reads tickets of a file's version, and the ticket."""
    content = Path(path).read_bytes()
    metadata = read_metadata(content)
    versions = {"1": perceptron, "2": graph_ticket}
    version = metadata.get("version")
    require(version in versions, f"the version is not one of {', '.join(versions)}")
    return versions[version], versions[version].read_ticket(content, metadata)


def read_network(path):
    """A network, and the module that reads it."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused(f"{path} is no JSON: {error}") from None
    module = graph_ticket if isinstance(value, dict) and "nodes" in value else perceptron
    return module, module.read_network(value)


def read_inputs(path):
    """Integers of shape [samples, inputs] from a .npy file, or from text with the integers of a sample on each line."""
    try:
        if path.endswith(".npy"):
            given = numpy.load(path, allow_pickle=False)
        else:
            given = numpy.loadtxt(path, delimiter="," if "," in Path(path).read_text() else None, ndmin=2)
        inputs = given.astype(numpy.int64)
    except ValueError as error:
        raise Refused(f"{path} has no integers: {error}") from None
    require(bool((inputs == given).all()), f"{path} has numbers that are no integers")
    return inputs.reshape(len(inputs), -1)


def judge(path, network_path, network_module, network):
    """Whether the ticket of a file equals a network, and why, in words."""
    module, ticket = read_ticket(path)
    require(network_module is module, "the network is of another version than the ticket")
    fault = module.find_fault(ticket, network)
    if fault:
        return False, f"{path}: does not equal {network_path}: {fault}"
    kept = sum(len(indices) for indices in ticket.kept)
    return True, f"{path}: equals {network_path} on every input in its range, keeps {kept} weights"


def verify(arguments):
    equal, text = judge(arguments.ticket, arguments.network, *read_network(arguments.network))
    print(text)
    return 0 if equal else 1


def judge_folder(network_path):
    """The exit status that verify ends with, and the words, for each ticket beside a network."""
    network = read_network(network_path)
    judgements = []
    for path in sorted(set(network_path.parent.iterdir()) - {network_path}):
        try:
            equal, text = judge(path, network_path, *network)
            judgements.append((1 - equal, text))
        except Refused as error:
            judgements.append((2, f"{path}: {error}"))
    return judgements


def verify_all(arguments):
    counts = [0, 0, 0]
    # One process for each processor.
    with Pool() as pool:
        for judgements in pool.imap(judge_folder, sorted(Path(arguments.folder).rglob("network.json"))):
            for status, text in judgements:
                counts[status] += 1
                if status:
                    print(status, text)
    require(sum(counts) >= arguments.least, f"{arguments.folder} has {sum(counts)} tickets, less than {arguments.least}")
    print(f"{sum(counts)} tickets: {counts[0]} equal their networks, {counts[1]} do not, {counts[2]} are refused")
    return max((status for status in range(3) if counts[status]), default=0)


def run(arguments):
    if arguments.file.endswith(".json"):
        module, network = read_network(arguments.file)
        outputs_of = partial(module.run_network, network)
    else:
        module, ticket = read_ticket(arguments.file)
        outputs_of = partial(module.run_ticket, ticket)
    inputs = read_inputs(arguments.inputs)
    blocks = [inputs[start : start + SAMPLES] for start in range(0, len(inputs), SAMPLES)]
    outputs = numpy.concatenate([outputs_of(block) for block in blocks])
    if arguments.out:
        numpy.save(arguments.out, outputs)
    else:
        for row in outputs.tolist():
            print(*row)
    return 0


def main():
    parser = argparse.ArgumentParser(
        prog="exacta_ticket", description="Checks and runs tickets of exacta, as docs/ticket.md specifies them."
    )
    commands = parser.add_subparsers(required=True)
    parse = commands.add_parser(
        "verify",
        help="draw the random network again and add up the kept weights behind every weight",
        epilog="Exit status: 0 if the ticket equals the network, 1 if it does not, 2 for files that are refused.",
    )
    parse.add_argument("ticket")
    parse.add_argument("--network", required=True, help="the network in JSON")
    parse.set_defaults(command=verify)
    parse = commands.add_parser(
        "verify-all",
        help="verify every ticket of a folder, and of the folders in it, against the network.json beside it",
        epilog="Prints the fault of each ticket that fails, after the exit status that verify ends with, and counts. "
        "The exit status is the largest of these.",
    )
    parse.add_argument("folder")
    parse.add_argument("--least", type=int, default=1, help="refuse a folder of fewer tickets; default: 1")
    parse.set_defaults(command=verify_all)
    parse = commands.add_parser("run", help="run inputs through the kept weights of a ticket, or through a network")
    parse.add_argument("file", help="a ticket, or a network whose name ends in .json")
    parse.add_argument("--inputs", required=True, help="integers, a sample in each row: .npy or text")
    parse.add_argument("--out", help="write the outputs to this .npy file instead of printing them")
    parse.set_defaults(command=run)
    arguments = parser.parse_args()
    try:
        return arguments.command(arguments)
    except (Refused, OSError) as error:
        print(f"exacta_ticket: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
