"""The disc for rho l >= 1 and the worst distance at gamma_b, for all parameters; the wedge attains both.

"identity", "signs": as for the narrow disc, at rho = (1 + e) / l. "at the balanced step": |x+|^2 = R^2
|x|^2 - gamma_b^2 <k - p x, q x - k> for every k, so the disc's depth delta gives R^2 + gamma_b^2 delta,
which is [(q - p)^2 + l^2 (rho l - 1)^2] / (p + q)^2. "attained": on the wedge with t = 1/2 the product is
-delta. "contracts": that factor is below 1 by [4 p q - l^2 (rho l - 1)^2] / (p + q)^2.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters, tampered, weights
from theory.bounds import own, own_certificates
from theory.interpolation import Step, X, mixed, square
from theory.problems.wedge import designed, wedge_at

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "identity": algebra.vanish("the multipliers", identity, a_smaller_depth=shallower),
        "signs": algebra.signs("radii below 1 / l", wide_signs),
        "at the balanced step": algebra.vanish("the step", balanced),
        "its closed form": algebra.vanish("the depth", closed_form),
        "attained": algebra.vanish("the depth", attained),
        "contracts": algebra.vanish("4 p q", contracts),
    }


def wide(mu, spread, e):
    """mu, L and rho with rho l = 1 + e."""
    return mu, mu + spread, (1 + e) / spread


def depth(mu, top, rho):
    """delta for rho l >= 1."""
    return (top - mu) ** 2 * own.excess(mu, top, rho) ** 2 / 4


def identity(factor):
    mu, top, rho = parameters("mu L rho")
    return tampered(own_certificates.disc_wide(mu, top, rho), factor).leftover


def shallower(_):
    mu, top, rho = parameters("mu L rho")
    found = own_certificates.disc_wide(mu, top, rho)
    less = depth(mu, top, rho) * algebra.rational(0.999)
    return found._replace(target=own_certificates.disc_target(found.step, less)).leftover


def wide_signs(factor):
    m, spread, e = parameters("m l e")
    return weights(own_certificates.disc_wide(m, m + spread, (1 + e) / (factor * spread)))


def balanced(factor):
    mu, top, rho = parameters("mu L rho")
    gamma = factor * own.balanced_step(mu, top, rho)
    step = Step(mu, top, gamma, rho)
    return mixed(
        (own.tuned_factor(mu, top, rho), square(X)),
        (-1, square(step.points["+"][0])),
        (-(gamma**2), own_certificates.disc_target(step, 0)),
    )


def closed_form(factor):
    mu, top, rho = parameters("mu L rho")
    p, q, e = own.end(mu, rho), own.end(top, rho), own.excess(mu, top, rho)
    claimed = ((q - p) ** 2 + factor * (top - mu) ** 2 * e**2) / (p + q) ** 2
    gamma = own.balanced_step(mu, top, rho)
    at = mu, top, gamma, rho
    return [
        own.tuned_factor(mu, top, rho) + gamma**2 * depth(mu, top, rho) - claimed,
        own.between(*at) - claimed,
    ]


def attained(factor):
    mu, spread, e = parameters("m l e")
    mu, top, rho = wide(mu, spread, e)
    half = e / e / 2
    found = wedge_at(half, mu, spread, rho)
    _, k, y = designed(half, mu, spread, rho)
    k = [mu * b + spread * a for a, b in zip(k, y, strict=True)]
    p, q = own.end(mu, rho), own.end(top, rho)
    left, right = (k[0] - p, k[1]), (q - k[0], 0 - k[1])
    return [found.inner(left, right) + factor * depth(mu, top, rho)]


def contracts(factor):
    mu, top, rho = parameters("mu L rho")
    p, q, e = own.end(mu, rho), own.end(top, rho), own.excess(mu, top, rho)
    worst = own.between(mu, top, own.balanced_step(mu, top, rho), rho)
    return [1 - worst - (factor * 4 * p * q - (top - mu) ** 2 * e**2) / (p + q) ** 2]
