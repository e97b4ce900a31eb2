"""Decreasing steps under PL: E f(w_T) - f* = O(1/T), and its explicit bounds, at every T of exact runs.

Bounds and proof: theory/bounds/ol25_decreasing.py. The file's own row reads the slope of log E f(w_T) - f*
over log T at late times: -1 where the samples disagree at w* (lam = 0, by moments), at most -1 on the full
batch. The cases "decreasing_bound: ..." (form A, from either pair of constant steps) and "decreasing_form_b:
..." compare the gap with its bound at every T, and give the ratio at the first T that exceeds it, else the
largest: by moments at lam = 0, along the full batch for every lam, over all 3^6 sample paths from t* on, each
from a start next to w* and a far one. The one-step inequality at the steps of single times is the row
one_step.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.compilation import thoroughly
from paper_checks.ol25 import theorem_3_2 as one
from theory import Array, sampling
from theory.bounds import ol25
from theory.bounds import ol25_decreasing as decreasing
from theory.descent import descend, still, whole_batch
from theory.expectation import Pieces, listed_curve, paths, pieces, recursion
from theory.problems.quadratic import centred, quadratic

COMPILED = True
BATCH = 48
STEPS, LISTED = 2**12, 6
SCALES = STEPS // 2 ** np.arange(4, -1, -1)  # where the slope is read
MARGIN = 0.02
ROUNDING = 64 * 2.0**-52 * STEPS  # a few roundings a step
N, D, CONDITION = 3, 2, 2.0
NEAR = 1e-7  # of the far start
LAMS = (0.25, 0.5, 0.75, 1.0)
NONE = np.zeros(0)


class Case(NamedTuple):
    run: Pieces | Array  # the moments at lam = 0, or curves (2, times) that are known
    claim: ol25.Claim  # the constant steps that the schedule starts from, and what is claimed of it
    since: float  # the time of the start: 0, or t*
    starts: Array  # (2, d), near and far
    slope: float  # 1 where the slope is read, 0 where every T is compared
    exponent: float  # claimed of it
    decay: float  # the power of the schedule's decay: 1, but for controls
    taken: float  # the share of gamma that the rule takes: 1, but for the control that does not move
    constant: Array  # known curves under constant steps, for a control


def cases():
    return by_moments() | by_whole_batches() | by_paths()


def by_moments():
    out = {}
    for kind in ("noisy", "interpolated", "parabolas"):
        f = problem(kind)
        for name, law in laws(f, kind).items():
            for form in one.FORMS:
                claim = ol25.claim(f, law, form, 0.0)
                case = Case(filled(pieces(f, law)), claim, 0.0, starts(f, claim), 0.0, -1.0, 1.0, 1.0, NONE)
                label = f"{form}, {kind}, {name}, lam=0"
                out[sibling(label)] = case
                if claim.k.c > 0:
                    out[label] = case._replace(slope=1.0)
    return out


def by_whole_batches():
    f, claims = problem("noisy"), {}
    for form in one.FORMS:
        for lam in LAMS:
            claims[f"{form}, full batch, lam={lam:g}"] = lam, ol25.claim(f, sampling.full(N), form, lam)
    runs = []
    for lam, claim in claims.values():
        gamma, rho = decreasing.steps(claim, np.arange(STEPS))
        for start in starts(f, claim):
            runs += [(start, gamma, rho, lam), (start, claim.gamma, claim.rho, lam)]
    curves = follow(f, runs).reshape(len(claims), 2, 2, STEPS + 1)
    out: dict[str, Case] = {}
    for (label, (_, claim)), found in zip(claims.items(), curves, strict=True):
        case = Case(found[:, 0], claim, 0.0, starts(f, claim), 0.0, -1.0, 1.0, 1.0, found[:, 1])
        out |= {label: case._replace(slope=1.0), sibling(label): case}
    return out


def by_paths():
    made, runs = {}, []
    for kind, name, law in [
        ("noisy", "uniform", sampling.uniform(N)),
        ("interpolated", "2-nice", sampling.nice(N, 2)),
    ]:
        f = problem(kind)
        for form in one.FORMS:
            for lam in LAMS:
                claim = ol25.claim(f, law, form, lam)
                since = float(decreasing.switch(claim))
                case = Case(NONE, claim, since, starts(f, claim), 0.0, -1.0, 1.0, 1.0, NONE)
                made[sibling(f"{form}, all paths, {kind}, {name}, lam={lam:g}")] = case
                gamma, rho = decreasing.steps(claim, since + np.arange(LISTED))
                schedule = np.array([gamma, rho, np.full(LISTED, lam)])
                runs.append((f, one.padded(law, N, 2), case.starts, schedule))
    curves = thoroughly(partial(jax.lax.map, listed))(jax.tree.map(lambda *x: np.stack(x), *runs))
    return {
        name: case._replace(run=curve)
        for (name, case), curve in zip(made.items(), np.asarray(curves), strict=True)
    }


def listed(run):
    f, draws, both, schedule = run
    return jax.vmap(lambda w: listed_curve(f, draws, paths(N, LISTED), w, schedule, f.loss))(both)


def sibling(label):
    """The row of a bound, and the case in it."""
    return f"decreasing_form_b: {label[3:]}" if label.startswith("B, ") else f"decreasing_bound: {label}"


def problem(kind):
    """Of theorem_3_2.py, in two dimensions and better conditioned; or |w - c_i|^2 / 2 with random c_i."""
    if kind != "parabolas":
        return one.problem(kind, N, D, CONDITION)
    centres = np.random.default_rng(4).standard_normal((N, D))
    return centred(quadratic(np.tile(np.eye(D), (N, 1, 1)), centres, np.zeros(N)))


def laws(f, kind):
    out = {"uniform": sampling.uniform(N)}
    if kind == "parabolas":  # all L_i are one
        return out
    out |= {"2-nice": sampling.nice(N, 2), "importance": sampling.importance(f.smoothness_each)}
    return out | ({"full batch": sampling.full(N)} if kind == "noisy" else {})


def filled(atoms):
    """N atoms; those that are missing have probability 0."""
    more = N - len(atoms.q)
    q, h, s = (np.pad(x, [(0, more)] + [(0, 0)] * (x.ndim - 1)) for x in map(np.asarray, atoms[:3]))
    return Pieces(q, h, s, *map(np.asarray, atoms[3:]))


def starts(f, claim):
    """Near and far; far is f - f* = max(1, 100 N) in equal parts along all eigenvectors."""
    eigs, vectors = np.linalg.eigh(f.hessian)
    far = vectors.sum(1) * np.sqrt(2 * max(1, 100 * float(claim.noise)) / eigs.sum())
    return np.stack([NEAR * far, far])


def follow(f, runs):
    """f(w_t) - f*, t = 0 .. STEPS, along the full batch for runs (start, gamma, rho, lam).

    Each of the last three is a number or a schedule. Other checks follow theirs here too: one program, for
    batches of one size.
    """
    stacked = [
        np.stack([np.broadcast_to(run[k], np.shape(run[0]) if k == 0 else STEPS) for run in runs])
        for k in range(4)
    ]
    curves = []
    for first in range(0, len(runs), BATCH):
        batch = [x[first : first + BATCH] for x in stacked]
        padded = [np.concatenate([x, np.repeat(x[:1], BATCH - len(x), axis=0)]) for x in batch]
        curves.append(np.asarray(follower()(f, *padded))[: len(batch[0])])
    return np.concatenate(curves)


@cache
def follower():
    def along(f, start, gamma, rho, lam):
        rule = whole_batch(jax.value_and_grad(f.loss))
        return descend(rule, start, gamma, rho, lam, (still(STEPS),), f.loss)[0]

    return thoroughly(jax.vmap(along, (None, 0, 0, 0, 0)))


def hypotheses(case):
    switch = float(decreasing.switch(case.claim))
    horizon = (
        {"the start is at t* or later": case.since >= switch}
        if case.since
        else {"the horizon reaches 8 t*": 8 * switch <= STEPS}
    )
    return one.hypotheses(case) | horizon


def sides(case):
    """E f(w_T) - f* and its bound at T = since, since + 1, ..., from both starts."""
    if isinstance(case.run, Pieces):
        gamma, rho = decreasing.steps(case.claim, jnp.arange(STEPS))
        shares = jnp.stack([gamma / case.claim.gamma, rho / case.claim.rho]) ** case.decay
        gamma, rho = case.taken * case.claim.gamma * shares[0], case.claim.rho * shares[1]
        curves = jax.vmap(lambda start: recursion(case.run, start, gamma, rho, STEPS))(case.starts)
    else:
        curves = jnp.where(case.taken > 0, case.run, case.run[:, :1])
    times, known = case.since + jnp.arange(curves.shape[1]), curves[:, :1]
    late = decreasing.late(case.claim, known, case.since, times)
    return curves, jnp.where(case.since > 0, late, decreasing.gap(case.claim, known, times))


def measured(case):
    curves, bounds = sides(case)
    ratio = curves[:, 1:] / bounds[:, 1:]
    above = ratio > 1 + ROUNDING
    at_first = jnp.take_along_axis(ratio, jnp.argmax(above, axis=1)[:, None], 1)[:, 0]
    worst = jnp.max(jnp.where(jnp.any(above, axis=1), at_first, jnp.max(ratio, axis=1)))
    if curves.shape[1] <= STEPS:
        return worst
    x = np.log(SCALES) - np.log(SCALES).mean()
    excess = x @ jnp.log(curves[0][SCALES]) / (x @ x) - case.exponent
    distance = jnp.abs(excess) if isinstance(case.run, Pieces) else jnp.maximum(excess, 0)
    return jnp.where(case.slope > 0, distance, worst)


def bound(case):
    return jnp.where(case.slope > 0, 0.0, 1.0)


def tolerance(case):
    return jnp.where(case.slope > 0, MARGIN, ROUNDING)


def controls(case):
    noisy, by_moments = case.claim.k.c > 0, isinstance(case.run, Pieces)
    normalised = case.claim.weights.constant > 0
    constant = case._replace(decay=0.0) if by_moments else case._replace(run=case.constant)
    if case.slope:
        out = {"constant steps": constant}
        if noisy:
            out["steps like the root of 1/t"] = case._replace(decay=0.5)
            out["1/T^2 claimed"] = case._replace(exponent=-2.0)
            out["1/sqrt T claimed"] = case._replace(exponent=-0.5)
        return out
    out = {"the rule does not move": case._replace(taken=0.0)}
    if noisy or normalised:
        out["constants too small"] = lambda factor: weaker(case, factor, factor)
    if noisy and not normalised:
        out["without C"] = weaker(case, np.inf, 1.0)
    if normalised and not noisy:
        out["without lam"] = weaker(case, 1.0, np.inf)
    if by_moments and noisy and 200 * decreasing.switch(case.claim) < STEPS:  # then N* is above the bound
        out["constant steps"] = constant
    if by_moments and not noisy:
        out["mu too large"] = partial(one.harder, case)
        out["gamma too large"] = lambda factor: one.falsified(case, gamma=case.claim.gamma * factor)
    return out


def weaker(case, of_c, of_lam):
    """C, and the part of the weights that does not shrink with the gradient, divided."""
    k, weights = case.claim.k, case.claim.weights
    return one.falsified(
        case, k=k._replace(c=k.c / of_c), weights=weights._replace(constant=weights.constant / of_lam)
    )
