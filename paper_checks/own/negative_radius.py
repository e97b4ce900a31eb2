"""For -1 / mu < rho < 0 some function of one variable has k / x above both p and q, for all parameters.

Its curvature is L on [0, y] and mu beyond, y = (1 + rho b) x with b = f'(x) / x = L / (1 - rho l): so f'(x)
= L y + mu (x - y), k = L y, and with rho = -1 / (m (1 + s)) neither k / x - p nor k / x - q has a negative
coefficient; they are l (1 + rho mu)^2 / (1 - rho l) and rho^2 L^2 l / (1 - rho l), not zero. For rho <= -1
/ mu the points x and y lie on both sides of the minimiser, and k / x stays between q and p.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "the function": algebra.vanish("the slope b", function),
        "by how much": algebra.vanish("the slope k / x", amounts),
        "above p and q": algebra.signs("p and q", above, a_quadratic=quadratic),
        "radii from -1 / mu down": algebra.signs("the slope k / x", beyond, radii_above_it=not_beyond),
    }


def slopes(mu, top, rho):
    """b and k / x."""
    b = top / (1 - rho * (top - mu))
    return b, top * (1 + rho * b)


def function(factor):
    mu, top, rho = parameters("mu L rho")
    b = factor * slopes(mu, top, rho)[0]
    y = 1 + rho * b
    return [top * y + mu * (1 - y) - b]


def amounts(factor):
    mu, top, rho = parameters("mu L rho")
    found = factor * slopes(mu, top, rho)[1]
    below = 1 - rho * (top - mu)
    return [
        found - own.end(mu, rho) - (top - mu) * (1 + rho * mu) ** 2 / below,
        found - own.end(top, rho) - rho**2 * top**2 * (top - mu) / below,
    ]


def above(factor):
    """k / x less p and q, and y / x."""
    m, spread, s = parameters("m l s")
    top, rho = m + spread, -1 / (m * (1 + s))
    b, found = slopes(m, top, rho)
    return [*(found - factor * own.end(c, rho) for c in (m, top)), 1 + rho * b]


def quadratic(_):
    """Curvature mu throughout."""
    m, spread, s = parameters("m l s")
    rho = -1 / (m * (1 + s))
    return [own.end(m, rho) - own.end(m + spread, rho)]


def beyond(factor, below=True):
    """p - k / x and k / x - q at rho = -(1 + s) / m, for average curvatures a and b between mu and L."""
    m, spread, s, t, u = parameters("m l s t u")
    rho = -(1 + s) / m if below else -1 / ((1 + s) * m)
    a, b = m + spread * t / (1 + t), m + spread * u / (1 + u)
    found = a * (1 + rho * b)
    return [own.end(m, rho) - found / factor, found * factor - own.end(m + spread, rho)]


def not_beyond(factor):
    return beyond(factor, below=False)
