"""Figure 1 of wml23 remade: where five methods end on F_1(x_1, x_2) x_3^2 + F_2(x_1, x_2) x_4^2.

F_1 = x_1^2 + 6 x_2^2 + 8, F_2 = 4 (1 - x_1)^2 + (1 - x_2)^2 + 1, as remembered; the settings of the figure
were not seen, these are ours. From one start, in the slow time gamma rho^2 t:

    SAM        full batches: to the least F_1, the largest eigenvalue
    worst      descent on the largest f(w + v) over |v| <= rho: the same
    1-SAM      on the mean of the two terms, sampled: near the least F_1 + F_2, the trace, moved by the step
    average    descent on the mean of f over the sphere of radius rho about w: the least F_1 + F_2
    ascent     descent on f(w + rho g / |g|): lowers F_2, the smaller eigenvalue, and settles short of its
               least value, nearer for a smaller step

Kinds of rows: "path" (x_1, x_2 along a run), "aim" (predicted ends), "grid" (F_1 and F_2 on the square).
`left` is what is left of the climb to the worst direction, over rho.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit, one_sam
from theory.problems import valley
from theory.update import descended, direction, step

SECONDS = 5
QUICK = {"time": 0.02, "ascent_time": 0.01, "runs": 3}
WHOLE, SINGLE = valley.figure_1_whole(), valley.figure_1_single()
CLIMB = 10  # steps to the worst direction
POINTS = 80  # of a path
GRID = 41
LEAST = {"F_1": (0.0, 0.0), "F_2": (1.0, 1.0), "F_1 + F_2": (0.8, 1 / 7)}


def run(
    seed=0,
    gamma=0.02,
    rho=0.1,
    x1=0.3,
    x2=0.8,
    time=3.0,
    runs=64,
    ascent_rho=0.3,
    ascent_steps=(1e-3, 2.5e-4, 6.25e-5),
    ascent_time=2.0,
):
    for value, label in [(time, "the slow time"), (ascent_time, "the slow time of the ascent direction")]:
        if not value > 0:
            raise ValueError(f"{label} must be positive; got {value:g}")
    admit.whole(runs, "the number of runs", 2)
    for each in (gamma, *ascent_steps):
        admit.steps(each, (rho, ascent_rho), 1.0)
        if not 0 < each * 2 * 15 < 2:  # F_1 is 15 at most on the square
            raise ValueError(
                f"the step must be positive and below 1 / 15, or the cycle is unstable; got {each:g}"
            )
    progress(f"wml23_figure_1: paths to slow time {time:g}, {runs} runs of 1-SAM")
    start = np.array([x1, x2, *(rho / 2,) * 2])
    frames = [plane(), aims(gamma)]
    for method, move in MOVES.items():
        frames.append(path(method, move, start, gamma, rho, time))
    frames.append(sampled(seed, start, gamma, rho, time, runs))
    for each in ascent_steps:
        progress(f"wml23_figure_1: the ascent direction, gamma = {each:g}")
        frames.append(path("ascent", ascended, start, each, ascent_rho, ascent_time))
    return pd.concat(frames, ignore_index=True)


# Moves: the state after a step, and what is to be told of it


def sam(w, gamma, rho):
    return step(jax.value_and_grad(WHOLE.loss), w, gamma, rho, 1.0), 0.0


def worst(w, gamma, rho):
    """The gradient of the largest value is that of f at the maximiser (Danskin), where v = rho u(w + v)."""
    slope = jax.grad(WHOLE.loss)

    def climb(_, v):
        return rho * direction(slope(w + v), 1.0)

    v = jax.lax.fori_loop(0, CLIMB, climb, jnp.zeros_like(w))
    left = jnp.linalg.norm(climb(0, v) - v) / rho
    return descended(w, gamma, slope(w + v)), left


def average(w, gamma, rho):
    return descended(w, gamma, jax.grad(lambda w: WHOLE.loss(w) + rho**2 * WHOLE.laplacian(w) / 8)(w)), 0.0


def ascended(w, gamma, rho):
    def ahead(w):
        return WHOLE.loss(w + rho * direction(jax.grad(WHOLE.loss)(w), 1.0))

    return descended(w, gamma, jax.grad(ahead)(w)), 0.0


MOVES = {"SAM": sam, "worst": worst, "average": average}


@partial(jax.jit, static_argnames="move")
def followed(move, w, gamma, rho, every):
    """States at the start and after every so many steps, and the largest number told."""

    def block(state, _):
        def one(_, state):
            w, told = state
            w, new = move(w, gamma, rho)
            return w, jnp.maximum(told, new)

        state = jax.lax.fori_loop(0, every, one, state)
        return state, state[0]

    (_, told), seen = jax.lax.scan(block, (w, 0.0), length=POINTS)
    return jnp.concatenate([w[None], seen]), told


def path(method, move, start, gamma, rho, time):
    every = max(round(time / (gamma * rho**2) / POINTS), 1)
    states, told = followed(move, start, gamma, rho, every)
    return rows(method, np.asarray(states), gamma, rho, every, 0, float(told))


def rows(method, states, gamma, rho, every, run, told):
    steps = every * np.arange(len(states))
    kept = {"kind": "path", "method": method, "gamma": gamma, "rho": rho, "run": run, "step": steps}
    kept |= {"time": steps * gamma * rho**2, "x1": states[:, 0], "x2": states[:, 1]}
    return pd.DataFrame(kept | {"across": np.linalg.norm(states[:, 2:], axis=1), "left": told})


@jax.jit
def many(starts, gamma, rho, draws):
    """Runs of 1-SAM on the draws (points, steps, runs): the states after every block."""

    def one(w, k):
        v = 2 * jax.nn.one_hot(k, 2)
        return jax.vmap(lambda w, v: one_sam.on_example(SINGLE, w, v, gamma, rho))(w, v), None

    def block(w, draws):
        w = jax.lax.scan(one, w, draws)[0]
        return w, w

    return jax.lax.scan(block, starts, draws)[1]


def sampled(seed, start, gamma, rho, time, runs):
    every = max(round(time / (gamma * rho**2) / POINTS), 1)
    draws = np.random.default_rng(seed).integers(0, 2, (POINTS, every, runs), dtype=np.int8)
    starts = np.tile(start, (runs, 1))
    states = np.concatenate([starts[None], many(starts, gamma, rho, draws)])
    return pd.concat([rows("1-SAM", states[:, k], gamma, rho, every, k, 0.0) for k in range(runs)])


# What is known without a run


def plane():
    """F_1 and F_2 over the square and its surroundings."""
    x1, x2 = np.meshgrid(np.linspace(-0.1, 1.1, GRID), np.linspace(-0.1, 1.1, GRID))
    first, second = x1**2 + 6 * x2**2 + 8, 4 * (1 - x1) ** 2 + (1 - x2) ** 2 + 1
    kept = {"x1": x1.ravel(), "x2": x2.ravel(), "F_1": first.ravel(), "F_2": second.ravel()}
    return pd.DataFrame({"kind": "grid"} | kept)


def aims(gamma):
    """The least F_1, F_2 and F_1 + F_2, and where 1-SAM settles at this step."""
    x = one_sam.flow(SINGLE, lambda f, x: f.single_drift(x, gamma), LEAST["F_1 + F_2"], 20.0)
    told = LEAST | {"1-SAM": tuple(x)}
    return pd.DataFrame([{"kind": "aim", "method": name, "x1": a, "x2": b} for name, (a, b) in told.items()])


def verdicts(table):
    paths = table[table.kind == "path"]
    ends = paths[paths.step == paths.groupby(["method", "gamma"]).step.transform("max")]
    aim = table[table.kind == "aim"].set_index("method")[["x1", "x2"]]
    mean = ends.groupby("method")[["x1", "x2"]].mean()
    near = 0.02  # of the side of the square; the flows come within 0.001 of their ends

    def off(method, goal):
        return float(np.linalg.norm(mean.loc[method] - aim.loc[goal]))

    out = {}
    for method, goal, other in (
        ("SAM", "F_1", "F_1 + F_2"),
        ("worst", "F_1", "F_2"),
        ("average", "F_1 + F_2", "F_1"),
    ):
        out[f"{method} ends at the least {goal}"] = {
            "measured": off(method, goal),
            "bound": near,
            "controls": {f"at the least {other}": off(method, other)},
        }
    out["SAM ends at the least F_1"]["controls"]["descent on the ascent-direction loss"] = off(
        "ascent", "F_1"
    )
    single = ends[ends.method == "1-SAM"][["x1", "x2"]]
    errors = single.std(ddof=1) / np.sqrt(len(single))
    rho = float(ends[ends.method == "1-SAM"].rho.iloc[0])

    def standard(goal):
        return float((np.abs(single.mean() - aim.loc[goal]) / (4 * errors + 3 * rho**2)).max())

    out["1-SAM ends at the least mean of its eigenvalues, moved by the step"] = {
        "measured": standard("1-SAM"),
        "bound": 1.0,
        "controls": {"at the least F_1": standard("F_1"), "at the least trace": standard("F_1 + F_2")},
    }
    ascent = ends[ends.method == "ascent"]
    begun = paths[(paths.method == "ascent") & (paths.step == 0)].iloc[0]
    out["descent on the ascent-direction loss lowers F_2"] = {
        "measured": float((second(ascent.x1, ascent.x2) / second(begun.x1, begun.x2)).max()),
        "bound": 1.0,
        "controls": {"SAM": float(second(*mean.loc["SAM"]) / second(begun.x1, begun.x2))},
    }
    goal = aim.loc["F_2"]
    away = np.hypot(ascent.x1 - goal.x1, ascent.x2 - goal.x2).groupby(-ascent.gamma).first().to_numpy()
    before = paths[paths.method == "ascent"].groupby("gamma")[["x1", "x2"]].nth(-10)
    after = paths[paths.method == "ascent"].groupby("gamma")[["x1", "x2"]].nth(-1)
    out["at a smaller step it settles nearer to the least F_2"] = {
        "measured": float(np.max(away[1:] / away[:-1])),
        "bound": 1.0,
        "hypotheses": {"settled": bool(np.max(np.abs(after.to_numpy() - before.to_numpy())) < 1e-3)},
        "controls": {"exchanged": float(np.max(away[:-1] / away[1:]))},
    }
    return out


def second(x1, x2):
    return 4 * (1 - x1) ** 2 + (1 - x2) ** 2 + 1
