"""On a quadratic the starts from which SAM meets the minimum are countable, and can be listed.

A step takes g = H w to g+ with g+_i = (1 - gamma l_i - gamma rho l_i^2 / r) g_i, r = |g|. So few g are taken
to a given z, if the eigenvalues are simple. Where z_i = 0, either g_i = 0 or r = gamma rho l_i^2 / (1 - gamma
l_i), for one i at most; elsewhere g_i = z_i / (1 - gamma l_i - gamma rho l_i^2 / r); what is left is one
polynomial in r or, in the second case, g_i up to its sign. Going back n times from zero lists all starts that
meet it in n steps, and asks nothing of gamma. (The polynomial is constant only for a single z_i with gamma
l_i = 1, and such a z is not in the list.)

"listed": runs from the list; `measured` is the last |g| over that of the cycle. "all": zeros of n steps found
by Newton's method from many starts, against the list; `measured` is the largest distance from one set to the
other. "random": how many of random runs ever meet the minimum. "exceptional": a loss that is a parabola but
for a bump that makes -rho stationary; with gamma = 1 / curvature an interval of starts is taken to -rho, with
others none is: some steps do have to be excepted. `measured` is the share of the interval.
"""

import math
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import Polynomial

from paper_checks.wml23.quadratic_cycle import EPS, ROUNDINGS, paths
from theory.bounds import wml23
from theory.update import step

EIGS = {2: (0.7, 2.0), 3: (0.7, 1.2, 2.0)}
SHORT, RHO = 0.25, 0.3  # gamma: gamma l_1 = 0.5, and every eigenvector leads to zero
GENERATIONS = 3
GUESSES, NEWTON = 3000, 25
REACHES = (0.3, 0.9, 1.0, 1.5, 1.95)  # gamma l_1 of the random runs
MET = 1e-9  # of |g| on the cycle
WIDTH = 0.5  # of the bump, over rho
INTERVAL = RHO * np.linspace(0.1, 0.4, 200)  # here and ahead of it the loss is the parabola


class Case(NamedTuple):
    reads: str  # "listed", "all", "random" or "exceptional"
    seen: np.ndarray  # |g| along runs, (runs, steps + 1), over that of the cycle; or zeros; or slopes
    right: np.ndarray  # the list that is claimed to be all
    generation: int
    doubt: float


def cases():
    out = {}
    for d in EIGS:
        for n, starts in enumerate(listed(d), 1):
            label = f"d={d}, {n} step{'s' * (n > 1)}"
            out[f"listed, {label}"] = Case("listed", sizes(d, starts), starts, n, doubt(d, starts, n))
            if n > 1:  # zeros of one step are those of a linear equation
                out[f"all, {label}"] = Case("all", found(d, n), starts, n, doubt(d, starts, n))
    for reach, seen in random_sizes().items():
        out[f"random, gamma l_1={reach:g}"] = Case("random", seen, listed(2)[0], 0, 0.5)
    for gamma in (0.9, 0.999, 1.001, 1.1):
        slopes = np.asarray(slopes_after(INTERVAL, gamma))
        out[f"exceptional, gamma={gamma:g}"] = Case(
            "exceptional", slopes, np.zeros((0, 1)), 1, 0.5 / len(INTERVAL)
        )
    return out


def hypotheses(case):
    return {"the list is finite": np.all(np.isfinite(case.right))}


def measured(case):
    if case.reads == "listed":
        return np.max(case.seen[:, case.generation])
    if case.reads == "all":
        apart = np.linalg.norm(case.seen[:, None] - case.right, axis=2)
        return max(np.max(np.min(apart, axis=0)), np.max(np.min(apart, axis=1))) / RHO
    if case.reads == "random":
        return np.sum(np.min(case.seen, axis=1) < MET)
    return np.mean(np.abs(case.seen) < MET)


def bound(case):
    return 0.0


def tolerance(case):
    return case.doubt


def controls(case):
    if case.reads == "listed":
        return {
            "one step earlier": case._replace(generation=case.generation - 1),
            "starts a little longer": lambda factor: case._replace(
                seen=sizes(len(case.right[0]), factor * case.right)
            ),
        }
    if case.reads == "all":
        on_axes = np.sum(case.right != 0, axis=1) == 1
        return {
            "those on the axes alone": case._replace(right=case.right[on_axes]),
            "one of them left out": case._replace(right=case.right[1:]),
        }
    if case.reads == "random":
        return {"starts of the list": case._replace(seen=sizes(2, case.right))}
    return {"gamma = 1 / curvature": case._replace(seen=np.asarray(slopes_after(INTERVAL, 1.0)))}


# Runs


def whole(d):
    """Four eigenvalues, of which the last d are those of the list; starts have no part along the others."""
    return np.concatenate([np.linspace(0.1, 0.3, 4 - d), EIGS[d]])


def sizes(d, starts):
    """|g| along the runs from these gradients, over that of the cycle."""
    eigs = whole(d)
    w = np.concatenate([np.zeros((len(starts), 4 - d)), starts], axis=1) / eigs
    found = paths(np.tile(np.diag(eigs), (len(w), 1, 1)), w, SHORT, RHO, 1.0)[:, : GENERATIONS + 1]
    return np.linalg.norm(eigs * found, axis=2) / wml23.cycle_gradient(eigs[-1], SHORT, RHO, 1.0)


def doubt(d, starts, steps):
    """Roundings, stretched by the largest derivative of each step, and of the minimum from there."""
    eigs, out, g = np.array(EIGS[d]), np.ones(len(starts)), starts
    for _ in range(steps):
        g, slope = moved(g, eigs, SHORT)
        out = 1 + out * np.linalg.norm(slope, ord=2, axis=(1, 2))
    return ROUNDINGS * EPS * np.max(out) * np.max(np.linalg.norm(starts, axis=1)) / RHO


@cache
def random_sizes():
    """By gamma l_1, |g| along 50 random runs in four dimensions."""
    eigs, rng, n = whole(3), np.random.default_rng(7), 50
    gamma = np.repeat(REACHES, n) / eigs[-1]
    w = rng.standard_normal((len(gamma), 4)) * RHO * 10 ** rng.uniform(-2, 1, (len(gamma), 1))
    seen = np.linalg.norm(eigs * paths(np.tile(np.diag(eigs), (len(w), 1, 1)), w, gamma, RHO, 1.0), axis=2)
    seen = seen / wml23.cycle_gradient(eigs[-1], gamma, RHO, 1.0)[:, None]
    return dict(zip(REACHES, np.split(seen, len(REACHES)), strict=True))


# The list


def preimages(target, eigs, gamma):
    """All g that a step takes to `target`, (k, d)."""
    keep, push = 1 - gamma * eigs, gamma * RHO * eigs**2
    active = target != 0
    out = [solved(target, r, keep, push) for r in lengths(target[active], keep[active], push[active])]
    for i in np.flatnonzero(~active & (keep > 0)):
        g = solved(target, wml23.annihilating_gradient(eigs[i], gamma, RHO), keep, push)
        left = wml23.annihilating_gradient(eigs[i], gamma, RHO) ** 2 - g @ g
        if left > 0:
            out += [g + sign * np.sqrt(left) * np.eye(len(g))[i] for sign in (1, -1)]
    return np.array(out).reshape(-1, len(target))


def solved(target, r, keep, push):
    return np.where(target != 0, target * r / np.where(target != 0, keep * r - push, 1), 0)


def lengths(z, keep, push):
    """All r > 0 at which the squares of z_i / (keep_i r - push_i) sum to 1."""
    lines = [Polynomial(pair) for pair in zip(-push, keep, strict=True)]
    others = [math.prod(lines[:i] + lines[i + 1 :], start=Polynomial([1.0])) for i in range(len(z))]
    if not len(z):
        return []
    roots = (
        (lines[0] * others[0]) ** 2 - sum((x * other) ** 2 for x, other in zip(z, others, strict=True))
    ).roots()
    r = np.real(roots[(roots.real > 0) & (np.abs(roots.imag) < 1e-7 * np.abs(roots))])[:, None]
    for _ in range(3):  # Newton's steps: the coefficients of a polynomial are less precise than its factors
        line = keep * r - push
        r = r + np.sum((z / line) ** 2 - 1 / len(z), 1, keepdims=True) / np.sum(
            2 * z**2 * keep / line**3, 1, keepdims=True
        )
    return r[:, 0]


@cache
def listed(d):
    """The starts that meet the minimum in 1, 2, ... steps, as gradients."""
    eigs, out = np.array(EIGS[d]), [np.zeros((1, d))]
    for _ in range(GENERATIONS):
        out.append(np.concatenate([preimages(target, eigs, SHORT) for target in out[-1]]))
    return out[1:]


# Found without it


def moved(g, eigs, gamma):
    """g+ and its derivative in g, for many g."""
    keep, push, r = 1 - gamma * eigs, gamma * RHO * eigs**2, np.linalg.norm(g, axis=1)[:, None]
    unit = g / r
    turn = (np.eye(len(eigs)) - unit[:, :, None] * unit[:, None, :]) / r[:, None]
    return keep * g - push * unit, np.diag(keep) - push[:, None] * turn


@cache
def found(d, steps):
    """Zeros of `steps` steps, by Newton's method from random starts; where it ends elsewhere is left out."""
    rng, eigs = np.random.default_rng(0), np.array(EIGS[d])
    g = rng.standard_normal((GUESSES, d)) * 10 ** rng.uniform(-1, 1, (GUESSES, 1))
    for _ in range(NEWTON):
        ahead, slope = g, np.eye(d)
        for _ in range(steps):
            ahead, one = moved(ahead, eigs, SHORT)
            slope = one @ slope
        g = g - np.linalg.solve(slope + 1e-300 * np.eye(d), ahead[:, :, None])[:, :, 0]
    return g[np.linalg.norm(ahead, axis=1) < 1e-12]


# A loss that needs an exception


def bump_loss(x):
    """x^2 / 2 and a bump of width WIDTH about -rho, where the slope is zero; four times differentiable."""
    s = (x + RHO) / WIDTH / RHO
    return x**2 / 2 + RHO**2 * WIDTH * s * jnp.maximum(1 - s**2, 0) ** 5


@jax.jit
def slopes_after(starts, gamma):
    rule = jax.value_and_grad(bump_loss)
    return jax.vmap(lambda x: rule(step(rule, x, gamma, RHO, 1.0))[1])(starts)
