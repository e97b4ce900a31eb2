"""A full-batch step of the mixed rule cannot raise a convex smooth f while |g| >= g_c; g_c is sharp.

`measured` is the largest |g| over g_c at which a step raised f, over states in many directions from the
minimiser with |g| from about g_c / 50 to 50 g_c, and over states along the axes just below and above g_c;
the bound is 1. On the quadratic of curvature L every |g| < g_c rises, so the measure is 1 - 1/1000, the
nearest state below.
"""

from functools import cache
from typing import NamedTuple

import jax
import numpy as np

from paper_checks.own.function_value_horizon import Function, functions
from theory import certificate
from theory.bounds import own
from theory.descent import descend, still, whole_batch
from theory.update import norm, step

EDGE = 1e-3  # states along the axes lie this share below and above g_c
STATES = 2000
STEPS = 4096  # of a run; its last quarter is kept
RULES = [  # lam, rho L, gamma L (1 + rho (1 - lam) L)
    (lam, reach, stretch) for lam in (0.25, 1.0) for reach, stretch in ((0.02, 0.9), (0.2, 0.3), (0.2, 1.4))
]


class Rule(NamedTuple):
    function: Function
    gamma: float
    rho: float
    lam: float

    @property
    def numbers(self):
        return self.gamma, self.rho, self.lam

    @property
    def radius(self):
        return float(own.sam_radius(self.function.top, *self.numbers))


class Seen(NamedTuple):
    """|g|, f - f* and f+ - f* at states of all sizes; |g| and f - f* along the last quarter of a run."""

    size: np.ndarray
    before: np.ndarray
    after: np.ndarray
    last_size: np.ndarray
    last: np.ndarray


class Case(NamedTuple):
    rule: Rule
    seen: Seen
    scale: float = 1.0  # of g_c


def ruled(of, lam, reach, stretch):
    return Rule(of, stretch / (of.top * (1 + reach * (1 - lam))), reach / of.top, lam)


def cases():
    return {name: Case(*each) for name, each in everything().items()}


@cache
def everything():
    """name -> (rule, what was seen), the rules of one function together."""
    out = {}
    for name, of in functions().items():
        rules = [ruled(of, *at) for at in RULES]
        for at, *each in zip(RULES, rules, watched(rules), strict=True):
            out["{}, lam = {:g}, rho L = {:g}, {:g}".format(name, *at)] = tuple(each)
    return out


def watched(rules):
    """What is seen of rules on one function."""
    of = rules[0].function
    numbers = [np.array(each) for each in zip(*(rule.numbers for rule in rules), strict=True)]
    far = of.minimiser + 3 * np.ones(len(of.minimiser))
    moves = moved(of.f, np.array([states(rule) for rule in rules]), *numbers)
    size, before, after, last_size, last = map(np.asarray, (*moves, *tail(of.f, far, *numbers)))
    gaps = before - of.minimum, after - of.minimum
    return [Seen(*each) for each in zip(size, *gaps, last_size, last - of.minimum, strict=True)]


@jax.jit
def moved(f, states, gamma, rho, lam):
    """|g|, f and f after a step at every state, (rules, states)."""
    rule = jax.value_and_grad(f.loss)

    def one(w, gamma, rho, lam):
        value, grad = rule(w)
        return norm(grad), value, f.loss(step(rule, w, gamma, rho, lam))

    return jax.vmap(jax.vmap(one, (0, None, None, None)))(states, gamma, rho, lam)


@jax.jit
def tail(f, start, gamma, rho, lam):
    """|g| and f along the last quarter of a run, (rules, times)."""
    rule = jax.value_and_grad(f.loss)

    def seen(w):
        value, grad = rule(w)
        return norm(grad), value

    def run(gamma, rho, lam):
        w = jax.lax.fori_loop(0, 3 * STEPS // 4, lambda _, w: step(rule, w, gamma, rho, lam), start)
        return descend(whole_batch(rule), w, gamma, rho, lam, (still(STEPS // 4),), seen)[0]

    return jax.vmap(run)(gamma, rho, lam)


def states(rule):
    of, radius = rule.function, rule.radius
    d = len(of.minimiser)
    wide = certificate.rings(jax.random.key(1), STATES, d, radius / (50 * of.top), 50 * radius / of.mu)
    edges = np.concatenate([(1 + side * EDGE) * radius / of.top * np.eye(d) for side in (-1, 1)])
    return of.minimiser + np.concatenate([np.asarray(wide), edges])


def hypotheses(case):
    of = case.rule.function
    stretch = case.rule.gamma * of.top * (1 + case.rule.rho * (1 - case.rule.lam) * of.top)
    return {"gamma L (1 + rho (1 - lam) L) < 2": stretch < 2}


def measured(case):
    seen = case.seen
    doubt = 64 * 2.0**-52 * (seen.before + seen.after + 2 * abs(case.rule.function.minimum))
    rose = seen.after > seen.before + doubt
    return float(np.max(seen.size[rose], initial=0.0)) / (case.scale * case.rule.radius)


def bound(case):
    return 1.0


def controls(case):
    return {"a smaller radius": lambda factor: case._replace(scale=1 / factor)}
