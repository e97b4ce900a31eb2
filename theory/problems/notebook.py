"""The 39 runs of the public notebook on diagonal linear networks: their settings, and what it prints of them.

A run takes 10001 steps from u = u0 (1, ..., 1), v = 0 on the data of `diagonal.published`, plain NumPy in
(u, v), and prints the test loss at its end. rho is in the notebook's units: its 1-SAM ascends on r_i^2 and
descends on r_i^2 / 2, so that the radius of the theory is twice the one it prints; n-SAM has no such
factor.

The sweep of n-SAM for the figure over rho (rows 21 to 27) takes gamma = 1/3, left over from an earlier
cell, where gradient descent and 1-SAM beside it take 1/2. The stochastic runs were made after 50005 other
draws. Two printed labels show a radius that is not the one of their run; what stands here is that of the
run.

Place: af22, the public notebook of its section on diagonal networks.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory.descent import iterate, still
from theory.problems import diagonal

STEPS = 10_001
DISCARDED = 5 * STEPS  # draws that went before the first stochastic run that is printed
METHODS = ("gd", "sgd", "nsam", "1sam")
RADIUS = {"gd": 0.0, "sgd": 0.0, "nsam": 1.0, "1sam": 2.0}  # that of the theory over that of the notebook


class Setting(NamedTuple):
    """A run of one method, and then perhaps as long of another with the same step."""

    method: str
    gamma: float
    u0: float
    rho: float = 0.0
    then: str = ""
    then_rho: float = 0.0
    discarded: int = DISCARDED


class Printed(NamedTuple):
    setting: Setting
    loss: float


def rows():
    """Number in the notebook -> setting and printed test loss."""
    small, middle, large, smallest = 5 / 30, 10 / 30, 15 / 30, 1 / 30
    out = [Printed(Setting("gd", small, 0.1), 0.015056044189449159)]
    out += sweep(
        "nsam",
        small,
        0.1,
        {
            0.01: 0.015143589149560101,
            0.03: 0.01532189739609112,
            0.1: 0.01598195225147282,
            0.3: 0.018241642036376265,
            1.0: 0.03606494489010675,
        },
    )
    out += [Printed(Setting("gd", small, 0.02), 0.0006337885714222886)]
    out += sweep(
        "1sam",
        small,
        0.02,
        {
            0.01: 0.0004663830742908966,
            0.03: 0.00023853572282255735,
            0.1: 1.5396958089444108e-05,
            0.3: 0.024183218285324055,
        },
    )
    out += [
        Printed(Setting("gd", middle, 0.1), 0.015747762611708224),
        Printed(Setting("sgd", middle / 3, 0.1), 0.00917508147156238),
        Printed(Setting("sgd", middle, 0.1, discarded=DISCARDED + STEPS), 0.002480534609648869),
    ]
    out += sweep(
        "1sam",
        middle,
        0.1,
        {
            0.03: 0.009127933293039658,
            0.1: 0.0015235412218010903,
            0.15: 0.00025260386614471894,
            0.2: 1.5622244035909675e-05,
            0.3: 1.316634050881677e-08,
        },
    )
    out += [Printed(Setting("gd", large, 0.1), 0.016445781003091926)]
    out += sweep(
        "nsam",
        middle,
        0.1,
        {
            0.001: 0.015756677115280553,
            0.003: 0.015774538224235406,
            0.01: 0.01583739124793595,
            0.03: 0.016019930687941112,
            0.1: 0.016695513663723727,
            0.3: 0.019007119935097728,
            0.9: 0.032812027137658364,
        },
    )
    out += sweep(
        "1sam",
        large,
        0.1,
        {
            0.001: 0.016174901502986682,
            0.003: 0.015641003537756094,
            0.01: 0.013855445463941646,
            0.03: 0.009469059057662111,
            0.1: 0.0015339774886805526,
            0.3: 6.350068450874803e-09,
            0.9: np.nan,
        },
    )
    out += [
        Printed(Setting("gd", smallest, 0.1, then="gd"), 0.014602323023706629),
        Printed(Setting("gd", smallest, 0.1), 0.014865600195083558),
        Printed(Setting("gd", smallest, 0.1, then="1sam", then_rho=10.0), 0.00014269229669575567),
        Printed(Setting("1sam", smallest, 0.1, 0.175), 0.0001245758657536336),
        Printed(Setting("1sam", smallest, 0.1, 0.175, then="gd"), 9.834845199886545e-05),
    ]
    return dict(enumerate(out, 1))


def sweep(method, gamma, u0, losses):
    return [Printed(Setting(method, gamma, u0, rho), loss) for rho, loss in losses.items()]


def drawn(seed):
    """The regression, and the generator as the notebook leaves it."""
    random = np.random.RandomState(seed)
    return diagonal.published(random), random


def finals(settings, steps=STEPS, seed=0):
    """The regression, and u and v at the end of each setting, (settings, d); one method runs together."""
    regression, random = drawn(seed)
    state = random.get_state()
    u = np.array([each.u0 for each in settings])[:, None] * np.ones_like(regression.target)
    v = np.zeros_like(u)
    for method, radius in (("method", "rho"), ("then", "then_rho")):
        for name in METHODS:
            of = [k for k, each in enumerate(settings) if getattr(each, method) == name]
            if not of:
                continue
            gamma, rho = (
                np.array([getattr(settings[k], field) for k in of])[:, None] for field in ("gamma", radius)
            )
            draws = None
            if name == "sgd":
                before = [settings[k].discarded for k in of]
                if method == "then":  # the generator goes on where the first run left it
                    before = [
                        b + steps * (settings[k].method == "sgd") for b, k in zip(before, of, strict=True)
                    ]
                draws = np.stack([examples(state, regression.train.n, b, steps) for b in before], axis=1)
            u[of], v[of] = moved(
                regression.train, name, u[of], v[of], gamma, RADIUS[name] * rho, steps, draws
            )
    return regression, u, v


def examples(state, n, before, steps):
    """The indices of a stochastic run, after so many draws of a generator in that state."""
    random = np.random.RandomState()
    random.set_state(state)
    return random.randint(n, size=before + steps)[before:]


def moved(f, method, u, v, gamma, rho, steps, draws=None):
    """u and v after `steps` steps of one method, rho as the theory has it; `draws` is for "sgd"."""
    with np.errstate(all="ignore"):  # a run may diverge
        for t in range(steps):
            if method == "gd":
                u, v = diagonal.gd_step(f, u, v, gamma)
            elif method == "sgd":
                u, v = diagonal.sgd_step(f, u, v, gamma, draws[t])
            elif method == "nsam":
                u, v = diagonal.n_sam_step(f, u, v, gamma, rho)
            else:
                u, v = diagonal.one_sam_step(f, u, v, gamma, rho)
    return u, v


def test_losses(regression, u, v):
    """(1/2) mean squared error on the test examples, of each run, with the notebook's roundings."""
    f = regression.test
    with np.errstate(all="ignore"):
        return np.array(
            [np.linalg.norm(f.x @ (a * b) - f.y) ** 2 / (2 * f.n) for a, b in zip(u, v, strict=True)]
        )


def losses(settings, steps=STEPS, seed=0):
    """The test loss at the end of each setting."""
    return test_losses(*finals(settings, steps, seed))


# Run 11 in other arithmetic: 1-SAM alone


def extended(setting, steps=STEPS):
    """Its test loss in (u, v) with the longest floating numbers there are: 64 bits on x86, 53 elsewhere."""
    regression = drawn(0)[0]
    f = diagonal.Diagonal(*(np.asarray(a, np.longdouble) for a in regression.train))
    u = np.full((1, f.x.shape[1]), setting.u0, np.longdouble)
    gamma, rho = (np.full((1, 1), x, np.longdouble) for x in (setting.gamma, RADIUS["1sam"] * setting.rho))
    u, v = moved(f, "1sam", u, np.zeros_like(u), gamma, rho, steps)
    return float(test_losses(regression, u.astype(float), v.astype(float))[0])


def multiplied(setting, steps=STEPS, groups=None):
    """Its test loss in (u + v, u - v): by the closed form, or by groups of one example."""
    regression = drawn(0)[0]
    f = regression.train
    rates = diagonal.one_sam_rates(f) if groups is None else diagonal.m_sam_rates(f, groups)
    start = (np.full(f.x.shape[1], setting.u0),) * 2
    radius = RADIUS["1sam"] * setting.rho
    plus, minus = map(np.asarray, go_on(diagonal.multiplied(rates), start, setting.gamma, radius, steps))
    return float(test_losses(regression, *np.array([[(plus + minus) / 2], [(plus - minus) / 2]]))[0])


@partial(jax.jit, static_argnames=("move", "steps"))
def go_on(move, w, gamma, rho, steps):
    return iterate(move, w, gamma, rho, 0, (still(steps),), lambda w: jnp.zeros(()), steps)[1]
