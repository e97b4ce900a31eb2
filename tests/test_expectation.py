"""The exact engines against each other, against listing, dense linear algebra and Monte Carlo."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import expectation, sampling
from theory.descent import descend
from theory.expectation import along_paths, krylov, one_step, pieces, rank_one, recursion, spectral
from theory.problems.least_squares import LeastSquares, least_squares, ridge
from theory.problems.logistic import logistic
from theory.problems.quadratic import centred, quadratic
from theory.sampling import support
from theory.update import step_apart

curve = jax.jit(recursion, static_argnames="steps")
LISTING = 1e-12  # relative to E f - f*, the problem shifted so that w* = 0 and f* = 0


def data(n, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.exp(rng.uniform(-0.5, 0.5, (n, 1))), rng.normal(size=n)


def general(n, d, seed=0):
    """A noisy quadratic sum with Hessians of rank d - 1."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, d, d - 1)) / np.sqrt(d)
    hessians = factors @ np.swapaxes(factors, 1, 2)
    return quadratic(hessians, (hessians @ rng.normal(size=(n, d, 1)))[:, :, 0], rng.normal(size=n))


def consistent(a, weights=None):
    """Least squares that some w solves."""
    return least_squares(a, a @ (np.linspace(1, 2, a.shape[1]) if weights is None else weights))


NOISY = centred(ridge(*data(3, 2), 0.1))
Q = np.array([0.2, 0.3, 0.5])


def own():
    return sampling.listed([[4, -1, 0], [0, 2, 1], [1 / 3, 4 / 3, 4 / 3]], [0.2, 0.2, 0.6])


# Made within each test: see test_sampling.
LAWS = {
    "uniform": lambda: sampling.uniform(3),
    "importance": lambda: sampling.importance(NOISY.smoothness_each),
    "any p": lambda: sampling.single(Q),
    "2-nice": lambda: sampling.nice(3, 2),
    "2 draws": lambda: sampling.draws(Q, 2),
    "independent": lambda: sampling.independent(Q),
    "listed": own,
}


def sizes(f, law):
    """Steps large enough that the second pass and the noise are seen: gamma rho ell^2 = 0.04."""
    lipschitz = law.lipschitz(f.smoothness_each, f.smoothness)
    return 0.2 / lipschitz, 0.2 / lipschitz


# Listing

W = np.array([1.0, -2.0])
STEPS = 5


@jax.jit
def every_path(atoms, gamma, rho, lam):
    """8^5 paths; one compilation for all laws."""
    schedule = [jnp.asarray(x) for x in (gamma, rho, lam)]
    return expectation.listed_curve(
        NOISY, atoms, expectation.paths(8, STEPS), jnp.asarray(W), schedule, NOISY.loss
    )


def listed(law, *schedule):
    return every_path(padded(law.atoms()), *(np.broadcast_to(x, STEPS) for x in schedule))


def padded(atoms):
    """Eight draws of three indices, those added of weight and probability zero."""
    indices, weights, q = atoms
    wider = ((0, 8 - len(q)), (0, 3 - indices.shape[1]))
    return np.pad(indices, wider), np.pad(weights, wider), np.pad(q, wider[0])


@pytest.mark.parametrize("name", LAWS)
def test_the_recursion_is_the_sum_over_all_paths(name):
    law = LAWS[name]()
    gamma, rho = sizes(NOISY, law)
    expected = listed(law, gamma, rho, 0.0)
    np.testing.assert_allclose(curve(pieces(NOISY, law), W, gamma, rho, steps=STEPS), expected, rtol=LISTING)
    assert abs(expected[-1] / expected[0] - 1) > 0.1


def test_the_recursion_follows_schedules_of_gamma_and_rho():
    gammas, rhos = np.linspace(0.3, 0.1, STEPS), np.linspace(0.1, 0.5, STEPS)
    law = LAWS["any p"]()
    found = curve(pieces(NOISY, law), W, gammas, rhos, steps=STEPS)
    np.testing.assert_allclose(found, listed(law, gammas, rhos, 0.0), rtol=LISTING)
    found = curve(pieces(NOISY, law), W, gammas, 0.3, steps=STEPS)
    np.testing.assert_allclose(found, listed(law, gammas, 0.3, 0.0), rtol=LISTING)


def test_paths_of_a_schedule_of_lam_are_the_steps_one_by_one():
    """One atom, hence one path: f = w^2 / 2, w = 2, gamma = rho = 1/2."""
    f = least_squares([[1.0]], [0.0])
    found = along_paths(f, sampling.full(1), np.array([2.0]), 0.5, 0.5, np.array([1.0, 0.0]), 2, f.loss)
    # lam = 1: ahead 2.5, w = 0.75; lam = 0: ahead 1.125, w = 0.1875
    np.testing.assert_allclose(found, np.array([2, 0.75, 0.1875]) ** 2 / 2, rtol=1e-15)


def test_paths_are_listed_up_to_the_limit_and_not_beyond(monkeypatch):
    monkeypatch.setattr(expectation, "PATHS", 8)
    assert len(np.unique(expectation.paths(2, 3), axis=0)) == 8
    monkeypatch.setattr(expectation, "PATHS", 7)
    with pytest.raises(ValueError, match=r"2\^3 paths are too many to list \(at most 7\)"):
        expectation.paths(2, 3)


def test_one_step_is_the_first_of_all_paths_and_of_the_recursion():
    law = LAWS["2 draws"]()
    gamma, rho = sizes(NOISY, law)
    after = jax.jit(lambda lam: one_step(NOISY, law.atoms(), W, gamma, rho, lam, NOISY.loss))
    for lam in (0.0, 0.6, 1.0):
        np.testing.assert_allclose(after(lam), listed(law, gamma, rho, lam)[1], rtol=1e-13)
    found = curve(pieces(NOISY, law), W, gamma, rho, steps=STEPS)
    np.testing.assert_allclose(after(0.0), found[1], rtol=1e-13)


def test_the_recursion_of_underdetermined_least_squares_lives_in_the_range():
    f = consistent(data(3, 5)[0])
    law = sampling.single(Q)
    gamma, rho = sizes(f, law)
    start = np.array([1.0, -1.0, 0.5, 2.0, 0.0])
    expected = along_paths(f, law, f.minimiser + start, gamma, rho, 0.0, STEPS, f.loss)
    for atoms in (pieces(f, law), rank_one(f, law)):
        assert atoms.basis.shape == (5, 3)
        np.testing.assert_allclose(curve(atoms, start, gamma, rho, steps=STEPS), expected, rtol=LISTING)
    found = spectral(f, law, start, gamma, rho).at(np.arange(STEPS + 1))
    np.testing.assert_allclose(found, expected, rtol=LISTING)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_range_is_found_at_every_scale(scale):
    assert pieces(consistent(scale * data(3, 5)[0]), LAW).basis.shape == (5, 3)


# A batch of its own for the ascent


@jax.jit
def every_pair(atoms, gamma, rho, lam):
    """64^3 paths of pairs; one compilation for all laws."""
    schedule = [jnp.broadcast_to(x, 3) for x in (gamma, rho, lam)]
    numbers = expectation.paths(64, 3)
    return expectation.listed_curve(
        NOISY, expectation.pairs(atoms), numbers, jnp.asarray(W), schedule, seen, step_apart
    )


def seen(w):
    return jnp.stack([NOISY.loss(w), jnp.sum(jax.grad(NOISY.loss)(w) ** 2)])


def both(atoms, state):
    return jnp.stack([expectation.excess(atoms, state), expectation.slope_square(atoms, state)])


apart_curve = jax.jit(lambda atoms, start, gamma, rho: recursion(atoms, start, gamma, rho, 3, both))


@pytest.mark.parametrize("name", LAWS)
def test_the_recursion_of_two_batches_is_the_sum_over_all_pairs_of_paths(name):
    law = LAWS[name]()
    gamma, rho = sizes(NOISY, law)
    expected = every_pair(padded(law.atoms()), gamma, rho, 0.0)
    found = apart_curve(expectation.apart(NOISY, law), W, gamma, rho)
    np.testing.assert_allclose(found, expected, rtol=LISTING)
    same = apart_curve(pieces(NOISY, law), W, gamma, rho)
    shaped = apart_curve(expectation.together(NOISY, law), W, gamma, rho)
    np.testing.assert_allclose(shaped, same, rtol=1e-13)  # a batch for both, as pairs
    assert np.all(np.abs(same[1:] / expected[1:] - 1) > 1e-6)  # one batch for both is another expectation


def test_one_step_on_two_batches_is_the_first_of_their_paths():
    law = LAWS["any p"]()
    gamma, rho = sizes(NOISY, law)
    draws = expectation.pairs(padded(law.atoms()))
    after = jax.jit(lambda lam: one_step(NOISY, draws, W, gamma, rho, lam, NOISY.loss, step_apart))
    for lam in (0.0, 0.6, 1.0):
        expected = every_pair(padded(law.atoms()), gamma, rho, lam)[1, 0]
        np.testing.assert_allclose(after(lam), expected, rtol=1e-13)


def test_two_batches_of_a_common_hessian_add_the_noise_of_either():
    """P <- (I - gamma A) P (I - gamma A) + gamma^2 (H S H + rho^2 H^2 S H^2) / b, S of the centres;
    with one batch the noise is gamma^2 A S A / b."""
    rng = np.random.default_rng(5)
    turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
    h, centres = (turn * np.array([0.3, 1.0])) @ turn.T, rng.normal(size=(3, 2))
    centres = centres - centres.mean(0)
    f = centred(quadratic(np.stack([h] * 3), centres @ h, np.zeros(3)))
    gamma, rho, spread = 0.4, 0.7, centres.T @ centres / 3 / 2
    along, twice = (np.eye(2) + rho * h) @ h, h @ h
    noises = {
        expectation.apart: h @ spread @ h + rho**2 * twice @ spread @ twice,
        pieces: along @ spread @ along,
    }
    for atoms, noise in noises.items():
        e, p, expected = W, np.zeros((2, 2)), []
        for _ in range(4):
            second = np.outer(e, e) + p
            expected.append([np.trace(h @ second) / 2, np.trace(h @ h @ second)])
            keep = np.eye(2) - gamma * along
            e, p = keep @ e, keep @ p @ keep.T + gamma**2 * noise
        found = apart_curve(atoms(f, sampling.draws(np.full(3, 1 / 3), 2)), W, gamma, rho)
        np.testing.assert_allclose(found, expected, rtol=LISTING)


def test_one_move_of_two_batches_is_the_sum_over_pairs_at_any_state():
    """Every term by itself: (1, m, S) need be no moments of a start, and (0.7, 0, 0) leaves the noise alone.

    e+ = e - gamma [H_I (e + rho (H_J e + s_J)) + s_I], pair by pair, from the problem's own Hessians.
    """
    gamma, rho, law = 0.2, 0.6, LAWS["listed"]()
    atoms = expectation.apart(NOISY, law)
    v, q = support(law)
    h, s = np.tensordot(v, NOISY.hessians, 1) / NOISY.n, v @ NOISY.slopes(NOISY.minimiser) / NOISY.n
    a = np.random.default_rng(2).normal(size=(2, 3, 2))
    states = [
        (0.7, np.zeros(2), np.zeros((2, 2))),
        (0.0, a[0, 0], np.zeros((2, 2))),
        (0.0, np.zeros(2), a[0, 1:] + a[0, 1:].T),
        (-1.3, a[1, 0], a[1, 1:] + a[1, 1:].T),
    ]
    for one, mean, second in states:
        expected = [0.0, np.zeros(2), np.zeros((2, 2))]
        for p_i, h_i, s_i in zip(q, h, s, strict=True):
            for p_j, h_j, s_j in zip(q, h, s, strict=True):
                keep = np.eye(2) - gamma * h_i @ (np.eye(2) + rho * h_j)
                push = -gamma * (s_i + rho * h_i @ s_j)
                moved = keep @ mean + one * push
                crossed = np.outer(keep @ mean, push)
                turned = keep @ second @ keep.T + crossed + crossed.T + one * np.outer(push, push)
                expected[1] += p_i * p_j * (mean - moved)
                expected[2] += p_i * p_j * (second - turned)
        state = expectation.State(jnp.asarray(one), jnp.asarray(mean), jnp.asarray(second))
        found = atoms.change(state, atoms.moves(gamma, rho))
        for each, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(each, other, rtol=0, atol=1e-14)
        assert np.max(np.abs(expected[2])) > 1e-4
        for read, matrix in {
            expectation.excess: NOISY.hessian / 2,
            expectation.slope_square: NOISY.hessian @ NOISY.hessian,
        }.items():
            np.testing.assert_allclose(read(atoms, state), np.trace(matrix @ second), rtol=1e-12, atol=1e-14)


def test_what_two_batches_read_of_their_moves_are_means_over_pairs():
    law = LAWS["any p"]()
    atoms, gamma, rho = expectation.apart(NOISY, law), 0.2, 0.6
    n, z, *means = map(np.asarray, atoms.moves(gamma, rho))
    assert atoms.q.shape == (9,) and abs(np.sum(atoms.q) - 1) < 1e-15
    v, q = support(law)
    h, s = np.tensordot(v, NOISY.hessians, 1) / NOISY.n, v @ NOISY.slopes(NOISY.minimiser) / NOISY.n
    np.testing.assert_allclose(atoms.q, np.ravel(q[:, None] * q), rtol=1e-14)  # ascent first, then descent
    for k, (j, i) in enumerate(np.ndindex(3, 3)):
        np.testing.assert_allclose(n[k], gamma * (h[i] + rho * h[i] @ h[j]), rtol=1e-12)
        np.testing.assert_allclose(z[k], gamma * (s[i] + rho * h[i] @ s[j]), rtol=1e-12, atol=1e-15)
    # the draws are independent: E N = gamma (H + rho H^2), E z = 0, E z z' has no mixed term
    whole = NOISY.hessian
    noise = np.einsum("k,ki,kj->ij", q, s, s)
    bent = np.einsum("k,kab,bc,kdc->ad", q, h, noise, h)
    expected = gamma * (whole + rho * whole @ whole), np.zeros(2), gamma**2 * (noise + rho**2 * bent)
    for each, other in zip(means, expected, strict=True):
        np.testing.assert_allclose(each, other, rtol=0, atol=1e-14)


def test_two_batches_of_a_sum_with_flat_directions_live_in_the_range():
    f = consistent(data(3, 5)[0])
    law = sampling.single(Q)
    gamma, rho = sizes(f, law)
    start = np.array([1.0, -1.0, 0.5, 2.0, 0.0])
    atoms = expectation.apart(f, law)
    assert atoms.basis.shape == (5, 3) and atoms.whole.shape == (3, 3)
    expected = expectation.listed_curve(
        f,
        jax.tree.map(jnp.asarray, expectation.pairs(law.atoms())),
        expectation.paths(9, 2),
        jnp.asarray(f.minimiser + start),
        [jnp.full(2, x) for x in (gamma, rho, 0.0)],
        f.loss,
        step_apart,
    )
    np.testing.assert_allclose(curve(atoms, start, gamma, rho, steps=2), expected, rtol=LISTING)


# Rank one


@pytest.mark.parametrize(("n", "d", "weight"), [(5, 3, 0.2), (3, 5, 0.0)])
def test_the_rank_one_recursion_is_the_general_one(n, d, weight):
    f = ridge(*data(n, d), weight)
    law = sampling.single(np.arange(1, n + 1) / (n * (n + 1) / 2))
    dense, thin = pieces(f, law), rank_one(f, law)
    rng = np.random.default_rng(1)
    size = dense.basis.shape[1]
    second = rng.normal(size=(size, size))
    state = expectation.State(jnp.asarray(0.7), rng.normal(size=size), jnp.asarray(second + second.T))

    @jax.jit
    def change(atoms):
        return atoms.change(state, atoms.moves(0.05, 0.3))

    for found, expected in zip(change(thin), change(dense), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14 * max(np.max(np.abs(expected)), 1))
    np.testing.assert_allclose(thin.whole, dense.whole, rtol=0, atol=1e-14 * np.max(np.abs(dense.whole)))


# Dense linear algebra


class Affine(NamedTuple):
    """z+ = matrix z on z = (1, m, vec S), built from the Hessians alone; E f - f* = read' z."""

    matrix: np.ndarray
    read: np.ndarray
    d: int

    def start(self, e):
        return np.concatenate([[1], e, np.kron(e, e)])


def affine(f, law, gamma, rho):
    v, q = support(law)
    d = f.hessians.shape[1]
    linear = -f.slopes(np.zeros(d))
    h, b = np.tensordot(v, f.hessians, 1) / f.n, v @ linear / f.n
    mean = f.hessians.mean(0)
    best = np.linalg.solve(mean, linear.mean(0))
    matrix = np.zeros((1 + d + d * d,) * 2)
    matrix[0, 0] = 1
    for p, h_v, slope in zip(q, h, h @ best - b, strict=True):
        bent = gamma * (np.eye(d) + rho * h_v)
        m, z = np.eye(d) - bent @ h_v, -bent @ slope
        matrix[1 : d + 1, 0] += p * z
        matrix[d + 1 :, 0] += p * np.kron(z, z)
        matrix[1 : d + 1, 1 : d + 1] += p * m
        matrix[d + 1 :, 1 : d + 1] += p * (np.kron(m, z[:, None]) + np.kron(z[:, None], m))
        matrix[d + 1 :, d + 1 :] += p * np.kron(m, m)
    return Affine(matrix, np.concatenate([np.zeros(1 + d), 0.5 * mean.ravel()]), d)


def symmetric_eigenvalues(map_, d):
    """Of the second-moment block on symmetric matrices, in the half-vector basis."""
    columns = []
    for i, j in zip(*np.triu_indices(d), strict=True):
        unit = np.zeros((d, d))
        unit[i, j] = unit[j, i] = 1 if i == j else np.sqrt(0.5)
        columns.append(unit.ravel())
    basis = np.array(columns).T
    return np.linalg.eigvals(basis.T @ map_.matrix[d + 1 :, d + 1 :] @ basis)


DENSE = {
    "ridge, importance": lambda: (ridge(*data(5, 3), 0.1), sampling.importance(np.arange(1.0, 6))),
    "general, 2-nice": lambda: (general(4, 3), sampling.nice(4, 2)),
    "general, listed": lambda: (general(3, 3), own()),
}
START = np.array([1.0, -0.5, 0.25])


@pytest.mark.parametrize("name", DENSE)
def test_the_stationary_value_solves_the_affine_fixed_point(name):
    f, law = DENSE[name]()
    gamma, rho = sizes(f, law)
    map_ = affine(f, law, gamma, rho)
    inner = map_.matrix[1:, 1:]
    fixed = np.linalg.solve(np.eye(len(inner)) - inner, map_.matrix[1:, 0])
    found = spectral(f, law, START, gamma, rho)
    np.testing.assert_allclose(found.stationary, map_.read[1:] @ fixed, rtol=1e-11)  # condition below 1e4
    np.testing.assert_allclose(found.at([1e9]), found.stationary, rtol=1e-12)


@pytest.mark.parametrize("name", DENSE)
def test_the_rate_under_noise_is_the_slowest_of_mean_and_second_moment(name):
    f, law = DENSE[name]()
    gamma, rho = sizes(f, law)
    map_ = affine(f, law, gamma, rho)
    means = np.linalg.eigvals(map_.matrix[1 : map_.d + 1, 1 : map_.d + 1])
    expected = 1 - max(np.max(np.abs(means)), np.max(np.abs(symmetric_eigenvalues(map_, map_.d))))
    np.testing.assert_allclose(spectral(f, law, START, gamma, rho).rate, expected, rtol=1e-10)


def test_the_rate_under_interpolation_is_that_of_the_second_moment_alone():
    f, law = consistent(data(5, 3)[0]), sampling.uniform(5)
    gamma, rho = sizes(f, law)
    found = spectral(f, law, START, gamma, rho)
    eigs = symmetric_eigenvalues(affine(f, law, gamma, rho), 3)
    np.testing.assert_allclose(found.rate, 1 - np.max(np.abs(eigs)), rtol=1e-10)
    assert found.stationary <= 1e-25 * found.at([0])[0]


def test_the_rate_is_the_slope_of_the_late_logarithm():
    """Under-determined, so with rank 2 after the reduction: three modes of the second moment."""
    f, law = consistent(data(2, 5)[0]), sampling.uniform(2)
    gamma, rho = sizes(f, law)
    found = spectral(f, law, np.linspace(-1, 1, 5), gamma, rho)
    first, second = np.sort(found.fast)[:2]
    t = np.round(np.array([25, 26]) / first)  # what is left of the second mode
    left = (
        np.exp(-25 * (second / first - 1))
        * np.max(found.read * found.first)
        / np.min(np.abs(found.read * found.first))
    )
    early, late = found.at(t)
    np.testing.assert_allclose(found.rate, -np.expm1(np.log(late / early) / (t[1] - t[0])), rtol=1e-9 + left)
    assert left < 1e-3


@pytest.mark.parametrize("name", DENSE)
def test_the_spectral_form_is_the_squared_map(name):
    f, law = DENSE[name]()
    gamma, rho = (0.01 * x for x in sizes(f, law))
    map_ = affine(f, law, gamma, rho)
    found = spectral(f, law, START, gamma, rho)
    power = map_.matrix
    for k in range(21):
        t = 2**k
        expected = map_.read @ (power @ map_.start(START))
        np.testing.assert_allclose(found.at([t])[0], expected, rtol=10 * t * 2**-53 + 1e-13)
        power = power @ power


# Spectral form


def test_the_spectral_form_is_the_recursion_to_ten_thousand_steps():
    f, law = DENSE["general, 2-nice"]()
    f = centred(f)
    atoms = pieces(f, law)
    times = np.unique(np.geomspace(1, 10_000, 40).astype(int)) - 1
    for factor in (1.0, 0.02):  # to the stationary value, and on the way
        gamma, rho = (factor * x for x in sizes(f, law))
        expected = np.asarray(curve(atoms, START, gamma, rho, steps=10_000))[times]
        np.testing.assert_allclose(spectral(f, law, START, gamma, rho).at(times), expected, rtol=1e-12)


def test_the_spectral_form_starts_at_the_loss_of_the_start():
    f, law = DENSE["ridge, importance"]()
    found = spectral(f, law, START, 0.01, 0.1).at([0])[0]
    np.testing.assert_allclose(found, 0.5 * START @ f.hessians.mean(0) @ START, rtol=1e-13)


def test_the_spectral_form_of_one_function_in_one_dimension_is_the_power():
    """f = h w^2 / 2 from w = 3: E f = 9 (1 - bent)^(2 t) at h = 2, with bent = gamma h (1 + rho h)."""
    h, rho = 2.0, 0.25
    f = least_squares([[np.sqrt(h)]], [0.0])
    for bent in (0.3, 1.0, 1.4):
        found = spectral(f, sampling.full(1), np.array([3.0]), bent / (h * (1 + rho * h)), rho)
        times = np.array([0, 1, 2, 7, 30])
        np.testing.assert_allclose(found.at(times), 9 * (1 - bent) ** (2 * times), rtol=1e-12, atol=1e-30)
    found = spectral(f, sampling.full(1), np.array([3.0]), 1e-9 / (h * (1 + rho * h)), rho)
    times = np.array([1, 1e6, 1e9, 1e10])  # log(1 - x) = -x - x^2 / 2 to 1e-27
    np.testing.assert_allclose(found.at(times), 9 * np.exp(-2 * times * (1e-9 + 0.5e-18)), rtol=1e-13)


def test_times_may_come_in_any_order_and_shape_the_answer():
    f, law = DENSE["ridge, importance"]()
    found = spectral(f, law, START, 0.01, 0.1)
    np.testing.assert_allclose(found.at([7, 0, 3]), found.at(np.arange(8))[[7, 0, 3]], rtol=1e-14)


def test_a_diverging_recursion_has_no_finite_limit_and_says_so():
    f, law = DENSE["ridge, importance"]()
    gamma = 4 / f.smoothness
    found = spectral(f, law, START, gamma, 0.0)
    assert found.stationary == np.inf and found.rate < 0
    map_ = affine(f, law, gamma, 0.0)
    expected = [map_.read @ np.linalg.matrix_power(map_.matrix, t) @ map_.start(START) for t in (5, 6)]
    np.testing.assert_allclose(found.at([5, 6]), expected, rtol=1e-12)
    assert expected[1] > expected[0] and not np.isfinite(
        found.at([1e6])[0]
    )  # divergence is a result, not a warning


@pytest.mark.parametrize(
    ("fast", "slow", "drive", "couple", "limit", "rate"),
    [
        (0.5, 0.25, 2, 0, 4, 0.25),  # sum_s 2 / 2^s
        (0.5, 0.25, 0, 1, 0, 0.25),
        (0.5, 2.5, 0, 0, 0, 0.5),  # without noise the mean has no part
        (0.5, 2.5, 2, 0, np.inf, -0.5),
        (0.5, 0, 2, 0, np.inf, 0),
        (-0.1, 0.5, 0, 0, np.inf, -0.1),
        (0, 0.5, 0, 0, np.inf, 0),
        (2, 0.5, 0, 0, np.inf, 0),
        (1.8, 0.5, 0, 0, 0, 0.2),  # a factor of -0.8
    ],
)
def test_limit_and_rate_of_one_mode_are_those_by_hand(fast, slow, drive, couple, limit, rate):
    one = [np.array([float(x)]) for x in (fast, slow, 1, 1, drive)]
    found = expectation.Spectral(*one, np.array([[couple]]))
    assert found.stationary == limit and found.rate == pytest.approx(rate, rel=1e-15)


@pytest.mark.parametrize(
    ("slow", "fast"),
    [(0.25, 0.25), (0.25, 0.25 + 1e-9), (1e-7, 3e-7), (0.5, 1.0), (0.5, 1.5), (1.25, 1.25 + 1e-9)],
)
def test_geometric_sums_do_not_cancel(slow, fast):
    """Against the sum term by term; 1.25 means factors below zero."""
    for t in (0, 1, 2, 9, 40):
        s = np.arange(t)
        expected = np.sum((1 - fast) ** (t - 1 - s) * (1 - slow) ** s)
        found = expectation.geometric(slow, fast, np.array([[float(t)]]))[0, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-300)


# Krylov


def test_the_krylov_curve_is_the_recursion_at_dimension_100():
    rng = np.random.default_rng(0)
    f = ridge(rng.normal(size=(100, 100)) / 10, rng.normal(size=100), 0.03)
    law = sampling.importance(f.smoothness_each)
    atoms = rank_one(f, law)
    gamma, rho = sizes(f, law)
    times = np.array([0, 1, 2, 5, 10, 100, 500, 1000, 2000])
    found = krylov(atoms, np.ones(100), gamma, rho, times)
    expected = np.asarray(curve(atoms, np.ones(100), gamma, rho, steps=2000))[times]
    np.testing.assert_allclose(found.values, expected, rtol=1e-9)
    assert found.residual <= 1e-9 and found.size < 200


@pytest.mark.parametrize("noisy", [True, False])
def test_the_krylov_curve_is_the_spectral_one_and_its_residual_bounds_the_error(noisy):
    a, b = data(60, 30)
    f = ridge(a, b, 0.1) if noisy else consistent(a)
    law = sampling.importance(f.smoothness_each)
    atoms = rank_one(f, law)
    gamma, rho = sizes(f, law)
    times = np.append(0, np.round(np.geomspace(1, 10 / (gamma * f.pl), 60)))
    expected = spectral(f, law, np.ones(30), gamma, rho).at(times)
    np.testing.assert_allclose(krylov(atoms, np.ones(30), gamma, rho, times).values, expected, rtol=1e-9)
    for tolerance in (1e-3, 1e-7):
        found = krylov(atoms, np.ones(30), gamma, rho, times, tolerance)
        error = np.max(np.abs(found.values / expected - 1))
        assert error <= found.residual + 1e-11 and found.residual <= tolerance


def test_a_krylov_basis_reaches_times_far_beyond_its_first_rate():
    """Condition number 1e6: the first ten vectors see only modes that are long gone at the end."""
    rng = np.random.default_rng(0)
    turns = [np.linalg.qr(rng.normal(size=(n, 10)))[0] for n in (12, 10)]
    f = least_squares(turns[0] * np.geomspace(1, 1e-3, 10) @ turns[1].T, rng.normal(size=12))
    law = sampling.importance(f.smoothness_each)
    gamma, rho = sizes(f, law)
    times = np.round(np.geomspace(1, 10 / (gamma * f.pl), 20))
    found = krylov(rank_one(f, law), np.ones(10), gamma, rho, times)
    np.testing.assert_allclose(found.values, spectral(f, law, np.ones(10), gamma, rho).at(times), rtol=1e-9)


def test_a_closed_krylov_basis_is_exact():
    """Two dimensions: 3 + 2 + 1 entries in all."""
    law = LAWS["any p"]()
    gamma, rho = sizes(NOISY, law)
    found = krylov(pieces(NOISY, law), W, gamma, rho, np.arange(STEPS + 1))
    assert found.size <= 6 and found.residual < 1e-12
    np.testing.assert_allclose(
        found.values, curve(pieces(NOISY, law), W, gamma, rho, steps=STEPS), rtol=LISTING
    )


@pytest.mark.parametrize(
    "small",
    [
        [[0.3, 0.1], [0.2, 0.05]],
        [[0.9, -0.5], [0.5, 0.9]],
        [[1.6, 0.1], [0.3, 1.2]],
        [[-0.3, 0.1], [0.2, -0.1]],
    ],
    ids=["slow", "turning", "alternating", "growing"],
)
def test_the_projected_curve_and_its_residual_are_sums_of_matrix_powers(small):
    """Up to 12 steps the residual is read at each."""
    times, reads = np.array([0.0, 1, 4, 12]), np.array([1.0, -0.4])
    after = [np.linalg.matrix_power(np.eye(2) - small, t)[:, 0] for t in range(13)]
    values = np.array([2 * reads @ after[int(t)] for t in times])
    slowest = np.max(np.abs(1 - np.linalg.eigvals(small)))
    missed = [sum(slowest ** (t - 1 - s) * abs(0.01 * 2 * after[s][1]) for s in range(int(t))) for t in times]
    found = expectation.projected(np.array(small), 0.01, reads, 2, times)
    np.testing.assert_allclose(found[0], values, rtol=1e-12)
    np.testing.assert_allclose(
        found[1], np.max(np.sqrt(1.16) * np.array(missed) / np.abs(values)), rtol=1e-12
    )


def test_the_projected_residual_counts_every_step_of_a_long_curve_and_is_infinite_at_a_zero():
    grown = expectation.projected(np.array([[1e-9]]), 1e-8, np.ones(1), 3, np.array([1e6]))[1]
    np.testing.assert_allclose(grown, 1e6 * 1e-8 / (1 - 1e-9), rtol=1e-9)  # the same at each step
    values, residual = expectation.projected(np.eye(1), 0.01, np.ones(1), 2, np.array([0.0, 1]))
    assert values[0] == 2 and values[1] == 0 and residual == np.inf


def test_the_krylov_curve_of_one_function_in_one_dimension_is_the_power():
    """As for the spectral form; bent = 1 ends at w* after one step."""
    h, rho = 2.0, 0.25
    atoms = pieces(least_squares([[np.sqrt(h)]], [0.0]), sampling.full(1))
    for bent in (0.3, 1.0, 1.4):
        found = krylov(atoms, [3.0], bent / (h * (1 + rho * h)), rho, [0, 1, 2, 7, 2000])
        expected = 9 * (1 - bent) ** (2 * np.array([0, 1, 2, 7, 2000]))
        np.testing.assert_allclose(found.values, expected, rtol=1e-12, atol=1e-30)
        assert found.size == 1 and found.residual < 1e-12
    times = np.array([1, 1e6, 1e9, 1e10])
    found = krylov(atoms, [3.0], 1e-9 / (h * (1 + rho * h)), rho, times)
    np.testing.assert_allclose(found.values, 9 * np.exp(-2 * times * (1e-9 + 0.5e-18)), rtol=1e-13)


def test_a_krylov_basis_is_looked_at_in_chunks_and_at_its_end(monkeypatch):
    f = ridge(*data(12, 8), 0.1)
    law = sampling.importance(f.smoothness_each)
    run = partial(krylov, rank_one(f, law), np.ones(8), *sizes(f, law), np.arange(50))
    monkeypatch.setattr(expectation, "CHUNK", 3)
    assert run(1e-2).size % 3 == 0 < run(1e-2).size < 30
    monkeypatch.setattr(expectation, "LARGEST_BASIS", 8)
    full = run(0.0)
    assert full.size == 8 and full.residual > 0
    monkeypatch.setattr(expectation, "CHUNK", 1)
    np.testing.assert_array_equal(run(0.0).values, full.values)
    assert run(0.0).residual == full.residual


# Monte Carlo


def test_sampled_paths_are_within_four_standard_errors_and_unweighted_ones_are_not():
    f = ridge(*data(5, 3), 0.1)
    law = sampling.importance(f.smoothness_each)
    gamma, rho = sizes(f, law)
    paths, steps, every = 2000, 60, 10
    best, minimum = f.minimiser, f.minimum

    @jax.jit
    def sampled(indices, weights):
        def path(*draws):
            return (
                descend(jax.value_and_grad(f.loss), best + START, gamma, rho, 0.0, draws, f.loss, every)[0]
                - minimum
            )

        return jax.vmap(path)(indices, weights)

    keys = jax.random.split(jax.random.key(0), paths * steps)
    draws = [x.reshape(paths, steps, 1) for x in jax.jit(jax.vmap(law.pick))(keys)]
    expected = spectral(f, law, START, gamma, rho).at(np.arange(every, steps + 1, every))

    def deviation(weights):
        values = np.asarray(sampled(draws[0], weights))[:, 1:]
        return np.abs(values.mean(0) - expected) / (values.std(0) / np.sqrt(paths))

    assert np.all(deviation(draws[1]) < 4)
    assert np.max(deviation(np.full_like(draws[1], f.n))) > 4  # the same indices, as if drawn uniformly


# Bad input

NAN = float("nan")
PROBLEM, LAW = ridge(*data(3, 2), 0.1), sampling.Single(jnp.asarray(Q))
SHORT = sampling.Single(jnp.asarray(Q, jnp.float32))
SINGLE = LeastSquares(PROBLEM.a.astype(jnp.float32), PROBLEM.b.astype(jnp.float32), 0.1)
HALF = LeastSquares(PROBLEM.a.astype(jnp.bfloat16), PROBLEM.b.astype(jnp.bfloat16), 0.1)
CLASSES = logistic([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]], [1, -1, 1], 0.1)


def listing(f=PROBLEM, law=LAW, w=W, gamma=0.1, rho=0.1, lam=0.5, steps=2):
    return along_paths(f, law, w, gamma, rho, lam, steps, f.loss)


def basis(f=PROBLEM, start=W, gamma=0.1, rho=0.1, times=(1, 2)):
    return krylov(rank_one(f, LAW), start, gamma, rho, times)


def modes(f=PROBLEM, law=LAW, start=W, gamma=0.1, rho=0.1):
    return spectral(f, law, start, gamma, rho)


REFUSED = {
    "pieces, float32": (lambda: pieces(SINGLE, LAW), TypeError, "need float64, got float32: call jax.config"),
    "pieces, bfloat16": (lambda: pieces(HALF, LAW), TypeError, "need float64, got bfloat16: call jax.config"),
    "pieces, float32 law": (lambda: pieces(PROBLEM, SHORT), TypeError, "need float64, got float32"),
    "rank one, float32 law": (lambda: rank_one(PROBLEM, SHORT), TypeError, "need float64, got float32"),
    "paths, float32 law": (lambda: listing(law=SHORT), TypeError, "need float64, got float32"),
    "rank one, float32": (lambda: rank_one(SINGLE, LAW), TypeError, "need float64, got float32"),
    "spectral, float32": (lambda: modes(SINGLE), TypeError, "need float64, got float32"),
    "paths, float32": (lambda: listing(SINGLE), TypeError, "need float64, got float32"),
    "paths, float32 start": (
        lambda: listing(w=jnp.ones(2, jnp.float32)),
        TypeError,
        "need float64, got float32",
    ),
    "krylov, float32": (
        lambda: krylov(
            jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), rank_one(PROBLEM, LAW)), W, 0.1, 0.1, [1]
        ),
        TypeError,
        "need float64, got float32",
    ),
    "rank one, batch": (
        lambda: rank_one(PROBLEM, sampling.nice(3, 2)),
        TypeError,
        "LeastSquares and Nice: use pieces",
    ),
    "rank one, quadratic": (lambda: rank_one(NOISY, LAW), TypeError, "Quadratic and Single: use pieces"),
    "pieces, logistic": (lambda: pieces(CLASSES, LAW), TypeError, "Logistic"),
    "pieces, another n": (lambda: pieces(PROBLEM, sampling.uniform(4)), ValueError, "4.*3"),
    "paths, another n": (lambda: listing(law=sampling.uniform(2)), ValueError, "2.*3"),
    "paths, negative gamma": (
        lambda: listing(gamma=-0.1),
        ValueError,
        "step gamma must not be negative; got -0.1",
    ),
    "paths, negative rho": (
        lambda: listing(rho=[0.1, -0.2]),
        ValueError,
        "radius rho must not be negative; got -0.2",
    ),
    "paths, negative lam": (lambda: listing(lam=-0.5), ValueError, r"lam must lie in \[0, 1\]; got -0.5"),
    "paths, large lam": (lambda: listing(lam=1.5), ValueError, r"lam must lie in \[0, 1\]; got 1.5"),
    "paths, NaN": (lambda: listing(gamma=NAN), ValueError, "step gamma must be finite"),
    "paths, too many": (
        lambda: listing(steps=20),
        ValueError,
        r"3\^20 paths are too many to list.*fewer steps",
    ),
    "paths, no step": (lambda: listing(steps=0), ValueError, "^the number of steps must.*at least 1; got 0"),
    "paths, half a step": (lambda: listing(steps=1.5), ValueError, "whole number.*got 1.5"),
    "krylov, negative gamma": (lambda: basis(gamma=-0.1), ValueError, "gamma must not be negative; got -0.1"),
    "krylov, negative rho": (lambda: basis(rho=-0.1), ValueError, "rho must not be negative; got -0.1"),
    "krylov, NaN": (lambda: basis(rho=NAN), ValueError, "^the radius rho must be finite"),
    "krylov, NaN start": (lambda: basis(start=[1, NAN]), ValueError, "^the start must be finite; entry"),
    "krylov, at rest": (
        lambda: krylov(rank_one(consistent(data(3, 2)[0]), LAW), 0 * W, 0.1, 0.1, [1]),
        ValueError,
        "^the start is w. and nothing moves it: E f.w_t. - f. is 0 at every time$",
    ),
    "krylov, no time": (lambda: basis(times=[]), ValueError, "times: none given"),
    "krylov, NaN time": (lambda: basis(times=[NAN]), ValueError, "times must be finite"),
    "krylov, before 0": (lambda: basis(times=[-1]), ValueError, "times.*-1"),
    "krylov, schedule": (lambda: basis(gamma=[0.1, 0.2]), ValueError, "^the step gamma must be one number"),
    "spectral, negative gamma": (
        lambda: modes(gamma=-0.1),
        ValueError,
        "gamma must not be negative; got -0.1",
    ),
    "spectral, negative rho": (lambda: modes(rho=-0.1), ValueError, "rho must not be negative; got -0.1"),
    "spectral, NaN": (lambda: modes(gamma=NAN), ValueError, "^the step gamma must be finite"),
    "spectral, NaN start": (lambda: modes(start=[1, NAN]), ValueError, "^the start must be finite"),
    "spectral, schedule": (lambda: modes(rho=[0.1, 0.2]), ValueError, "^the radius rho must be one number"),
    "spectral, wide": (
        lambda: modes(ridge(np.eye(50), np.ones(50), 1.0), sampling.uniform(50), np.ones(50)),
        ValueError,
        "d = 50 needs 1275 squared entries; above 40 use krylov",
    ),
    "spectral, logistic": (lambda: modes(CLASSES), TypeError, "Logistic"),
    "spectral, NaN time": (lambda: modes().at([NAN]), ValueError, "times must be finite"),
    "spectral, before 0": (lambda: modes().at([-1]), ValueError, "times.*-1"),
    "spectral, half a time": (lambda: modes().at([0.5]), ValueError, "times.*0.5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_engine_refuses_bad_input_in_one_sentence(case):
    act, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message) as refusal:
        act()
    assert "\n" not in str(refusal.value)


def test_the_spectral_form_is_refused_beyond_its_limit_and_not_at_it(monkeypatch):
    monkeypatch.setattr(expectation, "SPECTRAL_LIMIT", 2)
    modes()
    monkeypatch.setattr(expectation, "SPECTRAL_LIMIT", 1)
    with pytest.raises(ValueError, match="d = 2 needs 3 squared entries; above 1 use krylov"):
        modes()


def test_no_step_moves_nothing():
    """gamma = 0: every engine stays at the first value."""
    first = 0.5 * W @ PROBLEM.hessians.mean(0) @ W
    np.testing.assert_allclose(basis(gamma=0.0).values, first, rtol=1e-12)
    np.testing.assert_allclose(modes(gamma=0.0).at([0, 5]), first, rtol=1e-12)


def test_the_full_batch_of_a_noisy_sum_has_no_noise():
    """Its slopes at w* add up to rounding, not to be read for noise: the rate is that of (1 - n_1)^2."""
    f = ridge(*data(6, 3), 0.1)
    gamma, rho = 0.1, 0.2
    found = spectral(f, sampling.full(6), np.ones(3), gamma, rho)
    slowest = f.pl * (1 + rho * f.pl) * gamma
    assert not found.noisy and found.stationary == 0
    np.testing.assert_allclose(found.rate, 1 - (1 - slowest) ** 2, rtol=1e-12)
