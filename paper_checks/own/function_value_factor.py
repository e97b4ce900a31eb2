"""Theorem A, for all parameters: the identity at the balanced step, the one for long steps, and every sign.

"the inequality itself": Q_ij is that of the convex, l-smooth f - mu |.|^2 / 2. "identity": the bound less
what it bounds equals the sum of interpolation inequalities and squares named in
theory/bounds/own_certificates.py, in all of mu, L, gamma, rho: what has not cancelled is counted. "signs":
with mu = m, L = m + l, rho = r and gamma = 2 (1 + s) / q the multipliers and weights have no negative
coefficient. "steps between": 2 / gamma - p - q, and beyond gamma_b 2 / gamma - q and p + q - 2 / gamma,
have none either, so that L' and mu' of the proof can be had; and the balanced factors of (mu, L') and (mu',
L) are (1 - gamma p)^2 and (1 - gamma q)^2. "attained": a step on the quadratic of curvature c multiplies f
by (1 - gamma c (1 + rho c))^2.
"""

from itertools import permutations

from paper_checks import algebra
from paper_checks.algebra import parameters, tampered, weights
from theory import interpolation
from theory.bounds import own, own_certificates
from theory.interpolation import Step, mixed, product, square

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls

ASCENT = ("x", "y"), ("y", "x")


def cases():
    return {
        "the inequality itself": algebra.vanish("the curvature left", inequality),
        "identity, balanced step": algebra.vanish("the multiplier of Q_xy and Q_yx", balanced),
        "signs, balanced step": algebra.signs("", balanced_signs, a_negative_radius=negative_radius),
        "identity, long steps": algebra.vanish("the multiplier of Q_xy and Q_yx", long),
        "signs, long steps": algebra.signs("steps below 2 / q", long_signs),
        "steps between": algebra.signs("steps past the balanced one", shorter),
        "steps up to 2 / q": algebra.signs("steps past 2 / q", longer),
        "the factor there": algebra.vanish("the factor", factor_there),
        "attained": algebra.vanish("the factor", attained),
    }


def inequality(factor):
    """Q_ij = f~_i - f~_j - <h_j, x_i - x_j> - |h_i - h_j|^2 / (2 l), f~ = f - mu |.|^2 / 2, for all pairs."""
    mu, top, gamma, rho = parameters("mu L gamma rho")
    found = Step(mu, top, gamma, rho)
    out = []
    for i, j in permutations(found.points, 2):
        x_i, x_j, h_i, h_j = found.points[i][0], found.points[j][0], found.reduced(i), found.reduced(j)
        out += mixed(
            (1, interpolation.inequality(found, i, j)),
            (mu / 2, square(x_i)),
            (-mu / 2, square(x_j)),
            (1, product(h_j, mixed((1, x_i), (-1, x_j)))),
            (1 / (2 * factor * (top - mu)), square(mixed((1, h_i), (-1, h_j)))),
        )
    return out


def balanced(factor):
    mu, top, rho = parameters("mu L rho")
    return tampered(own_certificates.gap_balanced(mu, top, rho), factor, *ASCENT).leftover


def balanced_signs(_, towards=1):
    m, spread, r = parameters("m l r")
    return weights(own_certificates.gap_balanced(m, m + spread, towards * r))


def negative_radius(_):
    return balanced_signs(_, towards=-1)


def long(factor):
    top, gamma, rho = parameters("L gamma rho")
    return tampered(own_certificates.gap_long(top, gamma, rho), factor, *ASCENT).leftover


def long_signs(factor):
    top, r, s = parameters("L r s")
    gamma = 2 * (1 + s) / (own.end(top, r) * factor)
    return weights(own_certificates.gap_long(top, gamma, r))


def shorter(factor):
    """2 / gamma - p - q at gamma = gamma_b / (1 + s)."""
    m, spread, r, s = parameters("m l r s")
    p, q = own.end(m, r), own.end(m + spread, r)
    return [2 * (1 + s) / (own.balanced_step(m, m + spread, r) * factor) - p - q]


def longer(factor):
    """2 / gamma - q in [0, p] at gamma = (gamma_b + s 2 / q) / (1 + s)."""
    m, spread, r, s = parameters("m l r s")
    p, q = own.end(m, r), own.end(m + spread, r)
    gamma = factor * (own.balanced_step(m, m + spread, r) + s * 2 / q) / (1 + s)
    return [2 / gamma - q, p - (2 / gamma - q)]


def factor_there(factor):
    """((q' - p) / (q' + p))^2 at q' = 2 / gamma - p, and ((q - p') / (q + p'))^2 at p' = 2 / gamma - q."""
    p, q, gamma = parameters("p q gamma")
    out = []
    for c in (p, q):
        other = 2 / gamma - c
        out.append(((other - c) / (other + c)) ** 2 - factor * (1 - gamma * c) ** 2)
    return out


def attained(factor):
    c, gamma, rho, x = parameters("c gamma rho x")
    after = x - gamma * c * (x + rho * c * x)
    return [after**2 - factor * (1 - gamma * own.end(c, rho)) ** 2 * x**2]
