"""Theorem B, for all parameters: the disc for rho l <= 1, the distance from it, every sign, and its end.

"identity": <k - p x, q x - k> equals the sum of interpolation inequalities and a square named in
theory/bounds/own_certificates.py. "signs": at mu = m, L = m + l, rho = 1 / ((1 + e) l), which is every
radius up to 1 / l. "ball": Q |x|^2 - |x+|^2 is a sum of D = <k - p x, q x - k> and of one square, for gamma
<= gamma_b with p, beyond it with q; no convexity in k is left to read. "beyond": at gamma_b and rho l = 1 +
e the wedge exceeds Q by a positive amount. Q is attained by the quadratics of curvature mu and L.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters, tampered, weights
from theory.bounds import own, own_certificates
from theory.interpolation import mixed, square

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "identity": algebra.vanish("the multipliers", identity),
        "signs": algebra.signs("radii past 1 / l", narrow_signs),
        "ball, steps up to the balanced one": algebra.vanish("the weight of the disc", ball_near),
        "ball, longer steps": algebra.vanish("the weight of the disc", ball_far),
        "ball, signs": algebra.signs("steps past the balanced one", ball_signs),
        "attained": algebra.vanish("the factor", attained),
        "beyond the radius 1 / l": algebra.signs("the factor of quadratics", beyond),
    }


def identity(factor):
    mu, top, rho = parameters("mu L rho")
    return tampered(own_certificates.disc_narrow(mu, top, rho), factor).leftover


def narrow_signs(factor):
    m, spread, e = parameters("m l e")
    return weights(own_certificates.disc_narrow(m, m + spread, factor / ((1 + e) * spread)))


def ball(factor, far):
    mu, top, gamma, rho = parameters("mu L gamma rho")
    disc, weight, away, target = own_certificates.ball(mu, top, gamma, rho, far)
    found = own_certificates.disc_target(own_certificates.Step(mu, top, gamma, rho), 0)
    return mixed((1, target), (-factor * disc, found), (-weight, square(away)))


def ball_near(factor):
    return ball(factor, False)


def ball_far(factor):
    return ball(factor, True)


def ball_signs(factor):
    """Near at gamma_b / (1 + s), far at gamma_b (1 + s)."""
    m, spread, r, s = parameters("m l r s")
    out = []
    for far, length in ((False, factor / (1 + s)), (True, 1 + s)):
        gamma = own.balanced_step(m, m + spread, r) * length
        out += own_certificates.ball(m, m + spread, gamma, r, far)[:2]
    return out


def attained(factor):
    c, gamma, rho, x = parameters("c gamma rho x")
    return [(x - gamma * c * (x + rho * c * x)) ** 2 - factor * (1 - gamma * own.end(c, rho)) ** 2 * x**2]


def beyond(factor):
    """tau - Q at gamma_b."""
    m, spread, e = parameters("m l e")
    rho = (1 + e) / spread
    at = m, m + spread, own.balanced_step(m, m + spread, rho), rho
    return [own.between(*at) - factor * own.tuned_factor(m, m + spread, rho)]
