"""The blind certificates made again from the dual of a semidefinite program; `python -m` writes the file
anew.

The program (theory/programs.py) that maximises |x+|^2, or f(x+), plus MARGIN times the trace of the Gram
matrix is solved by clarabel. Its dual multipliers, times the Q_ij, leave a form that is positive definite
by MARGIN, so they survive being rounded to 10 digits; what then fails to cancel in the values of f is added
to Q_i* or Q_*i. The factor is the multiplier of |x|^2 <= 1, or f(x) <= 1, rounded up. No closed form
enters.

`measured` is how far the factor made here is from the one that is kept, or 1 where it proves nothing in
fractions (paper_checks/own/blind_certificates.py); 1e-6 is allowed, the precision of the solvers.
"""

import json
import platform
from datetime import date
from fractions import Fraction
from functools import cache
from typing import NamedTuple

import clarabel
import numpy as np

from paper_checks.own import blind_certificates as kept
from theory import programs

MARGIN = 1e-7
DIGITS = 10
PLACES = (  # what is bounded, mu, gamma, rho; L = 1
    ("distance", "1/10", "200/413", "3"),
    ("distance", "1/10", "2/5", "3"),
    ("distance", "1/10", "3/5", "2"),
    ("distance", "1/2", "2/5", "3"),
    ("distance", "1/100", "7/10", "2"),
    ("distance", "1/10", "1", "1/2"),
    ("gap", "1/10", "200/413", "3"),
    ("gap", "1/10", "17/100", "10"),
)


class Case(NamedTuple):
    found: kept.Case  # made now
    factor: Fraction  # kept


def rounded(number):
    return Fraction(round(max(float(number), 0.0) * 10**DIGITS), 10**DIGITS)


def made(reads, at, margin=MARGIN):
    """A certificate of the solver, in fractions."""
    program = getattr(programs, reads)(*map(float, at))
    space = program.space
    trace = sum(space.square(v) for v in space.vectors())
    dual = programs.solve(program._replace(gain=program.gain + margin * trace), clarabel).multipliers
    points = "*xy+" if reads == "gap" else "*xy"
    pairs = [i + j for i in points for j in points if i != j]
    multipliers = {pair: rounded(weight) for pair, weight in zip(pairs, dual, strict=False)}
    out = kept.Case(reads, at, rounded(dual[-1]) + Fraction(1, 10 ** (DIGITS - 1)), multipliers)
    return out._replace(multipliers=balanced(out))


def balanced(case):
    """Multipliers with which the values of f cancel."""
    out = dict(case.multipliers)
    for point, left in zip("xy+", kept.certificate(case).imbalance[1:], strict=True):
        if left:
            out[f"{point}*" if left > 0 else f"*{point}"] += abs(left)
    return out


def place(bounds, mu, gamma, rho):
    return bounds, tuple(map(Fraction, (mu, "1", gamma, rho)))


@cache
def cases():
    stored = kept.cases()
    found = [made(*place(*each)) for each in PLACES]
    return {kept.label(each): Case(each, stored[kept.label(each)].factor) for each in found}


def hypotheses(case):
    return kept.hypotheses(case.found)


def measured(case):
    proved = kept.certificate(case.found).proves
    return float(abs(case.found.factor - case.factor)) if proved else 1.0


def bound(case):
    return programs.AGREE


def controls(case):
    found = case.found
    return {
        "another factor kept": lambda part: case._replace(factor=case.factor * Fraction(part)),
        "rounded to one digit": case._replace(found=coarse(found)),
        "values that do not cancel": case._replace(
            found=found._replace(multipliers=found.multipliers | {"x*": found.multipliers["x*"] + 1})
        ),
    }


def coarse(found):
    """Multipliers to one digit, down; they cancel again."""
    few = {pair: Fraction(int(weight * 10), 10) for pair, weight in found.multipliers.items()}
    cut = found._replace(multipliers=few)
    return cut._replace(multipliers=balanced(cut))


def entry(case):
    """A certificate as the file has it."""
    mu, top, gamma, rho = map(str, case.at)
    numbers = {pair: str(weight) for pair, weight in case.multipliers.items()}
    return {
        "bounds": case.reads,
        "mu": mu,
        "L": top,
        "gamma": gamma,
        "rho": rho,
        "factor": str(case.factor),
        "multipliers": numbers,
    }


def provenance():
    return {
        "solver": "clarabel",
        "version": clarabel.__version__,
        "settings": programs.CLARABEL,
        "margin": MARGIN,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "command": "python -m paper_checks.own.blind_remade",
        "date": date.today().isoformat(),
    }


def write():
    found = [entry(made(*place(*each))) for each in PLACES]
    text = json.dumps({"provenance": provenance(), "certificates": found}, indent=1)
    beside = kept.FILE.with_suffix(".json.part")
    beside.write_text(text + "\n", encoding="utf-8")
    beside.replace(kept.FILE)


if __name__ == "__main__":
    write()
