"""python -m benchmarks [NAME ...] [--json FILE] [--peer NAME=FOLDER ...]: our cost beside that of others."""

import argparse
import os
import sys
import time
from pathlib import Path

import jax

from benchmarks import harness, peers
from experiments.record import Refused, progress

SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Refused(message)


def main(arguments=None):
    parser = Parser(
        prog="python -m benchmarks",
        description="What our jobs cost beside others, as ratios of runs that alternate in one process.",
        epilog=f"benchmarks: {', '.join(harness.names())}; all without a name",
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the rows and where they come from")
    parser.add_argument("--peer", metavar="NAME=FOLDER", action="append", default=[])
    parser.add_argument("--debug", action="store_true", help="show where a failure happened")
    debug = False
    try:
        flags = parser.parse_args(arguments)
        debug = flags.debug
        return run(flags)
    except (Refused, ValueError) as refused:
        if debug:
            raise
        print(f"benchmarks: {refused}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("benchmarks: stopped; nothing was written", file=sys.stderr)
        return 130


def run(flags):
    jax.config.update("jax_enable_x64", True)
    modules = {name: harness.load(name) for name in flags.names or harness.names()}
    folders = dict(map(peers.found, flags.peer))
    if flags.json and (flags.json.is_dir() or not flags.json.absolute().parent.is_dir()):
        raise Refused(f"cannot write {flags.json}; name a file in a folder that is there with --json")
    begun = time.perf_counter(), os.getloadavg()[0]
    rows = []
    for name, module in modules.items():
        progress(f"{name}: {module.__doc__.splitlines()[0]}")
        records = harness.measured(module.bench({k: v for k, v in folders.items() if k in module.PEERS}))
        print(table(name, records), flush=True)
        rows += [{"benchmark": name} | each for each in records]
    story = {"rows": rows} | harness.provenance(folders, begun)
    load = " to ".join(f"{each:.1f}" for each in story["load"])
    print(f"{story['seconds']:.0f} s on {story['device']}, {story['cores']} cores, load {load}")
    if flags.json:
        harness.write(flags.json, story)
    return int(any(each["equal"] is False for each in rows))


def table(name, records):
    """The rows as text: ours, theirs, ratio with its spread; below each what was compared."""
    lines = [f"{name:<58} {'ours':>10} {'theirs':>10}   theirs / ours (lowest to highest)"]
    for each in records:
        if each["why"]:
            lines.append(f"{each['name']}: {each['why']}")
            continue
        spread = f"({each['low']:.2f} to {each['high']:.2f}, {each['rounds']} rounds)"
        lines.append(
            f"{each['name']:<58} {shown(each['ours']):>10} {shown(each['theirs']):>10}   "
            f"{each['ratio']:.2f} {spread} a {each['unit']}"
        )
        if each["cpu_ratio"] is not None:
            lines[-1] += (
                f"; {each['cpu_ratio']:.2f} in processor time, least over least {each['least_ratio']:.2f}"
            )
        facts = [f"{what} {one['difference']:.1e}" for what, one in each["equality"].items()]
        if each["compile_seconds"] is not None:
            facts.append(f"compiled in {each['compile_seconds']:.2f} s")
        if facts:
            lines.append(f"    {'; '.join(facts)}")
    return "\n".join(lines)


def shown(seconds):
    scale, unit = next((pair for pair in SCALES if seconds >= pair[0]), SCALES[-1])
    return f"{seconds / scale:.3g} {unit}"


if __name__ == "__main__":
    sys.exit(main())
