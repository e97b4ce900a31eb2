"""The proofs of theory/bounds/own.py as certificates; ours.

Each function returns a bound minus what it bounds, the multipliers of the interpolation inequalities Q_ij and
the squares of which it is the sum (theory/interpolation.py): an identity in all its parameters. With

    h = grad f(x) - mu x,   k~ = k - mu y,   w = grad f(x+) - mu x+,   p, q, l, R = (q - p) / (q + p):

A, gamma = gamma_b, rho > 0:

    R^2 f(x) - f(x+) = R (1 - R) Q_*x + (1 - R) Q_*+ + R Q_x+ + (gamma R / rho) (Q_xy + Q_yx)
                       + |w + gamma l k~ - gamma l (1 + rho l) h / 2|^2 / (2 l)
                       + gamma^2 (1 + rho mu) |k~ - (1 + rho L) h|^2 / (2 rho).

A, gamma >= 2 / q, in F(0, L), which holds F(mu, L):

    (gamma q - 1)^2 f(x) - f(x+) = gamma q (gamma q - 2) Q_x* + Q_x+
                       + (gamma (gamma q - 1) / rho) (Q_xy + Q_yx)
                       + |w + gamma L k - g|^2 / (2 L)
                       + gamma (gamma L (2 + rho L) - 2) |k - (1 + rho L) g|^2 / (2 rho L).

B, rho l <= 1, with beta = rho (1 + rho (L + mu)) / (1 + rho mu), Q_3 = Q_x* + Q_yx + Q_*y:

    <k - p x, q x - k> = l mu beta (1 + rho L) (Q_x* + Q_*x)
                       + l (1 + rho (L + mu)) (1 - rho l) / (1 + rho mu) (Q_y* + Q_*y) + l^2 beta Q_3
                       + rho L |k~ - (1 + rho L) h|^2 / (1 + rho mu).

Disc, rho l >= 1:

    <k - p x, q x - k> + l^2 (rho l - 1)^2 |x|^2 / 4 = l (rho^2 L^2 + (1 + rho mu)^2 - 2) (Q_x* + Q_*x)
                       + 2 l Q_3 + |k~ - (1 + rho L) h + l (rho l - 1) x / 2|^2.

B from the ball: with D = <k - p x, q x - k>, and with p and q exchanged where gamma >= gamma_b,

    (1 - gamma p)^2 |x|^2 - |x+|^2 = gamma^2 D + gamma (2 - gamma (p + q)) (D + |k - p x|^2) / (q - p).

B', rho l >= 1: bound |x|^2 - |x+|^2 = c_1 (Q_x* + Q_*x) + c_3 Q_3 + a form S. For gamma <= gamma_c the bound
is (1 - gamma p)^2 and S a form in (h, k~); for gamma >= gamma_d it is (gamma q - 1)^2 and S vanishes at
(x, g, k) = (1, L, q); between them it is tau and S one square.

E, mu = 0: |x|^2 / 2 - |x+|^2 / 2 - gamma f(x+) is gamma (Q_*y + Q_yx + Q_x+), a square, and a form in (g, k)
that has no negative value where `potential_region` is not negative.

Place: ours.
"""

from theory.bounds import own
from theory.interpolation import NOTHING, Certificate, G, K, Step, X, mixed, product, square

STAR, START, AHEAD, AFTER = "*", "x", "y", "+"


def pair(i, j, weight):
    """weight (Q_ij + Q_ji)."""
    return {(i, j): weight, (j, i): weight}


def cyclic(weight, around):
    """`weight` (Q_x* + Q_yx + Q_*y) on top of the multipliers `around`."""
    out = dict(around)
    for key in [(START, STAR), (AHEAD, START), (STAR, AHEAD)]:
        out[key] = out.get(key, 0) + weight
    return out


def ends(step):
    return own.end(step.curvature, step.rho), own.end(step.smoothness, step.rho)


# Function values


def gap_balanced(curvature, smoothness, rho):
    """R^2 f(x) - f(x+) at gamma_b."""
    gamma = own.balanced_step(curvature, smoothness, rho)
    step = Step(curvature, smoothness, gamma, rho)
    p, q = ends(step)
    r, spread = (q - p) / (q + p), smoothness - curvature
    h, k, w = map(step.reduced, (START, AHEAD, AFTER))
    return Certificate(
        step,
        NOTHING,
        {START: r**2, AFTER: -1, STAR: 1 - r**2},
        {(STAR, START): r * (1 - r), (STAR, AFTER): 1 - r, (START, AFTER): r}
        | pair(START, AHEAD, gamma * r / rho),
        [
            (
                1 / (2 * spread),
                mixed((1, w), (gamma * spread, k), (-gamma * spread * (1 + rho * spread) / 2, h)),
            ),
            (gamma**2 * (1 + rho * curvature) / (2 * rho), mixed((1, k), (-1 - rho * smoothness, h))),
        ],
    )


def gap_long(smoothness, gamma, rho):
    """(gamma q - 1)^2 f(x) - f(x+) for gamma >= 2 / q."""
    step = Step(0, smoothness, gamma, rho)
    q = own.end(smoothness, rho)
    reach, w = gamma * q, step.reduced(AFTER)
    return Certificate(
        step,
        NOTHING,
        {START: (reach - 1) ** 2, AFTER: -1, STAR: 1 - (reach - 1) ** 2},
        {(START, STAR): reach * (reach - 2), (START, AFTER): 1}
        | pair(START, AHEAD, gamma * (reach - 1) / rho),
        [
            (1 / (2 * smoothness), mixed((1, w), (gamma * smoothness, K), (-1, G))),
            (
                gamma * (gamma * smoothness * (2 + rho * smoothness) - 2) / (2 * rho * smoothness),
                mixed((1, K), (-1 - rho * smoothness, G)),
            ),
        ],
    )


# The disc


def disc_target(step, depth):
    """<k - p x, q x - k> + depth |x|^2."""
    p, q = ends(step)
    return mixed((1, product(mixed((1, K), (-p, X)), mixed((q, X), (-1, K)))), (depth, square(X)))


def disc_narrow(curvature, smoothness, rho):
    """rho l <= 1."""
    step = Step(curvature, smoothness, 0, rho)
    spread, along, wide = smoothness - curvature, 1 + rho * curvature, 1 + rho * (smoothness + curvature)
    beta = rho * wide / along
    around = pair(START, STAR, spread * curvature * beta * (1 + rho * smoothness))
    around |= pair(AHEAD, STAR, spread * wide * (1 - rho * spread) / along)
    bent = mixed((1, step.reduced(AHEAD)), (-1 - rho * smoothness, step.reduced(START)))
    return Certificate(
        step,
        disc_target(step, 0),
        {},
        cyclic(spread**2 * beta, around),
        [(rho * smoothness / along, bent)],
    )


def disc_wide(curvature, smoothness, rho):
    """rho l >= 1."""
    step = Step(curvature, smoothness, 0, rho)
    spread, e = smoothness - curvature, own.excess(curvature, smoothness, rho)
    around = pair(START, STAR, spread * (rho**2 * smoothness**2 + (1 + rho * curvature) ** 2 - 2))
    bent = mixed((1, step.reduced(AHEAD)), (-1 - rho * smoothness, step.reduced(START)), (spread * e / 2, X))
    return Certificate(
        step, disc_target(step, spread**2 * e**2 / 4), {}, cyclic(2 * spread, around), [(1, bent)]
    )


def ball(curvature, smoothness, gamma, rho, far):
    """(weight of D, weight and vector of the square, target) of B from the ball; `far`: q decides, not p."""
    step = Step(curvature, smoothness, gamma, rho)
    p, q = ends(step)
    c = q if far else p
    away = mixed((1, K), (-c, X))
    slope = gamma * (gamma * (p + q) - 2 if far else 2 - gamma * (p + q)) / (q - p)
    target = mixed(((1 - gamma * c) ** 2, square(X)), (-1, square(step.points[AFTER][0])))
    return gamma**2 + slope, slope, away, target


# Distance where rho l >= 1


def distance_target(step, factor):
    return mixed((factor, square(X)), (-1, square(step.points[AFTER][0])))


def distance_short(curvature, smoothness, gamma, rho):
    """(1 - gamma p)^2 |x|^2 - |x+|^2 for gamma <= gamma_c; S remains."""
    step = Step(curvature, smoothness, gamma, rho)
    c, along = 1 - gamma * ends(step)[0], 1 + rho * curvature
    around = pair(START, STAR, 2 * c * gamma * rho * curvature * (1 + 1 / along))
    return Certificate(step, distance_target(step, c**2), {}, cyclic(2 * c * gamma / along, around), [])


def distance_long(curvature, smoothness, gamma, rho):
    """(gamma q - 1)^2 |x|^2 - |x+|^2 for gamma >= gamma_d; S remains."""
    step = Step(curvature, smoothness, gamma, rho)
    c, reach = gamma * ends(step)[1] - 1, rho * smoothness
    around = pair(START, STAR, 2 * gamma * c * (reach**2 - 1) / reach)
    return Certificate(step, distance_target(step, c**2), {}, cyclic(2 * gamma * c / reach, around), [])


def middle_slope(curvature, smoothness, gamma, rho):
    """F: the multiplier c_1 between gamma_c and gamma_d is 4 gamma u F / (e W)."""
    spread = smoothness - curvature
    r, m, stretch = rho * spread, curvature / spread, gamma * spread
    return (r - 3) * (r + 1) + stretch * (
        m**2 * r**2 + 3 * m**2 * r + m * r**2 + 4 * m * r + 3 * m + 2 * r + 2
    )


def distance_between(curvature, smoothness, gamma, rho):
    """tau |x|^2 - |x+|^2 for gamma_c < gamma < gamma_d."""
    at = curvature, smoothness, gamma, rho
    step = Step(*at)
    spread, e = smoothness - curvature, own.excess(curvature, smoothness, rho)
    (u, w), t = own.stiffness(*at), own.share(*at)
    around = pair(START, STAR, 4 * gamma * u * middle_slope(*at) / (e * w))
    bent = mixed(
        (1, step.reduced(AHEAD)),
        (-2 - rho * curvature - 2 * e * t, step.reduced(START)),
        (e * t * spread, X),
    )
    return Certificate(
        step,
        distance_target(step, own.between(*at)),
        {},
        cyclic(4 * gamma * u / e, around),
        [(gamma * w / (e * spread), bent)],
    )


# Convex


def potential(smoothness, gamma, rho):
    """|x|^2 / 2 - |x+|^2 / 2 - gamma f(x+), mu = 0, but for the form in (g, k) that `potential_rest` is."""
    step = Step(0, smoothness, gamma, rho)
    after, w = step.points[AFTER][0], step.reduced(AFTER)
    half = gamma / gamma / 2
    target = mixed((half, square(X)), (-half, square(after)), (-1, potential_rest(smoothness, gamma, rho)))
    return Certificate(
        step,
        target,
        {AFTER: -gamma, STAR: gamma},
        {(STAR, AHEAD): gamma, (AHEAD, START): gamma, (START, AFTER): gamma},
        [(gamma / (2 * smoothness), mixed((1, w), (-1, G), (gamma * smoothness, K)))],
    )


def potential_rest(smoothness, gamma, rho):
    """gamma [(rho + 1/(2 L)) |g|^2 + (gamma - rho - 1/L) <g, k> + (1/L - gamma/2 - L gamma^2 / 2) |k|^2]."""
    return mixed(
        (gamma * (rho + 1 / (2 * smoothness)), square(G)),
        (gamma * (gamma - rho - 1 / smoothness), product(G, K)),
        (gamma * (1 / smoothness - gamma / 2 - smoothness * gamma**2 / 2), square(K)),
    )
