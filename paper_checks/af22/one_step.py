"""One stochastic step of unnormalised SAM at given states, over every draw, for one batch and for two.

Bounds and proofs: theory/bounds/af22.py. The proofs ask for the variance at w and at the point ahead of it
alone (one batch: ahead along the full gradient; two: along each draw), so each inequality is solved for the
sigma^2 / b that a state needs, and that is divided by the largest variance at these points: `measured` is the
largest ratio.

    one_step                    E L(w+) <= L - (gamma/2) (1 - r^2) G - (gamma/2) (1 - s) |E g+|^2
                                             + (gamma/2) [r^2 + s (1 + r)^2] sigma^2 / b
    "one_step_pl: ..."          E D+ <= (1 - 3/4 gamma mu) D + L gamma^2 (3/2 + sqrt(s)) sigma^2 / b
    "stochastic_alignment: ..."
                                E<g+, grad L> >= (1/2 - r) G - r^2 sigma^2 / (2b)
    "stochastic_alignment_sharper: ..."
                                E<g+, grad L> >= (1 - r^2) G / 2 + |E g+|^2 / 2 - r^2 sigma^2 / (2b)

The last says |E g+ - grad L|^2 <= r^2 (G + sigma^2 / b), and is solved for the L that it needs.

The problems: quadratics of a common Hessian and of different ones, x^2 + 3 sin^2 x + c_i x and
sin^2(x) / 2 + c_i x on a fine grid, a tanh net on rings; for the alignment two reflections, which attain it
with one batch, and a tent, which nearly does with either. L is that of every l_i for one batch, that of their
mean for two. "trap": a sum on which the second is the smaller; with one batch it breaks every inequality: a
control.
"""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize

from theory import sampling
from theory.bounds import af22
from theory.certificate import EPS, ROUNDINGS
from theory.expectation import pairs
from theory.problems.logistic import logistic
from theory.problems.polyak import Sines, tilted
from theory.problems.quadratic import Quadratic, quadratic
from theory.problems.ripple import trap
from theory.problems.tanh_net import tanh_net
from theory.problems.tent import tent
from theory.update import descended, look_ahead_apart

N = 4
ATOMS = 16  # pairs of the draws of one out of four
DRAWS = {"one batch of 1": (1, False), "one batch of 2": (2, False), "two batches of 1": (1, True)}
SIZES = ((1.0, 0.9), (0.5, 0.5), (0.1, 0.9), (0.1, 0.2), (0.02, 0.9))  # (gamma L, rho L)
ONCE = (1, 2, 3)  # those that show each rho once, where gamma plays no part
NET = (1, 3)  # those for the net, whose L is six times too large: a larger rho leaves nothing to see
SIZES_PL = (0.5, 0.1, 0.01)  # gamma L
TILTS = np.array([[-2.0], [-1.0], [1.0], [2.0]])
REACHES = (0.1, 0.2, 0.4)  # rho L of the alignment
FAR = ("common Hessian", "sines")  # the gradient outgrows the noise, so that a rule must move


class Problem(NamedTuple):
    f: object
    each: float  # smoothness of every l_i, which one batch asks for
    whole: float  # of their mean, which is enough for two
    pl: float  # 0 where there is none
    least: float  # min f, or a lower bound
    states: np.ndarray


class Case(NamedTuple):
    reads: str  # the row
    smoothness: float
    pl: float
    gamma: float
    rho: float
    variance: np.ndarray  # sigma^2 / b at every state
    before: np.ndarray  # L(w) - min L
    after: np.ndarray  # E L(w+) - min L
    size: np.ndarray  # of L, to which rounding is relative
    square: np.ndarray  # |grad L|^2
    mean_square: np.ndarray  # |E g+|^2
    along: np.ndarray  # <E g+, grad L>
    shift: np.ndarray  # |E g+ - grad L|
    far: bool  # whether the gradient outgrows the noise
    trap: "Case | None"  # the same of a sum whose mean alone is smooth
    scale: float  # of the promised descent, alignment or contraction: 1, but for a control
    cut: float  # what the variance is divided by: 1, but for a control


def shaped(count, d, inner, outer):
    """States in random directions at distances from `inner` to `outer`, and 0."""
    ways = np.random.default_rng(d).standard_normal((count - 1, d))
    ways = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    return np.concatenate([np.zeros((1, d)), ways * np.geomspace(inner, outer, count - 1)[:, None]])


def shared_hessian(condition, d=3):
    """Quadratics of one Hessian, L = 1, mu = 1 / condition, with centres of mean zero."""
    rng = np.random.default_rng(3)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    hessian = (turn * np.geomspace(1 / condition, 1, d)) @ turn.T
    centres = rng.standard_normal((N, d))
    linear = (centres - centres.mean(0)) @ hessian
    return quadratic(np.stack([hessian] * N), linear - linear.mean(0), np.zeros(N))


def spread_hessians():
    """Two pairs of opposite tilts and random Hessians, so that the common minimiser stays 0."""
    rng = np.random.default_rng(4)
    factors = rng.standard_normal((N, 3, 3))
    hessians = factors @ factors.transpose(0, 2, 1) / 9
    tilts = rng.standard_normal((N, 3))
    return quadratic(hessians, tilts - tilts.mean(0), np.zeros(N))


def logistic_loss():
    rng = np.random.default_rng(5)
    return logistic(rng.standard_normal((N, 2)), [1.0, 1.0, -1.0, -1.0], 0.1)


def small_net():
    """Three units on more examples than it can fit, with targets sin(2x)."""
    x = np.array([[-1.5], [-0.4], [0.7], [1.3]])
    return tanh_net(x, np.sin(2 * x[:, 0]), [1.0, -1.0, 0.5])


@cache
def rest():
    """A stationary point of the net, where the noise is felt."""
    net = small_net()
    fall = jax.jit(jax.value_and_grad(net.loss))
    return scipy.optimize.minimize(fall, np.array([0.5, -1.0, 2.0]), jac=True, tol=1e-10).x


@cache
def problems():
    shared, different, sines = shared_hessian(10.0), spread_hessians(), tilted(TILTS)
    waves = Sines(np.zeros(N), np.full(N, 1 / 6), TILTS)  # sin^2(x) / 2: not PL, no factory
    net = small_net()
    line = np.concatenate([np.linspace(-12, 12, 481), np.geomspace(12, 1e3, 19)])[:, None]
    about = shaped(201, 3, 1e-4, 30.0)
    sums = {
        "common Hessian": (shared, 0.1, 0.0, about),
        "different Hessians": (different, float(different.pl), 0.0, about),
        "sines": (sines, sines.pl, 0.0, line),
        "tanh net": (net, 0.0, net.below, rest() + shaped(201, 3, 1e-4, 4.0)),
    }
    out = {
        name: Problem(f, float(max(f.smoothness_each)), float(f.smoothness), *rest_of)
        for name, (f, *rest_of) in sums.items()
    }
    return out | {"sine squared": Problem(waves, 1.0, 1.0, 0.0, -2e3 - 1, line)}


def reflections(reach):
    """Quadratics whose gradients a e_1 +- e_2 at 0 are turned to -e_1: E g+ = 0 where rho L = `reach`."""
    a = reach / np.sqrt(1 - reach**2)  # a = reach |g|
    g = np.array([[a, 1.0, 0.0], [a, -1.0, 0.0]] * 2)
    normal = g / np.linalg.norm(g, axis=1, keepdims=True) + np.array([1.0, 0.0, 0.0])
    normal = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    turns = np.eye(3) - 2 * normal[:, :, None] * normal[:, None, :]
    return Quadratic(jnp.asarray(turns), jnp.asarray(-g), jnp.zeros(N))  # not convex: no factory makes it


def drawn(size, two, n=N, atoms=ATOMS):
    """(first, indices, weights, probabilities) of every pair of draws, or of every draw taken twice."""
    indices, weights, q = sampling.draws(np.full(n, 1 / n), size).atoms()
    every = pairs((indices, weights, q)) if two else ((indices, weights), indices, weights, q)
    wide = ((0, atoms - len(every[-1])), (0, 2 - size))
    return jax.tree.map(lambda each: np.pad(each, wide[: each.ndim]), every)


@jax.jit
def seen(f, draws, two, states, sizes):
    """L, grad L, E L(w+), E g+ and the variance of one example, for every (gamma, rho) at every state."""
    first, *then, q = draws
    slopes = jax.jacrev(f.losses)

    def variance(w):
        each = slopes(w)
        return jnp.mean(jnp.sum((each - each.mean(0)) ** 2, axis=1))

    def at(w, size):
        gamma, rho = size
        value, slope = jax.value_and_grad(f.loss)(w)
        along = jax.vmap(lambda *draw: jax.grad(f.loss)(w, *draw))(*first)
        ahead = w + rho * jnp.where(two & (q > 0)[:, None], along, slope)
        noise = jnp.max(jax.vmap(variance)(jnp.concatenate([w[None], ahead])))
        rule = look_ahead_apart(jax.value_and_grad(f.loss), rho, 0)
        found = jax.vmap(lambda *draw: rule(w, *draw)[1])(first, *then)
        after = q @ jax.vmap(lambda grad: f.loss(descended(w, gamma, grad)))(found)
        return value, slope, after, q @ found, noise

    return jax.vmap(lambda size: jax.vmap(lambda w: at(w, size))(states))(sizes)


def looked_at(problem, draws, two, sizes):
    """`seen`, for each pair of sizes alone."""
    found = jax.tree.map(np.asarray, seen(problem.f, draws, two, problem.states, np.asarray(sizes)))
    return [jax.tree.map(lambda each, k=k: each[k], found) for k in range(len(sizes))]


def case(reads, problem, smoothness, sizes, size, found):
    value, slope, after, mean, variance = found
    return Case(
        reads,
        smoothness,
        float(problem.pl),
        float(sizes[0]),
        float(sizes[1]),
        variance / size,
        value - problem.least,
        after - problem.least,
        np.abs(value) + np.abs(after),
        np.sum(slope**2, axis=1),
        np.sum(mean**2, axis=1),
        np.sum(mean * slope, axis=1),
        np.linalg.norm(mean - slope, axis=1),
        False,
        None,
        1.0,
        1.0,
    )


def cases():
    return built()


@cache
def built():
    out = {}
    for name, problem in problems().items():
        for label, (size, two) in DRAWS.items():
            whole = problem.whole if two else problem.each
            sizes = np.array(SIZES + tuple((s, np.sqrt(s)) for s in SIZES_PL)) / whole
            for k, found in enumerate(looked_at(problem, drawn(size, two), two, sizes)):
                given = problem, whole, sizes[k], size, found
                of = f"{name}, {label}, gamma L={sizes[k][0] * whole:.3g}"
                if name == "tanh net" and k not in NET:
                    continue
                if k < len(SIZES):
                    rho = f"rho L={sizes[k][1] * whole:.3g}"
                    out[f"{of}, {rho}"] = case("one_step", *given)._replace(far=name in FAR)
                    if k in ONCE:
                        row = "stochastic_alignment_sharper"
                        out[f"{row}: {name}, {label}, {rho}"] = case(row, *given)
                elif problem.pl:
                    out[f"one_step_pl: {of}"] = case("one_step_pl", *given)._replace(far=name in FAR)
    for reach in REACHES:
        for label, (f, two) in {
            "reflections, one batch of 1": (reflections(reach), False),
            "tent, one batch of 1": (tent(reach / (1 + 2 * reach), 1.0), False),
            "tent, two batches of 1": (tent(reach / (1 + 2 * reach), 1.0), True),
        }.items():
            states = np.zeros((201, 3) if isinstance(f, Quadratic) else (1, 1))  # in the shape of the others
            problem, steps = Problem(f, 1.0, 1.0, 0.0, 0.0, states), (0.5, reach)
            found = looked_at(problem, drawn(1, two, f.n, f.n**2), two, [steps] * 8)[0]
            for row in ("stochastic_alignment", "stochastic_alignment_sharper"):
                out[f"{row}: {label}, rho L={reach:g}"] = case(row, problem, 1.0, steps, 1, found)
    rows = {each.reads for each in out.values()}
    caught = {row: trapped(row, False) for row in rows}
    out["trap, two batches of 1"] = trapped("one_step", True)
    for row in ("one_step_pl", "stochastic_alignment_sharper"):
        out[f"{row}: trap, two batches of 1"] = trapped(row, True)
    return {
        label: each._replace(trap=caught[each.reads]) if "one batch of 1" in label else each
        for label, each in out.items()
    }


@cache
def trapped(reads, two):
    """A sum whose mean has L = 1 and whose functions have larger constants; at x = 1 one batch stays."""
    rho = 0.2
    f = trap(rho)
    problem = Problem(f, float(f.smoothness_each[0]), 1.0, 1.0, 0.0, np.linspace(-4, 4, 201)[:, None])
    (found,) = looked_at(problem, drawn(1, two, 2, 4), two, [(rho**2, rho)])
    return case(reads, problem, 1.0, (rho**2, rho), 1, found)


def hypotheses(case):
    reach, length = case.rho * case.smoothness, case.gamma * case.smoothness
    met = {
        "rho L <= 1": reach <= 1 + 1e-12,
        "gamma L <= 1": length <= 1 + 1e-12,
        "rounding decides nothing": tolerance(case) <= 1e-6,
    }
    if case.reads == "one_step_pl":
        met["gamma L <= 1/2"] = length <= 0.5 + 1e-12
        met["rho^2 = gamma / L"] = abs(reach**2 - length) <= 1e-12
        met["PL"] = np.all(case.square >= 2 * case.pl * case.before * (1 - 1e-9) - 1e-15)
    return met


def floor(case):
    """What stands before the variance in each inequality."""
    if case.reads == "one_step":
        return af22.floor(case.smoothness, case.gamma, case.rho)
    if case.reads == "one_step_pl":
        return af22.floor_pl(case.smoothness, case.gamma)
    return 0.5 * (case.rho * case.smoothness) ** 2


def needed(case):
    """floor times the variance that each state needs."""
    if case.reads == "one_step":
        taken = af22.descent(case.smoothness, case.gamma, case.rho, case.square, case.mean_square)
        return case.after - case.before + case.scale * taken
    if case.reads == "one_step_pl":
        return case.after - case.before + case.scale * af22.contraction_pl(case.pl, case.gamma) * case.before
    return case.scale * af22.stochastic_alignment(case.rho * case.smoothness, case.square, 0.0) - case.along


def measured(case):
    if case.reads == "stochastic_alignment_sharper":  # the L that is needed, over L
        allowed = af22.shift(case.rho * case.smoothness, case.square, case.scale * case.variance)
        return np.max(case.shift / allowed)
    return np.max(needed(case) / (floor(case) * case.variance))


def bound(case):
    return 1 / case.cut


def tolerance(case):
    """Rounding of what cancels at the state that needs most."""
    if case.reads == "stochastic_alignment_sharper":
        return 1e-12
    at = np.argmax(needed(case) / case.variance)
    size = case.size[at] if case.reads.startswith("one_step") else case.square[at] + abs(case.along[at])
    return ROUNDINGS * EPS * (size / (floor(case) * case.variance[at]) + bound(case))


def controls(case):
    if case.reads == "stochastic_alignment_sharper":
        out = {"L too small": lambda factor: case._replace(cut=factor)}
        if np.all(case.shift == case.shift[0]):  # at one state
            out["no variance"] = case._replace(scale=0.0)
    else:
        out = {
            "the variance too small": lambda factor: case._replace(cut=factor),
            "more promised": lambda factor: case._replace(scale=factor),
        }
    if case.far:
        out["the rule does not move"] = case._replace(after=case.before)
    if case.trap is not None:
        out["smoothness of the mean alone"] = case.trap
    return out
