"""Two average Hessians A and B, chosen independently, leave the disc for every rho > 0, for all parameters.

In the plane take mu I + l P, P the projection onto (1, 1) for A and onto (1, 1 + d) for B, d = l / (m + l):
both lie between mu and L. With x = (1, 0) and k = B (I + rho A) x the product <k - p x, q x - k> is at most
-rho^2 l^3 L d / (2 (d^2 + 2 d + 2)), with B = A it is 0. At gamma_b that exceeds Q, and at rho l = 1, mu /
L = 1/10 even |x|^2. So the three points of one step must be tied together, which the cyclic inequality Q_x*
+ Q_yx + Q_*y does. Between two runs nothing ties them: x+ - z+ = (I - gamma B (I + rho A)) (x - z).
"""

from paper_checks import algebra
from paper_checks.algebra import parameters
from theory.bounds import own

hypotheses, measured, bound = algebra.hypotheses, algebra.measured, algebra.bound
tolerance, controls = algebra.tolerance, algebra.controls


def cases():
    return {
        "outside": algebra.signs("the depth", outside, one_hessian=together),
        "at the balanced step": algebra.vanish("the step", balanced),
        "a step that grows": algebra.signs("the length before", growing),
    }


def stretched(mu, spread, way, v):
    """(mu I + l P) v, P the projection onto (1, way)."""
    along = spread * (v[0] + way * v[1]) / (1 + way**2)
    return mu * v[0] + along, mu * v[1] + along * way


def ascended(mu, spread, rho, first, second):
    """k = B (I + rho A) x at x = (1, 0)."""
    g = stretched(mu, spread, first, (1, 0 * mu))
    return stretched(mu, spread, second, (1 + rho * g[0], rho * g[1]))


def product(k, mu, top, rho):
    """<k - p x, q x - k>."""
    p, q = own.end(mu, rho), own.end(top, rho)
    return (k[0] - p) * (q - k[0]) - k[1] ** 2


def outside(factor, apart=1):
    m, spread, r = parameters("m l r")
    d = spread / (m + spread)
    k = ascended(m, spread, r, m / m, 1 + apart * d)
    depth = r**2 * spread**3 * (m + spread) * d / (2 * (d**2 + 2 * d + 2))
    return [-product(k, m, m + spread, r) - factor * depth]


def together(_):
    return outside(_, apart=0)


def balanced(factor):
    """|x - gamma_b k|^2 = Q - gamma_b^2 <k - p x, q x - k>."""
    mu, top, rho, a, b = parameters("mu L rho a b")
    gamma = factor * own.balanced_step(mu, top, rho)
    excess = gamma**2 * product((a, b), mu, top, rho)
    return [(1 - gamma * a) ** 2 + (gamma * b) ** 2 - own.tuned_factor(mu, top, rho) + excess]


def growing(factor):
    """|x - gamma_b k|^2 - |x|^2 at mu = 1/10, L = 1, rho l = 1, A along (1, 4/5), B along (1, 13/5)."""
    (one,) = algebra.parameters("one")
    mu = one / one / 10
    rho, a, b = 1 / (1 - mu), 8 * mu, 26 * mu
    k, gamma = ascended(mu, 1 - mu, rho, a, b), own.balanced_step(mu, 1, rho)
    return [(1 - gamma * k[0]) ** 2 + (gamma * k[1]) ** 2 - factor]
