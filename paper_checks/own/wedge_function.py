"""The wedge function attains the worst distance exactly, in fractions, and belongs to F(mu, L).

"rho = 3": at L = 1, mu = 1/10 and gamma_b = 200/413 one step from x = (1, 0) ends at |x+|^2 = 173178/170569
> 1. "balanced", "between": the same against `dist_worst` at gamma_b in five classes, and on the grid of
own/rational_certificates; each step runs through the projection, which knows nothing of how the wedge was
made. `measured` is the largest difference. "class": the interpolation inequality of F(mu, L) between points
of a lattice around the wedge; `measured` is the largest violation, in units of l |z|^2.
"""

from itertools import product
from typing import Any, NamedTuple

from flint import fmpq

from paper_checks.algebra import rational
from paper_checks.own.rational_certificates import inside
from theory.bounds import own
from theory.problems.wedge import wedge

START = fmpq(1), fmpq(0)
BALANCED = [(1, 1, 10, 3, 1), (1, 1, 10, 12, 10), (1, 1, 100, 5, 1), (4, 1, 1, 1, 2), (1, 0, 1, 2, 1)]
LATTICE = [(fmpq(a, 2), fmpq(b, 2)) for a, b in product(range(-3, 9, 2), range(-5, 4, 2))]


class Case(NamedTuple):
    kind: str  # "value" or "class"
    points: list  # (mu, L, gamma, rho)
    claimed: Any = None  # |x+|^2; by default that of theory/bounds/own.py
    factor: Any = 1  # of the claimed value, or of L
    raised: Any = 0  # added to mu


def balanced():
    at = [(fmpq(m, n), fmpq(top), fmpq(a, b)) for top, m, n, a, b in BALANCED]
    return [(mu, top, own.balanced_step(mu, top, rho), rho) for mu, top, rho in at]


def cases():
    first = balanced()[:1]
    return {
        "rho = 3": Case("value", first, fmpq(173178, 170569)),
        "balanced": Case("value", balanced()),
        "between": Case("value", inside()),
        "class": Case("class", [*balanced(), *inside()[::29]]),
    }


def hypotheses(case):
    return {"rho l > 1": all(own.excess(mu, top, rho) > 0 for mu, top, _, rho in case.points)}


def attained(at):
    found = wedge(*at)
    after = found.step(START, at[2], at[3])
    return found.inner(after, after)


def violation(at, factor, raised):
    """The largest -Q_ij / (l |z|^2) over pairs of the lattice, with L / factor and mu + raised claimed."""
    found = wedge(*at)
    mu, top = at[0] + raised, at[1] / factor
    seen = [(z, found.gradient(z), found.value(z)) for z in LATTICE]
    worst = fmpq(-1)
    for (a, g, f), (b, h, e) in product(seen, seen):
        if a != b:
            apart = tuple(x - y for x, y in zip(a, b, strict=True))
            bent = tuple(x - y - mu * d for x, y, d in zip(g, h, apart, strict=True))
            size = found.inner(apart, apart)
            room = f - e - found.inner(h, apart) - mu * size / 2 - found.inner(bent, bent) / (2 * (top - mu))
            worst = max(worst, -room / (found.spread * size))
    return worst


def measured(case):
    factor = rational(case.factor)
    if case.kind == "class":
        return float(max(violation(at, factor, case.raised) for at in case.points))
    apart = []
    for at in case.points:
        claimed = case.claimed or own.dist_worst(*at)
        apart.append(abs(attained(at) - factor * claimed))
    return float(max(apart))


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-300


def controls(case):
    if case.kind == "class":
        return {
            "L too small": lambda factor: case._replace(points=case.points[:1], factor=factor),
            "mu too large": case._replace(raised=fmpq(1, 100)),
        }
    out = {"a larger value": lambda factor: case._replace(factor=factor)}
    if case.claimed is not None:
        mu, top, gamma, rho = case.points[0]
        out["the factor of quadratics"] = case._replace(claimed=own.quad_factor(mu, top, gamma, rho))
    return out
