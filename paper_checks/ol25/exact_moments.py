"""At lam = 0 on quadratics E f(w_t) - f* is known at any time: four routes to it agree.

    the recursion of mean and second moment     theory/expectation.py, step by step
    its spectral form                           theory/expectation.py, any time at once
    every sample path, listed                   the rule itself, theory/update.py, up to t = 6
    a dense map of (1, m, vec S), by hand       here, from M_v and q_v; its powers up to t = 2^12

`measured` is the largest distance of the first three from the dense map, relative to its value and, beyond
t = 6, to the number of steps: powers of a matrix lose a rounding at each.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.ol25.theorem_3_2 import padded
from theory import sampling
from theory.expectation import listed_curve, paths, pieces, recursion, spectral
from theory.problems.least_squares import ridge
from theory.problems.quadratic import Quadratic, centred, quadratic

N, D = 3, 2
STEPS = 6
DOUBLINGS = 12
KEPT = 1e-2  # of the start: the dense map keeps 1 as an eigenvalue, so its rounding does not fall with f - f*


class Case(NamedTuple):
    problem: Quadratic  # centred: w* = 0, f* = 0
    near: np.ndarray  # E f(w_t) - f* at t = 0 .. STEPS by the dense map
    gap: float  # the largest distance from it of recursion and spectral form, up to 2^DOUBLINGS
    rate: float
    gamma: float  # of the rule along the listed paths, like all that follows
    rho: float
    lam: float  # 0, but for a control
    law: object


def cases():
    rng = np.random.default_rng(16)
    factors = rng.standard_normal((N, D, D))
    h = factors @ factors.transpose(0, 2, 1)
    noisy = quadratic(h, np.einsum("nij,nj->ni", h, rng.standard_normal((N, D))), np.zeros(N))
    regression = ridge(rng.standard_normal((N, D)), rng.standard_normal(N), 0.1)
    problems = {
        "noisy": centred(noisy),
        "interpolated": quadratic(h, np.zeros((N, D)), np.zeros(N)),
        "ridge": centred(quadratic(regression.hessians, -regression.slopes(np.zeros(D)), np.zeros(N))),
    }
    out = {}
    for kind, f in problems.items():
        for name, law in {
            "uniform": sampling.uniform(N),
            "importance": sampling.importance(f.smoothness_each),
            "2-nice": sampling.nice(N, 2),
            "any p": sampling.single([0.2, 0.3, 0.5]),
        }.items():
            size = 0.2 / float(law.lipschitz(f.smoothness_each, f.smoothness))
            near, gap, rate = routes(f, law, size, size)
            out[f"{kind}, {name}"] = Case(f, near, gap, rate, size, size, 0.0, law)
    return out


START = np.array([1.0, -2.0])


def hypotheses(case):
    f = case.problem
    return {
        "a quadratic sum, w* = 0": np.max(np.abs(f.slopes(np.zeros(D)).mean(0))) < 1e-14,
        "E f contracts": case.rate > 0,
    }


def dense(f, law, gamma, rho):
    """E f(w_t) - f* at t = 0 .. STEPS and at 2^3 .. 2^DOUBLINGS, from powers of the map on (1, m, vec S)."""
    v, q = sampling.support(law)
    eye = np.eye(D)
    step = np.zeros((1 + D + D * D,) * 2)
    step[0, 0] = 1
    for row, chance in zip(v, q, strict=True):
        h = np.tensordot(row, f.hessians, 1) / N
        first = gamma * (eye + rho * h)
        m, add = eye - first @ h, first @ (row @ f.linear / N)
        step[1 : 1 + D, 0] += chance * add
        step[1 : 1 + D, 1 : 1 + D] += chance * m
        step[1 + D :, 0] += chance * np.kron(add, add)
        step[1 + D :, 1 : 1 + D] += chance * (np.kron(m, add[:, None]) + np.kron(add[:, None], m))
        step[1 + D :, 1 + D :] += chance * np.kron(m, m)
    start = np.concatenate([[1], START, np.outer(START, START).ravel()])
    read = np.concatenate([[0], -f.linear.mean(0), f.hessian.ravel() / 2])
    near = [read @ np.linalg.matrix_power(step, t) @ start for t in range(STEPS + 1)]
    far = [read @ np.linalg.matrix_power(step, 2**k) @ start for k in range(3, DOUBLINGS + 1)]
    return np.array(near), np.array(far)


@partial(jax.jit, static_argnames="steps")
def by_recursion(atoms, gamma, rho, steps):
    return recursion(atoms, START, gamma, rho, steps)


@jax.jit
def by_listing(f, draws, gamma, rho, lam):
    schedule = [jnp.full(STEPS, x) for x in (gamma, rho, lam)]
    return listed_curve(f, draws, paths(N, STEPS), START, schedule, f.loss)


def routes(f, law, gamma, rho):
    """The dense map's curve, the distance of recursion and spectral form from it, and the exact rate."""
    near, far = dense(f, law, gamma, rho)
    solved = spectral(f, law, START, gamma, rho)
    late = 2.0 ** np.arange(3, DOUBLINGS + 1)
    walked = np.asarray(by_recursion(pieces(f, law), gamma, rho, 2**DOUBLINGS))
    kept = far > KEPT * near[0]
    gaps = [
        walked[: STEPS + 1] / near - 1,
        solved.at(np.arange(STEPS + 1)) / near - 1,
        ((walked[late.astype(int)] / far - 1) / late)[kept],
        ((solved.at(late) / far - 1) / late)[kept],
    ]
    return near, float(np.max(np.abs(np.concatenate(gaps)))), solved.rate


def measured(case):
    listed = by_listing(case.problem, padded(case.law, N, D), case.gamma, case.rho, case.lam)
    return max(case.gap, np.max(np.abs(np.asarray(listed) / case.near - 1)))


def bound(case):
    return 0.0


def tolerance(case):
    """Rounding, relative to the part of the start that is kept."""
    return 64 * 2.0**-52 / KEPT


def controls(case):
    reversed_law = sampling.single(np.array([0.5, 0.3, 0.2]))
    return {
        "gamma a little larger along the paths": lambda factor: case._replace(gamma=case.gamma * factor),
        "the paths of the mixed rule": case._replace(lam=0.1),
        "the paths of another law": case._replace(law=reversed_law),
    }
