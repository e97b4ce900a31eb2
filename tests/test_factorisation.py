"""Products of weights, diagonal networks, factorisations at their fits, against differences of the losses."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.problems import factorisation
from theory.problems.factorisation import chain, network, pair_of_gap

RNG = np.random.default_rng(3)
X = RNG.standard_normal((2, 4))


def fits():
    """(loss, a fit) of each kind."""
    w = RNG.uniform(0.5, 1.5, 4) * [1, -1, 1, -1]
    u, v = RNG.standard_normal((2, 4))
    a, b = RNG.standard_normal((3, 2)), RNG.standard_normal((5, 2))
    square = RNG.standard_normal((2, 3, 3))
    return {
        "pair": (chain(), pair_of_gap(1.3)),
        "chain": (chain(np.prod(w)), w),
        "network": (network(X, X @ (u * v)), np.concatenate([u, v])),
        "matrix": (factorisation.factorisation(a @ b.T), np.concatenate([a.ravel(), b.ravel()])),
        "full rank": (factorisation.factorisation(square[0] @ square[1].T), square.ravel()),
    }


FITS = fits()
each = pytest.mark.parametrize("name", FITS)


def differences(f, w, width=1e-5):
    """The Hessian by central differences of the gradient."""
    gradient = jax.jit(jax.grad(f.loss))
    rows = [(gradient(w + width * e) - gradient(w - width * e)) / (2 * width) for e in np.eye(len(w))]
    return np.array(rows)


@each
def test_at_a_fit_the_loss_and_the_gradient_vanish(name):
    f, w = FITS[name]
    assert f.loss(w) < 1e-28 and np.abs(jax.grad(f.loss)(w)).max() < 1e-13


@each
def test_the_eigenvalues_the_trace_and_the_top_vector_are_those_of_the_hessian_by_differences(name):
    f, w = FITS[name]
    hessian = differences(f, w)
    eigs, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    rank = f.codimension(w)
    assert len(f.spectrum(w)) == rank
    np.testing.assert_allclose(f.spectrum(w), eigs[-rank:], rtol=1e-7)
    assert np.abs(eigs[:-rank]).max(initial=0) < 1e-7 * eigs[-1]
    np.testing.assert_allclose(f.trace(w), np.trace(hessian), rtol=1e-8)
    np.testing.assert_allclose(abs(f.vector(w) @ vectors[:, -1]), 1, rtol=1e-10)


@each
def test_the_slopes_are_projected_differences_of_the_largest_eigenvalue_and_of_the_trace(name):
    """Only their values on the manifold matter, so that the closed forms may be differenced off it."""
    f, w = FITS[name]
    width, rank = 1e-6, f.codimension(w)
    normal = np.linalg.eigh(differences(f, w))[1][:, -rank:]
    for height, found in ((lambda w: f.spectrum(w)[-1], f.slope(w)), (f.trace, f.trace_slope(w))):
        whole = [height(w + width * e) - height(w - width * e) for e in np.eye(len(w))]
        whole = np.array(whole) / (2 * width)
        claimed = whole - normal @ (normal.T @ whole)
        np.testing.assert_allclose(found, claimed, atol=1e-6 * np.abs(whole).max())
        assert np.linalg.norm(found) > 1e-3


@each
def test_gradient_flow_conserves_the_invariant(name):
    f, w = FITS[name]
    w = w + 0.3 * RNG.standard_normal(len(w))
    change = jax.jvp(f.invariant, (w,), (jax.grad(f.loss)(w),))[1]
    assert np.abs(change).max() < 1e-13 * np.linalg.norm(jax.grad(f.loss)(w)) * np.linalg.norm(w)
    assert np.abs(jax.jvp(f.invariant, (w,), (w,))[1]).max() > 0.1  # another direction changes it


def test_a_mean_over_the_entries_is_half_the_squared_distance():
    f, w = FITS["matrix"]
    u, v = f.factors(1.1 * w)
    np.testing.assert_allclose(f.loss(1.1 * w), np.sum((u @ v.T - f.y) ** 2) / 2, rtol=1e-13)
    np.testing.assert_allclose(f.losses(1.1 * w, 7), 7.5 * (u @ v.T - f.y)[1, 2] ** 2, rtol=1e-13)


def test_the_network_is_that_of_the_other_room():
    f, w = FITS["network"]
    np.testing.assert_allclose(f.losses(2 * w), 0.5 * (X @ (4 * w[:4] * w[4:]) - f.y) ** 2, rtol=1e-13)


def test_along_the_flow_on_two_weights_the_gap_decays_as_exp_of_minus_two_t():
    slope, times = chain().slope, np.array([0.1, 0.7])
    found = solve_ivp(
        lambda _, w: -0.5 * slope(w), (0, 0.7), pair_of_gap(3.0), t_eval=times, rtol=1e-11, atol=1e-13
    )
    np.testing.assert_allclose(found.y[0] ** 2 - found.y[1] ** 2, 3 * np.exp(-2 * times), rtol=1e-8)


def test_a_pair_of_given_gap_is_a_fit_with_it():
    gaps = np.array([-1e6, -2.0, 0.0, 0.5, 30.0])
    a, b = pair_of_gap(gaps)
    np.testing.assert_allclose(a * b, 1, rtol=1e-14)
    np.testing.assert_allclose(a**2 - b**2, gaps, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: chain(0.0), "must not be 0"),
        (lambda: chain(np.nan), "must be finite"),
        (lambda: network([[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0]), "must be independent"),
        (lambda: factorisation.factorisation([1.0, 2.0]), "needs a matrix; got shape"),
    ],
)
def test_what_has_no_manifold_is_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
