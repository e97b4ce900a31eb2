"""Mutate files of theory/ with mutmut; print what the tests let through, and fail where that is too much.

    python setup/mutants.py [--children 2] [theory/update.py ...]

Each file is left to the test module of its name, or of its folder's name. A mutant that runs into the time
limit counts as survived, unlike in mutmut's own score. Decorated functions, properties among them, are not
mutated: `left out` is their share of the lines in functions.
"""

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mutmut.stats import status_by_exit_code

SHARE = 0.95  # of the mutants, to be killed in each of these files
HELD = ["theory/update.py", "theory/sampling.py", "theory/bounds/residual.py", "theory/expectation.py"]
COLUMNS = ["killed", "survived", "timeout", "no tests", "suspicious"]  # the last stands for all else

RUN = """
from mutmut.__main__ import cli
from mutmut.configuration import config
config().only_mutate, config().pytest_add_cli_args_test_selection = [{file!r}], [{tests!r}]
cli()
"""
ENVIRONMENT = os.environ | {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # these tests need no plugins, which take a second for each mutant
    "PYTHONDONTWRITEBYTECODE": "",  # without byte code it would be three
    "OPENBLAS_NUM_THREADS": "1",  # the matrices are small, and idle threads wait by spinning
}


def tests(file):
    """tests/test_sampling.py for theory/sampling.py, tests/test_bounds.py for theory/bounds/residual.py."""
    own, folder = (Path("tests", f"test_{name}.py") for name in (Path(file).stem, Path(file).parent.name))
    return str(own if own.exists() else folder)


def mutmut(file, *arguments, **options):
    command = [sys.executable, "-c", RUN.format(file=file, tests=tests(file)), *arguments]
    return subprocess.run(command, env=ENVIRONMENT, text=True, check=True, **options)


def verdicts(file, children):
    """Of every mutant, by name."""
    shutil.rmtree("mutants", ignore_errors=True)  # mutmut would keep the verdicts of earlier tests
    mutmut(file, "run", f"--max-children={children}")
    codes = json.loads(Path("mutants", file + ".meta").read_text(encoding="utf-8"))["exit_code_by_key"]
    return {name: status_by_exit_code[code] for name, code in codes.items()}


def change(file, name):
    """The lines that a mutant has otherwise."""
    shown = mutmut(file, "show", name, capture_output=True).stdout.splitlines()
    return [line for line in shown if line[:1] in ("-", "+") and line[:3] not in ("---", "+++")]


def left_out(file):
    """Share of the lines in functions that stand in decorated ones."""
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]

    def lines(chosen):
        return {line for each in chosen for line in range(each.lineno, (each.end_lineno or 0) + 1)}

    return len(lines(each for each in functions if each.decorator_list)) / max(len(lines(functions)), 1)


def main(files, children):
    rows, enough = [], True
    for file in files:
        found = verdicts(file, children)
        count = Counter(verdict if verdict in COLUMNS else "suspicious" for verdict in found.values())
        share = count["killed"] / max(len(found), 1)
        numbers = "".join(f"{count[name]:12}" for name in COLUMNS)
        rows.append(f"{file:28}{len(found):9}{numbers}{share:8.1%}{left_out(file):10.1%}")
        enough &= share >= SHARE or file not in HELD
        for name, verdict in found.items():
            if verdict != "killed":
                print("", f"{name}: {verdict}", *change(file, name), sep="\n", flush=True)
    print(f"\n{'':28}{'mutants':>9}{''.join(f'{name:>12}' for name in COLUMNS)}{'share':>8}{'left out':>10}")
    print(*rows, sep="\n")
    if not enough:
        print(f"fewer than {SHARE:.0%} of the mutants of a file are killed", file=sys.stderr)
    return 0 if enough else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", default=HELD)
    parser.add_argument("--children", type=int, default=1, help="mutants that are tested at the same time")
    sys.exit(main(**vars(parser.parse_args())))
