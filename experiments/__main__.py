"""python -m experiments [NAME [--quick] [--seed N] [--out DIR] [--<parameter> VALUE ...]]: lists or runs
one."""

import argparse
import sys
from math import isfinite

import jax

from experiments import record


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description="List or run an experiment; NAME --help shows its flags.",
        add_help=False,
        allow_abbrev=False,  # --d is a parameter, not --debug
    )
    parser.add_argument("experiment", nargs="?", metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="the same experiment in seconds")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder of the table (default: results/, or results/scratch/ if any argument differs)",
    )
    parser.add_argument("--debug", action="store_true", help="show where a failure happened")
    parser.add_argument("--help", "-h", action="store_true")
    flags, rest = parser.parse_known_args(arguments)
    try:
        return listing(parser, flags) if flags.experiment is None else execute(parser, flags, rest)
    except (record.Refused, ValueError, TypeError) as refused:
        if flags.debug:
            raise
        print(f"{flags.experiment}: {refused}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{flags.experiment}: stopped; nothing was written", file=sys.stderr)
        return 130
    except ModuleNotFoundError as missing:
        if flags.debug:
            raise
        print(
            f"{flags.experiment}: needs {missing.name}; install the extras (make test does)",
            file=sys.stderr,
        )
        return 2


def listing(parser, flags):
    if flags.help:
        parser.print_help()
    for name in record.names():
        module = record.load(name)
        print(f"{name:<20} {module.SECONDS:>4} s   {module.__doc__.splitlines()[0]}")
    return 0


def execute(parser, flags, rest):
    jax.config.update("jax_enable_x64", True)
    module = record.load(flags.experiment)
    defaults = record.parameters(module)
    for name, default in defaults.items():
        spellings = dict.fromkeys((record.flag(name), f"--{name}"))  # --then-rho or --then_rho
        kind, text = type(default).__name__.upper(), record.shown(default)
        parser.add_argument(*spellings, metavar=kind, help=f"default {text}")
    if flags.help:
        parser.print_help()
        return 0
    known = [record.flag(name) for name in defaults]
    flagged = [each.split("=")[0] for each in rest if each.startswith("--")]
    strangers = [each for each in flagged if record.flag(each[2:]) not in known]
    if strangers:
        raise record.Refused(
            f"{strangers[0]} is no parameter; there are {', '.join(known)}, --quick, --out and --debug"
        )
    chosen = vars(parser.parse_args([flags.experiment, *rest]))
    given = {
        name: record.parsed(chosen[name], defaults[name], name)
        for name in defaults
        if chosen[name] is not None
    }
    if hasattr(module, "single") and (number := module.single(**defaults | given)) is not None:
        print(f"{number:.17g}")
        return int(not isfinite(number))
    record.execute(flags.experiment, given, flags.quick, flags.out, say=print)
    return 0


if __name__ == "__main__":
    sys.exit(main())
