"""python -m paper_checks.verdict LEDGER.json: summary of a ledger; exit status 1 while a check fails."""

import json
import sys

from paper_checks import ledger


def main(arguments):
    if len(arguments) != 1:
        print("usage: python -m paper_checks.verdict LEDGER.json", file=sys.stderr)
        return 2
    try:
        with open(arguments[0]) as file:
            records = json.load(file)
        if not records or not {"paper", "statement", "case", "holds"} <= set(records[0]):
            raise ValueError("no records")
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        print(f"{arguments[0]} cannot be read as a ledger ({wrong}); run make ledger", file=sys.stderr)
        return 2
    for each in records:
        name = f"{each['paper']}/{each['statement']}"
        if ledger.not_run(each):
            print(f"{name}: {each['why']}")
        elif ledger.failed(each):
            loose = [control for control, found in each["controls"].items() if not found["caught"]]
            broken = [hypothesis for hypothesis, met in each["hypotheses"].items() if not met]
            reason = (
                each["why"]
                if each["measured"] is None and each["why"]
                else (
                    f"hypotheses not met: {', '.join(broken)}"
                    if broken
                    else f"controls not caught: {', '.join(loose) or 'there is none'}"
                    if each["holds"]
                    else f"measured {each['measured']}, bound {each['bound']}"
                )
            )
            print(f"FAILED {name} [{each['case']}]: {reason}")
    print(*ledger.summary(records), sep="\n")
    return int(any(ledger.failed(each) or ledger.not_run(each) for each in records))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
