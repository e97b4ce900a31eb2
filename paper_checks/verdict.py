"""python -m paper_checks.verdict LEDGER.json [...] [--json FILE]: what fails, and a summary; then status 1.

With --json they are written as one, whatever the verdict.
"""

import argparse
import json
import sys

from paper_checks import ledger


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m paper_checks.verdict", description="Summary of ledgers, and what fails in them."
    )
    parser.add_argument("ledger", nargs="+", help="as python -m paper_checks --json writes it")
    parser.add_argument("--json", metavar="FILE", help="write them as one ledger there, whatever the verdict")
    flags = parser.parse_args(arguments)
    records = []
    for path in flags.ledger:
        try:
            records += read(path)
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            print(f"{path} cannot be read as a ledger ({wrong}); run make ledger", file=sys.stderr)
            return 2
    if flags.json:
        try:
            ledger.write(records, flags.json)
        except OSError as wrong:
            print(f"cannot write {flags.json} ({wrong.strerror}); name another file", file=sys.stderr)
            return 2
    for each in records:
        name = f"{each['paper']}/{each['statement']}"
        if ledger.not_run(each):
            print(f"{name}: {each['why']}")
        elif ledger.failed(each):
            print(f"FAILED {name} [{each['case']}]: {reason(each)}")
    print(*ledger.summary(records), sep="\n")
    return int(any(ledger.failed(each) or ledger.not_run(each) for each in records))


def read(path):
    """The records of a ledger."""
    with open(path) as file:
        records = json.load(file)
    if not records or not {"paper", "statement", "case", "holds"} <= set(records[0]):
        raise ValueError("no records")
    return records


def reason(each):
    """Why a record fails, in one line."""
    if each["measured"] is None and each["why"]:
        return each["why"]
    if broken := [hypothesis for hypothesis, met in each["hypotheses"].items() if not met]:
        return f"hypotheses not met: {', '.join(broken)}"
    if each["holds"]:
        loose = [control for control, found in each["controls"].items() if not found["caught"]]
        return f"controls not caught: {', '.join(loose) or 'there is none'}"
    return f"measured {each['measured']}, bound {each['bound']}"


if __name__ == "__main__":
    sys.exit(main())
