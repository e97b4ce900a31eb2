"""The one-step inequality unrolled along schedules of lam, with the constant steps of lam = 0.

    E f(w_T) - f* <= (1 - gamma mu)^T (f(w_0) - f*) + gamma mu sum_{t<T} (1 - gamma mu)^(T-1-t) E N(lam_t)

for every lam_t that the past determines (theory/bounds/ol25_decreasing.py; one step at every lam is the row
one_step). Judged as pl_paths.py is, by the mean of N that a run needs against the mean of N(lam_t): on the
full batch at every T up to 4096 (lam_t = 1/2, 1/t, 1 - 1/t), and over all 3^6 sample paths, where lam may
also be chosen state by state, as the one of highest expected loss after the step or of largest excess over
its own promise. Two limits on the full batch: under 1/t f(w_T) - f* falls like 1/T^2, to the exact minimum,
and under 1 - 1/t the run ends on the cycle of SAM.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.ol25 import theorem_3_2 as one
from paper_checks.ol25 import theorem_3_5 as runs
from theory import sampling
from theory.bounds import ol25
from theory.bounds.ol25_decreasing import unrolled
from theory.certificate import noise_needed
from theory.expectation import one_step, paths
from theory.update import step

LISTED = 6
GRID = np.linspace(0, 1, 5)  # from which lam is chosen state by state
MARGIN = 0.02  # of a slope
CYCLE = 8 / runs.STEPS  # of a height whose lam is 1 - 1/T: four times the relative change that this makes
T = np.arange(1, runs.STEPS + 1)
SCHEDULES = {"1/2": np.full(runs.STEPS, 0.5), "1/t": 1 / T, "1 - 1/t": 1 - 1 / T}


class Case(NamedTuple):
    claim: ol25.Claim  # with the steps of lam = 0
    curves: np.ndarray  # (starts, times), E f(w_t) - f*
    paid: np.ndarray  # (starts, times), the sum over N(lam_t)
    used: int  # how many values lam takes
    adverse: bool  # whether it is chosen state by state
    cut: float  # what N is divided by: 1, but for a control


class Slope(NamedTuple):
    claim: ol25.Claim
    curve: np.ndarray
    exponent: float


class Height(NamedTuple):
    claim: ol25.Claim
    last: float  # f(w_T) - f*
    cycle: float  # claimed


def cases():
    return whole_batches() | all_paths()


def noise(claim, lam):
    """N(lam) with the steps of the claim."""
    paper, jensen = ol25.paper_weights(lam), ol25.jensen_weights(lam)
    return jnp.where(
        claim.sharp > 0, claim._replace(weights=jensen).noise, claim._replace(weights=paper).noise
    )


def whole_batches():
    f = runs.problem("noisy")
    names, follow, promised = [], [], []
    for form in one.FORMS:
        claim = ol25.claim(f, sampling.full(runs.N), form, 0.0)
        for name, lams in SCHEDULES.items():
            noises = np.broadcast_to(noise(claim, lams), lams.shape)
            for start in runs.starts(f, claim._replace(weights=ol25.paper_weights(1.0))):
                follow.append((start, claim.gamma, claim.rho, lams))
                promised.append((0.0, np.full(len(lams), claim.rate), noises))
            names.append((form, name, claim, len(np.unique(lams))))
    curves = runs.follow(f, follow).reshape(len(names), 2, -1)
    paid = np.asarray(jax.jit(jax.vmap(unrolled))(*map(np.stack, zip(*promised, strict=True))))
    out: dict[str, Case | Slope | Height] = {}
    for (form, name, claim, used), curve, pay in zip(names, curves, paid.reshape(curves.shape), strict=True):
        out[f"{form}, full batch, lam = {name}"] = Case(claim, curve, pay, used, False, 1.0)
        if name == "1/t":
            out[f"{form}, full batch, lam = 1/t, to the minimum"] = Slope(claim, curve[1], -2.0)
        if name == "1 - 1/t":
            radius = ol25.cycle_radius(claim.k.smoothness, claim.gamma, claim.rho, 1.0)
            height = claim.k.smoothness * radius**2 / 2
            out[f"{form}, full batch, lam = 1 - 1/t, to the cycle"] = Height(claim, curve[1, -1], height)
    return out


def all_paths():
    made, stacked = {}, []
    choices = {"1/t": (0.0, 0.0), "1 - 1/t": (0.0, 0.0), "of highest loss": (1.0, 0.0)}
    for kind, law in [("noisy", sampling.uniform(runs.N)), ("interpolated", sampling.nice(runs.N, 2))]:
        f = runs.problem(kind)
        more = {"of largest excess": (1.0, 1.0)} if kind == "noisy" else {}  # elsewhere it is lam = 0, N = 0
        for form in one.FORMS:
            claim = ol25.claim(f, law, form, 0.0)
            starts = runs.starts(f, claim._replace(weights=ol25.paper_weights(1.0)))
            for name, choice in (choices | more).items():
                lams = SCHEDULES[name][:LISTED] if name in SCHEDULES else np.zeros(LISTED)  # not read then
                made[f"{form}, all paths, {kind}, lam = {name}"] = claim, choice[0] > 0
                stacked.append((f, one.padded(law, runs.N, 2), claim, starts, lams, choice))
    found = jax.jit(partial(jax.lax.map, listed))(jax.tree.map(lambda *x: np.stack(x), *stacked))
    curves, paid, least, most = map(np.asarray, found)
    return {
        name: Case(claim, curve, pay, 1 + int(low < high), adverse, 1.0)
        for (name, (claim, adverse)), curve, pay, low, high in zip(
            made.items(), curves, paid, least.min(1), most.max(1), strict=True
        )
    }


def listed(run):
    """E f(w_t) - f*, the sum over E N(lam_t), the least and the largest lam, from each start."""
    f, (indices, weights, q), claim, starts, schedule, (adverse, priced) = run
    numbers = paths(runs.N, LISTED)
    path_q = jnp.prod(q[numbers], axis=1)
    steps = claim.gamma, claim.rho

    def choice(w, lam):
        """Of GRID, before the draw is known."""
        after = jax.vmap(lambda x: one_step(f, (indices, weights, q), w, *steps, x, f.loss))(GRID)
        worst = jnp.asarray(GRID)[jnp.argmax(after - priced * claim.rate * noise(claim, GRID))]
        return jnp.where(adverse > 0, worst, lam)

    def move(states, now):
        atoms, lam = now
        lams = jax.vmap(lambda w: choice(w, lam))(states)
        take = jax.vmap(
            lambda w, k, lam: step(jax.value_and_grad(f.loss), w, *steps, lam, indices[k], weights[k])
        )
        after = take(states, atoms, lams)
        price = path_q @ jnp.broadcast_to(noise(claim, lams), lams.shape)
        return after, (path_q @ jax.vmap(f.loss)(after), price, lams.min(), lams.max())

    def along(w):
        states = jnp.broadcast_to(w, (len(numbers), *w.shape))
        curve, prices, low, high = jax.lax.scan(move, states, (jnp.asarray(numbers).T, schedule))[1]
        paid = unrolled(0.0, jnp.full(LISTED, claim.rate), prices)
        return jnp.concatenate([f.loss(w)[None], curve]), paid, low.min(), high.max()

    return jax.vmap(along)(starts)


def hypotheses(case):
    met = one.hypotheses(case)
    if not isinstance(case, Case):
        return met | {"the horizon reaches 10 / (gamma mu)": runs.STEPS * case.claim.rate >= 10}
    return met | ({"the choice depends on the state": case.used > 1} if case.adverse else {})


def need(case):
    """The mean of N that the run needs, its rounding and the mean promised, where these are closest."""
    share = -np.expm1(np.arange(1, case.curves.shape[1]) * np.log1p(-case.claim.rate))
    found = noise_needed(case.curves[:, :1], case.curves[:, 1:], share)
    promised = case.paid[:, 1:] / share / case.cut
    at = np.unravel_index(np.argmax(found.measured / np.maximum(promised, 1e-300)), promised.shape)
    return found.measured[at], found.rounding[at], promised[at]


def measured(case):
    if isinstance(case, Slope):
        x = np.log(runs.SCALES) - np.log(runs.SCALES).mean()
        return abs(x @ np.log(case.curve[runs.SCALES]) / (x @ x) - case.exponent)
    return abs(case.last / case.cycle - 1) if isinstance(case, Height) else need(case)[0]


def bound(case):
    return need(case)[2] if isinstance(case, Case) else 0.0


def tolerance(case):
    if isinstance(case, Slope):
        return MARGIN
    return CYCLE if isinstance(case, Height) else need(case)[1]


def controls(case):
    if isinstance(case, Slope):
        return {
            "1/T claimed": case._replace(exponent=-1.0),
            "1/T^3 claimed": case._replace(exponent=-3.0),
        }
    if isinstance(case, Height):
        return {
            "a little higher": lambda factor: case._replace(cycle=case.cycle * factor),
            "lam = 1/2": case._replace(cycle=case.cycle / 4),
        }
    out = {
        "the rule does not move": case._replace(
            curves=np.repeat(case.curves[:, :1], case.curves.shape[1], 1)
        ),
        "N too small": lambda factor: case._replace(cut=factor),
    }
    if case.claim.k.c == 0:
        out["N of lam = 0"] = case._replace(paid=0 * case.paid)
    return out
