"""Exact worst cases of one full-batch step x+ = x - gamma k, k = grad f(x + rho grad f(x)); ours.

F(mu, L): functions that are mu-strongly convex and L-smooth, 0 <= mu < L, with minimiser x* = 0, f* = 0.

    p = mu (1 + rho mu),  q = L (1 + rho L),  l = L - mu,  gamma_b = 2 / (p + q),
    Q = max{(1 - gamma p)^2, (1 - gamma q)^2},     the worst of the quadratics.

Theorem A.  f(x+) <= Q f(x) for every rho >= 0 and gamma > 0; attained by the quadratic of curvature mu or L.
Theorem B.  |x+|^2 <= Q |x|^2 for every gamma > 0 if rho l <= 1; attained.
Theorem B'. If rho l > 1, the worst |x+|^2 / |x|^2 is Q outside an interval gamma_c < gamma < gamma_d and a
            larger rational function inside (`dist_worst`), attained in the plane by theory/problems/wedge.py.
Disc.       <k - p x, q x - k> >= -l^2 (rho l - 1)_+^2 |x|^2 / 4, sharp.
Theorem C.  Mixed rule, radius rho (1 - lam + lam / |g|), f convex, gamma L (1 + rho (1 - lam) L) < 2: f does
            not grow in a step while |g| >= g_c (`sam_radius`), the gradient on a quadratic's limit cycle;
            on F(mu, L) with mu > 0 the set f <= V (`sam_level`) is invariant and limsup f(x_t) <= V.
Theorem D.  f L-smooth: f(x+) <= f(x) - phi |g|^2 (`descent_constant`).
Theorem E.  f convex, L-smooth: f(x_T) <= |x_0|^2 / (2 gamma T) in `potential_region`.

Proofs. A, B, B', the disc and E are identities: a bound minus what it bounds is a sum of interpolation
inequalities Q_ij >= 0 (theory/interpolation.py) with multipliers that are not negative, and of squares. They
stand in theory/bounds/own_certificates.py and are checked for all parameters in paper_checks/own.

A, steps other than gamma_b: for gamma < gamma_b there is L' >= L with L' (1 + rho L') = 2 / gamma - p; f is
in F(mu, L'), whose balanced step is gamma, and the factor there is (1 - gamma p)^2. For gamma_b < gamma <=
2 / q take mu' in [0, mu] with mu' (1 + rho mu') = 2 / gamma - q. From 2 / q on, a certificate with mu = 0.
rho = 0 is the limit. Since nothing is assumed of rho but rho >= 0, the radius may depend on x and t.

C: the step is one of A with rho' = rho (1 - lam + lam / |g|), and |g| >= g_c means gamma <= 2 / q(rho'), so
that Q <= 1. With g = |g|:  g (gamma q' - 1) = (gamma L (1 + rho (1 - lam) L) - 1) g + gamma rho lam L^2 is
affine in g, gamma rho lam L^2 at 0 and g_c at g_c. So from |g| < g_c a step ends at f <= (gamma q' - 1)^2
g^2 / (2 mu) <= V: with f <= g^2 / (2 mu), V is invariant. While f > V, g > g_c, and f falls; were the
limit above V, g would stay away from g_c and Q below 1.

D: |k - g| <= rho L |g| and f(x+) <= f(x) - gamma <g, k> + L gamma^2 |k|^2 / 2; `slope_multipliers` turns the
rest into a square.

Numbers may be of any ordered field: fractions give fractions. `curvature` is mu, `smoothness` L.

Place: ours. The nearest earlier work known to us, beside C: Si and Yun, 2023, arXiv 2306.09850 (SAM with a
constant radius: convergence to a neighbourhood, strongly convex included; seen in abstract only).
"""

from theory.bounds.wml23 import cycle_gradient

# Quadratics


def end(curvature, rho):
    """c (1 + rho c): k = end x on the quadratic of curvature c; p at mu, q at L."""
    return curvature * (1 + rho * curvature)


def quad_factor(curvature, smoothness, gamma, rho):
    """Q = max{(1 - gamma p)^2, (1 - gamma q)^2}; c (1 + rho c) is increasing, so the ends decide."""
    p, q = end(curvature, rho), end(smoothness, rho)
    return max((1 - gamma * p) ** 2, (1 - gamma * q) ** 2)


def balanced_step(curvature, smoothness, rho):
    """gamma_b = 2 / (p + q), where both ends of the spectrum shrink alike: the least Q at this radius."""
    return 2 / (end(curvature, rho) + end(smoothness, rho))


def tuned_factor(curvature, smoothness, rho):
    """Q at gamma_b, ((kappa' - 1) / (kappa' + 1))^2 with kappa' = q / p."""
    p, q = end(curvature, rho), end(smoothness, rho)
    return ((q - p) / (q + p)) ** 2


# Distance


def gamma_c(curvature, smoothness, rho):
    """Up to this step the distance factor is (1 - gamma p)^2, rho l >= 1; positive iff rho (L - 3 mu) < 3."""
    reach = 1 + rho * curvature
    below = reach * (smoothness * (1 + reach) + curvature * reach)
    return (3 * reach - rho * smoothness) / below


def gamma_d(curvature, smoothness, rho):
    """From this step on the distance factor is (gamma q - 1)^2, for rho l >= 1."""
    low, top = rho * curvature, rho * smoothness
    return (3 * top - low - 1) / (smoothness * (top * (top + low) + 2 * top - low - 1))


def excess(curvature, smoothness, rho):
    """e = rho l - 1: where it is positive some function beats the quadratics."""
    return rho * (smoothness - curvature) - 1


def stiffness(curvature, smoothness, gamma, rho):
    """(u, W): u = 1 - gamma L (1 + rho mu), W = 4 u - gamma l e; both positive in (gamma_c, gamma_d)."""
    u = 1 - gamma * smoothness * (1 + rho * curvature)
    spread = smoothness - curvature
    return u, 4 * u - gamma * spread * excess(curvature, smoothness, rho)


def share(curvature, smoothness, gamma, rho):
    """t = |grad f(x) - mu x|^2 / l^2 at the worst x, |x| = 1: 0 at gamma_c, 1/2 at gamma_b, 1 at gamma_d."""
    reach = 1 + rho * curvature
    below = reach * (smoothness * (1 + reach) + curvature * reach)
    e, w = excess(curvature, smoothness, rho), stiffness(curvature, smoothness, gamma, rho)[1]
    return (gamma * below - 3 * reach + rho * smoothness) / (e * w)


def between(curvature, smoothness, gamma, rho):
    """tau = 4 u^2 (e + gamma L (1 + rho mu)) / (e W), the worst distance factor in (gamma_c, gamma_d).

    tau = (1 - gamma p)^2 + gamma l e W t^2 = (gamma q - 1)^2 + gamma l e W (1 - t)^2 > Q.
    """
    u, w = stiffness(curvature, smoothness, gamma, rho)
    e = excess(curvature, smoothness, rho)
    return 4 * u**2 * (e + 1 - u) / (e * w)


def dist_worst(curvature, smoothness, gamma, rho):
    """The worst |x+ - x*|^2 / |x - x*|^2 over F(mu, L) and x, for every rho >= 0 and gamma > 0.

    Attained in the plane; in one dimension it is Q for every radius, k / x being a (1 + rho b) with a and b
    in [mu, L].
    """
    at = curvature, smoothness, gamma, rho
    wide = excess(curvature, smoothness, rho) > 0
    if wide and gamma_c(curvature, smoothness, rho) < gamma < gamma_d(curvature, smoothness, rho):
        return between(*at)
    return quad_factor(*at)


def disc_depth(curvature, smoothness, rho):
    """delta = l^2 (rho l - 1)_+^2 / 4: <k - p x, q x - k> >= -delta |x|^2."""
    e = excess(curvature, smoothness, rho)
    return (smoothness - curvature) ** 2 * max(e, 0 * e) ** 2 / 4


def dist_worst_balanced(curvature, smoothness, rho):
    """`dist_worst` at gamma_b: R^2 + gamma_b^2 delta = [(q - p)^2 + l^2 (rho l - 1)_+^2] / (p + q)^2."""
    gamma = balanced_step(curvature, smoothness, rho)
    return tuned_factor(curvature, smoothness, rho) + gamma**2 * disc_depth(curvature, smoothness, rho)


# The mixed rule


def sam_radius(smoothness, gamma, rho, lam):
    """g_c = gamma rho lam L^2 / (2 - gamma L (1 + rho (1 - lam) L)), the gradient norm on the limit cycle."""
    return cycle_gradient(smoothness, gamma, rho, lam)


def sam_level(curvature, smoothness, gamma, rho, lam):
    """V = max{gamma rho lam L^2, g_c}^2 / (2 mu)."""
    worst = max(gamma * rho * lam * smoothness**2, sam_radius(smoothness, gamma, rho, lam))
    return worst**2 / (2 * curvature)


def mixed_radius(size, rho, lam):
    """rho' = rho (1 - lam + lam / |g|): a step of the mixed rule is one of USAM with this radius."""
    return rho * (1 - lam + lam / size)


# Without convexity


def fall(smoothness, length):
    """s (1 - s L / 2): what a step of length s along the gradient gives at least, per |g|^2."""
    return length * (1 - length * smoothness / 2)


def descent_constant(smoothness, gamma, rho):
    """phi with f(x+) <= f(x) - phi |g|^2, `fall` at gamma (1 - rho L), or gamma (1 + rho L) if gamma L > 1.

    It is the smaller of the two. Sharp as a descent lemma if rho L <= 1 or gamma L >= 1: a kink, f'' = -L
    towards y and L towards x+, and the quadratic of curvature L. Negative for large steps.
    """
    reach = rho * smoothness
    return min(fall(smoothness, gamma * (1 - reach)), fall(smoothness, gamma * (1 + reach)))


def slope_multipliers(smoothness, gamma, rho, towards):
    """(a, b, c) of f(x) - f(x+) - phi |g|^2 >= a (rho^2 L^2 |g|^2 - |k - g|^2) + b |k - c g|^2, rho > 0.

    Compare coefficients of |k|^2, <g, k> and |g|^2 in -L gamma^2 |k|^2 / 2 + gamma <g, k> - phi |g|^2.
    `towards` is 1 where gamma L <= 1, else -1.
    """
    reach, stretch = rho * smoothness, gamma * smoothness
    b = towards * gamma * (1 - stretch) / (2 * reach)
    return b + smoothness * gamma**2 / 2, b, 1 - towards * reach


def pl_factor(curvature, smoothness, gamma, rho):
    """1 - 2 mu phi: the factor of f - f* in a step under PL(mu), where phi >= 0."""
    return 1 - 2 * curvature * descent_constant(smoothness, gamma, rho)


def least_slope(start, smoothness, gamma, rho, steps):
    """(f(x_0) - inf f) / (T phi) >= min over t < T of |grad f(x_t)|^2, where phi > 0."""
    return start / (steps * descent_constant(smoothness, gamma, rho))


# Convex


def potential_region(smoothness, gamma, rho):
    """(2 r + 1) (1 - G) (2 + G) - (1 + r - G)^2 with r = rho L, G = gamma L: E holds where it is >= 0.

    For G <= 1 and r < 1 + sqrt 2 this is G <= [1 + sqrt(1 - 8 (r + 1) (r^2 - 2 r - 1))] / (4 (r + 1)); it
    contains gamma <= 1 / (L (1 + rho L)) for all rho L <= (1 + sqrt 13) / 2 = 2.302.
    """
    r, stretch = rho * smoothness, gamma * smoothness
    return (2 * r + 1) * (1 - stretch) * (2 + stretch) - (1 + r - stretch) ** 2


def convex_gap(distance, gamma, steps):
    """|x_0 - x*|^2 / (2 gamma T) >= f(x_T) - f*, by the potential gamma f(x+) + |x+|^2 / 2 <= |x|^2 / 2."""
    return distance**2 / (2 * gamma * steps)


def huber_gap(distance, smoothness, gamma, steps):
    """L |x_0|^2 / (4 gamma L T + 2) <= the worst f(x_T) - f*, whatever rho is.

    The Huber function that turns linear at |x_0| / (2 gamma L T + 1) has a constant gradient until then.
    """
    return smoothness * distance**2 / (4 * gamma * smoothness * steps + 2)
