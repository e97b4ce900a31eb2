"""No interpolant of the twelve points has a slope of total variation below 70 on [x_1, x_12]; in fractions.

With h_k the hat function of the inner point x_k (1 there, 0 at its neighbours and beyond) two integrations by
parts give int h_k df' = d_k - d_{k-1}, d the divided differences, for every f whose slope has bounded
variation. For weights |s_k| <= 1 the function sum_k s_k h_k is at most 1, hence

    TV(f') >= int (sum_k s_k h_k) df' = sum_k s_k (d_k - d_{k-1}),

a bound for all interpolants at once; the signs of d_k - d_{k-1} make it 70. "attained" is the network that
interpolates piecewise linearly: its variation is 70 and it has 6 kinks (it is built from one unit for each
kink, and two that are affine on the interval). The other cases are networks with kinks elsewhere, random in
fractions, fitted exactly: a certificate is only worth what its pairing with a function shows.

`measured` is 70 and `bound` what the certificate proves, or what a network has; where it is attained
`measured` is the distance from 70 or 6 and the bound is 0.
"""

from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from theory.problems.relu import POINTS, TARGETS

KINKS = 6
NETWORKS = 8
EXACT = Fraction(1, 10**12)  # numbers are fractions, and differ by more or not at all


class Network(NamedTuple):
    """intercept + slope (x - x_1) + sum_j jump_j max(x - place_j, 0), in fractions, on [x_1, x_n]."""

    intercept: Fraction
    slope: Fraction
    kinks: tuple[tuple[Fraction, Fraction], ...]  # (place, jump), sorted

    def __call__(self, x):
        return (
            self.intercept
            + self.slope * (x - POINTS[0])
            + sum((jump * max(x - place, Fraction(0)) for place, jump in self.kinks), Fraction(0))
        )

    @property
    def variation(self):
        return sum(abs(jump) for place, jump in self.kinks if POINTS[0] < place < POINTS[-1])


class Case(NamedTuple):
    reads: str  # "certificate", "variation"; "attained" variation, "kinks"
    subject: Any  # the weights s_k, or a network
    claimed: Fraction


def slopes(y):
    return [(b - a) / (u - t) for (t, u), (a, b) in zip(pairwise(POINTS), pairwise(y), strict=True)]


def bends(y):
    """d_k - d_{k-1} at the inner points."""
    return [after - before for before, after in pairwise(slopes(y))]


def signs(values):
    return tuple(Fraction((value > 0) - (value < 0)) for value in values)


def interpolant(extra=()):
    """The network of kinks at the inner points that interpolates, with `extra` kinks of its own."""
    rest = Network(Fraction(0), Fraction(0), tuple(extra))
    y = [target - rest(x) for x, target in zip(POINTS, TARGETS, strict=True)]
    kinks = [(x, jump) for x, jump in zip(POINTS[1:-1], bends(y), strict=True) if jump]
    return Network(y[0], slopes(y)[0], tuple(sorted(kinks + list(extra))))


def cases():
    out = {
        "every interpolant, by duality": Case("certificate", signs(bends(TARGETS)), Fraction(70)),
        "attained by a piecewise-linear network": Case("attained", interpolant(), Fraction(70)),
        "its kinks": Case("kinks", interpolant(), Fraction(KINKS)),
    }
    rng = np.random.default_rng(0)
    low, high = POINTS[0], POINTS[-1]
    for k in range(NETWORKS):
        places = [low + (high - low) * Fraction(int(p), 997) for p in rng.choice(996, 5, replace=False) + 1]
        extra = [
            (place, Fraction(int(jump), 10))
            for place, jump in zip(places, rng.integers(-40, 41, 5), strict=True)
        ]
        out[f"network {k} with kinks elsewhere"] = Case("variation", interpolant(extra), Fraction(70))
    return out


def hypotheses(case):
    if case.reads == "certificate":
        return {"|sum_k s_k h_k| <= 1": all(abs(weight) <= 1 for weight in case.subject)}
    return {"interpolates": all(case.subject(x) == y for x, y in zip(POINTS, TARGETS, strict=True))}


def measured(case):
    if case.reads in ("attained", "kinks"):
        network = case.subject
        found = network.variation if case.reads == "attained" else len(network.kinks)
        return float(abs(found - case.claimed))
    return float(case.claimed)


def bound(case):
    if case.reads == "certificate":
        return float(sum(s * bend for s, bend in zip(case.subject, bends(TARGETS), strict=True)))
    return float(case.subject.variation) if case.reads == "variation" else 0.0


def tolerance(case):
    return float(EXACT)


def controls(case):
    larger = {"more is claimed": lambda factor: case._replace(claimed=case.claimed * Fraction(factor))}
    if case.reads == "certificate":
        weights = list(case.subject)
        strongest = max(range(len(weights)), key=lambda k: abs(bends(TARGETS)[k]))
        weights[strongest] = Fraction(0)
        return larger | {
            "a point left out": case._replace(subject=tuple(weights)),
            "weights of random signs": case._replace(
                subject=tuple(
                    Fraction(int(s)) for s in np.random.default_rng(1).choice([-1, 1], len(weights))
                )
            ),
        }
    flat = case.subject._replace(kinks=case.subject.kinks[1:])  # no interpolant any more
    if case.reads == "variation" and flat.variation >= 70:
        return larger
    return larger | {"a kink left out": case._replace(subject=flat)}
