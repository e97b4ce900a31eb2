"""Eigenvalues from products with vectors, against dense algebra, finite differences and cases by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.stats import beta

from theory import spectrum
from theory.spectrum import leading, products, random_direction, smoothed, trace_of

KEY = jax.random.key(0)
TREE = {"a": jnp.array([[0.3, -0.8, 0.1], [0.5, 0.9, -0.4]]), "b": jnp.array([0.2, -1.1])}
DATA = jnp.array([[1.0, 0.5, -0.3], [0.2, -0.7, 1.1]]), jnp.array([0.4, -0.6])


def loss(w, x, y):
    """Neither convex nor quadratic."""
    return jnp.mean((jnp.tanh(x @ w["a"].T) @ w["b"] - y) ** 2) + 0.1 * jnp.sum(jnp.cos(w["a"]))


def rotated(eigs, seed=0):
    """A symmetric matrix with these eigenvalues, and its eigenvectors as columns."""
    eigs = np.asarray(eigs, float)
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(eigs),) * 2))[0]
    return (q * eigs) @ q.T, q


@partial(jax.jit, static_argnames=("count", "most", "chance"))
def top(matrix, start, count=1, most=60, chance=None):
    return spectrum.top(lambda v: matrix @ v, start, KEY, count, most, 1e-6, chance)


@partial(jax.jit, static_argnums=2)
def lanczos(matrix, start, most):
    return spectrum.lanczos(lambda v: matrix @ v, start, KEY, most)


@partial(jax.jit, static_argnums=(2, 3))
def density(matrix, key, steps, probes):
    return spectrum.density(lambda v: matrix @ v, jnp.zeros(len(matrix)), key, steps, probes)


@partial(jax.jit, static_argnums=1)
def direction(key, size=60):
    return random_direction(key, jnp.zeros(size))


def at_random(seed, size=60):
    return direction(jax.random.key(seed), size)


angle, gaps, errors = map(jax.jit, (spectrum.angle, spectrum.gaps, spectrum.errors))
ceiling = jax.jit(spectrum.ceiling, static_argnums=1)
smallest_nonzero = jax.jit(spectrum.smallest_nonzero)
smallest_nonzero_of_squares = jax.jit(spectrum.smallest_nonzero_of_squares, static_argnums=0)


START = at_random(0)
run_of_tree = jax.jit(partial(products, loss))


@jax.jit
def product_on_tree(run, v):
    return run(v)


# Products


def test_products_on_a_tree_are_those_of_the_dense_hessian():
    flat, unravel = ravel_pytree(TREE)
    hessian = jax.jit(jax.hessian(lambda w: loss(unravel(w), *DATA)))(flat)
    assert np.linalg.eigvalsh(hessian)[0] < -0.01 < 0.01 < np.linalg.eigvalsh(hessian)[-1]
    found = jax.jit(lambda w: spectrum.dense(products(loss, w, *DATA), w))(TREE)
    np.testing.assert_allclose(found, hessian, atol=1e-14)
    alone = jax.jit(lambda w, v: ravel_pytree(spectrum.times(loss, w, unravel(v), *DATA))[0])
    np.testing.assert_allclose([alone(TREE, e) for e in np.eye(len(flat))], hessian, atol=1e-14)
    kept = run_of_tree(TREE, *DATA)  # a linearisation that left its function
    np.testing.assert_allclose(
        ravel_pytree(product_on_tree(kept, unravel(flat)))[0], hessian @ flat, atol=1e-14
    )


def test_products_are_differences_of_the_gradient():
    tree = jax.tree.map(np.asarray, TREE)
    v = jax.tree.map(lambda x: np.cos(3 * x + 1), tree)
    grad = jax.jit(jax.grad(loss))
    ends = [grad(jax.tree.map(lambda x, e, h=h: x + h * e, tree, v), *DATA) for h in (1e-5, -1e-5)]
    found = product_on_tree(run_of_tree(TREE, *DATA), v)
    ends, found = jax.tree.map(np.asarray, (ends, found))
    for name, off in jax.tree.map(lambda a, b, c: np.max(np.abs((a - b) / 2e-5 - c)), *ends, found).items():
        assert off < 1e-9, name
        assert np.max(np.abs(found[name])) > 0.1


def test_weights_and_data_are_no_constants_of_the_compiled_function():
    x = jnp.ones((50, 3))

    def sharpness(w, x, y, key):
        run = products(loss, w, x, y)
        return spectrum.top(run, random_direction(key, w), key, 1, 5, 1e-6, None).values

    found = jax.make_jaxpr(sharpness)(TREE, x, jnp.ones(50), KEY)
    assert sum(np.size(each) for each in found.consts) < 8
    closed = jax.make_jaxpr(lambda key: sharpness(TREE, x, jnp.ones(50), key))(KEY)
    assert sum(np.size(each) for each in closed.consts) >= 50 * 3


# The tridiagonal matrix


def test_two_steps_by_hand():
    """H = [[2, 1], [1, 2]] from e_1: beta = 1, the second basis vector is e_2."""
    basis, found = lanczos(jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([3.0, 0.0]), 2)
    np.testing.assert_allclose(basis, [[1, 0], [0, 1], [0, 0]], atol=1e-15)
    np.testing.assert_allclose(found.diagonal, [2, 2], atol=1e-15)
    np.testing.assert_allclose(found.beside, [1, 0], atol=1e-15)  # the space is whole


def test_the_basis_is_orthonormal_where_a_recurrence_of_three_terms_loses_it():
    matrix, _ = rotated(np.r_[1.0, 0.9 * np.geomspace(1e-7, 1, 79)])
    basis, found = lanczos(matrix, at_random(0, 80), 60)
    assert np.abs(basis @ basis.T - np.eye(61)).max() < 1e-14
    expected = np.diag(found.diagonal) + np.diag(found.beside[:-1], 1) + np.diag(found.beside[:-1], -1)
    np.testing.assert_allclose(basis[:60] @ matrix @ basis[:60].T, expected, atol=1e-14)
    bare = [np.zeros(80), np.asarray(at_random(0, 80))]
    for _ in range(60):
        w = matrix @ bare[-1]
        w = w - (bare[-1] @ w) * bare[-1] - (bare[-2] @ w) * bare[-2]
        bare.append(w / np.linalg.norm(w))
    assert np.abs(np.array(bare[1:]) @ np.array(bare[1:]).T - np.eye(61)).max() > 1e-3


def test_the_next_vector_holds_of_every_eigenvector_what_the_polynomial_says():
    """<v, q_{j+1}> = prod_i (lambda - theta_i) / beta_i <v, q_1>, the ground of `ceiling`."""
    matrix, vectors = rotated([4.0, 2.5, 1.0, -0.5, -2.0, -3.0, 0.3])
    eigs = np.sum(vectors * (matrix @ vectors), axis=0)
    basis, found = lanczos(matrix, at_random(0, 7), 4)
    theta = np.linalg.eigvalsh(basis[:4] @ matrix @ basis[:4].T)
    polynomial = np.prod((eigs[:, None] - theta) / np.asarray(found.beside), axis=1)
    np.testing.assert_allclose(vectors.T @ basis[4], polynomial * (vectors.T @ basis[0]), atol=1e-13)


# The largest eigenvalues

SPECTRA = {
    "separate": np.r_[9.0, 7.0, 5.5, np.linspace(-4, 4, 57)],
    "indefinite, the largest in size is negative": np.r_[2.0, 1.2, 1.0, np.linspace(-8, 0.5, 57)],
    "a pair": np.r_[5.0, 4.5, 3.0, np.linspace(0, 2, 57)],
    "all negative": -np.r_[0.5, 1.0, 1.2, np.linspace(2, 9, 57)],
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("count", [1, 3])
def test_pairs_are_those_of_dense_algebra_within_their_bounds(name, count):
    eigs = np.sort(SPECTRA[name])[::-1]
    matrix, vectors = rotated(SPECTRA[name])
    order = np.argsort(-SPECTRA[name])[:count]
    found = top(matrix, START, count)
    assert found.certified and count < found.products < 60
    found = jax.tree.map(np.asarray, found)
    off = eigs[:count] - found.values
    assert np.all(off > -1e-13) and np.all(off <= found.errors + 1e-13)
    assert np.all(found.errors <= 1e-6 * np.abs(found.values)) and np.max(off) > 1e-12
    rest = found.vectors @ matrix - found.values[:, None] * found.vectors
    np.testing.assert_allclose(np.linalg.norm(rest, axis=1), found.residuals, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(count), atol=1e-13)
    for k in range(count):
        sine = np.sin(angle(vectors[:, order[k]], found.vectors[k : k + 1]))
        assert 0 < sine <= found.residuals[k] / found.gaps[k]


def first_certified(matrix, start, count, accuracy):
    """The fewest products whose bounds are within the accuracy, from an orthogonal basis of the powers."""
    w, basis = np.asarray(start), []
    for _ in range(len(matrix)):
        for _ in range(3):
            w = w - sum(((q @ w) * q for q in basis), np.zeros(len(w)))
        basis.append(w / np.linalg.norm(w))
        w = matrix @ basis[-1]
        q = np.array(basis)
        theta, s = np.linalg.eigh(q @ matrix @ q.T)
        theta, y = theta[::-1], (s.T @ q)[::-1]
        r = np.linalg.norm(y @ matrix - theta[:, None] * y, axis=1)
        bounds = []
        for i in range(min(count, len(theta))):
            gap = min((abs(theta[i] - theta[k]) - r[k] for k in range(len(theta)) if k != i), default=0)
            bounds.append(r[i] ** 2 / gap if gap > r[i] else r[i])
        if len(theta) >= count and all(b <= accuracy * abs(t) for b, t in zip(bounds, theta, strict=False)):
            return len(theta)
    return None


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("count", [1, 3])
def test_no_more_products_are_taken_than_the_bounds_need(name, count):
    matrix, _ = rotated(SPECTRA[name])
    found = top(matrix, START, count)
    assert found.products == first_certified(matrix, START, count, 1e-6)
    assert np.all(found.tridiagonal.beside[found.products :] == 0)


def test_with_all_products_every_eigenvalue_is_found():
    matrix, _ = rotated([3.0, 1.0, 0.5, 0.0, -2.0, -4.0])
    found = top(matrix, at_random(0, 6), 6, 9)
    np.testing.assert_allclose(found.values, [3, 1, 0.5, 0, -2, -4], atol=1e-14)
    assert found.certified and found.products == 6 and np.all(found.errors == 0)
    assert ceiling(found.tridiagonal, 0.01) == found.values[0]
    (only,) = top(jnp.array([[-2.5]]), jnp.array([4.0]), 1, 1).values
    assert only == -2.5


def test_too_few_products_are_not_called_certified():
    matrix, _ = rotated(SPECTRA["a pair"])
    few, one = top(matrix, START, most=8), top(matrix, START, most=1)
    assert not few.certified and few.products == 8 and few.errors[0] > 1e-6 * few.values[0]
    assert not one.certified and one.gaps[0] == 0 and one.errors[0] == one.residuals[0] > 0


def test_gaps_are_distances_less_the_residuals_of_the_others_by_hand():
    found = spectrum.Ritz(
        values=jnp.array([3.0, 2.0, 1.4, 1.3, -9.0]),
        vectors=jnp.eye(5),
        residuals=jnp.array([0.1, 0.25, 0.3, 0.05, 7.0]),
        known=jnp.array([True, True, True, True, False]),
    )
    np.testing.assert_allclose(np.asarray(gaps(found))[:4], [0.75, 0.3, 0.05, 0.0], atol=1e-15)
    off = np.asarray(errors(found.residuals, gaps(found)))
    np.testing.assert_allclose(off[:2], [0.01 / 0.75, 0.0625 / 0.3])


def test_in_a_plane_the_bound_with_the_true_gap_is_the_error():
    """(lambda_1 - theta)(theta - lambda_2) = r^2 for any unit vector of the plane."""
    y = np.array([np.cos(0.1), np.sin(0.1)])
    h = np.array([3.0, 1.0])
    theta = np.sum(h * y**2)
    r = np.linalg.norm(h * y - theta * y)
    np.testing.assert_allclose(errors(r, theta - 1), 3 - theta, rtol=1e-12)
    assert errors(0.5, 0.2) == 0.5 and errors(0.0, 0.0) == 0  # no gap: r


def test_a_tree_in_single_precision_stays_one():
    single, data = jax.tree.map(lambda x: x.astype(jnp.float32), (TREE, DATA))

    @jax.jit
    def sharpness(w, x, y):
        return spectrum.top(products(loss, w, x, y), random_direction(KEY, w), KEY, 2, 8, 1e-4, None)

    found = sharpness(single, *data)
    leaves = jax.tree.leaves((found.values, found.vectors, found.residuals, found.errors))
    assert {x.dtype for x in leaves} == {np.dtype("float32")} and found.certified
    assert found.vectors["a"].shape == (2, 2, 3) and found.vectors["b"].shape == (2, 2)
    double = sharpness(TREE, *DATA)
    assert double.values.dtype == np.float64
    np.testing.assert_allclose(found.values, double.values, rtol=1e-4)


def test_many_starts_at_once_find_what_each_finds():
    matrix, _ = rotated(SPECTRA["separate"])
    starts = jnp.stack([at_random(seed) for seed in range(3)])
    alone = [top(matrix, start, 3) for start in starts]
    found = jax.jit(jax.vmap(partial(top, count=3), (None, 0)))(matrix, starts)
    assert [int(each.products) for each in alone] == list(found.products)
    np.testing.assert_allclose(found.values, [each.values for each in alone], rtol=1e-13)


def test_memory_is_the_basis_and_a_few_vectors():
    size, most = 20_000, 12
    run = jax.jit(lambda h, start: spectrum.top(lambda v: h * v, start, KEY, 1, most, 1e-6, None))
    needed = run.lower(jnp.ones(size), jnp.ones(size)).compile().memory_analysis().temp_size_in_bytes
    assert needed < 8 * size * (most + 1 + 6)


# Invariant spaces and multiple eigenvalues


def test_a_start_within_an_invariant_space_is_led_out_of_it():
    eigs = np.r_[5.0, 4.0, 3.0, np.linspace(-1, 2, 57)]
    first, second, third = np.eye(60)[:3]
    for start in (second, second + third, first):
        found = top(np.diag(eigs), start)
        np.testing.assert_allclose(found.values, [5.0], rtol=1e-6)
        assert found.certified and angle(first, found.vectors) < 1e-2


def test_multiples_of_an_eigenvalue_are_counted():
    rest = [1.0] * 20 + [0.0] * 20
    for leading_ones in ([5.0] * 4, [5.0] * 3, [5.0] * 2 + [4.0], [5.0] + [4.0] * 3):
        eigs = np.r_[leading_ones, [3.0] * (20 - len(leading_ones)), rest]
        matrix, _ = rotated(eigs)
        found = top(matrix, START, 3)
        np.testing.assert_allclose(found.values, leading_ones[:3], rtol=1e-6)
        assert found.certified and found.products < 25
        np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(3), atol=1e-13)


def test_where_every_vector_is_an_eigenvector_one_product_more_than_asked_for_is_enough():
    for scale in (2.5, 0.0, -1.0):
        for count in (1, 3):
            found = top(scale * jnp.eye(60), START, count)
            np.testing.assert_allclose(found.values, [scale] * count, atol=1e-14)
            assert found.certified and found.products == count + 1 and np.all(np.isfinite(found.errors))
            np.testing.assert_allclose(ceiling(found.tridiagonal, 0.01), scale, atol=1e-14)


def test_a_hessian_of_low_rank_is_exhausted():
    factor = np.random.default_rng(3).standard_normal((60, 2))
    found = top(factor @ factor.T, START, 3)
    np.testing.assert_allclose(found.values, [*np.linalg.eigvalsh(factor.T @ factor)[::-1], 0], atol=1e-12)
    assert found.certified and found.products <= 5  # two and the rest, then zeros


def test_from_an_eigenvector_to_nine_digits_one_product_finds_it_and_three_need_more():
    eigs = np.r_[9.0, 7.0, 5.5, np.linspace(-4, 4, 57)]
    near = jnp.asarray(np.eye(60)[0]) + 1e-9 * START
    one, three = top(np.diag(eigs), near), top(np.diag(eigs), near, 3)
    assert one.certified and one.products == 1 and one.gaps[0] == 0 and one.errors[0] < 1e-8
    np.testing.assert_allclose(three.values, [9, 7, 5.5], rtol=1e-6)
    assert three.certified and three.products > 3


def test_what_is_no_number_is_never_certified():
    found = top(np.diag(np.r_[1.0, np.nan, np.ones(58)]), START)
    assert not found.certified and np.isnan(found.values[0])
    assert not top(np.eye(60), np.zeros(60)).certified


# What no residual can tell


@jax.jit
def guesses(eigs, keys):
    """From each key 6 steps on a diagonal H: value, error, ceilings at two chances."""

    def one(key):
        found = spectrum.top(lambda v: eigs * v, random_direction(key, eigs), key, 1, 6, 0.0, None)
        limits = [spectrum.ceiling(found.tridiagonal, chance) for chance in (0.02, 0.5)]
        return found.values[0], found.errors[0], *limits

    return jax.vmap(one)(keys)


def test_a_close_pair_deceives_the_bound_by_the_gap_but_not_the_ceiling():
    eigs = jnp.asarray(np.r_[1.01, 1.0, np.linspace(-0.3, 0.3, 398)])
    value, error, rare, often = map(np.asarray, guesses(eigs, jax.random.split(KEY, 2000)))
    assert np.all(value <= 1.01 + 1e-12)
    assert np.mean(value + error < 1.01) > 0.2  # taken for certain it would be wrong that often
    missed = int(np.sum(rare < 1.01))
    assert beta.ppf(0.001, max(missed, 1), 2000 - missed + 1) <= 0.02
    assert np.mean(often < 1.01) > 0.01  # and it is no empty bound
    assert np.all(rare > often)


def test_with_a_chance_a_close_pair_is_resolved_at_the_price_of_more_products():
    matrix, _ = rotated(np.r_[5.0, 4.99, 3.0, np.linspace(0, 2, 57)])
    deceived, sure = top(matrix, START), top(matrix, START, chance=1e-3)
    assert deceived.certified and 5 - deceived.values[0] > 10 * deceived.errors[0]
    assert sure.certified and 0 <= 5 - sure.values[0] + 1e-14 <= 1e-6 * 5
    assert 5 <= ceiling(sure.tridiagonal, 1e-3) <= sure.values[0] * (1 + 1e-6)
    assert sure.products > 1.5 * deceived.products


CHANCES = (0.5, 0.1)


@jax.jit
def after_one_step(eigs, keys):
    """From each key a step on a diagonal H: the ceilings at CHANCES."""

    def one(key):
        found = spectrum.lanczos(lambda v: eigs * v, random_direction(key, eigs), key, 1)[1]
        return [spectrum.ceiling(found, chance) for chance in CHANCES]

    return jax.vmap(one)(keys)


@pytest.mark.parametrize("chance", CHANCES)
def test_one_step_exceeds_its_ceiling_as_often_as_by_hand(chance):
    """H = diag(1, 0, 0), q_1 = (u, ...), |u| uniform: theta = u^2, beta = |u| sqrt(1 - u^2).

    1 > theta + beta c where sqrt(1 - u^2) > c |u|, of probability (1 + c^2)^(-1/2).
    """
    limits = after_one_step(jnp.array([1.0, 0.0, 0.0]), jax.random.split(KEY, 20_000))
    missed = np.mean(np.asarray(limits[CHANCES.index(chance)]) < 1)
    c = np.sqrt(6 / np.pi) / chance
    expected = 1 / np.sqrt(1 + c**2)
    assert abs(missed - expected) < 5 * np.sqrt(expected / 20_000) and missed < chance


def test_the_ceiling_is_the_root_of_the_polynomial():
    matrix, _ = rotated(SPECTRA["separate"])
    basis, found = lanczos(matrix, START, 9)
    theta = np.linalg.eigvalsh(basis[:9] @ matrix @ basis[:9].T)
    for chance in (0.5, 1e-3, 1e-12):
        limit = float(ceiling(found, chance))
        value = np.prod((limit - theta) / np.asarray(found.beside))
        np.testing.assert_allclose(value, np.sqrt(2 * 60 / np.pi) / chance, rtol=1e-8)
        assert limit > theta[-1]


# The distribution of the eigenvalues


def test_a_rule_of_m_steps_is_exact_to_degree_2m_minus_1_and_no_further():
    matrix, _ = rotated(SPECTRA["indefinite, the largest in size is negative"] / 8)
    rule = density(matrix, KEY, 4, 3)
    assert rule.nodes.shape == rule.weights.shape == (3, 4) and rule.size == 60
    nodes_and_weights = zip(np.asarray(rule.nodes), np.asarray(rule.weights), strict=True)
    for key, (nodes, weights) in zip(jax.random.split(KEY, 3), nodes_and_weights, strict=True):
        q = np.asarray(direction(key))
        for degree in range(9):
            off = abs(weights @ nodes**degree - q @ np.linalg.matrix_power(matrix, degree) @ q)
            assert (off < 1e-14) == (degree < 8), degree


def test_the_trace_of_a_function_is_met_within_its_standard_error():
    matrix, _ = rotated(np.linspace(-1, 2, 40))
    rule = density(matrix, KEY, 12, 60)
    exact = np.sum(np.exp(np.linspace(-1, 2, 40)))
    found, error = trace_of(jnp.exp, rule)
    assert abs(found - exact) < 4 * error and 0.003 < error / exact < 0.03
    whole, none = trace_of(jnp.ones_like, rule)
    np.testing.assert_allclose(whole, 40, rtol=1e-13)
    assert none < 1e-11


def test_a_smoothed_density_is_the_mean_of_windows_on_the_eigenvalues():
    eigs = np.linspace(-1, 1, 30)
    matrix, _ = rotated(eigs)
    rule = density(matrix, KEY, 30, 400)
    at = jnp.linspace(-3, 3, 601)
    found = smoothed(rule, at, 0.2)
    apart = (np.asarray(at)[:, None] - eigs) / 0.2
    exact = np.mean(np.exp(-(apart**2) / 2), axis=1) / (0.2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(np.sum(found) * 0.01, 1, rtol=1e-6)
    assert np.abs(found - exact).max() < 0.05 * exact.max()


def test_random_signs_meet_a_trace_within_the_error_of_the_formula():
    matrix, _ = rotated(np.linspace(-1, 3, 50))
    found, error = spectrum.trace(lambda v: matrix @ v, jnp.zeros(50), KEY, 400)
    variance = 2 * (np.sum(matrix**2) - np.sum(np.diag(matrix) ** 2))
    np.testing.assert_allclose(error, np.sqrt(variance / 400), rtol=0.15)
    assert abs(found - 50) < 4 * error


def test_the_standard_error_of_three_samples_by_hand():
    found, error = spectrum.mean_of(jnp.array([1.0, 2.0, 6.0]))
    np.testing.assert_allclose([found, error], [3, np.sqrt((4 + 1 + 9) / 2 / 3)], rtol=1e-14)


def test_one_probe_is_enough_for_a_diagonal_and_has_no_error():
    found, error = spectrum.trace(lambda v: jnp.array([1.0, -2.0, 5.0]) * v, jnp.zeros(3), KEY, 1)
    assert found == 4 and np.isnan(error)


def test_the_exact_trace_is_that_of_the_matrix():
    @jax.jit
    def both(w):
        run = products(loss, w, *DATA)
        return spectrum.exact_trace(run, w, together=3), jnp.trace(spectrum.dense(run, w))

    np.testing.assert_allclose(*both(TREE), rtol=1e-13)


# The smallest that is not zero


def residuals(w):
    """Three of five weights, zero at w = 0, where the derivative has rank 3."""
    rows = jnp.array([[1.0, 0.5, 0.0, -0.2, 0.3], [0.0, 1.5, 0.4, 0.0, 0.1], [0.2, 0.0, 0.7, 0.1, 0.0]])
    return rows @ w["all"] + jnp.sin(w["all"][:3]) * w["all"][1:4]


def test_the_smallest_nonzero_is_the_same_from_the_matrix_and_from_the_squares():
    w = {"all": jnp.zeros(5)}
    matrix = jax.jit(jax.hessian(lambda w: jnp.mean(residuals({"all": w}) ** 2) / 2))(w["all"])
    eigs = np.linalg.eigvalsh(matrix)
    assert np.sum(eigs > 1e-12) == 3
    value, vector = smallest_nonzero(matrix, 1e-10)
    np.testing.assert_allclose(value, eigs[2], rtol=1e-12)
    other, tree = smallest_nonzero_of_squares(residuals, w, 1e-10)
    np.testing.assert_allclose(other, eigs[2], rtol=1e-12)
    assert angle(vector, tree["all"][None]) < 1e-7
    np.testing.assert_allclose(matrix @ vector, value * vector, atol=1e-14)


def test_dependent_residuals_lower_the_rank_and_a_zero_hessian_has_none():
    def twice(w):
        return jnp.stack([w[0] + 2 * w[1], w[0] + 2 * w[1], w[2]])

    value, vector = smallest_nonzero_of_squares(twice, jnp.zeros(4), 1e-10)
    np.testing.assert_allclose(value, 1 / 3, rtol=1e-14)
    np.testing.assert_allclose(np.abs(vector), [0, 0, 1, 0], atol=1e-15)
    assert np.isnan(smallest_nonzero_of_squares(lambda w: 0 * w, jnp.ones(3), 1e-10)[0])
    assert np.isnan(smallest_nonzero(jnp.zeros((3, 3)), 1e-10)[0])
    assert smallest_nonzero(jnp.diag(jnp.array([-3.0, 0.0, 0.5])), 1e-10)[0] == 0.5


# Angles


def test_a_small_angle_keeps_its_digits():
    first = {"a": jnp.array([[1.0, 0.0]]), "b": jnp.zeros((1, 3))}
    for size in (1e-250, 1.0, 1e200):
        for off in (1e-3, 1e-9, 1e-14):
            v = {"a": size * np.array([-1.0, 0.0]), "b": size * off * np.array([0.0, 1.0, 0.0])}
            np.testing.assert_allclose(angle(v, first), np.arctan(off), rtol=1e-12)


def test_the_angle_to_a_span_is_that_to_its_nearest_vector():
    rows = np.linalg.qr(np.random.default_rng(5).standard_normal((9, 3)))[0].T
    v = np.random.default_rng(6).standard_normal(9)
    nearest = rows.T @ (rows @ v)
    expected = np.arccos(v @ nearest / np.linalg.norm(v) / np.linalg.norm(nearest))
    np.testing.assert_allclose(angle(v, rows), expected, rtol=1e-12)
    assert angle(v, rows) < angle(v, leading(rows, 2)) < angle(v, leading(rows, 1))
    assert angle(rows[1], rows) < 1e-15
    np.testing.assert_allclose(angle(rows[2], rows[:2]), np.pi / 2, rtol=1e-14)
    assert np.isnan(angle(np.zeros(9), rows))


# Bad input


def test_what_cannot_be_is_refused_with_its_value():
    def run(**changed):
        sizes = {"count": 1, "most": 3, "accuracy": 1e-6, "chance": None} | changed
        return spectrum.top(lambda v: v, jnp.ones(4), KEY, **sizes)

    for changed, said in [
        ({"count": 5}, "got 5"),
        ({"count": 0}, "got 0"),
        ({"count": 3, "most": 2}, "got 2"),
    ]:
        with pytest.raises(ValueError, match=said):
            run(**changed)
    for chance in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            spectrum.ceiling(None, chance)
    with pytest.raises(ValueError, match="probes"):
        spectrum.trace(lambda v: v, jnp.ones(4), KEY, 0)
    with pytest.raises(ValueError, match="steps"):
        spectrum.density(lambda v: v, jnp.ones(4), KEY, 0, 1)
