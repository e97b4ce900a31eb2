"""The part of the gradient of f(w + e(w)) that Equation 3 drops, J' v with J = de/dw, v = grad f(w + e).

theory/ascent.py takes it by one Hessian-vector product. Here against matrices, on a small tanh net, tilted so
that no entry of g is near zero, with its Hessian H at w, P = I - u u', s = sign(g) |g|^(q-1):

    gradient_decomposition    the whole gradient, by differences of w -> f(w + e(w)), is v + J' v, J by
                              forward differentiation of e
    dropped_term              p = 2: J = (rho / |g|) P H
    dropped_term_norms        J = rho (q - 1) |g|_q^(1-q) [diag |g|^(q-2) - s s' / |g|_q^q] H
    dropped_term_vanishes     p = 1 and inf: J = 0
    dropped_term_unified      e = rho [(1 - lam) |T g|_q + lam] T s_p(T g), every part of it derived by hand:
                              with x = T g, a = T s_p(x), b = T D s_p(x) T and c = (1 - lam) |x|_q + lam,
                              J = rho [(1 - lam) a a' + c b] H + what moves with T

`measured` is the largest distance of the two vectors over the largest entry of J' v or of v.
"""

from functools import cache
from itertools import product
from math import inf
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import ascent
from theory.problems.tanh_net import tanh_net
from theory.update import look_ahead_along

RHO, STEP = 0.1, 0.01
NORMS = (1, 1.5, 2, 3, 10, inf)
LAMS = (0.0, 0.4, 1.0)
EPS = 2.0**-52
STENCIL = {3: (3 / 4, -3 / 20, 1 / 60), 4: (4 / 5, -1 / 5, 4 / 105, -1 / 280)}  # central, order 2 * its size


class Case(NamedTuple):
    reads: str
    lam: float
    p: float
    adaptive: bool
    transposed: bool = True
    held: bool = False  # T is not differentiated
    scale: float = 1.0  # of the dropped term
    other: float | None = None  # the norm of the formula, for a control


@cache
def problem():
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((20, 4)), rng.standard_normal(20)
    net = tanh_net(x, y, rng.standard_normal(5)).loss
    w = jnp.asarray(rng.standard_normal(20))
    g = rng.permutation(np.linspace(0.5, 2, 20)) * rng.choice([-1, 1], 20)
    slope, h = jax.jit(lambda w: (jax.grad(net)(w), jax.hessian(net)(w)))(w)
    tilt = g - np.asarray(slope)
    return lambda w: net(w) + tilt @ w, w, g, np.asarray(h)


def settings():
    return product(LAMS, NORMS, (False, True))


@cache
def programs():
    """{(lam, p, adaptive): (v, the whole gradient)}, all in one program that has the net once."""
    f, w, *_ = problem()
    rule = jax.value_and_grad(f)
    kinds = list(product(NORMS, (False, True)))

    def both(w, lam, k):
        def along(w, grad):
            metrics = [ascent.elementwise(0.0) if adaptive else None for _, adaptive in kinds]
            each = [ascent.along(lam, p, metric) for (p, _), metric in zip(kinds, metrics, strict=True)]
            return jax.lax.switch(k, each, w, grad)

        v = look_ahead_along(rule, RHO, along)(w, ())[1]
        return v, ascent.with_second_order(rule, RHO, along)(w)[1]

    @jax.jit
    def all_of_them(w, lams, ks):
        return jax.lax.map(lambda one: both(w, *one), (lams, ks))

    chosen = list(product(LAMS, range(len(kinds))))
    found = zip(*map(np.asarray, all_of_them(w, *map(np.array, zip(*chosen, strict=True)))), strict=True)
    return {(lam, *kinds[k]): pair for (lam, k), pair in zip(chosen, found, strict=True)}


def cases():
    out = {f"gradient_decomposition: p={p:g}": Case("differences", 1.0, p, False) for p in (1.5, 2, 3)}
    out["gradient_decomposition: adaptive, mixed"] = Case("differences", 0.4, 2, True)
    out["SAM"] = Case("formula", 1.0, 2, False)
    for p in (1.5, 3, 10):
        out[f"dropped_term_norms: p={p:g}"] = Case("formula", 1.0, p, False)
    for p in (1, inf):
        out[f"dropped_term_vanishes: p={p:g}"] = Case("formula", 1.0, p, False)
    for lam, p, adaptive in settings():
        name = f"dropped_term_unified: lam={lam:g}, p={p:g}" + (", adaptive" if adaptive else "")
        out[name] = Case("formula", lam, p, adaptive)
    return out


def hypotheses(case):
    _, _, g, _ = problem()
    sizes = np.sort(np.abs(g))
    return {"no entry of g is near zero": sizes[0] > 0.4, "one is the largest": sizes[-1] > sizes[-2] + 0.01}


def dual(p):
    return {1: inf, inf: 1}.get(p) or p / (p - 1)


def unit(x, p):
    """s_p(x) and its derivative; |x|_q."""
    d, q = len(x), dual(p)
    if p == 1:
        s = np.sign(x) * (np.abs(x) == np.abs(x).max())
        return s, np.zeros((d, d)), np.abs(x).max()
    if p == inf:
        return np.sign(x), np.zeros((d, d)), np.abs(x).sum()
    size = np.sum(np.abs(x) ** q) ** (1 / q)
    s = np.sign(x) * (np.abs(x) / size) ** (q - 1)
    return s, (q - 1) / size * (np.diag((np.abs(x) / size) ** (q - 2)) - np.outer(s, s)), size


def jacobian(case):
    """de/dw by hand."""
    _, w, g, h = problem()
    w = np.asarray(w)
    t = np.abs(w) if case.adaptive else np.ones_like(w)
    turn = np.sign(w) if case.adaptive and not case.held else np.zeros_like(w)  # dT/dw
    s, slope, size = unit(t * g, case.other or case.p)
    c = (1 - case.lam) * size + case.lam
    inner = np.diag(t) @ h + np.diag(turn * g)  # d(T g)/dw
    outer = np.outer(t * s, (1 - case.lam) * s) + c * t[:, None] * slope
    return RHO * (outer @ inner + np.diag(c * turn * s))


def measured(case):
    v, whole = programs()[case.lam, case.p, case.adaptive]
    term = jacobian(case)
    term = (term.T if case.transposed else term) @ v
    if case.reads == "differences":
        whole = differences(case.lam, case.p, case.adaptive, 4)
    return np.abs(whole - v - case.scale * term).max() / np.abs(v).max()


@cache
def differences(lam, p, adaptive, size):
    """The gradient of w -> f(w + e(w)) by central differences, e by hand; of order 2 `size`."""
    loss, slope = compiled()
    w = np.asarray(problem()[1])

    def e(w):
        g = np.asarray(slope(w))
        t = np.abs(w) if adaptive else np.ones_like(w)
        s, _, length = unit(t * g, p)
        return RHO * ((1 - lam) * length + lam) * t * s

    out = np.zeros_like(w)
    for i, k in product(range(len(w)), range(size)):
        for sign in (1, -1):
            moved = w.copy()
            moved[i] += sign * (k + 1) * STEP * abs(w[i])
            out[i] += sign * STENCIL[size][k] * float(loss(moved + e(moved))) / (STEP * abs(w[i]))
    return out


@cache
def compiled():
    """f and its gradient."""
    f, *_ = problem()
    return jax.jit(f), jax.jit(jax.grad(f))


def bound(case):
    return 0.0


def tolerance(case):
    """Two roundings for each term of a product; of differences, how much one order more changes them."""
    if case.reads == "differences":
        v, _ = programs()[case.lam, case.p, case.adaptive]
        finer, coarser = (differences(case.lam, case.p, case.adaptive, size) for size in (4, 3))
        return np.abs(finer - coarser).max() / np.abs(v).max()
    return 2 * len(problem()[1]) * EPS


def controls(case):
    term = jacobian(case)
    out = {}
    if np.any(term != 0):
        out["a little more"] = lambda factor: case._replace(scale=factor)
        out["dropped"] = case._replace(scale=0.0)
        if np.abs(term - term.T).max() > 1e-6 * np.abs(term).max():
            out["J v for J' v"] = case._replace(transposed=False)
    else:
        out["the term of p = 2"] = case._replace(other=2)
    if case.adaptive:
        out["T held fixed"] = case._replace(held=True)
    return out
