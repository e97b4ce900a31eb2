"""python -m figures [NAME ...]: draw from the tables on disk, all by default, into figures/out/."""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from figures import style

HERE = Path(__file__).parent
RESULTS = HERE.parent / "experiments" / "results"
OUT = HERE / "out"


def names():
    return sorted(path.stem for path in HERE.glob("[!_]*.py") if path.stem != "style")


def read(path, name):
    """The table NAME.csv, whole by what NAME.json says of it."""
    try:
        table, story = pd.read_csv(path), json.loads(path.with_suffix(".json").read_text())
        whole = story["rows"] == len(table) and story["columns"] == list(table.columns)
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise ValueError(f"no whole table {path} with its .json; python -m experiments {name} makes it")
    return table


def settle(figure):
    """Lay it out now, and round: the last digits of the solver's places change from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axis in figure.axes:
        axis.set_position(np.round(axis.get_position(original=True).bounds, 6))


def write(name, results, out):
    """Draw one figure as PNG and SVG, each written beside and then renamed."""
    table = read(results / f"{name}.csv", name)
    out.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(style.SETTINGS):
        figure = importlib.import_module(f"figures.{name}").draw(table)
        settle(figure)
        for kind, metadata in (("png", None), ("svg", {"Date": None})):
            beside = out / f"{name}.part.{kind}"
            figure.savefig(beside, metadata=metadata)
            os.replace(beside, out / f"{name}.{kind}")
        plt.close(figure)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m figures", description="Draw figures from the tables on disk."
    )
    parser.add_argument("name", nargs="*", help=f"of {', '.join(names())}; all by default")
    parser.add_argument("--tables", metavar="DIR", default=RESULTS, type=Path, help="folder of the tables")
    parser.add_argument("--out", metavar="DIR", default=OUT, type=Path, help="folder of the figures")
    flags = parser.parse_args(arguments)
    for name in flags.name or names():
        if name not in names():
            print(f"no figure named {name!r}; there are {', '.join(names())}", file=sys.stderr)
            return 2
        try:
            write(name, flags.tables, flags.out)
        except ValueError as wrong:
            print(f"{name}: {wrong}", file=sys.stderr)
            return 2
        except OSError as wrong:
            print(
                f"{name}: cannot write to {flags.out} ({wrong.strerror}); name another --out", file=sys.stderr
            )
            return 2
        print(f"{name}: {os.path.relpath(flags.out / name)}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
