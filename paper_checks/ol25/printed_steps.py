"""The steps that the public notebook prints, against our formulas, bit for bit.

PRINTED holds numbers alone, from numpy_exps/exps.ipynb of github.com/dimitris-oik/unifiedsam (commit
f4cb1ee of 27 February 2025, still there at 978ce39): for each cell the mu and L's that it prints and every
(lam, rho, gamma), all with 17 digits. Full batch: L, A = 0, B = 1; single examples: L_max, A = L_max, B =
0; importance sampling: L_max, A = L_avg, B = 0. `measured` is the largest distance of theory/bounds/ol25.py
from a printed rho or gamma, in units of the last place; the bound is 0 and the tolerance of 1/2 decides
between whole numbers.

"inadmissible_steps: ..." are three cells that print rho = 1 / (4 L_max) and gamma = 2 / L_max, for any lam
and law: neither pair, and no condition of ours admits them. There `bound` is the smallest of form A's
condition with their constant, with L and ell, and form B's over its limit, each lowered by twice the
tolerance, and `measured` the 1 that it would have to be below: the cell stands as a counter-example where 1
is smaller.
"""

from typing import Any, NamedTuple

import numpy as np

from theory.bounds import ol25
from theory.bounds.ol25 import Constants

LEAST = {"pl": 0.10000000000000053, "whole": 9.999999999999856}
RIDGE = {
    "pl": 0.031000000000000003,
    "whole": 0.12999999999999856,
    "mean": 2.2091438589097954,
    "most": 3.1165727892355504,
}
SPREAD = {
    "pl": 0.04000000000000009,
    "whole": 1.0299999999999983,
    "mean": 3.301574128630725,
    "most": 8.414017231815121,
}

# (cell, law, pair, problem, ((lam, rho, gamma), ...)); cells are counted from 0, as in the file
PRINTED: Any = (
    (
        2,
        "full batch",
        "new",
        LEAST,
        (
            (0.0, 0.01250000000000018, 0.01250000000000018),
            (0.1, 0.01543209876543232, 0.01250000000000018),
            (0.2, 0.019531250000000278, 0.01250000000000018),
            *(
                (lam, 0.02500000000000036, 0.01250000000000018)
                for lam in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
            ),
        ),
    ),
    (5, "uniform", "old", SPREAD, ((0.5, 0.0005596847279240179, 0.00014124997844867427),)),
    (5, "importance", "old", SPREAD, ((0.5, 0.00140584578144243, 0.00035995247810306254),)),
    (6, "uniform", "old", SPREAD, ((1.0, 0.05942464654212944, 0.000141251544666281),)),
    (6, "importance", "old", SPREAD, ((1.0, 0.05942464654212944, 0.00035997766051537963),)),
    (8, "uniform", "new", RIDGE, ((0.0, 0.0003989487951238565, 0.0003989487951238565),)),
    (
        17,
        "full batch",
        "old",
        LEAST,
        (
            (0.0, 0.016666666666666906, 0.02368421052631613),
            (0.3, 0.02525252525252562, 0.02352955298410751),
            (0.5, 0.03333333333333381, 0.02368421052631613),
            (0.7, 0.04237288135593281, 0.02421733685821657),
            (1.0, 0.050000000000000724, 0.025000000000000362),
        ),
    ),
    (
        17,
        "full batch",
        "new",
        LEAST,
        (
            (0.0, 0.01250000000000018, 0.01250000000000018),
            *((lam, 0.02500000000000036, 0.01250000000000018) for lam in (0.3, 0.5, 0.7, 1.0)),
        ),
    ),
    (
        19,
        "uniform",
        "old",
        RIDGE,
        (
            (0.0, 0.0007939489551165805, 0.0007978878198657325),
            (0.5, 0.0031293364453178927, 0.0007978596451592998),
            (1.0, 0.1604326398943638, 0.0007978975902477129),
        ),
    ),
    (
        19,
        "uniform",
        "new",
        RIDGE,
        (
            (0.0, 0.0003989487951238565, 0.0003989487951238565),
            (0.5, 0.001595795180495426, 0.0003989487951238565),
            (1.0, 0.0802163199471819, 0.0003989487951238565),
        ),
    ),
)

INADMISSIBLE: Any = (
    (4, "uniform", SPREAD, (0.0, 0.02971232327106472, 0.23769858616851777)),
    (4, "importance", SPREAD, (0.0, 0.02971232327106472, 0.23769858616851777)),
    (9, "uniform", RIDGE, (0.5, 0.0802163199471819, 0.6417305595774552)),
    (10, "uniform", RIDGE, (1.0, 0.0802163199471819, 0.6417305595774552)),
)


class Case(NamedTuple):
    law: str
    pair: str  # "old", "new"; "" where neither
    problem: dict[str, float]
    steps: tuple[tuple[float, float, float], ...]  # (lam, rho, gamma) as printed


def cases():
    out = {f"cell {cell}, {law}, {pair} pair": Case(law, pair, *rest) for cell, law, pair, *rest in PRINTED}
    for cell, law, problem, steps in INADMISSIBLE:
        name = f"inadmissible_steps: cell {cell}, {law}, lam={steps[0]:g}"
        out[name] = Case(law, "", problem, (steps,))
    return out


def constants(case, sharp=False):
    """As the notebook takes them; sharp: L of f beside ell, both at most L_max for these laws."""
    known = case.problem
    if case.law == "full batch":
        return Constants(known["pl"], known["whole"], known["whole"], 0.0, 1.0, 0.0)
    a = known["mean" if case.law == "importance" else "most"]  # ell too
    if sharp:
        return Constants(known["pl"], known["whole"], a, a, 0.0, 0.0)
    return Constants(known["pl"], known["most"], known["most"], a, 0.0, 0.0)


def made(case):
    """(rho, gamma) of the pair for each printed lam."""
    steps = {"old": ol25.old_steps, "new": ol25.new_steps}[case.pair]
    return np.array([steps(constants(case), lam)[::-1] for lam, *_ in case.steps])


def units_apart(x, y):
    """How many double-precision numbers lie from x to y, both positive."""
    return np.abs(np.asarray(x).view(np.int64) - np.asarray(y).view(np.int64))


def excess(case):
    """The smallest of the conditions over their limits, in the form kindest to the printed steps."""
    ((lam, rho, gamma),) = case.steps
    paper, sharp = constants(case), constants(case, sharp=True)
    tries = [ol25.condition_a(paper, gamma, rho, ol25.paper_weights(lam))]
    for weights in (ol25.paper_weights(lam), ol25.jensen_weights(lam)):
        tries += [
            ol25.condition_a(sharp, gamma, rho, weights),
            4 * ol25.condition_b(sharp, gamma, rho, weights),
        ]
    return min(tries)


def hypotheses(case):
    if case.pair:
        return {"mu <= L": case.problem["pl"] <= case.problem["whole"]}
    ((_, rho, gamma),) = case.steps
    most = case.problem["most"]
    return {"rho = 1 / (4 L_max), gamma = 2 / L_max": rho == 1 / (4 * most) and gamma == 2 / most}


def measured(case):
    if not case.pair:
        return 1.0
    return int(np.max(units_apart(made(case), np.array([each[1:] for each in case.steps]))))


def bound(case):
    return 0 if case.pair else excess(case) - 2 * tolerance(case)


def tolerance(case):
    return 0.5 if case.pair else 1e-12 * excess(case)


def controls(case):
    if case.pair:
        out = {"the other pair": case._replace(pair={"old": "new", "new": "old"}[case.pair])}
        letters = (
            {"L": "whole"} if case.law == "full batch" else {"L": "most", "mu": "pl"}
        )  # mu cancels there
        for name, letter in letters.items():
            out[f"{name} larger"] = lambda factor, letter=letter: case._replace(
                problem=case.problem | {letter: case.problem[letter] * factor}
            )
        if case.law == "importance":
            out["the constants of uniform sampling"] = case._replace(law="uniform")
        return out
    ((lam, rho, gamma),) = case.steps
    admitted = ol25.new_steps(constants(case), lam)[::-1]
    return {
        "the new pair": case._replace(steps=((lam, *admitted),)),
        "both smaller": lambda factor: case._replace(steps=((lam, rho / factor, gamma / factor),)),
    }
