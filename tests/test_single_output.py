"""Nets with one output: losses by hand, slopes by differentiation; what the checks on them derive by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from paper_checks.wml23 import corollary_5_6, lemma_5_5, theorem_b_2
from paper_checks.wml23 import theorem_5_2 as nets
from theory.problems.single_output import SingleOutput, fitted
from theory.problems.valley import two_bowls
from theory.update import look_ahead, step


def test_losses_are_those_by_hand():
    f = SingleOutput(
        jnp.array([[1.0], [2.0]]), jnp.array([0.5, 0.0]), jnp.array([[1.0, 0, 0], [2.0, 1.0, 1.0]])
    )
    w = np.array([0.5, 0.0, 2.0, 7.0])  # outputs 2 tanh(x / 2)
    r = 2 * np.tanh([0.5, 1.0]) - [0.5, 0.0]
    expected = [r[0] ** 2 / 2, r[1] ** 2 + r[1] ** 3 / 6 + r[1] ** 4 / 24]
    np.testing.assert_allclose(f.losses(w), expected, rtol=1e-14)
    np.testing.assert_allclose(f.losses(w, np.array([1])), expected[1:], rtol=1e-14)
    np.testing.assert_allclose(f.residuals(w), r, rtol=1e-14)


def test_slopes_of_the_outputs_are_those_by_differentiation():
    f, w = nets.net(0, "squares")
    np.testing.assert_allclose(f.output_slopes(w), jax.jit(jax.jacrev(f.outputs))(w), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(f.residuals(w + 0.1), f.outputs(w + 0.1) - f.y, rtol=1e-12)


def test_a_fitted_net_has_no_loss():
    f, w = nets.net(1, "skew losses")
    np.testing.assert_allclose(f.losses(w), 0, atol=1e-30)


def test_hessians_of_outputs_are_those_by_differentiation():
    f, w = nets.net(0, "skew losses")
    expected = jax.jit(jax.hessian(f.outputs))(w)
    np.testing.assert_allclose(lemma_5_5.output_hessians(f, w), expected, rtol=1e-10, atol=1e-13)


def test_derivatives_of_the_ascended_gradients_are_those_of_the_rule():
    f, w = theorem_b_2.start(0)
    ahead = look_ahead(jax.value_and_grad(lambda w: f.losses(w)[1]), 0.1, 1.0)
    expected = jax.jit(jax.jacfwd(lambda w: ahead(w)[1]))(w)
    np.testing.assert_allclose(theorem_b_2.slopes(f, w, 0.1)[1], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.3, 1.7])
def test_starts_that_come_near_a_minimum_are_those_found_by_trying(gamma):
    """All paths of two steps of the rule from a grid of starts."""
    case = theorem_b_2.lines(*theorem_b_2.CURVES["two samples"], gamma)
    epsilon, starts = 0.02, np.linspace(-1, 1, 4001)[1::2]

    @jax.jit
    @jax.vmap
    def after(x, h, b):
        return step(jax.value_and_grad(lambda x: h * (x - b) ** 2 / 2), x, gamma, case.rho, 1.0)

    near, paths = np.zeros(len(starts), bool), starts[:, None]
    for last in (False, False, True):
        near |= np.any(np.abs(paths[:, :, None] - case.b) <= epsilon, axis=(1, 2))
        if not last:
            moved = [
                np.asarray(after(paths.ravel(), *np.tile([h, b], (paths.size, 1)).T))
                for h, b in zip(case.h, case.b, strict=True)
            ]
            paths = np.stack(moved, 1).reshape(len(starts), -1)
    np.testing.assert_allclose(theorem_b_2.chance(case, epsilon, 2), near.mean(), atol=0.01)
    assert 0.02 < near.mean() < 0.9


def test_worst_losses_are_the_largest_on_a_fine_circle():
    states, rho = np.array([[0.3, 0.02, -0.01], [0.7, 0.0, 0.1], [-0.5, 0.3, 0.0]]), 0.1
    angle = np.linspace(0, 2 * np.pi, 20001)
    f = two_bowls()
    for state, found in zip(states, corollary_5_6.worst_losses(states, rho), strict=True):
        for k in range(2):
            moved = np.tile(state, (len(angle), 1))
            moved[:, 0] += rho * np.sin(angle)
            moved[:, 1 + k] += rho * np.cos(angle)
            np.testing.assert_allclose(found[k], np.max(jax.vmap(f.losses)(moved)[:, k]), rtol=1e-7)


def test_what_is_no_net_is_refused():
    with pytest.raises(ValueError, match="shapes"):
        fitted([[1.0]], [1.0, 2.0, 3.0], [[1.0, 0, 0]])
    with pytest.raises(ValueError, match="loss 0 is not least"):
        fitted([[1.0]], [1.0, 2.0], [[1.0, 2.0, 1.0]])
    with pytest.raises(ValueError, match="finite"):
        fitted([[1.0]], [1.0, float("nan")], [[1.0, 0, 0]])
