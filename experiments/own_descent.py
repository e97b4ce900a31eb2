"""Full-batch SAM against the line |g| = g_c: whether a step raises f, how far, and where runs end.

"change": f(x+) - f* over f(x) - f* at many states, against |g| over g_c, on the functions of
own/descent_radius; "limit": Q at the radius rho / |g|, which no state exceeds. "run": f - f* and |g| along
SAM, with V and the cycle's value. gamma L = `stretch`, rho L = `reach`.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit, certificate
from theory.bounds import own
from theory.descent import descend, still, whole_batch
from theory.problems.logistic import logistic
from theory.problems.quadratic import quadratic
from theory.problems.wedge import wedge
from theory.update import norm, step

SECONDS = 7
QUICK = {"states": 50, "steps": 40}
MU = 0.1


def functions(seed):
    """name -> (f, mu, L, minimiser, minimum)."""
    rng = np.random.default_rng(seed)
    a, y = rng.standard_normal((12, 4)), np.where(rng.random(12) < 0.5, 1.0, -1.0)
    sloped = logistic(a, y, 0.05)
    flat = quadratic(np.diag([MU, 0.3, 1.0])[None], np.zeros((1, 3)), np.zeros(1))
    bent = wedge(MU, 1.0, own.balanced_step(MU, 1.0, 3.0), 3.0)
    return {
        "quadratic": (flat, MU, 1.0, np.zeros(3), 0.0),
        "wedge": (bent, MU, 1.0, np.zeros(2), 0.0),
        "logistic": (sloped, 0.05, float(sloped.smoothness), sloped.minimiser, float(sloped.minimum)),
    }


def run(seed=0, stretch=0.9, reach=0.2, states=1500, steps=150):
    admit.whole(seed, "the seed", 0, 2**63 - 1)
    admit.whole(states, "states", 10)
    admit.whole(steps, "steps", 10)
    if not 0 < stretch < 2 or not reach > 0:
        raise ValueError(f"SAM needs 0 < gamma L < 2 and rho L > 0; got {stretch:g} and {reach:g}")
    progress(f"own_descent: {states} states and {steps} steps on three functions")
    frames = [limits(stretch, reach)]
    every = functions(seed)
    widest = max(len(minimiser) for *_, minimiser, _ in every.values())
    # the draws of fewer numbers are the first of more, and every shape would compile anew
    draws = np.asarray(jax.random.normal(jax.random.key(1), (states * widest,)))
    for name, of in every.items():
        frames += [each.assign(function=name) for each in observed(of, stretch, reach, draws, states, steps)]
    return pd.concat(frames, ignore_index=True)


def limits(stretch, reach):
    """Q of Theorem A against |g| / g_c, mu = MU and L = 1."""
    least = own.sam_radius(1.0, stretch, reach, 1.0)
    sizes = np.geomspace(1 / 40, 40, 400)
    worst = [own.quad_factor(MU, 1.0, stretch, own.mixed_radius(size * least, reach, 1.0)) for size in sizes]
    return pd.DataFrame({"kind": "limit", "size": sizes, "ratio": worst})


def observed(of, stretch, reach, draws, states, steps):
    f, mu, top, minimiser, minimum = of
    gamma, rho, d = stretch / top, reach / top, len(minimiser)
    least = own.sam_radius(top, gamma, rho, 1.0)
    wide = certificate.spread(draws[: states * d].reshape(states, d), least / (40 * top), 40 * least / mu)
    far = minimiser + 6 * np.ones(d) / np.sqrt(d)
    found = map(np.asarray, followed(f, minimiser + wide, far, gamma, rho, steps))
    (size, slopes), (before, losses), (after, _) = (np.split(each, [states]) for each in found)
    allowed = [own.quad_factor(mu, top, gamma, own.mixed_radius(g, rho, 1.0)) for g in size]
    change = {"size": size / least, "ratio": (after - minimum) / (before - minimum), "allowed": allowed}
    change["plain"] = own.quad_factor(mu, top, gamma, 0.0)
    kept = {"step": np.arange(steps + 1), "size": slopes / least, "gap": losses - minimum}
    kept |= {"level": own.sam_level(mu, top, gamma, rho, 1.0), "cycle": least**2 / (2 * top)}
    return pd.DataFrame(change).assign(kind="change"), pd.DataFrame(kept).assign(kind="run")


@partial(jax.jit, static_argnames="steps")
def followed(f, states, far, gamma, rho, steps):
    """|g|, f and f(x+) at the states, then along SAM from `far`."""
    rule = jax.value_and_grad(f.loss)
    way = descend(whole_batch(rule), far, gamma, rho, 1.0, (still(steps),), lambda w: w)[0]

    def at(w):
        value, grad = rule(w)
        return norm(grad), value, f.loss(step(rule, w, gamma, rho, 1.0))

    return jax.vmap(at)(jnp.concatenate([states, way]))


def verdicts(table):
    """No step beyond g_c raises f; every ratio is below Q at its radius; runs end below V."""
    at, runs = table[table.kind == "change"], table[table.kind == "run"]
    rose = at[at.ratio > 1 + 1e-9]
    last = runs[runs.step > runs.step.max() / 2]
    level = float(np.max(last.gap / last.level))
    return {
        "the largest gradient at which f rose": {
            "measured": float(rose["size"].max()),
            "bound": 1.0,
            "controls": {"every state": float(at["size"].max())},
        },
        "ratio over Q at its radius": {
            "measured": float(np.max(at.ratio / at.allowed)),
            "bound": 1.0,
            "controls": {"Q without the ascent": float(np.max(at.ratio / at.plain))},
        },
        "the end of the runs over V": {
            "measured": level,
            "bound": 1.0,
            "controls": {"a twentieth of V": 20 * level},
        },
    }
