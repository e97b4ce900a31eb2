"""The best step, and what a radius does there and at a fixed step: identities and signs in all parameters.

"best": Q(gamma_b) = ((kappa' - 1) / (kappa' + 1))^2, both ends of the spectrum shrink alike there, and at
gamma_b / (1 + s) the lower end, at gamma_b (1 + s) the upper end shrinks less. "radius zero": kappa' grows
with rho, as kappa'(rho + s) - kappa'(rho) shows. "a fixed step": up to gamma_b the factor is (1 - gamma
p)^2, 1 - gamma p is not negative and p grows with rho.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "the balanced factor": algebra.vanish("the condition number", factor_at_best),
        "best": algebra.signs("the claimed best step", best, too_large=too_large),
        "radius zero": algebra.signs("", radius_zero, a_ratio_that_falls=falling),
        "a fixed step": algebra.signs("steps past the balanced one", fixed_step),
    }


def factor_at_best(factor):
    mu, top, rho = parameters("mu L rho")
    gamma, condition = own.balanced_step(mu, top, rho), factor * stretched(mu, top, rho)
    claimed = ((condition - 1) / (condition + 1)) ** 2
    return [(1 - gamma * own.end(c, rho)) ** 2 - claimed for c in (mu, top)] + [
        own.tuned_factor(mu, top, rho) - claimed
    ]


def stretched(mu, top, rho):
    """kappa'."""
    return top / mu * (1 + rho * top) / (1 + rho * mu)


def best(factor, towards=1):
    """Half differences of squares: |1 - gamma c| - R, c the end that shrinks less."""
    m, spread, r, s = parameters("m l r s")
    p, q = own.end(m, r), own.end(m + spread, r)
    ratio = (q - p) / (q + p)
    gamma = own.balanced_step(m, m + spread, r) * factor**towards
    return [1 - gamma / (1 + s) * p - ratio, gamma * (1 + s) * q - 1 - ratio]


def too_large(_):
    return best(algebra.rational(0.9))


def radius_zero(_, towards=1):
    m, spread, r, s = parameters("m l r s")
    return [towards * (stretched(m, m + spread, r + s) - stretched(m, m + spread, r))]


def falling(_):
    return radius_zero(_, towards=-1)


def fixed_step(factor):
    m, spread, r, s, more = parameters("m l r s t")
    gamma = factor * own.balanced_step(m, m + spread, r) / (1 + s)
    p, q = own.end(m, r), own.end(m + spread, r)
    return [2 - gamma * (p + q), 1 - gamma * p, own.end(m, r + more) - p]
