"""Compiled runs against a Python loop of steps."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theory import sampling
from theory.descent import descend, sampled, still, swept, whole_batch
from theory.problems.least_squares import LeastSquares, one_example, ridge
from theory.update import step

RNG = np.random.default_rng(0)
F = ridge(RNG.normal(size=(4, 2)), RNG.normal(size=4), 0.1)
W = np.array([1.0, -2.0])
STEPS = 12
DRAWS = (RNG.integers(0, 4, (STEPS, 2)), RNG.uniform(1, 3, (STEPS, 2)))
f = jax.value_and_grad(F.loss)
one = jax.jit(lambda w, gamma, rho, lam, *draw: step(f, w, gamma, rho, lam, *draw))

SCHEDULES = {
    "gamma": (np.linspace(0.3, 0.1, STEPS), 0.2, 0.5),
    "rho": (0.2, np.linspace(0.0, 0.4, STEPS), 0.5),
    "lam": (0.2, 0.2, np.linspace(0.0, 1.0, STEPS)),
    "gamma and lam": (np.linspace(0.3, 0.1, STEPS), 0.2, np.linspace(1.0, 0.0, STEPS)),
    "nothing": (0.2, 0.2, 0.5),
}


def loop(gamma, rho, lam, draws=DRAWS):
    """w_0 .. w_T, one step after the other."""
    seen = [W]
    for t in range(STEPS):
        now = [np.broadcast_to(x, STEPS)[t] for x in (gamma, rho, lam)]
        seen.append(np.asarray(one(seen[-1], *now, *(x[t] for x in draws))))
    return np.array(seen)


def run(gamma, rho, lam, every, draws=DRAWS, value_and_grad=f):
    go = jax.jit(lambda *args: descend(value_and_grad, W + jnp.zeros(2), *args, draws, lambda w: w, every))
    return go(gamma, rho, lam)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_run_is_the_loop_of_its_steps(name):
    """The map has Lipschitz constant below 3 and runs for 12 steps: 3^12 times rounding."""
    seen, last = run(*SCHEDULES[name], 1)
    expected = loop(*SCHEDULES[name])
    np.testing.assert_allclose(seen, expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(last, seen[-1])
    assert np.max(np.abs(expected - loop(0.2, 0.2, 0.5))) > 0.01 or name == "nothing"


def test_a_run_observes_at_every_multiple_of_every():
    expected = loop(*SCHEDULES["gamma and lam"])
    for every in (3, 12):
        seen, last = run(*SCHEDULES["gamma and lam"], every)
        np.testing.assert_allclose(seen, expected[::every], rtol=0, atol=1e-12)
        np.testing.assert_allclose(last, expected[-1], rtol=0, atol=1e-12)


def test_what_is_observed_may_be_a_tree():
    def observe(w):
        return {"value": F.loss(w), "w": w}

    seen, _ = jax.jit(lambda w: descend(f, w, 0.2, 0.2, 0.5, DRAWS, observe, 4))(W)
    expected = loop(0.2, 0.2, 0.5)[::4]
    np.testing.assert_allclose(seen["w"], expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        seen["value"], [np.mean(0.5 * (F.a @ w - F.b) ** 2) + 0.05 * w @ w for w in expected], rtol=1e-12
    )


def test_the_full_batch_needs_no_draws():
    seen, _ = run(0.2, 0.2, 0.5, 1, draws=(still(STEPS),), value_and_grad=whole_batch(f))
    everything = (np.tile(np.arange(4), (STEPS, 1)), np.ones((STEPS, 4)))
    np.testing.assert_allclose(seen, loop(0.2, 0.2, 0.5, everything), rtol=0, atol=1e-12)


def test_each_draw_is_handed_to_both_passes_of_its_step():
    """One function at a time, lam = 1, gamma = 1, rho = 1/2, f_i = (w - b_i)^2 / 2 with b = (0, 4)."""
    g = ridge([[1.0], [1.0]], [0.0, 4.0], 0.0)
    draws = (np.array([[0], [1]]), np.array([[2.0], [2.0]]))
    seen, _ = jax.jit(lambda w: descend(jax.value_and_grad(g.loss), w, 1.0, 0.5, 1.0, draws, lambda w: w[0]))(
        np.ones(1)
    )
    # at 1 the first: gradient 1, ahead 1.5, w = 1 - 1.5; at -0.5 the second: -4.5, ahead -1, w = -0.5 + 5
    np.testing.assert_allclose(seen, [1, -0.5, 4.5], rtol=1e-15)


def test_sampled_paths_are_descents_along_the_draws_of_their_keys():
    law = sampling.single([0.1, 0.2, 0.3, 0.4])
    grid = tuple(np.array([[0.1, 0.2, 0.0], [0.05, 0.1, 0.7]]).T)
    key, w = jax.random.key(3), jnp.array([1.0, -1.0])
    found = jax.jit(lambda key: sampled(F, law, w, key, grid, 4, 6, 2, F.loss))(key)
    assert found.shape == (2, 4, 4)
    draws = jax.jit(jax.vmap(law.pick))(jax.random.split(jax.random.split(key, 4)[3], 6))
    along = jax.jit(lambda *sizes: descend(f, w, *sizes, draws, F.loss, 2)[0])
    for sizes, paths in zip(zip(*grid, strict=True), found, strict=True):
        expected = along(*sizes)
        np.testing.assert_allclose(paths[3], expected, rtol=1e-13)
    assert not np.allclose(found[:, 3], found[:, 2])


GRID = tuple(np.array([[0.1, 0.2, 0.0], [0.05, 0.1, 0.7], [0.1, 0.3, 1.0], [0.1, 0.0, 1.0]]).T)
ONES = (RNG.integers(0, 4, (3, STEPS, 1)), RNG.uniform(1, 3, (3, STEPS, 1)))


closed = jax.jit(lambda f, *state: one_example(f)(*state))
in_two_passes = jax.jit(lambda f, *state: step(jax.value_and_grad(f.loss), *state))
sweep = jax.jit(
    lambda move, f: swept(partial(move, f), jnp.asarray(W), GRID, ONES, lambda w: w, 4), static_argnums=0
)


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_one_example_at_a_time_in_closed_form_is_the_rule(weight):
    """No map has a Lipschitz constant above 3: 3^12 times rounding."""
    g = F._replace(ridge=weight)
    found, expected = np.asarray(sweep(closed, g)), np.asarray(sweep(in_two_passes, g))
    assert found.shape == (4, 3, 4, 2)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert (
        np.min(np.max(np.abs(np.diff(found, axis=0)), axis=(1, 2, 3))) > 1e-3
    )  # each (gamma, rho, lam) counts
    assert np.max(np.abs(found[:, 0] - found[:, 1])) > 1e-3  # and each path


def test_one_example_in_closed_form_is_the_rule_where_the_gradient_is_zero_or_the_row_is():
    g = LeastSquares(jnp.array([[3.0, 4.0], [0.0, 0.0]]), jnp.array([10.0, 1.0]), 0.0)
    at = jnp.array([2.0, 1.0])  # on the row's line a' w = 10
    for f, w, i in [
        (g, at, 0),
        (g, at, 1),
        (g._replace(ridge=0.5), at, 1),
        (g._replace(ridge=0.5), 0 * at, 1),
    ]:
        state = w, 0.1, 0.5, 1.0, np.array([i]), np.array([2.0])
        np.testing.assert_allclose(closed(f, *state), in_two_passes(f, *state), rtol=1e-15)
    np.testing.assert_array_equal(closed(g, at, 0.1, 0.5, 1.0, np.array([0]), np.array([2.0])), at)


def test_one_example_in_closed_form_is_finite_at_the_minimiser_of_its_function():
    """There |g|^2 is a difference of equal terms, whose rounding may be negative."""
    rows, targets = RNG.normal(size=(40, 3)), np.ones(40)
    f = LeastSquares(jnp.asarray(rows), jnp.asarray(targets), 0.1)
    least = np.asarray(rows * (targets / (np.sum(rows**2, axis=1) + 0.1))[:, None])
    move = jax.jit(jax.vmap(lambda w, i: one_example(f)(w, 0.1, 0.5, 1.0, i[None], jnp.ones(1))))
    assert np.all(np.isfinite(move(least, np.arange(40))))
