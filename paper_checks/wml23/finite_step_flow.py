"""SAM on its cycle moves Phi along X' = -(1/2) (2 / (2 - gamma lambda_1))^2 P grad lambda_1, off by O(rho^2).

On every exact model (valleys with a common floor, products of two and of three weights, a diagonal network,
a matrix factorisation) and a tanh net of 24 weights, with two steps each. The run starts on the cycle and
takes an even number of steps; Phi of its end is compared with the flow from Phi of its start, relative to
the length of the flow. By independent means: the rule by theory/update.py, Phi by gradient flow, the drift
in closed form (by automatic differentiation on the net) through SciPy's DOP853. `measured` is how far the
order in rho, that of the finest pair of radii, is from 2; the figure shows all radii.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import numpy as np
from scipy.integrate import solve_ivp

from theory import manifold
from theory.bounds import wml23_flow
from theory.problems import factorisation, valley
from theory.problems.tanh_net import tanh_net

RADII = (0.1, 0.05, 0.025, 0.0125)
REACHES = (0.5, 1.2)  # gamma lambda_1 at the start
MARGIN = 0.2


# Models, and what other checks of the flow share


class Look(NamedTuple):
    """At a minimiser: the non-zero eigenvalues, ascending, the top eigenvector, and P grad lambda_1."""

    eigs: np.ndarray  # (rank,)
    vector: np.ndarray  # (d,)
    slope: np.ndarray  # (d,)

    @property
    def top(self):
        return self.eigs[-1]


class Closed(NamedTuple):
    """The same in closed form, computed as it is read: a flow reads the last two a thousand times."""

    f: Any
    w: np.ndarray

    @property
    def eigs(self):
        return self.f.spectrum(self.w)

    @property
    def vector(self):
        return self.f.vector(self.w)

    @property
    def top(self):
        return self.eigs[-1]

    @property
    def slope(self):
        return self.f.slope(self.w)


class Model(NamedTuple):
    f: Any
    w: np.ndarray  # a minimiser, where runs start
    time: float  # for how long they are watched: the gap lambda_1 - lambda_2 stays open
    look: Callable  # w -> Look or Closed


@cache
def models():
    network = factorisation.network([[-1.4, 0.5, 1.0], [-0.2, -1.1, 0.9]], [2.1, 1.6])
    u, v = factors()
    # the last feature is constant, so that its weights are offsets
    x = [[1.0, 0.2, 1.0], [-0.4, 0.9, 1.0], [-0.5, -1.1, 1.0], [1.2, -0.8, 1.0]]
    net = tanh_net(x, [0.7, -0.6, 0.5, 0.9], np.resize([0.8, -0.8], 8))
    floor = valley.Valley(*map(np.asarray, valley.two_bowls()))  # in NumPy for the same reason
    return {
        "valley": Model(floor, floor.on_floor([0.9]), 1.0, partial(on_floor, floor)),
        "pair": exact(factorisation.chain(), factorisation.pair_of_gap(3.0)),
        "chain": exact(factorisation.chain(), np.array([1.6, 1.0, 0.625])),
        "network": exact(network, limit(network, np.array([0.9, 0.8, 1.1, -0.7, 0.3, 0.5]))),
        "matrix": exact(factorisation.factorisation(u @ v.T), np.concatenate([u.ravel(), v.ravel()])),
        "net": Model(net, limit(net, np.random.default_rng(8).standard_normal(24)), 0.3, partial(sight, net)),
    }


def factors():
    """(3, 2) and (4, 2), of singular values 2, 0.5 and 0.8, 0.4."""
    u, v = (np.linalg.qr(np.random.default_rng(rows).standard_normal((rows, 2)))[0] for rows in (3, 4))
    return u * [2.0, 0.5], v * [0.8, 0.4]


def exact(f, w):
    return Model(f, w, 0.3, partial(Closed, f))


def on_floor(f, w):
    heights, rises = f.heights(w[: f.p]), f.height_slopes(w[: f.p])
    top = np.argmax(heights)
    return Look(np.sort(heights) / f.n, np.eye(len(w))[f.p + top], np.append(rises[top], np.zeros(f.n)) / f.n)


def compiled(act):
    """act(f, ...) in one program for each kind of f, its data arguments; what it returns in NumPy."""
    program = jax.jit(act)
    return lambda *given: jax.tree.map(np.asarray, program(*given))


limit = compiled(lambda f, w: manifold.limit(f.loss, w))
run = compiled(lambda f, *given: manifold.run(f.loss, *given))


@compiled
def sight(f, w):
    """By automatic differentiation, where every example has its own residual."""
    here = manifold.frame(f.loss, w)
    slope = here.tangent(manifold.third(f.loss, w, here.vector), f.n)
    return Look(here.eigs[-f.n :], here.vector, slope)


def cycle(name, gamma, rho, lam):
    """The start of runs: on the cycle about the model's minimiser."""
    _, w, _, look = models()[name]
    return manifold.on_cycle(w, look(w).top, look(w).vector, gamma, rho, lam)


class Ride(NamedTuple):
    """A run: its last point and, for Phi at its start and there, the time between."""

    last: np.ndarray
    begun: np.ndarray
    ended: np.ndarray
    time: float


@cache
def ride(name, gamma, rho, lam, time):
    """From the cycle about the model's minimiser, for the even number of steps nearest to `time`."""
    f = models()[name].f
    start = cycle(name, gamma, rho, lam)
    steps = int(manifold.steps_for(time, gamma, rho))
    last = run(f, start, gamma, rho, lam, steps)
    return Ride(last, limit(f, start), limit(f, last), steps * gamma * rho**2)


def flowed(look, w, time, speed):
    """The minimiser after `time` along X' = -speed(lambda_1) P grad lambda_1 / 2."""

    def field(_, x):
        here = look(x)
        return -0.5 * speed(here.top) * here.slope

    return solve_ivp(field, (0, time), w, "DOP853", rtol=1e-9, atol=1e-11).y[:, -1]


def order(errors):
    """Of the finest pair, whose radii, or steps, differ by a factor of two."""
    return np.log2(errors[-2] / errors[-1])


# The check


class Case(NamedTuple):
    name: str
    gamma: float
    factor: float  # of the claimed speed: 1, but for a control
    finite: bool  # whether the speed is that of a finite step
    limits: bool  # whether Phi is compared, not the last point
    look: Callable  # of the flow


def cases():
    return {
        f"{name}, gamma lambda_1={reach:g}": Case(
            name, reach / model.look(model.w).top, 1.0, True, True, model.look
        )
        for name, model in models().items()
        for reach in REACHES
    }


def hypotheses(case):
    eigs = [case.look(w).eigs for w in (models()[case.name].w, found(case, RADII[-1]).ended)]
    return {
        "gamma lambda_1 < 2": case.gamma * eigs[0][-1] < 2,
        "a manifold": min(each[0] for each in eigs) > 0.01,
        "lambda_1 stays apart": min(each[-1] - np.append(0, each)[-2] for each in eigs) > 0.1,
    }


def found(case, rho):
    return ride(case.name, case.gamma, rho, 1.0, models()[case.name].time)


def error(case, rho):
    """Relative to the length of the flow."""
    ridden = found(case, rho)

    def speed(top):
        return case.factor * (wml23_flow.speed(top, case.gamma, rho, 1.0) if case.finite else 1.0)

    predicted = flowed(case.look, ridden.begun, ridden.time, speed)
    end = ridden.ended if case.limits else ridden.last
    return np.linalg.norm(end - predicted) / np.linalg.norm(predicted - ridden.begun)


def measured(case):
    return abs(order([error(case, rho) for rho in RADII[-2:]]) - 2)


def bound(case):
    return MARGIN


def controls(case):
    out = {
        "a little faster": lambda factor: case._replace(factor=factor),
        "the speed of a vanishing step": case._replace(finite=False),
        "without the half": case._replace(factor=2.0),
        "the last point in place of its limit": case._replace(limits=False),
    }
    if case.name == "valley":
        out["the flow of the trace"] = case._replace(look=of_trace)
    return out


def of_trace(w):
    """In the valley, with the slope of the trace."""
    f = models()["valley"].f
    return on_floor(f, w)._replace(slope=np.append(f.height_slopes(w[: f.p]).mean(0), np.zeros(f.n)))
