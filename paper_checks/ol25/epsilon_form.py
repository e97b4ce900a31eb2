"""Steps for a given accuracy: E f(w_t) - f* <= epsilon from T = log(2 delta_0 / epsilon) / (gamma mu) on.

The limits on step and radius bring N to epsilon / 2 and T the rest (theory/bounds/ol25.py, `epsilon_steps`).
`measured` is the largest gap from T on over epsilon: at lam = 0 by moments (T, 2T, 10T and the limit), for
lam > 0 along the full batch up to 4096. The cases "N, ..." compare N with epsilon / 2, the largest ratio over
1000 random sets of constants: with samples and lam > 0 this and the row theorem_3_2 are the statement.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.ol25 import theorem_3_2 as one
from paper_checks.ol25 import theorem_3_5 as runs
from theory import sampling
from theory.bounds import ol25
from theory.expectation import Spectral, spectral


class Moments(NamedTuple):
    k: ol25.Constants
    lam: float
    steps: tuple  # (gamma, rho)
    epsilon: float
    run: Spectral
    start: float  # f(w_0) - f*
    free: Spectral  # with the steps of Theorem 3.2, for a control
    sooner: float  # what T is divided by: 1, but for a control


class Whole(NamedTuple):
    k: ol25.Constants
    lam: float
    steps: tuple
    epsilon: float
    run: np.ndarray  # f(w_t) - f*
    start: float
    free: np.ndarray
    sooner: float


class Noise(NamedTuple):
    lam: float
    share: float  # of epsilon that N may take: 1/2, but for a control
    limits: tuple  # on gamma and rho: 1 where taken


def cases():
    return (
        by_moments()
        | by_whole_batches()
        | {f"N, lam={lam:g}": Noise(lam, 0.5, (True, True)) for lam in one.LAMS}
    )


def by_moments():
    f, out = one.problem("noisy"), {}
    for name, law in list(one.laws(f).items())[:3]:
        k = ol25.paper_constants(f, law)
        start = np.linalg.eigh(f.hessian)[1][:, 0] * np.sqrt(2 / k.pl)  # along the slowest direction, gap 1
        for epsilon in (1e-4, 1e-6, 1e-8):
            steps, free = ol25.epsilon_steps(k, 0.0, epsilon), ol25.new_steps(k, 0.0)
            solved = [spectral(f, law, start, *each) for each in (steps, free)]
            out[f"{name}, lam=0, epsilon={epsilon:g}"] = Moments(
                k, 0.0, steps, epsilon, solved[0], 1.0, solved[1], 1.0
            )
    return out


def by_whole_batches():
    f, made, follow = runs.problem("noisy"), {}, []
    k = ol25.paper_constants(f, sampling.full(f.n))
    start = np.linalg.eigh(f.hessian)[1][:, 0] * np.sqrt(2 / k.pl)
    for lam in runs.LAMS:
        for epsilon in (1e-5, 1e-6, 1e-8):
            steps = ol25.epsilon_steps(k, lam, epsilon)
            made[f"full batch, lam={lam:g}, epsilon={epsilon:g}"] = lam, steps, epsilon
            follow += [(start, *steps, lam), (start, *ol25.new_steps(k, lam), lam)]
    curves = runs.follow(f, follow).reshape(len(made), 2, -1)
    return {
        name: Whole(k, lam, steps, epsilon, curve, curve[0], free, 1.0)
        for (name, (lam, steps, epsilon)), (curve, free) in zip(made.items(), curves, strict=True)
    }


def constants():
    """Over many orders of magnitude, with one L as the paper's steps take it; the last have no noise."""
    rng = np.random.default_rng(3)
    for k in range(1000):
        whole = 10 ** rng.uniform(-3, 3)
        pl, a, b = whole * 10 ** rng.uniform(-6, 0), whole * 10 ** rng.uniform(-3, 1), rng.uniform(0, 3)
        c = 10 ** rng.uniform(-6, 6) if k < 800 else 0.0
        yield ol25.Constants(pl, whole, whole, a, b, c), 10 ** rng.uniform(-8, 2)


def horizon(case):
    return ol25.epsilon_horizon(case.steps[0] * case.k.pl, case.start, case.epsilon)


def hypotheses(case):
    if isinstance(case, Noise):
        return {"both limits are taken": all(case.limits)}
    (gamma, rho), free = case.steps, ol25.new_steps(case.k, case.lam)
    out = {"steps at most those of Theorem 3.2": gamma <= free[0] and rho <= free[1]}
    if isinstance(case, Whole):
        out["T lies in the run"] = horizon(case) <= runs.STEPS / 2
    return out


def measured(case):
    if isinstance(case, Moments):
        t = np.floor(horizon(case) / case.sooner)
        return max(case.run.at([t, 2 * t, 10 * t]).max(), case.run.stationary) / case.epsilon
    if isinstance(case, Whole):
        return case.run[int(horizon(case) / case.sooner) :].max() / case.epsilon
    ratios = []
    for k, epsilon in constants():
        limited, free = ol25.epsilon_steps(k, case.lam, epsilon), ol25.new_steps(k, case.lam)
        gamma, rho = (x if taken else y for x, y, taken in zip(limited, free, case.limits, strict=True))
        noise = ol25.noise_a(k, gamma, rho, ol25.paper_weights(case.lam))
        ratios.append(noise / (case.share * epsilon))
    return max(ratios)


def bound(case):
    return 1.0


def tolerance(case):
    """The moments' 1e-10, as in pl_trajectory.py; else rounding."""
    return 1e-10 if isinstance(case, Moments) else 1e-12


def controls(case):
    if isinstance(case, Noise):
        out = {"gamma without its limit": case._replace(limits=(False, True))}
        out["rho without its limit"] = case._replace(limits=(True, False))
        return out | {"less than half": lambda factor: case._replace(share=0.5 / factor)}
    return {
        "T too small": lambda factor: case._replace(sooner=factor),
        "the steps of Theorem 3.2": case._replace(run=case.free),
    }
