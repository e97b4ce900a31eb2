"""Tables 1, 3, 6, 7, 9 and 10 beside each other: runs that are told twice must have the same numbers.

Table 9 repeats Table 1 with the radius 0.05 everywhere, Table 10 repeats Table 3 (EfficientNet-b7), and
Table 6 has the radii of Table 1. All are the paper's own (published.toml). `measured` is the largest
difference, or the largest excess of the smaller side, at most 0.

    table_9                  SAM's errors are below SGD's in all 30 pairs; SGD's are those of Table 1
    table_9_against_table_1  one case for each net and data set: the errors of SAM in both tables are the
                             same where Table 6 has 0.05, but for PyramidNet on CIFAR-10, whose row of
                             Table 9 is that of Table 1 with ShakeDrop. They are the same six times for
                             WRN-28-10 on CIFAR-100 too, where Table 6 has 0.1. If two sets of runs had
                             equal true errors, and means that are normal with the printed intervals (5
                             runs, Student's t), they would print the same six numbers with the chance `by
                             chance`, at most 1 %
    table_6                  a radius that was tuned to another value than 0.05 has nowhere a larger error
                             than 0.05
    table_7                  the radii behind Table 5 are of the grid that Section 3.1 searches
    table_10                 the columns that Table 3 has too are the same, and 0.05 lies between tuned
                             and none

Controls: neighbouring rows and columns, a radius off the grid, dials on a side.
"""

import numpy as np
from scipy.special import ndtr, stdtrit

from paper_checks import published
from paper_checks.ledger import rounding
from paper_checks.published import Comparison, same

GRID = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
RUNS = 5
CHANCE = 0.01


def cases():
    tables = published.tables("f21")
    one, nine, radii = (tables[name].values.set_index("model") for name in ("table_1", "table_9", "table_6"))
    sgd = [np.concatenate([each[f"SGD {data}"] for data in ("C10", "C100")]) for each in (one, nine)]
    sam = [np.concatenate([each[f"SAM {data}"] for data in ("C10", "C100")]) for each in (one, nine)]
    out = {
        "SAM below SGD": Comparison(
            sam[1],
            sgd[1],
            {
                "the methods exchanged": (sgd[1], sam[1]),
                "SAM's errors a little larger": lambda factor: (factor * sam[1], sgd[1]),
            },
        ),
        "SGD as in Table 1": same(sgd[1], sgd[0], {"SAM": (sam[1], sam[0])}),
    }
    for data in ("C10", "C100"):
        for model in radii.index:
            name = f"table_9_against_table_1: {model}, {data}"
            first, second = (each.loc[model, f"SAM {data}"].to_numpy() for each in (one, nine))
            beside = one.loc[neighbour(model), f"SAM {data}"].to_numpy()
            radius = radii.loc[model, f"radius {data}"]
            if (model, data) == ("PyramidNet", "C10"):
                out[f"{name}, that of ShakeDrop"] = same(second, beside, {"its own": (second, first)})
            elif radius == 0.05 or model.startswith("WRN"):
                out[f"{name}, radius {radius:g}"] = same(second, first, {"another net": (second, beside)})
            else:
                out[f"table_6: {model}, {data}, radius {radius:g}"] = Comparison(
                    first, second, {"exchanged": (second, first)}
                )
    out["table_9_against_table_1: WRN-28-10 twice, C100, by chance"] = coincidence(tables)
    chosen = tables["table_7"].values["radius"].to_numpy()
    out["table_7: of the grid"] = on_grid(chosen)
    every = np.concatenate([radii[f"radius {data}"] for data in ("C10", "C100")])
    out["table_6: of the grid"] = on_grid(every)
    three, ten = (tables[name].values.set_index("data") for name in ("table_3", "table_10"))
    three = three.loc[ten.index]
    tuned, fixed, none = (ten[name].to_numpy() for name in ("tuned", "0.05", "none"))
    both = three[["SAM b7", "SGD b7"]].to_numpy().T
    wrong = three[["SAM L2", "SGD L2"]].to_numpy().T
    kept = np.array([tuned, none])
    return out | {
        "table_10: as in Table 3": same(kept, both, {"EfficientNet-L2": (kept, wrong)}),
        "table_10: 0.05 is between": Comparison(
            np.array([tuned, fixed]),
            np.array([fixed, none]),
            {
                "tuned and none exchanged": (np.array([none, fixed]), np.array([fixed, tuned])),
                "larger errors at 0.05": lambda factor: (
                    np.array([tuned, factor * fixed]),
                    np.array([factor * fixed, none]),
                ),
            },
        ),
    }


def neighbour(model):
    """Another row of Table 1; for PyramidNet the one with ShakeDrop."""
    return "PyramidNet+ShakeDrop" if model == "PyramidNet" else "PyramidNet"


def coincidence(tables):
    """The chance that two sets of runs of WRN-28-10 on CIFAR-100 print the same six means."""
    margins = tables["table_1"].margins.loc[:5, "SAM C100"].to_numpy()  # the rows of both lengths come first
    deviations = margins / stdtrit(RUNS - 1, 0.975)

    def chance(deviations):
        """At most: the true mean in the middle of what is printed alike."""
        return np.atleast_1d(np.prod((2 * ndtr(0.05 / deviations) - 1) ** 2))

    limit = np.array([CHANCE])
    return Comparison(
        chance(deviations),
        limit,
        {"shorter intervals": lambda factor: (chance(deviations / factor), limit)},
    )


def on_grid(radii):
    """The distance of each radius from the nearest of the grid, relatively."""

    def distance(radii):
        return np.min(np.abs(np.asarray(radii)[:, None] / np.array(GRID) - 1), axis=1)

    none = np.zeros(len(radii))
    return Comparison(
        distance(radii), none, {"a little larger": lambda factor: (distance(factor * radii), none)}
    )


def hypotheses(case):
    return published.complete(case)


def measured(case):
    return published.excess(case)


def bound(case):
    return 0.0


def tolerance(case):
    return rounding(case.low, case.high, 1.0)


def controls(case):
    return published.falsified(case)
