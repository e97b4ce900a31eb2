"""Upper bounds on worst cases proved in fractions by certificates that a solver found, and no formula.

blind_certificates.json holds, with where they come from, mu, L, gamma, rho, a factor and the multipliers of
the inequalities Q_ij (theory/interpolation.py), all rational. Here, without a solver: the multipliers are
not negative, the values of f cancel, and what is left of

    factor |x|^2 - |x+|^2 - sum of multipliers Q_ij      (or factor f(x) - f(x+) - ...)

is positive semidefinite, by an exact L D L'. `measured` is how far such a factor is from the closed form,
which is a lower bound by an explicit function: at most CLOSE; where nothing is proved it is 1.
paper_checks/own/ blind_remade.py makes them, and says how.
"""

import json
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NamedTuple

from theory.bounds import own, own_certificates
from theory.interpolation import NOTHING, Certificate, Step

FILE = Path(__file__).with_suffix(".json")
CLOSE = 1e-5
TINY = 1e-15  # rounding of a difference of fractions, once it is a float


class Case(NamedTuple):
    reads: str  # "distance" or "gap"
    at: tuple  # mu, L, gamma, rho
    factor: Fraction
    multipliers: dict  # "ij" -> weight of Q_ij


@cache
def cases():
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    return {label(each): each for each in map(read, stored["certificates"])}


def label(case):
    mu, _, gamma, rho = case.at
    return f"{case.reads}, mu={mu}, gamma={gamma}, rho={rho}"


def read(entry):
    """A certificate as the file has it."""
    at = tuple(Fraction(entry[name]) for name in ("mu", "L", "gamma", "rho"))
    multipliers = {pair: Fraction(weight) for pair, weight in entry["multipliers"].items()}
    return Case(entry["bounds"], at, Fraction(entry["factor"]), multipliers)


def certificate(case):
    step = Step(*case.at)
    target, values = NOTHING, {"x": case.factor, "+": Fraction(-1), "*": 1 - case.factor}
    if case.reads == "distance":
        target, values = own_certificates.distance_target(step, case.factor), {}
    return Certificate(step, target, values, {tuple(pair): w for pair, w in case.multipliers.items()}, [])


def worst(case):
    return (own.dist_worst if case.reads == "distance" else own.quad_factor)(*case.at)


def hypotheses(case):
    numbers = [*case.at, case.factor, *case.multipliers.values()]
    return {"every number is a fraction": all(isinstance(number, Fraction) for number in numbers)}


def measured(case):
    return float(abs(case.factor - worst(case))) if certificate(case).proves else 1.0


def bound(case):
    return CLOSE


def tolerance(case):
    return TINY


def controls(case):
    largest = max(case.multipliers, key=case.multipliers.get)
    others = {pair: weight for pair, weight in case.multipliers.items() if pair != largest}
    mu, top, gamma, rho = case.at
    return {
        "a smaller factor": lambda part: case._replace(factor=case.factor / Fraction(part)),
        "a factor below the worst case": case._replace(factor=worst(case) - Fraction(1, 10**6)),
        "the largest multiplier left out": case._replace(multipliers=others),
        "a negative multiplier": case._replace(
            multipliers=case.multipliers | {largest: -case.multipliers[largest]}
        ),
        "another step": case._replace(at=(mu, top, gamma * Fraction(11, 10), rho)),
    }
