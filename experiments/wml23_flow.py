"""SAM along manifolds of minimisers, with the slow flow that is predicted on top, and how far it is off.

"hyperbola": (a b - 1)^2 / 2 from off the manifold: every iterate, gradient flow from the start, the slow
flow from its limit. "chain" and "matrix", the weights of a product of three and the singular values of the
two factors of a matrix: Phi of the iterates, the flow of a finite step and the limiting one, in the slow
time gamma rho^2 t. "error": |Phi - X| over the length of the flow X at a fixed slow time, on each model for
several radii; the order in rho of the finest pair is to be 2.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from scipy.integrate import solve_ivp

from experiments.record import progress
from theory import admit, manifold
from theory.bounds import wml23_flow
from theory.descent import descend, still, whole_batch
from theory.problems import factorisation
from theory.problems.factorisation import pair_of_gap

SECONDS = 7
QUICK = {"points": 6, "time": 0.2, "radii": (0.1, 0.05)}
OFF = np.array([2.3, 1.2])  # the start on the hyperbola's plane
SPAN = 0.3  # the slow time after which errors are read


def run(seed=0, rho=0.1, wide=0.2, reach=0.5, time=1.5, points=40, radii=(0.2, 0.1, 0.05, 0.025, 0.0125)):
    """`reach` is gamma lambda_1 at the start, half of it on the hyperbola, where `wide` is the radius."""
    admit.steps(0, (rho, wide, *radii), 0)
    admit.whole(points, "points", 2)
    if not 0 < reach < 2 or not time > 0:
        raise ValueError(f"reach must lie between 0 and 2, and time be positive; got {reach:g} and {time:g}")
    models = chosen(seed)
    progress(f"wml23_flow: {len(models)} models, radii {', '.join(f'{r:g}' for r in radii)}")
    frames = [hyperbola(wide, reach / 2, time)]
    for name in ("chain", "matrix"):
        f, w = models[name]
        frames.append(trajectory(name, f, w, rho, reach, time, points))
    frames += [errors(name, f, w, reach, radii) for name, (f, w) in models.items()]
    return pd.concat(frames, ignore_index=True)


def chosen(seed):
    """name -> (loss, a minimiser): products of two and three weights, a diagonal network, a factorisation."""
    rng = np.random.default_rng(seed)
    u, v = (np.linalg.qr(rng.standard_normal((rows, 2)))[0] for rows in (3, 4))
    u, v = u * [2.0, 0.5], v * [0.8, 0.4]
    network = factorisation.network([[-1.4, 0.5, 1.0], [-0.2, -1.1, 0.9]], [2.1, 1.6])
    return {
        "pair": (factorisation.chain(), pair_of_gap(3.0)),
        "chain": (factorisation.chain(), np.array([1.6, 1.0, 0.625])),
        "network": (network, limit(network, np.array([0.9, 0.8, 1.1, -0.7, 0.3, 0.5]))),
        "matrix": (factorisation.factorisation(u @ v.T), np.concatenate([u.ravel(), v.ravel()])),
    }


# Runs


@jax.jit
def limits(f, w):
    return jax.lax.map(lambda w: manifold.limit(f.loss, w), w)


def limit(f, w):
    return np.asarray(limits(f, w[None]))[0]


@partial(jax.jit, static_argnames=("steps", "every"))
def iterates(f, w, gamma, rho, steps, every):
    rule = whole_batch(jax.value_and_grad(f.loss))
    return descend(rule, w, gamma, rho, 1.0, (still(steps),), lambda w: w, every)[0]


ended = jax.jit(lambda f, *given: manifold.run(f.loss, *given))


def on_cycle(f, w, reach, rho):
    """(gamma, the start of a run on the cycle about w)."""
    gamma = reach / f.spectrum(w)[-1]
    return gamma, manifold.on_cycle(w, f.spectrum(w)[-1], f.vector(w), gamma, rho, 1.0)


def flowed(f, w, times, speed):
    """The slow flow at the increasing `times`, from w at 0."""

    def field(_, x):
        return -0.5 * speed(f.spectrum(x)[-1]) * f.slope(x)

    return solve_ivp(field, (0, times[-1]), w, "DOP853", times, rtol=1e-9, atol=1e-11).y.T


def finite(gamma, rho):
    return lambda top: wml23_flow.speed(top, gamma, rho, 1.0)


def hyperbola(rho, reach, time):
    f = factorisation.chain()
    begun = limit(f, OFF)
    gamma = reach / f.spectrum(begun)[-1]
    steps = int(manifold.steps_for(time, gamma, rho))
    w = np.asarray(iterates(f, OFF, gamma, rho, steps, 1))
    gradient = jax.jit(jax.grad(f.loss))
    down = solve_ivp(
        lambda _, w: -np.asarray(gradient(w)), (0, 3), OFF, t_eval=np.linspace(0, 3, 60), rtol=1e-8
    ).y.T
    slow = flowed(f, begun, np.linspace(0, time, 60), finite(gamma, rho))
    parts = {"iterate": w, "gradient flow": down, "slow flow": slow}
    return pd.concat(
        [
            pd.DataFrame(
                {"panel": "hyperbola", "kind": kind, "step": range(len(x)), "a": x[:, 0], "b": x[:, 1]}
            )
            for kind, x in parts.items()
        ]
    ).assign(rho=rho, gamma=gamma)


def trajectory(name, f, w, rho, reach, time, points):
    gamma, start = on_cycle(f, w, reach, rho)
    every = max(2, int(manifold.steps_for(time / points, gamma, rho)))
    seen = limits(f, iterates(f, start, gamma, rho, every * points, every))
    times = np.arange(points + 1) * every * gamma * rho**2
    parts = {
        "limit": np.asarray(seen),
        "finite": flowed(f, np.asarray(seen)[0], times, finite(gamma, rho)),
        "limiting": flowed(f, np.asarray(seen)[0], times, lambda top: 1.0),
    }
    length = np.linalg.norm(parts["finite"][-1] - parts["finite"][0])
    frames = []
    for kind, x in parts.items():
        off = np.linalg.norm(x - parts["limit"], axis=1) / length
        for label, values in coordinates(name, f, x).items():
            columns = {"panel": name, "kind": kind, "slow_time": times, "coordinate": label, "value": values}
            frames.append(pd.DataFrame(columns).assign(off=off))
    return pd.concat(frames).assign(rho=rho, gamma=gamma)


def coordinates(name, f, x):
    """What is drawn of the points x."""
    if name == "chain":
        return {f"w_{k + 1}": x[:, k] for k in range(x.shape[1])}
    sizes = [[np.linalg.svd(factor, compute_uv=False) for factor in f.factors(each)] for each in x]
    left, right = np.array([u for u, _ in sizes]), np.array([v for _, v in sizes])
    return {
        r"\sigma_1(U)": left[:, 0],
        r"\sigma_1(V)": right[:, 0],
        r"\sigma_2(U)": left[:, 1],
        r"\sigma_2(V)": right[:, 1],
    }


def errors(name, f, w, reach, radii):
    found = []
    for rho in radii:
        gamma, start = on_cycle(f, w, reach, rho)
        steps = int(manifold.steps_for(SPAN, gamma, rho))
        last = ended(f, start, gamma, rho, 1.0, steps)
        begun, there = np.asarray(limits(f, jnp.stack([start, last])))
        for kind, speed in {"finite": finite(gamma, rho), "limiting": lambda top: 1.0}.items():
            x = flowed(f, begun, [steps * gamma * rho**2], speed)[-1]
            off = np.linalg.norm(there - x) / np.linalg.norm(x - begun)
            found.append(
                {"panel": "error", "kind": kind, "model": name, "rho": rho, "gamma": gamma, "off": off}
            )
    return pd.DataFrame(found)


def verdicts(table):
    """Phi stays by the flow of a finite step, and the error falls with rho to the order 2."""
    out = {}
    paths = table[table.panel.isin(["chain", "matrix"])]
    for name, rows in paths.groupby("panel"):
        worst = rows.groupby("kind").off.max()
        out[f"the path of a finite step, {name}"] = {
            "measured": worst["finite"],
            "bound": 0.05,
            "controls": {"the limiting flow": worst["limiting"]},
        }
    for name, rows in table[table.panel == "error"].groupby("model"):
        finest = (
            rows.sort_values("rho").groupby("kind").off.apply(lambda off: np.log2(off.iloc[1] / off.iloc[0]))
        )
        out[f"order 2, {name}"] = {
            "measured": abs(finest["finite"] - 2),
            "bound": 0.2,
            "controls": {"the limiting flow": abs(finest["limiting"] - 2)},
        }
    return out
