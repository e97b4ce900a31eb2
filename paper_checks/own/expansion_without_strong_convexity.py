"""mu = 0, for all parameters: the step up to which no distance grows, and the growth beyond rho L = 3.

"limit": gamma_c at mu = 0. "up to it": at rho L = 1 + e the certificate for short steps proves |x+|^2 <=
|x|^2; its form has a positive entry and determinant at gamma_c / (1 + s). "inner product": the same at
gamma_c over 2 gamma_c is <k, x> >= (3 - rho L) |k|^2 / (4 L), whose form is one square, for rho L > 3 too.
"every step": at rho L = 3 + e, tau - 1 = gamma l e W t^2 with W > 0 and t > 0 for gamma = gamma_d s / (1 +
s), and gamma_d q > 2, whence (gamma q - 1)^2 > 1 from gamma_d on. "slope": d tau / d gamma = L (rho L -
3)^2 / (4 (rho L - 1)) at 0.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters, weights
from theory.bounds import own, own_certificates
from theory.interpolation import matrix

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls

GRADIENTS = (0, 1, 0, 0), (0, 0, 1, 0)


def cases():
    return {
        "limit": algebra.vanish("the limit", limit),
        "up to it, identity": algebra.vanish("the multipliers", identity),
        "up to it, signs": algebra.signs("steps past the limit", no_growth),
        "inner product": algebra.vanish("the step", inner_product),
        "inner product, signs": algebra.signs("radii below 1 / L", inner_signs),
        "every step": algebra.signs("radii below 3 / L", growth),
        "slope": algebra.vanish("the slope", slope),
    }


def limit(factor):
    top, rho = parameters("L rho")
    return [own.gamma_c(0, top, rho) - factor * (3 - rho * top) / (2 * top)]


def certificate(top, gamma, rho):
    found = own_certificates.distance_short(0, top, gamma, rho)
    return found, matrix(found.rest)


def identity(factor):
    top, gamma, rho = parameters("L gamma rho")
    found = algebra.tampered(own_certificates.distance_short(0, top, gamma, rho), factor)
    return [*found.imbalance, *matrix(found.rest)[0]]


def no_growth(factor):
    top, e, s = parameters("L e s")
    rho = (1 + e) / top
    gamma = factor * own.gamma_c(0, top, rho) / (1 + s)
    found, whole = certificate(top, gamma, rho)
    determinant = whole[1][1] * whole[2][2] - whole[1][2] ** 2
    return [*(each / gamma for each in weights(found)), whole[2][2] / gamma, determinant / gamma**3]


def inner_product(factor):
    """The determinant at gamma_c, and the target: 2 gamma (<k, x> - gamma |k|^2 / 2)."""
    top, rho = parameters("L rho")
    gamma = factor * own.gamma_c(0, top, rho)
    found, whole = certificate(top, gamma, rho)
    target = matrix(found.target)
    return [
        whole[1][1] * whole[2][2] - whole[1][2] ** 2,
        target[0][0],
        target[0][2] / gamma - 1,
        target[2][2] / (2 * gamma) + (3 - rho * top) / (4 * top),
    ]


def inner_signs(factor):
    """The weights, and the entry of the square in k, all over 2 gamma_c, at rho L = 1 + e."""
    top, e = parameters("L e")
    rho = (1 + e) / (factor * top)
    gamma = own.gamma_c(0, top, rho)
    found, whole = certificate(top, gamma, rho)
    return [*(each / (2 * gamma) for each in weights(found)), whole[2][2] / (2 * gamma), rho * top - 1]


def growth(factor):
    top, e, s = parameters("L e s")
    rho = (3 + e) / (factor * top)
    last = own.gamma_d(0, top, rho)
    at = 0, top, last * s / (1 + s), rho
    return [own.excess(0, top, rho), own.stiffness(*at)[1], own.share(*at), last * own.end(top, rho) - 2]


def slope(factor):
    """(tau - 1) / gamma = l e W t^2 at gamma = 0."""
    top, rho = parameters("L rho")
    at = 0, top, 0 * rho, rho
    e = own.excess(0, top, rho)
    found = top * e * own.stiffness(*at)[1] * own.share(*at) ** 2
    return [found - factor * top * (rho * top - 3) ** 2 / (4 * (rho * top - 1))]
