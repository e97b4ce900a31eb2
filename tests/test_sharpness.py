"""Sharpness by independent routes: grids on the circle, duality, hand examples, quadrature, moments."""

import itertools
from math import factorial, sqrt

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.special

from theory import sharpness
from theory.problems import curved as curves
from theory.problems.curved import curved
from theory.problems.valley import two_bowls
from theory.sharpness import Quartic, largest_in_ball, largest_on_sphere, sphere_rule

in_ball, on_sphere = jax.jit(largest_in_ball), jax.jit(largest_on_sphere)
in_balls, on_spheres = jax.jit(jax.vmap(largest_in_ball)), jax.jit(jax.vmap(largest_on_sphere))
average = jax.jit(lambda q, rho, nodes, weights: sharpness.average(q.rise, rho, (nodes, weights)))


def random_quadratics(count, d):
    """Hessians of all signatures, slopes of all sizes; some slopes zero, some across the top eigenvectors."""
    rng = np.random.default_rng(d)
    h = rng.standard_normal((count, d, d))
    h = (h + np.swapaxes(h, 1, 2)) * np.exp(rng.uniform(-3, 3, (count, 1, 1)))
    h -= rng.choice([0, 3], (count, 1, 1)) * np.abs(h).max((1, 2), keepdims=True) * np.eye(d)
    g = rng.standard_normal((count, d)) * np.exp(rng.uniform(-8, 3, (count, 1)))
    top = np.linalg.eigh(h)[1][:, :, -1]
    hard = count // 4
    g[:hard] -= np.sum(g * top, axis=1, keepdims=True)[:hard] * top[:hard]
    g[hard : 2 * hard : 4] = 0
    h[::5, 1] = h[::5, :, 1] = 0  # singular
    return h, g, np.exp(rng.uniform(-3, 2, count))


def dual(h, g, radius):
    """min over m >= max(lambda_1, 0) of g'(m - H)^-1 g / 2 + m radius^2 / 2: the maximum in the ball."""
    eigs, basis = np.linalg.eigh(h)
    pulls, low = basis.T @ g, max(eigs[-1], 0)
    size = np.abs(eigs).max() + np.linalg.norm(g) / radius

    def value(log):
        above = np.exp(log)
        return 0.5 * np.sum(pulls**2 / (low - eigs + above)) + 0.5 * (low + above) * radius**2

    ends = np.log(size * 1e-18), np.log(2 * size)
    return scipy.optimize.minimize_scalar(value, bounds=ends, method="bounded", options={"xatol": 1e-9}).fun


# The largest value of a quadratic


def test_quadratics_by_hand():
    h, g = np.diag([2.0, 1.0]), np.array([0.0, 1.0])
    hard = in_ball(h, g, 3.0)  # v_2 = 1 / (2 - 1), v_1 fills up
    np.testing.assert_allclose([hard.value, hard.multiplier], [9.5, 2.0], rtol=1e-15)
    np.testing.assert_allclose(np.abs(hard.step), [sqrt(8), 1.0], rtol=1e-15)
    easy = in_ball(h, g, 0.5)  # the slope wins
    np.testing.assert_allclose([easy.value, easy.multiplier, *easy.step], [0.625, 3, 0, 0.5], atol=1e-15)
    bowl = in_ball(-np.eye(2), np.array([0.3, 0.0]), 1.0)
    np.testing.assert_allclose([bowl.value, bowl.multiplier, *bowl.step], [0.045, 0, 0.3, 0], atol=1e-15)
    rim = on_sphere(-np.eye(2), np.array([0.3, 0.0]), 1.0)
    np.testing.assert_allclose([rim.value, rim.multiplier, *rim.step], [-0.2, -0.7, 1, 0], atol=1e-15)


def test_at_zero_slope_the_maximum_is_half_the_top_eigenvalue_times_the_square_of_the_radius():
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    for eigs in ([0.1, 0.5, 1.0, 3.0], [-2.0, 0.0, 3.0, 3.0], [-4.0, -3.0, -2.0, -1.0], [0.0] * 4):
        h = (turn * eigs) @ turn.T
        found = in_ball((h + h.T) / 2, np.zeros(4), 0.3)
        np.testing.assert_allclose(found.value, max(max(eigs), 0) * 0.09 / 2, atol=1e-15)
        np.testing.assert_allclose(
            on_sphere((h + h.T) / 2, np.zeros(4), 0.3).value, max(eigs) * 0.09 / 2, atol=1e-15
        )


def test_nothing_rises_in_a_ball_of_radius_zero():
    found = in_ball(np.eye(2), np.ones(2), 0.0)
    assert found.value == 0 and not np.any(found.step)


def test_quadratics_on_the_circle_and_in_the_disc_are_those_of_a_grid():
    h, g, radius = random_quadratics(400, 2)
    angles = 2 * np.pi * np.arange(3000) / 3000
    n = np.stack([np.cos(angles), np.sin(angles)])
    rim = radius[:, None] * (g @ n) + 0.5 * radius[:, None] ** 2 * np.einsum("it,bij,jt->bt", n, h, n)
    scale = radius * np.linalg.norm(g, axis=1) + radius**2 * np.abs(h).max((1, 2))
    ahead = np.asarray(on_spheres(h, g, radius).value) - rim.max(1)
    assert np.all(ahead > -1e-14 * scale) and np.all(ahead < 1e-5 * scale)  # of a grid, the rest
    inner = np.linspace(0, 1, 200)[:, None, None] * n
    for k in range(0, 400, 8):
        v = radius[k] * inner
        disc = np.einsum("i,rit->rt", g[k], v) + 0.5 * np.einsum("rit,ij,rjt->rt", v, h[k], v)
        ahead = in_balls(h[k : k + 1], g[k : k + 1], radius[k : k + 1]).value[0] - disc.max()
        assert -1e-14 * scale[k] < ahead < 1e-4 * scale[k]


def test_quadratics_in_a_ball_are_those_of_the_dual():
    for d in (3, 40):
        h, g, radius = random_quadratics(60, d)
        found = np.asarray(in_balls(h, g, radius).value)
        expected = np.array([dual(*each) for each in zip(h, g, radius, strict=True)])
        scale = radius * np.linalg.norm(g, axis=1) + radius**2 * np.abs(h).max((1, 2)) * d
        assert np.all(np.abs(found - expected) < 1e-10 * scale)


def test_the_step_and_its_multiplier_satisfy_the_conditions_of_the_global_maximum():
    for d, find, sphere in [(2, in_balls, False), (7, in_balls, False), (7, on_spheres, True)]:
        h, g, radius = random_quadratics(400, d)
        found = find(h, g, radius)
        step, m = np.asarray(found.step), np.asarray(found.multiplier)
        scale = np.abs(h).max((1, 2)) * d + np.linalg.norm(g, axis=1) / radius
        size = np.linalg.norm(step, axis=1)
        still = m[:, None] * step - np.einsum("bij,bj->bi", h, step) - g
        assert np.all(np.abs(still) < 1e-13 * (scale * radius)[:, None])
        assert np.all(m - np.linalg.eigvalsh(h)[:, -1] > -1e-14 * scale)
        if sphere:
            assert np.all(np.abs(size / radius - 1) < 1e-11)
        else:
            assert np.all(size < radius * (1 + 1e-13)) and np.all(m > -1e-14 * scale)
            assert np.all(m * np.abs(radius - size) < 1e-12 * scale * radius)


def test_nearly_hard_cases_join_the_hard_one():
    """H = diag(1, 0), slope (e, c): m = 1 + s with s = e / v_1, v_2 = c / (1 + s), for c < radius = 1."""
    c = 0.6
    for e in (0.0, 1e-300, 1e-200, 1e-100, 1e-20, 1e-12, 1e-6, 1e-2):
        found = in_ball(np.diag([0.0, 1.0]), np.array([c, e]), 1.0)
        np.testing.assert_allclose(found.value, 0.5 * 0.64 + 0.36 + 0.8 * e, rtol=0, atol=2 * e**2 + 1e-15)
        np.testing.assert_allclose(np.abs(found.step), [0.6, 0.8], atol=e + 1e-15)
        assert found.multiplier >= 1


def test_scaling_all_numbers_scales_the_maximum():
    h, g, radius = random_quadratics(100, 5)
    once = np.asarray(in_balls(h, g, radius).value)
    scale = radius * np.linalg.norm(g, axis=1) + radius**2 * np.abs(h).max((1, 2))
    for by in (1e-120, 1e120):
        for changed in [(by * h, by * g, radius), (h / by, g, by * radius)]:
            assert np.all(np.abs(np.asarray(in_balls(*changed).value) / by - once) < 1e-13 * scale)


def test_the_derivatives_of_the_maximum_are_those_of_finite_differences():
    rng = np.random.default_rng(4)
    h = rng.standard_normal((3, 3))
    h, g, radius = (h + h.T) / 2, rng.standard_normal(3), 0.7
    value = jax.jit(lambda h, g, radius: largest_in_ball(h, g, radius).value)
    slopes = jax.jit(jax.grad(lambda *args: largest_in_ball(*args).value, (0, 1, 2)))(h, g, radius)
    ways = rng.standard_normal((3, 3)), rng.standard_normal(3), 0.4
    ways = ((ways[0] + ways[0].T) / 2, *ways[1:])
    for place, (slope, way) in enumerate(zip(slopes, ways, strict=True)):
        moved = [
            value(*(x + s * way if k == place else x for k, x in enumerate((h, g, radius))))
            for s in (1e-5, -1e-5)
        ]
        np.testing.assert_allclose(jnp.sum(slope * way), (moved[0] - moved[1]) / 2e-5, rtol=1e-8)


# Averages


def moment(powers):
    """E prod n_a^p_a on the unit sphere: the ratio of gamma functions, 0 where a power is odd."""
    if any(p % 2 for p in powers):
        return 0.0
    d, half = len(powers), [p // 2 for p in powers]
    logs = sum(scipy.special.gammaln(p + 0.5) for p in half) + scipy.special.gammaln(d / 2)
    return np.exp(logs - scipy.special.gammaln(d / 2 + sum(half)) - d * np.log(np.pi) / 2)


def test_rules_of_the_sphere_are_exact_to_their_degree_and_no_further():
    for d, degree in [(1, 3), (2, 5), (3, 4), (3, 7), (4, 6), (5, 4)]:
        nodes, weights = sphere_rule(d, degree)
        assert np.all(weights > 0) and abs(weights.sum() - 1) < 1e-14
        np.testing.assert_allclose(np.linalg.norm(nodes, axis=1), 1, rtol=1e-14)
        for powers in itertools.product(range(degree + 1), repeat=d):
            if sum(powers) <= degree:
                found = weights @ np.prod(nodes**powers, axis=1)
                assert abs(found - moment(powers)) < 1e-14, (d, powers)
        if d > 1:
            beyond = [weights @ nodes[:, -1] ** p - moment((0,) * (d - 1) + (p,)) for p in range(4 * degree)]
            assert np.max(np.abs(beyond)) > 1e-4


def test_averages_of_a_cosine_are_bessel_functions():
    """E cos(rho a . n) = sin(x) / x in space and J_0(x) in the plane, x = rho |a|."""
    rho = 0.9
    for d, expected in [(2, scipy.special.j0), (3, lambda x: np.sin(x) / x)]:
        a = np.arange(1.0, d + 1)
        found = sharpness.average(lambda v, a=a: jnp.cos(v @ a), rho, sphere_rule(d, 40))
        assert abs(found - expected(rho * np.linalg.norm(a))) < 1e-14


def random_quartic(d):
    rng = np.random.default_rng(d)
    third, fourth = rng.standard_normal((d,) * 3), rng.standard_normal((d,) * 4)
    slope, h = rng.standard_normal(d), rng.standard_normal((d, d))
    return Quartic(slope, h + h.T, symmetric(third), symmetric(fourth))


def symmetric(tensor):
    orders = list(itertools.permutations(range(tensor.ndim)))
    return sum(np.transpose(tensor, order) for order in orders) / len(orders)


def test_a_quartic_is_its_taylor_sum_and_has_its_derivatives():
    q, v = random_quartic(3), np.array([0.3, -0.7, 1.1])
    by_hand = sum(
        np.einsum(form, part, *[v] * k) / factorial(k)
        for k, (form, part) in enumerate(
            zip(["a,a", "ab,a,b", "abc,a,b,c", "abcd,a,b,c,d"], q, strict=True), 1
        )
    )
    value, slope, hessian = q.model(v)
    np.testing.assert_allclose([q.rise(v), value], by_hand, rtol=1e-14)
    found = jax.jit(lambda v: sharpness.second_order(q.rise)(v))(v)
    for a, b in zip((value, slope, hessian), found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    again = jax.jit(lambda v: sharpness.quartic(q.rise, v))(v)
    for a, b in zip(q.at(v), again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)
    w = np.array([0.2, 0.1, -0.4])
    np.testing.assert_allclose(q.at(v).rise(w), q.rise(v + w) - q.rise(v), rtol=1e-12)
    np.testing.assert_allclose(q.negative.rise(v), -q.rise(v), rtol=1e-14)
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 2)))[0]
    a = np.array([0.6, -0.2])
    np.testing.assert_allclose(q.within(basis).rise(a), q.rise(basis @ a), rtol=1e-12)


def test_the_average_of_a_quartic_by_moments_is_that_of_a_rule():
    for d in (2, 3, 5):
        q, rho = random_quartic(d), 0.8
        by_rule = average(q, rho, *sphere_rule(d, 4))
        np.testing.assert_allclose(q.average(rho), by_rule, rtol=1e-12)
        trace = sum(q.hessian[a, a] for a in range(d))
        twice = sum(q.fourth[a, a, b, b] for a in range(d) for b in range(d))
        np.testing.assert_allclose([q.laplacian, q.bilaplacian], [trace, twice], rtol=1e-12)


# Other losses

climb = jax.jit(
    lambda model, starts, radius, inside: sharpness.largest_found(
        sharpness.second_order(model), starts, radius, inside, 30
    ),
    static_argnums=0,
)


def hyperbola(v):
    return 0.5 * ((2 + v[0]) * (0.5 + v[1]) - 1) ** 2


def test_climbs_on_the_circle_and_in_the_disc_reach_the_top_of_a_grid():
    angles = 2 * np.pi * np.arange(200_000) / 200_000
    n = np.stack([np.cos(angles), np.sin(angles)])
    starts = np.random.default_rng(0).standard_normal((5, 2))
    for radius in (0.05, 0.4, 1.5):
        value, v = climb(hyperbola, starts, radius, True)
        top = hyperbola(radius * n).max()
        assert top * (1 - 1e-12) <= value < top * (1 + 1e-8)
        np.testing.assert_allclose(hyperbola(np.asarray(v)), value, rtol=1e-13)
        assert np.linalg.norm(v) <= radius * (1 + 1e-13)


def hill(v):
    return -((v[0] - 0.3) ** 2) - jnp.cosh(v[1])


def test_a_climb_stops_inside_the_ball_or_stays_on_the_sphere():
    starts = np.ones((1, 2))
    value, v = climb(hill, starts, 1.0, True)
    np.testing.assert_allclose([value, *v], [-1, 0.3, 0], atol=1e-8)
    value, v = climb(hill, starts, 1.0, False)
    angles = 2 * np.pi * np.arange(100_000) / 100_000
    rim = np.max(-((np.cos(angles) - 0.3) ** 2) - np.cosh(np.sin(angles)))
    assert abs(np.linalg.norm(v) - 1) < 1e-12 and rim <= value < rim + 1e-8


def test_what_is_found_is_never_below_the_starts():
    starts = np.random.default_rng(3).standard_normal((6, 2))

    def ridged(v):  # many local maxima
        return jnp.sin(7 * v[0]) + jnp.cos(5 * v[1]) * v[0]

    value, _ = climb(ridged, starts, 2.0, True)
    units = 2 * starts / np.linalg.norm(starts, axis=1, keepdims=True)
    assert value >= max(float(ridged(v)) for v in units)


by_slopes = jax.jit(sharpness.largest_by_slopes, static_argnums=(0, 3))


def test_climbs_by_slopes_reach_the_top_of_a_grid_and_are_never_below_their_starts():
    angles = 2 * np.pi * np.arange(200_000) / 200_000
    n = np.stack([np.cos(angles), np.sin(angles)])
    starts = np.random.default_rng(0).standard_normal((3, 2))
    for radius in (0.05, 0.4, 1.5):
        value, v = by_slopes(jax.value_and_grad(hyperbola), starts, radius, 100)
        top = hyperbola(radius * n).max()
        assert top * (1 - 1e-12) <= value < top * (1 + 1e-8)
        np.testing.assert_allclose(hyperbola(np.asarray(v)), value, rtol=1e-13)
    unmoved, v = by_slopes(jax.value_and_grad(hyperbola), starts, 0.4, 0)
    units = 0.4 * starts / np.linalg.norm(starts, axis=1, keepdims=True)
    np.testing.assert_allclose(unmoved, max(hyperbola(each) for each in units), rtol=1e-13)
    assert unmoved < hyperbola(0.4 * n).max() * (1 - 1e-3)  # without climbing


def test_a_climb_by_slopes_that_falls_keeps_its_best_point():
    start = jnp.array([[1.0]])  # from 1 to -1: the hill slopes back
    value, v = by_slopes(jax.value_and_grad(lambda v: -((v[0] - 0.3) ** 2)), start, 1.0, 5)
    np.testing.assert_allclose([value, v[0]], [-0.49, 1.0], rtol=1e-15)


def test_without_a_slope_climbs_are_power_iterations():
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((4, 4)))[0]
    h = (turn * np.array([1.0, 2.0, 3.0, 4.0])) @ turn.T
    power = np.ones(4)
    for _ in range(3):
        power = h @ power
    value, v = by_slopes(jax.value_and_grad(lambda v: 0.5 * v @ h @ v), jnp.ones((1, 4)), 0.1, 3)
    np.testing.assert_allclose(v, 0.1 * power / np.linalg.norm(power), rtol=1e-13)
    np.testing.assert_allclose(value, 0.5 * v @ h @ v, rtol=1e-13)


def test_the_ascent_direction_by_hand():
    def f(w):
        return w[0] ** 2 + 2 * w[1] ** 2

    found = sharpness.ascent(f, jnp.array([3.0, 2.0]), 0.5)  # gradient (6, 8), ahead (3.3, 2.4)
    np.testing.assert_allclose(found, 3.3**2 + 2 * 2.4**2 - 17, rtol=1e-14)
    assert sharpness.ascent(f, jnp.zeros(2), 0.5) == np.inf


def test_the_sharpness_of_samples_is_the_mean_of_theirs():
    """Heights 2 and 7 / 4 at x = 0, y = (0.1, -0.2): each sample ascends along its own y, and x."""
    f, w, rho = two_bowls(), jnp.array([0.0, 0.1, -0.2]), 0.3
    found = sharpness.each_sample(f, lambda loss, w: sharpness.ascent(loss, w, rho), w)
    first = (0.4**2 - 0.1**2) * 2 / 2
    g = np.array([-1.5 * 0.04 / 2, -0.2 * 1.75])
    x, y = rho * g / np.linalg.norm(g)
    second = (1 + 0.75 * (x - 1) ** 2) * (y - 0.2) ** 2 / 2 - 1.75 * 0.04 / 2
    np.testing.assert_allclose(found, (first + second) / 2, rtol=1e-13)


def test_limits_by_hand():
    assert sharpness.limits(np.diag([0.0, 3.0, 1.0, 0.0]), 2) == (1.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="the rank must be a whole number from 1 to 2; got 3"):
        sharpness.limits(np.eye(2), 3)


# A loss that curves

CURVED = curves.random(7, 4, [1.6, 1.1], 0.35)


def test_the_derivatives_of_a_curved_loss_at_its_minimiser_are_the_automatic_ones():
    found = jax.jit(lambda w: sharpness.quartic(CURVED.loss, w))(jnp.zeros(4))
    expected = np.zeros(4), CURVED.hessian, CURVED.third, CURVED.fourth
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)
    np.testing.assert_allclose(Quartic(*expected).bilaplacian, CURVED.bilaplacian, rtol=1e-14)
    assert np.linalg.matrix_rank(CURVED.hessian) == 2
    np.testing.assert_allclose(np.linalg.svd(CURVED.a)[1], [1.6, 1.1], rtol=1e-14)


def test_a_sample_of_a_curved_loss_is_its_loss():
    w = np.array([0.3, -0.2, 0.5, 0.1])
    for k in range(2):
        one = CURVED.sample(k)
        np.testing.assert_allclose(one.loss(w), CURVED.losses(w)[k], rtol=1e-15)
        np.testing.assert_allclose(one.hessian, np.outer(CURVED.a[k], CURVED.a[k]), rtol=1e-15)


def test_gradients_near_the_minimiser_tilt_no_more_than_said():
    rng = np.random.default_rng(5)
    slope = jax.jit(jax.vmap(jax.grad(CURVED.loss)))
    across = np.linalg.svd(np.asarray(CURVED.a))[2][2:]
    for distance in (0.3, 1e-2, 1e-4):
        w = rng.standard_normal((500, 4))
        w *= distance / np.linalg.norm(w, axis=1, keepdims=True)
        g = np.asarray(slope(w))
        sines = np.linalg.norm(g @ across.T, axis=1) / np.linalg.norm(g, axis=1)
        assert 0.05 * CURVED.tilt(distance) < sines.max() <= CURVED.tilt(distance)
    with pytest.raises(ValueError, match=r"bounded for \|w\| <"):
        CURVED.tilt(10.0)


def test_dependent_rows_and_crooked_bends_are_refused():
    c = np.zeros((2, 3, 3))
    with pytest.raises(ValueError, match="must be independent"):
        curved([[1.0, 2, 3], [2, 4, 6]], c)
    with pytest.raises(ValueError, match="shapes"):
        curved([[1.0, 2, 3]], c)
    c[0, 0, 1] = 1
    with pytest.raises(ValueError, match="symmetric"):
        curved([[1.0, 2, 3], [0, 1, 0]], c)
