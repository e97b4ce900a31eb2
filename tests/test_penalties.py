"""Rates of the penalties by brute force, and what the checks of them compute, by another route."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from experiments import record, wml23_penalties
from paper_checks.wml23 import (
    definition_4_1,
    different_minimisers,
    theorem_4_2,
    theorem_5_3,
    two_approximations,
)
from theory import sharpness
from theory.bounds import wml23_penalties as rates
from theory.problems import curved
from theory.problems.valley import two_bowls
from theory.sharpness import sphere_rule

ascent = jax.jit(sharpness.ascent, static_argnums=0)
hessian = jax.jit(lambda loss, w: jax.hessian(loss)(w), static_argnums=0)


def product(w):
    return (w[0] * w[1] - 1) ** 2 / 2


FOUR = curved.random(3, 4, [1.5, 1.0, 0.6], 0.35)
ANGLES = 2 * np.pi * np.arange(100_000) / 100_000
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def directions(count, d):
    n = np.random.default_rng(0).standard_normal((count, d))
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def rises(q, v):
    """q at the rows of v, term by term."""
    third = np.einsum("abc,ka,kb,kc->k", q.third, v, v, v) / 6
    fourth = np.einsum("abcd,ka,kb,kc,kd->k", q.fourth, v, v, v, v, optimize=True) / 24
    return v @ q.slope + np.einsum("ab,ka,kb->k", q.hessian, v, v) / 2 + third + fourth


def test_no_direction_rises_above_the_bound_and_one_reaches_the_other():
    q = FOUR.expansion
    n = directions(20_000, 4)
    top = np.linalg.eigh(q.hessian)[1][:, -1]
    n = np.concatenate([n, top + 0.2 * n, -top + 0.2 * n])
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    for rho in (0.2, 0.05, 0.01):
        found = rises(q, rho * n).max() / rho**2
        assert rates.at_least(q, rho) - 1e-3 * rho < found < rates.at_most(q, rho)
        assert rates.at_most(q, rho) - rates.at_least(q, rho) < 3 * rho**2
    assert rates.at_most(q, 100.0) == np.inf


def test_the_series_of_the_worst_direction_is_that_of_a_circle():
    q = curved.random(5, 2, [1.3, 0.7], 0.35).expansion
    limit, first, second = rates.worst(q)
    for rho in (1e-2, 1e-3):
        found = rises(q, rho * CIRCLE).max() / rho**2
        assert abs(found - limit - first * rho - second * rho**2) < 3 * rho**3 + 1e-8
    down = rates.ascent(q, 2)
    found = rises(q, 1e-2 * CIRCLE).min() / 1e-4
    assert abs(found - down.limit - down.first * 1e-2 - down.second * 1e-4) < 1e-5
    assert down.limit < limit and down.first < 0 < first
    np.testing.assert_allclose(rates.average(q).second, q.bilaplacian / (8 * 2 * 4), rtol=1e-15)


def test_the_ascent_penalty_near_the_minimiser_is_no_lower_than_said():
    q, rho = FOUR.expansion, 0.1
    n = directions(20_000, 3)
    least = rises(rates.in_range(q, 3), rho * n).min() / rho**2
    slope = jax.jit(jax.vmap(jax.grad(FOUR.loss)))
    for r in (1e-2, 1e-3):
        x = r * directions(20_000, 4)
        slopes = np.array(slope(x))
        ahead = x + rho * slopes / np.linalg.norm(slopes, axis=1, keepdims=True)
        found = np.min(rises(q, ahead) - rises(q, x)) / rho**2
        assert least - rates.ball_shortfall(q, FOUR.tilt(r), rho, r) < found
    assert rates.ball_shortfall(q, FOUR.tilt(1e-6), rho, 1e-6) < 1e-3


def test_the_descents_follow_the_gradient_of_the_ascent_penalty():
    q, rho, r, z = FOUR.expansion, 0.1, 0.01, np.array([0.3, -1.0, 0.4, 0.7])
    value, slope = definition_4_1.penalty(q, rho, r, z)
    at = r * z / np.sqrt(1 + z @ z)
    np.testing.assert_allclose(value, ascent(FOUR.loss, at, rho) / rho**2, rtol=1e-11)
    for k in range(4):
        step = 1e-5 * np.eye(4)[k]
        moved = [definition_4_1.penalty(q, rho, r, z + side * step)[0] for side in (1, -1)]
        assert abs((moved[0] - moved[1]) / 2e-5 - slope[k]) < 1e-8


def test_the_polynomial_in_a_valley_is_its_loss():
    f, x = two_bowls(), 0.5
    q = definition_4_1.in_valley(f, x)
    for v in np.random.default_rng(1).standard_normal((5, 3)):
        np.testing.assert_allclose(q.rise(v), f.loss(np.array([x, 0, 0]) + v), rtol=1e-13)
        for k in range(2):
            expected = f.losses(np.array([x, 0, 0]) + v, k)
            np.testing.assert_allclose(theorem_5_3.one_valley(q, k).rise(v), expected, rtol=1e-13)


# Three minimisers


def test_polynomials_are_proved_nonnegative_where_they_are_and_nowhere_else():
    third = Fraction(1, 3)
    square = [third**2, -2 * third, Fraction(1)]  # (t - 1/3)^2
    assert different_minimisers.on_line(square)
    assert not different_minimisers.on_line([square[0] - Fraction(1, 10**9), *square[1:]])
    assert not different_minimisers.on_line([Fraction(1), Fraction(0), Fraction(-1)])
    above = [square[0] + Fraction(1, 50), *square[1:]]
    assert different_minimisers.on_interval(above)
    assert not different_minimisers.on_interval([square[0] - Fraction(1, 50), *square[1:]])
    assert different_minimisers.on_interval([Fraction(1), Fraction(0), Fraction(-1)])
    assert different_minimisers.on_interval(different_minimisers.times([Fraction(1), Fraction(1)], above))


def test_no_point_is_below_the_claimed_minimisers():
    """By sums over directions: worst by 4000 of them, average by a rule, ascent as it stands."""
    f, rho = two_bowls(), 0.25
    n = np.concatenate([directions(4000, 3), np.eye(3), -np.eye(3)])
    nodes, weights = sphere_rule(3, 4)
    rng = np.random.default_rng(2)
    points = np.stack([rng.uniform(-1, 2, 400), *(rng.standard_normal((2, 400)) * 0.1)], axis=1)
    ahead = jax.jit(jax.vmap(lambda w, v: f.loss(w + v), (None, 0)))
    ahead_of = jax.jit(lambda w: sharpness.ascent(f.loss, w, rho) + f.loss(w))
    worst = min(float(ahead(w, rho * n).max()) for w in points)
    assert float(ahead(np.zeros(3), rho * n).max()) <= rho**2 / 2 + 1e-15 < worst
    mean = min(float(weights @ ahead(w, rho * nodes)) for w in points)
    assert float(weights @ ahead(np.array([0.6, 0, 0]), rho * nodes)) < mean
    near = np.array([1.0, 0.0, 1e-9])
    assert abs(float(ahead_of(near)) - rho**2 / 4) < 1e-9
    assert min(float(ahead_of(w)) for w in points) > rho**2 / 4 + 1e-9


# Nearly minimal points


def test_penalties_on_the_hyperbola_are_those_of_a_circle():
    at, rho = np.array([[0.3, -0.2], [0.5, -1.1]]), 0.1
    s, t = at
    a, b = np.exp(s), np.exp(-s)
    size = np.hypot(a, b)
    a, b = a + rho * t * b / size, b + rho * t * a / size
    turned = (a[:, None] + rho * CIRCLE[:, 0]) * (b[:, None] + rho * CIRCLE[:, 1]) - 1
    worst, along, average = (
        theorem_4_2.on_hyperbola(at, rho, notion, False)[1] for notion in ("worst", "ascent", "average")
    )
    np.testing.assert_allclose(worst, np.max(turned**2, axis=1) / 2 / rho**2, rtol=1e-8)
    np.testing.assert_allclose(average, np.mean(turned**2, axis=1) / 2 / rho**2, rtol=1e-12)
    for k in range(2):
        w = np.array([a[k], b[k]])
        expected = (ascent(product, w, rho) + product(w)) / rho**2
        np.testing.assert_allclose(along[k], expected, rtol=1e-12)
        top = np.linalg.eigvalsh(hessian(product, w))[-1]
        np.testing.assert_allclose(
            theorem_4_2.on_hyperbola(at, rho, "worst", False)[2][k], top / 2, rtol=1e-12
        )


def test_penalties_in_the_valley_are_those_of_the_loss():
    f, rho = two_bowls(), 0.1
    at = np.array([[0.3], [0.8], [0.9]])
    w = np.array([0.3, 0.08 * np.cos(0.9), 0.08 * np.sin(0.9)])
    found = {key: theorem_4_2.on_valley(at, rho, *key) for key in theorem_4_2.PENALISED}
    nodes, weights = sphere_rule(3, 4)
    ahead = jax.jit(jax.vmap(lambda v: f.loss(w + v)))
    average = float(weights @ ahead(rho * nodes))
    each = jax.jit(lambda w: sharpness.each_sample(f, lambda g, w: sharpness.ascent(g, w, rho) + g(w), w))
    along = ascent(f.loss, w, rho) + 0.25 * float(np.asarray(f.heights(w[:1])) @ w[1:] ** 2)
    for key, expected in {
        ("average", False): average,
        ("ascent", False): along,
        ("ascent", True): each(w),
    }.items():
        np.testing.assert_allclose(found[key][1][0] * rho**2, expected, rtol=1e-8, err_msg=str(key))  # TINY
    n = directions(5000, 3)
    assert found["worst", False][1][0] * rho**2 <= float(ahead(rho * n).max()) * 1.02
    eigs = np.linalg.eigvalsh(hessian(f.loss, w))
    np.testing.assert_allclose([found["worst", False][2][0], found["ascent", False][2][0]], eigs[[2, 1]] / 2)
    np.testing.assert_allclose(found["average", False][2][0], eigs.sum() / 6)


def test_one_sample_moves_along_the_floor_by_the_drift_of_the_valley():
    for gamma in (0.1, 0.5):
        found = two_approximations.moves(jnp.array(0.4), gamma)
        np.testing.assert_allclose(found, two_bowls().single_drift(jnp.array([0.4]), gamma)[0], rtol=1e-5)


# The experiment


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    folder = tmp_path_factory.mktemp("penalties")
    return pd.read_csv(record.execute("wml23_penalties", {}, quick=True, out=folder).with_suffix(".csv"))


def test_the_net_fits_and_its_limits_are_those_of_its_hessian(table):
    f, w = wml23_penalties.fitted(0)
    assert f.loss(w) < 1e-30
    eigs = np.linalg.eigvalsh(hessian(f.loss, w))
    of = table[table.loss == "net"].groupby("notion").limit.first()
    expected = [eigs[-1] / 2, eigs[-3] / 2, eigs.sum() / 12, eigs.sum() / 2]
    found = of[["worst", "ascent", "average", "worst, samples"]]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_no_random_direction_rises_more_than_the_worst_or_less_than_the_ascent(table):
    f, w = wml23_penalties.fitted(0)
    basis = np.linalg.eigh(hessian(f.loss, w))[1][:, -3:]
    loss = jax.jit(jax.vmap(f.loss))
    for rho in table.rho.unique()[-2:]:
        rows = table[(table.loss == "net") & (table.rho == rho)].set_index("notion").value
        n = directions(5000, 6)
        each = np.asarray(loss(w + rho * n)) / rho**2
        assert each.max() <= rows["worst"] * (1 + 1e-12)
        assert abs(each.mean() - rows["average"]) < 5 * each.std() / np.sqrt(len(n))
        inner = np.asarray(loss(w + rho * directions(5000, 3) @ basis.T)) / rho**2
        assert rows["ascent"] * (1 - 1e-12) <= inner.min()


def test_the_penalties_table_on_the_curved_loss_is_that_of_its_polynomial(table):
    f = curved.random(0, 5, wml23_penalties.SINGULAR, wml23_penalties.BEND)
    q, rows = f.expansion, table[table.loss == "curved"]
    for rho, of in rows.groupby("rho"):
        of = of.set_index("notion").value
        np.testing.assert_allclose(of["average"], q.average(rho) / rho**2, rtol=1e-12)
        n = directions(5000, 5)
        assert rises(q, rho * n).max() / rho**2 <= of["worst"]
        lone = [min(f.sample(k).loss(side * rho * unit(f.a[k])) for side in (1, -1)) for k in range(3)]
        np.testing.assert_allclose(of["ascent, samples"], np.mean(lone) / rho**2, rtol=1e-6)


def unit(a):
    return np.asarray(a) / np.linalg.norm(a)


def test_radii_that_are_none_are_refused():
    with pytest.raises(ValueError, match="0 < smallest < largest; got 1 and 0.1"):
        wml23_penalties.run(smallest=1.0, largest=0.1)
