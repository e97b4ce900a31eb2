"""What SAM, 1-SAM, USAM and gradient descent do to the sharpness of a diagonal network, in slow time.

All from one start off the manifold of fits, with one step and one radius. lambda_1 and trace of the Hessian
at Phi of the iterates, against gamma rho^2 t; 1-SAM on several paths, one example a step. "flow": for SAM
the slow flow of lambda_1 at the finite step, for 1-SAM the limiting flow of the trace, both from Phi of the
start.
"""

from functools import partial

import jax
import numpy as np
import pandas as pd
from scipy.integrate import solve_ivp

from experiments.record import progress
from theory import admit, manifold, sampling
from theory.bounds import wml23_flow
from theory.descent import descend, still, whole_batch
from theory.problems import factorisation

SECONDS = 4
QUICK = {"time": 1.0, "points": 4, "paths": 2}
X, Y = [[-1.4, 0.5, 1.0], [-0.2, -1.1, 0.9]], [2.1, 1.6]
START = np.array([0.9, 0.8, 1.1, -0.7, 0.3, 0.5])  # u, v
METHODS = {"SAM": (1.0, 1.0), "USAM": (1.0, 0.0), "GD": (0.0, 0.0)}  # of the radius, and lam


def run(seed=0, gamma=0.04, rho=0.1, time=6.0, points=40, paths=8):
    admit.steps(gamma, rho, 1.0)
    admit.whole(points, "points", 2)
    admit.whole(paths, "paths", 1)
    if not (gamma > 0 and rho > 0 and time > 0):
        raise ValueError(f"gamma, rho and time must be positive; got {gamma:g}, {rho:g} and {time:g}")
    f = factorisation.network(X, Y)
    every = max(2, int(manifold.steps_for(time / points, gamma, rho)))
    steps = every * points
    progress(f"wml23_drift: {steps} steps, {paths} paths of 1-SAM")
    times = np.arange(points + 1) * every * gamma * rho**2
    seen = {
        (method, 0): full_batch(f, START, gamma, share * rho, lam, steps, every)
        for method, (share, lam) in METHODS.items()
    }
    keys = jax.random.split(jax.random.key(seed), paths)
    seen |= {
        ("1-SAM", path): one_example(f, START, gamma, rho, key, steps, every) for path, key in enumerate(keys)
    }
    frames = [
        sharpness(f, np.asarray(limits(f, w)), times).assign(method=method, path=path, kind="run")
        for (method, path), w in seen.items()
    ]
    begun = np.asarray(limits(f, START[None]))[0]
    drifts = {
        "SAM": lambda w: wml23_flow.speed(f.spectrum(w)[-1], gamma, rho, 1.0) * f.slope(w),
        "1-SAM": f.trace_slope,
    }
    for method, drift in drifts.items():
        found = solve_ivp(
            lambda _, w, drift=drift: -0.5 * drift(w),
            (0, times[-1]),
            begun,
            t_eval=times,
            rtol=1e-8,
            atol=1e-10,
        )
        frames.append(sharpness(f, found.y.T, times).assign(method=method, path=0, kind="flow"))
    return pd.concat(frames, ignore_index=True).assign(gamma=gamma, rho=rho)


@partial(jax.jit, static_argnames=("steps", "every"))
def full_batch(f, w, gamma, rho, lam, steps, every):
    rule = whole_batch(jax.value_and_grad(f.loss))
    return descend(rule, w, gamma, rho, lam, (still(steps),), lambda w: w, every)[0]


@partial(jax.jit, static_argnames=("steps", "every"))
def one_example(f, w, gamma, rho, key, steps, every):
    draws = jax.vmap(sampling.uniform(f.n).pick)(jax.random.split(key, steps))
    return descend(jax.value_and_grad(f.loss), w, gamma, rho, 1.0, draws, lambda w: w, every)[0]


@jax.jit
def limits(f, w):
    return jax.lax.map(lambda w: manifold.limit(f.loss, w), w)


def sharpness(f, w, times):
    """lambda_1 and trace at the minimisers w."""
    return pd.DataFrame(
        {
            "slow_time": times,
            "top": [f.spectrum(each)[-1] for each in w],
            "trace": [f.trace(each) for each in w],
        }
    )


def verdicts(table):
    """SAM ends with the smaller lambda_1, 1-SAM with the smaller trace; the other two stay."""
    last = table[table.slow_time == table.slow_time.max()]
    top, trace = (last[last.kind == "run"].groupby("method")[name].median() for name in ("top", "trace"))
    out = {
        "SAM has the smaller top eigenvalue": {
            "measured": top["SAM"] / top["1-SAM"],
            "bound": 1.0,
            "controls": {"exchanged": top["1-SAM"] / top["SAM"], "descent": top["GD"] / top["1-SAM"]},
        },
        "1-SAM has the smaller trace": {
            "measured": trace["1-SAM"] / trace["SAM"],
            "bound": 1.0,
            "controls": {"exchanged": trace["SAM"] / trace["1-SAM"], "descent": trace["GD"] / trace["SAM"]},
        },
    }
    first = (
        table[table.slow_time > 0].sort_values("slow_time").groupby(["method", "path", "kind"]).top.first()
    )
    moved = {name: abs(top[name] - first[name, 0, "run"]) for name in METHODS}
    for name in ("USAM", "GD"):
        out[f"{name} stays"] = {
            "measured": moved[name],
            "bound": 0.0,
            "tolerance": 1e-9,
            "controls": {"SAM": moved["SAM"]},
        }
    return out
