"""Theorem 3.2 and form B on functions that are not strongly convex, by one step at its worst states.

As in theorem_3_2.py. Problems: sums of x^2 + 3 sin^2 x in two coordinates, which are PL and not convex
(theory/problems/polyak.py), the functions tilted against each other or of one minimum but different weights;
and under-determined least squares, PL because the Hessian's zero eigenvalues move nothing. States: rings
about w* as far as f - f* = 100 N; on the sines as many over their valleys, every other one on the first axis,
where the problem is that of one variable; on least squares at lam = 0 also the worst state in closed form.
"""

import numpy as np

from paper_checks.ol25 import theorem_3_2 as one
from theory import sampling
from theory.bounds import ol25
from theory.certificate import worst_for_usam
from theory.problems.polyak import scaled, tilted
from theory.problems.quadratic import quadratic

COMPILED = True
N, ROWS, COLUMNS = 4, 3, 5
STATES = 100
LAMS = (0.0, 0.5, 1.0)
SLOPES = np.array([1.0, -0.4, -0.6, 0.0])
SQUARES, SINES = np.array([0.5, 1.0, 1.5, 1.0]), np.array([0.5, 1.2, 1.3, 1.0])

measured, tolerance, bound, controls, hypotheses = (
    one.measured,
    one.tolerance,
    one.bound,
    one.controls,
    one.hypotheses,
)


def cases():
    return sines() | least_squares()


def sines():
    out = {}
    for kind, f in {"tilted": tilted(np.outer(SLOPES, [1, 0])), "scaled": scaled(SQUARES, SINES, 2)}.items():
        laws = {"uniform": sampling.uniform(N), "2-nice": sampling.nice(N, 2)}
        laws["full batch" if kind == "tilted" else "importance"] = (
            sampling.full(N) if kind == "tilted" else sampling.importance(f.smoothness_each)
        )
        for name, law in laws.items():
            for form in one.FORMS:
                for lam in LAMS:
                    made = case(f, law, form, lam, (6, 4))
                    out[f"{form}, {kind} sines, {name}, lam={lam:g}"] = made._replace(states=around(made))
    return out


def around(made):
    """Half geometric up to `reach`, half over |w| <= 12."""
    place = np.arange(STATES)
    angles = np.where(place % 2 == 0, np.pi * (place // 2 % 2), place)
    sizes = np.concatenate(
        [np.geomspace(1e-8, 1, STATES // 2) * reach(made), np.linspace(0.1, 12, STATES // 2)]
    )
    return sizes[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def reach(made):
    """f - f* >= 100 N at this distance."""
    return 10 * np.sqrt(2 * float(bound(made)) / made.claim.k.pl)


def least_squares():
    rng = np.random.default_rng(6)
    a = rng.standard_normal((ROWS, COLUMNS))
    zero = np.zeros((ROWS, COLUMNS))
    f = quadratic(a[:, :, None] * a[:, None, :], zero, zero[:, 0])  # targets 0: w* = 0 and f* = 0 exactly
    out = {}
    for name, law in {"uniform": sampling.uniform(ROWS), "2-nice": sampling.nice(ROWS, 2)}.items():
        for form in one.FORMS:
            for lam in LAMS:
                made = case(f, law, form, lam, (ROWS, 2))
                claim = made.claim
                top = worst_for_usam(f, law, claim.gamma, claim.rho, claim.rate)
                ways = rng.standard_normal((STATES, COLUMNS)) @ (np.linalg.pinv(a) @ a)
                ways /= np.linalg.norm(ways, axis=1, keepdims=True)
                states = np.geomspace(1e-8, 1, STATES)[:, None] * reach(made) * ways
                made = made._replace(states=np.concatenate([states, top[None]]))
                out[f"{form}, least squares, {name}, lam={lam:g}"] = made
    return out


def case(f, law, form, lam, shape):
    claim = ol25.claim(f, law, form, lam)
    quiet = float(claim.k.c == 0 and lam == 0)
    return one.Case(f, one.padded(law, *shape), claim, lam, quiet, 1.0, 1.0, np.zeros(()))
