"""E f(w+) - f* <= (1 - gamma mu) (f(w) - f*) + gamma mu N for one step of Unified SAM, at its worst states.

Theorem and proof: theory/bounds/ol25.py. The expectation is exact (every draw). Where N > 0 the N that a
state needs is compared with N; where N = 0 (no noise and lam = 0) the promised with the true decrease. Cases
"form_b: ..." are our sharper form; "old" and "new" are the two pairs of steps of the public code. Cases
"one_step: ..." take smaller steps than the condition admits, those of a decreasing schedule, or a larger lam:
what decreasing steps (theorem_3_5.py) and schedules of lam (lambda_schedules.py) unroll. Cases "large_radius:
..." are form B at lam = 1 with rho up to 1000 / ell. The states are those found by ascent from 50 on rings
about w*, these 50, and at lam = 0 the worst of all in closed form.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.compilation import thoroughly
from theory import Array, sampling
from theory.bounds import ol25, ol25_decreasing
from theory.certificate import ascend, noise_needed, promised_over_true, rings, worst, worst_for_usam
from theory.expectation import one_step
from theory.problems.quadratic import Quadratic, centred, quadratic

COMPILED = True
FORMS = ("old", "new", "B")
LAMS = (0.0, 0.25, 0.5, 0.75, 1.0)
N, D = 4, 3
CONDITION = 10.0
STARTS, CLIMB = 50, 40


class Case(NamedTuple):
    problem: Quadratic  # centred: w* = 0, f* = 0
    draws: tuple  # (indices, weights, probabilities) of every draw, padded to one shape
    claim: ol25.Claim
    lam: float
    quiet: float  # 1 where the theorem's N is 0: no noise and lam = 0
    taken: float  # the share of gamma that the rule takes: 1, but for the control that does not move
    cut: float  # what the claimed N is divided by: 1, but for a control
    states: Array  # (states, d)


def cases():
    return built()


@cache
def built():
    out = constant_steps() | single_steps() | large_radii()
    exact = [
        worst_for_usam(case.problem, law, case.claim.gamma, case.claim.rho, case.claim.rate)
        if case.lam == 0
        else case.states[0]
        for case, law in out.values()
    ]
    made = {name: case for name, (case, _) in out.items()}
    stacked = jax.tree.map(lambda *x: np.stack(x), *made.values())
    found = np.asarray(thoroughly(jax.vmap(climbed))(stacked))
    return {
        name: each._replace(states=np.concatenate([each.states, better, top[None]]))
        for (name, each), better, top in zip(made.items(), found, exact, strict=True)
    }


def constant_steps():
    out = {}
    for kind in ("noisy", "interpolated"):
        f = problem(kind)
        for name, law in laws(f).items():
            if kind == "interpolated" and name == "full batch":
                continue  # the same function again: the full batch has no noise
            for form in FORMS:
                for lam in LAMS:
                    row = "form_b: " if form == "B" else f"{form}, "
                    out[f"{row}{kind}, {name}, lam={lam:g}"] = case(f, law, form, lam), law
    return out


def single_steps():
    """The decreasing steps at three times, and the constant steps of lam = 0 at other lam."""
    out = {}
    f, law = problem("noisy"), sampling.uniform(N)
    for form in FORMS:
        for lam in (0.0, 0.5, 1.0):
            made = case(f, law, form, lam)
            for turn in (1, 10, 1000):
                gamma, rho = ol25_decreasing.steps(made.claim, turn * ol25_decreasing.switch(made.claim))
                now = falsified(made, gamma=float(gamma), rho=float(rho))
                out[f"one_step: {form}, t = {turn} t*, lam={lam:g}"] = now, law
    two = sampling.nice(N, 2)
    for kind, name, law in [("noisy", "uniform", sampling.uniform(N)), ("interpolated", "2-nice", two)]:
        f = problem(kind)
        for form in FORMS:
            steps = ol25.claim(f, law, form, 0.0)
            for lam in LAMS[1:]:
                made = falsified(case(f, law, form, lam), gamma=steps.gamma, rho=steps.rho)
                out[f"one_step: {form}, steps of lam=0, {kind}, {name}, lam={lam:g}"] = made, law
    return out


def large_radii():
    """Form B at lam = 1, where its condition does not read rho."""
    out = {}
    for kind, name in [("noisy", "uniform"), ("noisy", "full batch"), ("interpolated", "2-nice")]:
        f = problem(kind)
        law = laws(f)[name]
        made = case(f, law, "B", 1.0)
        for reach in (1, 10, 1000):
            now = falsified(made, rho=reach / made.claim.k.lipschitz)
            out[f"large_radius: {kind}, {name}, rho = {reach} / ell"] = now._replace(states=around(now)), law
    return out


def problem(kind, n=N, d=D, condition=CONDITION):
    """n quadratics in d dimensions: random curvatures of that condition number, sizes over a factor 4."""
    rng = np.random.default_rng(20)
    root = np.sqrt(np.geomspace(1 / condition, 1, d))
    factors = rng.standard_normal((n, d, d)) * np.geomspace(0.5, 1, n)[:, None, None]
    h = root[:, None] * (factors @ factors.transpose(0, 2, 1) / d) * root
    centres = rng.standard_normal((n, d)) * (kind == "noisy")
    return centred(quadratic(h, np.einsum("nij,nj->ni", h, centres), np.zeros(n)))


def laws(f):
    return {
        "uniform": sampling.uniform(N),
        "importance": sampling.importance(f.smoothness_each),
        "2-nice": sampling.nice(N, 2),
        "full batch": sampling.full(N),
    }


def case(f, law, form, lam, shape=(6, 4)):
    claim = ol25.claim(f, law, form, lam)
    quiet = float(claim.k.c == 0 and lam == 0)
    made = Case(f, padded(law, *shape), claim, lam, quiet, 1.0, 1.0, np.zeros((STARTS, D)))
    return made._replace(states=around(made))


def around(case):
    """States on rings about w*; on the last f - f* >= 100 N."""
    return 10 * np.sqrt(2 * float(bound(case)) / case.claim.k.pl) * directions()


@cache
def directions():
    return np.asarray(rings(jax.random.key(1), STARTS, D, 1e-8, 1.0))


def padded(law, atoms, length):
    """Every draw of a law in one shape: missing draws have probability 0, missing entries weight 0."""
    indices, weights, q = law.atoms()
    fill = ((0, atoms - len(q)), (0, length - indices.shape[1]))
    return np.pad(indices, fill), np.pad(weights, fill), np.pad(q, fill[0])


def need(case, w):
    """What the state w needs: an N, or where N = 0 the promised over the true decrease."""
    f, claim = case.problem, case.claim
    before = f.loss(w)
    after = one_step(f, case.draws, w, case.taken * claim.gamma, claim.rho, case.lam, f.loss)
    sides = before, after, claim.rate
    return jax.tree.map(partial(jnp.where, case.quiet > 0), promised_over_true(*sides), noise_needed(*sides))


def climbed(case):
    return ascend(lambda w: need(case, w).measured, case.states, CLIMB)


def hypotheses(case):
    """The condition on the steps; smoothness, PL and expected residual hold by their formulas."""
    claim = case.claim
    return {"condition on gamma and rho": claim.condition <= 1 + 1e-14, "gamma mu <= 1": claim.rate <= 1}


def measured(case):
    return worst(jax.vmap(partial(need, case))(case.states))[0]


def tolerance(case):
    return worst(jax.vmap(partial(need, case))(case.states))[1]


def bound(case):
    return jnp.where(case.quiet > 0, 1.0, case.claim.noise / case.cut)


def controls(case):
    out = {
        "the rule does not move": case._replace(taken=0.0),
        "gamma too large": lambda factor: falsified(case, gamma=case.claim.gamma * factor),
    }
    if case.quiet:
        out["mu too large"] = partial(harder, case)
        out["rho too large"] = lambda factor: falsified(case, rho=case.claim.rho * factor)
    else:
        out["N too small"] = lambda factor: case._replace(cut=factor)
    if case.lam == 0 and case.claim.k.c > 0:
        out["N without C"] = without_c(case)
    if case.lam > 0 and case.claim.k.c == 0:
        out["N without lam"] = without_lam(case)
    if case.claim.rho * case.claim.k.lipschitz > 100:
        out["lam below 1"] = case._replace(lam=0.9)
    return out


def falsified(case, **changes):
    """The case with another claim; checks of the same theorem share what follows."""
    return case._replace(claim=case.claim._replace(**changes))


def harder(case, factor):
    return falsified(case, k=case.claim.k._replace(pl=case.claim.k.pl * factor))


def without_c(case):
    return falsified(case, k=case.claim.k._replace(c=0.0))


def without_lam(case):
    return falsified(case, weights=case.claim.weights._replace(constant=0.0))
