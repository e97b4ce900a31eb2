"""python -m paper_checks [PAPER[/STATEMENT] ...] [--json FILE] [--core] [--list]: prints the ledger."""

import argparse
import os
import sys
import tomllib
from importlib.metadata import version

import jax
import pandas as pd

from paper_checks import ledger


def compile_quickly():
    """Call it ahead of the first compilation: that is where a check spends its time, not in what it runs."""
    if version("jaxlib").startswith("0.10."):  # XLA ends at a flag that it does not know
        flags = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0"
        os.environ.setdefault("XLA_FLAGS", flags)


def table(records):
    """One line for each case: how far it is from its bound, and the factor that catches its last control."""
    rows = []
    for each in records:
        if each["case"] is None:
            continue
        factors = [c["factor"] for c in each["controls"].values() if c["factor"]]
        rows.append(
            {
                "statement": f"{each['paper']}/{each['statement']}",
                "case": each["case"],
                "measured": shown(each["measured"]),
                "bound": shown(each["bound"]),
                "slack": "" if each["slack"] is None else f"{each['slack']:.3g}",
                "holds": each["holds"],
                "caught": each["caught"],
                "from factor": f"{max(factors):.3g}" if factors else "",
            }
        )
    return pd.DataFrame(rows).to_string(index=False) if rows else ""


def shown(number):
    return "" if number is None else f"{number:.4g}"


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m paper_checks", description="Run checks and print the ledger."
    )
    parser.add_argument(
        "statement",
        nargs="*",
        help="a paper (ol25), a statement (ol25/theorem_3_2) or an alias of one; all by default",
    )
    parser.add_argument("--json", metavar="FILE", help="write the ledger there, whatever its verdict")
    parser.add_argument(
        "--core",
        action="store_true",
        help="a row that lacks its library or table does not count as a failure",
    )
    parser.add_argument("--list", action="store_true", help="name the statements, run nothing")
    flags = parser.parse_args(arguments)
    try:
        rows, aliases = ledger.statements()
        rows_wanted = ledger.chosen(rows, aliases, flags.statement)
    except ledger.UnknownStatement as unknown:
        print(unknown, file=sys.stderr)
        return 2
    except tomllib.TOMLDecodeError as wrong:
        print(f"paper_checks/statements.toml is no TOML: {wrong}", file=sys.stderr)
        return 2
    if flags.list:
        for row in rows_wanted:
            print(f"{row.name:<40} {row.fields['status']:<13} {row.fields['title']}")
        return 0
    compile_quickly()
    jax.config.update("jax_enable_x64", True)
    print("statement".ljust(36), "  cases", file=sys.stderr)
    records = ledger.run(rows_wanted, rows, say=lambda text: print(text, file=sys.stderr, flush=True))
    if flags.json:
        try:
            ledger.write(records, flags.json)
        except OSError as wrong:
            print(f"cannot write {flags.json} ({wrong.strerror}); name another file", file=sys.stderr)
            return 2
    print(table(records))
    for each in filter(ledger.not_run, records):
        print(f"{each['paper']}/{each['statement']}: {each['why']}")
    print(*ledger.summary(records), sep="\n")
    lacking = [] if flags.core else list(filter(ledger.not_run, records))
    return 1 if lacking or any(map(ledger.failed, records)) else 0


if __name__ == "__main__":
    sys.exit(main())
