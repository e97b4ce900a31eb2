"""Unified SAM without convexity or PL (ol25, Theorem 3.7), with constants, in two forms.

Let f be L-smooth and bounded below, every f_v ell-smooth, and let the expected residual hold with A, B, C.
Let ((1 - lam) a + lam)^2 <= alpha a^2 + beta for all a >= 0, and delta_0 = f(w_0) - inf f. With

    (form A)  M  = gamma ell rho alpha / 2 + L gamma^2 (1 + ell^2 rho^2 alpha)
              E0 = C M + beta gamma (ell rho / 2 + L gamma ell^2 rho^2)
              and the condition  ell rho / 2 + B M / gamma <= 1/2,

    (form B)  M  = gamma ell^2 rho^2 alpha + L gamma^2 (1 + ell^2 rho^2 alpha)
              E0 = C M + beta gamma ell^2 rho^2 (1 + L gamma)
              and the condition  B M / gamma <= 1/4,

one step keeps   E f(w+) - inf f <= (1 + 2 A M) (f(w) - inf f) - (gamma / 2) |grad f(w)|^2 + E0    and so

    min_{t<T} E|grad f(w_t)|^2 <= (2 / gamma) (delta_0 / W + E0),     W = [1 - (1 + 2AM)^-T] / (2AM),

W = T where A M = 0, and W >= T (1 + 2AM)^-T.

Proof. As under PL (theory/bounds/ol25.py): the descent lemma with the same two splits leaves
M E|grad f_v|^2 beside -gamma (1 - ell rho / 2) |grad f|^2 in form A, -(3/4) gamma |grad f|^2 in form B; the
expected residual is inserted with its term 2A (f - inf f) kept, and the condition leaves
-(gamma / 2) |grad f|^2. Multiply step t by (1 + 2AM)^-(t+1), add over t < T, drop the last gap, and divide by
the sum of these weights, W. What is bounded is a weighted mean of E|grad f(w_t)|^2, hence the best iterate;
of the last one nothing follows.

Steps for a given eps, in form A (terms with a zero denominator left out):

    g0    = min{1 / L, 2 / (9 L B), eps^2 / (L (9 C + beta / 2))}
    T    >= max{12 delta_0 / (g0 eps^2), 648 L A delta_0^2 / eps^4}
    gamma = min{g0, (sqrt(2) / 3) / sqrt(L A T)}
    rho   = min{1, 1 / (alpha B), eps^2 / (alpha C + beta), 2 / (gamma alpha A T)} / (4 ell)

give min_{t<T} E|grad f(w_t)|^2 <= eps^2. Proof. alpha <= 2 makes ell^2 rho^2 alpha <= 1/8, so the condition
is at most 1/8 + 1/8 + 1/4; 2AMT <= 1/2 + 1/2, so that (1 + 2AM)^T <= e < 3; 2 E0 / gamma <= eps^2 / 2 and
6 delta_0 / (gamma T) <= eps^2 / 2. So T is of order eps^-4, and of order eps^-2 where A = C = beta = 0.

Place: ol25, Theorem 3.7; seen in a summary alone, which writes the last iterate. All constants are ours.
"""

from math import ceil
from typing import NamedTuple

import numpy as np

from theory.bounds import ol25, residual


class Constants(NamedTuple):
    """What the theorem reads from a problem and a law."""

    smoothness: float  # L of f
    lipschitz: float  # of every grad f_v
    a: float
    b: float
    c: float


def constants(f, law):
    """L of f, the essential supremum of Lip(grad f_v), and the expected residual."""
    each, whole = f.smoothness_each, float(f.smoothness)
    lipschitz = float(law.lipschitz(each, whole))
    return Constants(whole, lipschitz, *residual.constants(law.moment, each, f.mismatch))


def second_a(k, gamma, rho, weights):
    """M of form A: what multiplies E|grad f_v|^2."""
    reach, descent = k.lipschitz * rho, k.smoothness * gamma
    return gamma * (reach * weights.slope / 2 + descent * (1 + reach**2 * weights.slope))


def floor_a(k, gamma, rho, weights):
    """E0 of form A."""
    reach, descent = k.lipschitz * rho, k.smoothness * gamma
    normalised = weights.constant * gamma * (reach / 2 + descent * reach**2)
    return k.c * second_a(k, gamma, rho, weights) + normalised


def condition_a(k, gamma, rho, weights):
    """Left side of form A's condition; it must be at most 1/2."""
    return k.lipschitz * rho / 2 + k.b * second_a(k, gamma, rho, weights) / gamma


def second_b(k, gamma, rho, weights):
    """M of form B."""
    square, descent = (k.lipschitz * rho) ** 2 * weights.slope, k.smoothness * gamma
    return gamma * (square + descent * (1 + square))


def floor_b(k, gamma, rho, weights):
    """E0 of form B."""
    square, descent = (k.lipschitz * rho) ** 2, k.smoothness * gamma
    return k.c * second_b(k, gamma, rho, weights) + weights.constant * gamma * square * (1 + descent)


def condition_b(k, gamma, rho, weights):
    """Left side of form B's condition; it must be at most 1/4."""
    return k.b * second_b(k, gamma, rho, weights) / gamma


def horizon(growth, steps):
    """W = sum_{t<T} (1 + growth)^-(t+1) = [1 - (1 + growth)^-T] / growth; T where growth = 0."""
    growth, steps = np.asarray(growth, dtype=float), np.asarray(steps, dtype=float)
    some = np.where(growth > 0, growth, 1.0)
    return np.where(growth > 0, -np.expm1(-steps * np.log1p(some)) / some, steps)


class Claim(NamedTuple):
    """What a form of the theorem says at given steps; numbers, so that each can be falsified."""

    k: Constants
    weights: ol25.Weights
    sharp: float  # 1 for form B, 0 for form A
    gamma: float
    rho: float

    def read(self, form_a, form_b):
        steps = self.k, self.gamma, self.rho, self.weights
        return np.where(self.sharp > 0, form_b(*steps), form_a(*steps))

    @property
    def condition(self):
        """The condition of the form over its limit: at most 1."""
        return self.read(lambda *x: 2 * condition_a(*x), lambda *x: 4 * condition_b(*x))

    @property
    def growth(self):
        """2 A M: the gap of one step is at most 1 + 2 A M times the last, before the descent."""
        return 2 * self.k.a * self.read(second_a, second_b)

    @property
    def floor(self):
        """E0."""
        return self.read(floor_a, floor_b)

    def square(self, start, steps):
        """(2 / gamma) (delta_0 / W + E0), the bound on min_{t<T} E|grad f(w_t)|^2."""
        return 2 / self.gamma * (start / horizon(self.growth, steps) + self.floor)


def bounded_steps(k, weights, share):
    """(gamma, rho) of form A: rho a share of 1 / (ell (1 + alpha B)), gamma at equality or share / L."""
    load = 1 + weights.slope * k.b
    rho = share / (k.lipschitz * load)
    reach = k.lipschitz * rho
    limit = share / k.smoothness
    if k.b > 0:
        rest = (1 - reach * load) / 2
        limit = min(limit, rest / (k.smoothness * k.b * (1 + reach**2 * weights.slope)))
    return float(limit), float(rho)


def bounded_steps_b(k, weights, share):
    """(gamma, rho) of form B: ell rho a share of 1, or of 1 / (2 sqrt(alpha B)) if less; gamma as above."""
    load = weights.slope * k.b
    reach = share * min(1.0, 0.5 / np.sqrt(load) if load > 0 else 1.0)
    square = reach**2 * weights.slope
    limit = share / k.smoothness
    if k.b > 0:
        limit = min(limit, (0.25 / k.b - square) / (k.smoothness * (1 + square)))
    return float(limit), float(reach / k.lipschitz)


class Plan(NamedTuple):
    """Steps for a given eps, and their number."""

    gamma: float
    rho: float
    steps: int


def over(value, by):
    """value / by, infinite where `by` is zero."""
    return value / by if by > 0 else np.inf


def largest_step(k, weights, eps):
    """g0."""
    return min(
        1 / k.smoothness,
        over(2, 9 * k.smoothness * k.b),
        over(eps**2, k.smoothness * (9 * k.c + weights.constant / 2)),
    )


def iterations(k, weights, eps, start):
    """T for eps and delta_0 = `start`: of order eps^-4, and eps^-2 where A = C = beta = 0."""
    once = 12 * start / (largest_step(k, weights, eps) * eps**2)
    return ceil(max(once, 648 * k.smoothness * k.a * start**2 / eps**4, 1))


def plan(k, weights, eps, start):
    """Steps, and their number, that bring min_{t<T} E|grad f(w_t)|^2 to eps^2 from delta_0 = `start`."""
    alpha, beta = weights
    steps = iterations(k, weights, eps, start)
    gamma = min(largest_step(k, weights, eps), over(np.sqrt(2) / 3, np.sqrt(k.smoothness * k.a * steps)))
    reach = min(
        1 / 4,
        over(1 / 4, alpha * k.b),
        over(eps**2 / 4, alpha * k.c + beta),
        over(1 / 2, gamma * alpha * k.a * steps),
    )
    return Plan(float(gamma), float(reach / k.lipschitz), steps)
