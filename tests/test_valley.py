"""Valleys with a common floor: losses by hand, derivatives and drifts against autodiff and finite moves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory.problems.valley import bowls, figure_1_single, figure_1_whole, two_bowls, valley
from theory.update import step

RNG = np.random.default_rng(0)
BENDS = RNG.normal(size=(3, 2, 2))
PROBLEMS = {
    "two bowls": (two_bowls(), np.array([0.4])),
    "the loss of figure 1": (figure_1_whole(), np.array([0.2, 0.3])),
    "its data losses": (figure_1_single(), np.array([0.2, 0.3])),
    "three tilted": (
        valley([3.0, 2.0, 5.0], RNG.normal(size=(3, 2)), BENDS + np.swapaxes(BENDS, 1, 2)),
        np.array([0.1, -0.2]),
    ),
}


def test_losses_are_those_by_hand():
    f = two_bowls()
    w = np.array([2.0, 3.0, -2.0])  # heights 4 and 7/4
    np.testing.assert_allclose(f.losses(w), [18, 3.5], rtol=1e-15)
    np.testing.assert_allclose(f.losses(w, np.array([1])), [3.5], rtol=1e-15)
    np.testing.assert_allclose(f.loss(w), 10.75, rtol=1e-15)
    np.testing.assert_allclose(f.loss(w, np.array([1, 1]), np.array([2.0, 1.0])), 5.25, rtol=1e-15)


def test_the_loss_of_figure_1_is_the_one_written_there():
    x1, x2, x3, x4 = w = np.array([0.3, -0.7, 1.2, 0.4])
    first = (x1**2 + 6 * x2**2 + 8) * x3**2
    second = (4 * (1 - x1) ** 2 + (1 - x2) ** 2 + 1) * x4**2
    np.testing.assert_allclose(figure_1_whole().loss(w), first + second, rtol=1e-14)
    np.testing.assert_allclose(figure_1_single().losses(w), [first, second], rtol=1e-14)
    np.testing.assert_allclose(figure_1_single().loss(w), (first + second) / 2, rtol=1e-14)


@jax.jit
def by_differentiation(f, w):
    """Gradient, Hessian, third derivatives, Hessians of every loss; slopes of the top and of the trace."""
    hessian = jax.hessian(f.loss)

    def diagonal(x):
        return jnp.diag(hessian(w.at[: f.p].set(x)))

    x = w[: f.p]
    slopes = jax.grad(lambda x: jnp.max(diagonal(x)))(x), jax.grad(lambda x: jnp.sum(diagonal(x)))(x)
    each = jax.hessian(f.losses)(w)
    return jax.grad(f.loss)(w), each.mean(0), jax.jacfwd(hessian)(w), each, *slopes


@jax.jit
def by_formula(f, x, gamma):
    return (
        (f.hessian(x), f.third(x), f.spectrum(x), f.heights(x)),
        f.full_drift(x, gamma),
        f.single_drifts(x, gamma),
        (f.single_turn(x, gamma), jax.jacfwd(lambda x: f.single_drift(x, gamma))(x)),
    )


@pytest.mark.parametrize("name", PROBLEMS)
def test_formulas_on_the_floor_are_those_of_the_losses(name):
    f, x = PROBLEMS[name]
    grad, hessian, third, each, top, trace = map(
        np.asarray, by_differentiation(f, jnp.asarray(f.on_floor(x)))
    )
    formulas, full, single, _ = by_formula(f, x, 0.0)
    np.testing.assert_array_equal(grad, 0)
    np.testing.assert_allclose(hessian, formulas[0], rtol=1e-14)
    np.testing.assert_allclose(third, formulas[1], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian)[f.p :], formulas[2], rtol=1e-14)
    np.testing.assert_allclose(np.linalg.eigvalsh(each)[:, -1], formulas[3], rtol=1e-14)
    assert np.all(np.linalg.matrix_rank(each) == 1)
    # as the step vanishes the drifts descend half the top eigenvalue and half the trace
    np.testing.assert_allclose(full, -top / 2, rtol=1e-14)
    np.testing.assert_allclose(single.mean(0), -trace / 2, rtol=1e-14)


@jax.jit
def slopes_of_psi(f, x, gamma):
    def psi(s):
        return s / (2 - gamma * s)

    top = jax.grad(lambda x: psi(jnp.max(f.heights(x)) / f.n))(x)
    return top, jax.grad(lambda x: psi(f.heights(x)).mean())(x)


@pytest.mark.parametrize("name", PROBLEMS)
def test_drifts_descend_psi_of_the_eigenvalues(name):
    f, x = PROBLEMS[name]
    gamma = 0.6 / float(f.heights(x).max())
    _, full, single, turns = by_formula(f, x, gamma)
    np.testing.assert_allclose(*turns, rtol=1e-12)
    for drift, slope in zip((full, f.single_drift(x, gamma)), slopes_of_psi(f, x, gamma), strict=True):
        np.testing.assert_allclose(drift, -slope, rtol=1e-13)


@jax.jit
def two_steps(f, x, k, share, gamma, rho):
    """From one end of the cycle across valley k, where the sum weighs it by `share`, in gamma rho^2."""
    draw = k[None], share[None]
    curvature = f.heights(x)[k] * share / f.n
    w = (
        jnp.concatenate([x, jnp.zeros(f.n)])
        .at[f.p + k]
        .set(gamma * rho * curvature / (2 - gamma * curvature))
    )
    for _ in range(2):
        w = step(jax.value_and_grad(f.loss), w, gamma, rho, 1.0, *draw)
    return (w[: f.p] - x) / (2 * gamma * rho**2)


@pytest.mark.parametrize("name", PROBLEMS)
def test_two_steps_of_the_rule_on_the_cycle_move_as_the_drift_says(name):
    """What is left is O(rho^2). With the full batch the other valleys add nothing where their y is 0."""
    f, x = PROBLEMS[name]
    k = int(jnp.argmax(f.heights(x)))
    gamma = 0.9 / float(f.heights(x)[k])
    _, full, single, _ = by_formula(f, x, gamma)
    for share, drift in ((1.0, full), (float(f.n), single[k])):
        off = [
            np.linalg.norm(two_steps(f, x, jnp.array(k), jnp.array(share), gamma, rho) - drift)
            for rho in (1e-2, 5e-3)
        ]
        assert off[1] < 1e-3 and 3.8 < off[0] / off[1] < 4.2


def test_the_three_sharpnesses_of_two_bowls_have_three_minimisers():
    f = two_bowls()
    grid = np.linspace(-0.5, 1.5, 2001)
    heights = np.array(jax.vmap(f.heights)(grid[:, None]))
    inside = (grid >= 0) & (grid <= 1)
    assert np.all(heights[inside, 0] > heights[inside, 1])
    best = [grid[inside][np.argmin(each[inside])] for each in (heights[:, 0], heights[:, 1], heights.sum(1))]
    np.testing.assert_allclose(best, [0, 1, 0.6], atol=1e-12)


def test_what_is_no_valley_is_refused():
    with pytest.raises(ValueError, match="shapes"):
        valley([1.0], [[0.0]], [[0.0]])
    with pytest.raises(ValueError, match="symmetric"):
        valley([1.0], [[0.0, 0.0]], [[[0.0, 1.0], [0.0, 0.0]]])
    with pytest.raises(ValueError, match="finite"):
        valley([float("nan")], [[0.0]], [[[0.0]]])
    with pytest.raises(ValueError, match="lowest heights"):
        bowls([1.0, 2.0], [[1.0]], [[0.0]])
    with pytest.raises(ValueError, match="not positive"):
        bowls([-1.0], [[1.0]], [[0.0]]).on_floor([0.5])
    with pytest.raises(ValueError, match="2 coordinates"):
        figure_1_whole().on_floor([0.5])
