"""Theorem B', for all parameters: three certificates, every sign, the thresholds, and the wedge.

With mu = m, L = m + l, rho = (1 + e) / l and the step gamma_c / (1 + s), gamma_d (1 + s) or (gamma_c + s
gamma_d) / (1 + s); weights are divided by the powers of gamma that they carry, since gamma_c may be
negative.

"short": values cancel, the form S that remains lives in (h, k~), and its entry in k~ and its determinant
are those of the formulas. "long": S vanishes at (x, g, k) = (1, L, q); entry in x, determinant in (x, h).
"between": S is one square. "tau": both other forms of tau. "thresholds": gamma_b - gamma_c and gamma_d -
gamma_b are l (rho l - 1)^2 over products of positive terms. "wedge": <h, u_1> = 0, <h, u_2> = <k, u_2> = c,
<k, u_1> = -c, and |x+|^2 = tau.
"""

from paper_checks import algebra
from paper_checks.algebra import parameters, tampered, weights
from theory.bounds import own, own_certificates
from theory.interpolation import matrix
from theory.problems.wedge import designed, wedge_at

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "short steps, identity": algebra.vanish("the multipliers", short),
        "short steps, signs": algebra.signs("steps past gamma_c", short_signs),
        "long steps, identity": algebra.vanish("the multipliers", long),
        "long steps, signs": algebra.signs("steps below gamma_d", long_signs),
        "between, identity": algebra.vanish("the multipliers", between),
        "between, signs": algebra.signs("steps below gamma_c", between_signs),
        "tau in two other forms": algebra.vanish("tau", tau),
        "tau is larger": algebra.signs("the factor of quadratics", larger),
        "thresholds": algebra.vanish("the distance to gamma_b", thresholds),
        "thresholds, signs": algebra.signs("gamma_c", order),
        "wedge, the step": algebra.vanish("tau", wedge_step),
        "wedge, the projections": algebra.vanish("the offset", projections),
        "wedge, signs": algebra.signs("", wedge_signs, steps_below_gamma_c=outside),
    }


def reduced(mu, rho):
    """Coordinates (x, g, k) of x, h and k~ alone: g = h + mu x, k = k~ + mu (x + rho g)."""
    return (1, mu, own.end(mu, rho), 0), (0, 1, mu * rho, 0), (0, 0, 1, 0)


def minor(block, i, j):
    return block[i][i] * block[j][j] - block[i][j] ** 2


def short(factor):
    mu, top, gamma, rho = at = parameters("mu L gamma rho")
    found = tampered(own_certificates.distance_short(*at), factor)
    block = matrix(found.rest, reduced(mu, rho))
    along, spread, p = 1 + rho * mu, top - mu, own.end(mu, rho)
    below = along * (top * (2 + rho * mu) + mu * along)
    determinant = (
        gamma**2
        * (1 + rho * (top + mu))
        * (1 - gamma * p)
        * (own.gamma_c(mu, top, rho) - gamma)
        * below
        / (along * spread) ** 2
    )
    return [
        *found.imbalance,
        *block[0],
        block[2][2] - gamma * (2 - gamma * (top + mu) * along) / (along * spread),
        minor(block, 1, 2) - determinant,
    ]


def short_signs(factor):
    m, spread, e, s = parameters("m l e s")
    top, rho = m + spread, (1 + e) / spread
    gamma = factor * own.gamma_c(m, top, rho) / (1 + s)
    found = own_certificates.distance_short(m, top, gamma, rho)
    block = matrix(found.rest, reduced(m, rho))
    return [
        1 - gamma * own.end(m, rho),
        *(each / gamma for each in weights(found)),
        block[2][2] / gamma,
        minor(block, 1, 2) / gamma**3,
    ]


def long(factor):
    mu, top, gamma, rho = at = parameters("mu L gamma rho")
    found = tampered(own_certificates.distance_long(*at), factor)
    p, q, reach = own.end(mu, rho), own.end(top, rho), rho * top
    whole = matrix(found.rest)
    block = matrix(found.rest, reduced(mu, rho))
    below = top * (rho**2 * top * (top + mu) + 2 * reach - rho * mu - 1)
    determinant = (
        gamma**2
        * (1 + reach) ** 2
        * (q - p)
        * (gamma * q - 1)
        * (gamma - own.gamma_d(mu, top, rho))
        * below
        / ((top - mu) * reach**2)
    )
    return [
        *found.imbalance,
        *(row[0] + top * row[1] + q * row[2] for row in whole),
        block[0][0] - gamma * (q - p) * (gamma * (p + q) - 2),
        minor(block, 0, 1) - determinant,
    ]


def long_signs(factor):
    m, spread, e, s = parameters("m l e s")
    top, rho = m + spread, (1 + e) / spread
    gamma = own.gamma_d(m, top, rho) * (1 + s) / factor
    found = own_certificates.distance_long(m, top, gamma, rho)
    block = matrix(found.rest, reduced(m, rho))
    return [gamma, gamma * own.end(top, rho) - 1, *weights(found), block[0][0], minor(block, 0, 1)]


def between(factor):
    at = parameters("mu L gamma rho")
    return tampered(own_certificates.distance_between(*at), factor).leftover


def middle(factor):
    """(m, m + l, gamma, rho) with gamma from gamma_c to gamma_d; a factor leads below gamma_c."""
    m, spread, e, s = parameters("m l e s")
    top, rho = m + spread, (1 + e) / spread
    low, high = own.gamma_c(m, top, rho), own.gamma_d(m, top, rho)
    return m, top, (low + s * high) / (1 + s) - (factor - 1) * (high - low), rho


def between_signs(factor):
    at = middle(factor)
    (u, w), t = own.stiffness(*at), own.share(*at)
    slope = own_certificates.middle_slope(*at)
    return [
        u,
        w,
        t,
        1 - t,
        slope,
        *(each / at[2] for each in weights(own_certificates.distance_between(*at))),
    ]


def tau(factor):
    mu, top, gamma, rho = at = parameters("mu L gamma rho")
    extra = gamma * (top - mu) * own.excess(mu, top, rho) * own.stiffness(*at)[1]
    t, found = own.share(*at), factor * own.between(*at)
    return [
        found - (1 - gamma * own.end(mu, rho)) ** 2 - extra * t**2,
        found - (gamma * own.end(top, rho) - 1) ** 2 - extra * (1 - t) ** 2,
    ]


def larger(factor):
    """(tau - (1 - gamma c)^2) / gamma at both ends c of the spectrum."""
    m, top, gamma, rho = at = middle(1)
    return [(own.between(*at) - factor * (1 - gamma * own.end(c, rho)) ** 2) / gamma for c in (m, top)]


def thresholds(factor):
    mu, top, rho = at = parameters("mu L rho")
    along, reach = 1 + rho * mu, rho * top
    away = factor * (top - mu) * own.excess(*at) ** 2 / (own.end(mu, rho) + own.end(top, rho))
    low = along * (top * (2 + rho * mu) + mu * along)
    high = top * (rho**2 * top * (top + mu) + 2 * reach - rho * mu - 1)
    gamma = own.balanced_step(*at)
    return [gamma - own.gamma_c(*at) - away / low, own.gamma_d(*at) - gamma - away / high]


def order(factor):
    m, spread, e = parameters("m l e")
    at = m, m + spread, (1 + e) / spread
    gamma = own.balanced_step(*at)
    return [gamma - factor * own.gamma_c(*at), own.gamma_d(*at) - gamma]


def after(found, t, gamma, rho):
    """x+ on the wedge whose projections are as designed."""
    _, k, y = designed(t, found.curvature, found.spread, rho)
    away = [gamma * (found.curvature * b + found.spread * a) for a, b in zip(k, y, strict=True)]
    return 1 - away[0], 0 - away[1]


def wedge_step(factor):
    mu, top, gamma, rho = at = parameters("mu L gamma rho")
    t = own.share(*at)
    found = wedge_at(t, mu, top - mu, rho)
    reached = after(found, t, gamma, rho)
    return [found.inner(reached, reached) - factor * own.between(*at)]


def projections(factor):
    """At every t: h is the vertex, k lies on the second edge, x - h, y - k the normals, y = x + rho g."""
    t, mu, spread, rho = parameters("t mu l rho")
    found = wedge_at(t, mu, spread, rho)
    h, k, y = designed(t, mu, spread, rho)
    c = factor * found.offset
    return [
        found.inner(h, found.first),
        found.inner(h, found.second) - c,
        found.inner(k, found.second) - c,
        found.inner(k, found.first) + c,
        1 + rho * (mu + spread * h[0]) - y[0],
        rho * spread * h[1] - y[1],
    ]


def wedge_signs(_, outside=0):
    """The offset c, and the distance of k from the first edge, with t = s / (1 + s)."""
    m, spread, e, s = parameters("m l e s")
    t = s / (1 + s) - outside
    found = wedge_at(t, m, spread, (1 + e) / spread)
    _, k, _ = designed(t, m, spread, (1 + e) / spread)
    return [found.offset, 0 - found.inner(k, found.first)]


def outside(_):
    return wedge_signs(_, outside=1)
