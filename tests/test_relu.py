"""One-dimensional ReLU networks: the affine form against the plain one, kinks and variation by force."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np

from theory.problems import relu
from theory.problems.relu import Units, jumps, least_variation, merged_kinks, net, variation

F = relu.notebook_fit()
start = jax.jit(relu.notebook_start, static_argnums=1)
W = start(jax.random.key(3), 40)


def plain(w, x):
    return jnp.sum(w.outer[None] * jax.nn.relu(x[:, None] * w.slope[None] + w.bias[None]), axis=1)


def test_the_points_are_those_of_the_notebook():
    np.testing.assert_allclose(F.x, (np.arange(12) - 5.5) / 4 + 0.07, atol=1e-15)
    np.testing.assert_allclose(F.y, 0.345 + np.array([-2, 1.5, 0, 0, 2, 1, 0, -1, 0, 1, 2, -1]), atol=1e-15)


def test_the_affine_form_is_the_network_and_has_its_gradient():
    x = np.linspace(-2.0, 2.0, 101)
    np.testing.assert_allclose(jax.jit(net)(W, x), jax.jit(plain)(W, x), rtol=1e-12, atol=1e-12)
    ours = jax.jit(jax.grad(F.loss))(W)
    theirs = jax.jit(jax.grad(lambda w: 0.5 * jnp.sum((plain(w, F.x) - F.y) ** 2)))(W)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-10)


def test_the_start_has_the_law_of_the_notebook():
    w = jax.tree.map(np.asarray, start(jax.random.key(0), 20_000))
    assert set(np.unique(w.slope)) == {-2.5, 2.5} and abs(np.mean(w.slope)) < 0.1
    # five deviations of a sample deviation: 5 / sqrt(2 m) of it
    assert abs(np.std(w.bias) / 2.5 - 1) < 0.025 and abs(np.std(w.outer) / 4 - 1) < 0.025


def test_the_slope_jumps_at_the_kinks():
    place, size = jumps(W)
    compiled = jax.jit(net)
    for t, jump in list(zip(np.asarray(place), np.asarray(size), strict=True))[:10]:
        x = np.array([t - 2e-7, t - 1e-7, t + 1e-7, t + 2e-7])
        v = np.asarray(compiled(W, x))
        assert abs(((v[3] - v[2]) - (v[1] - v[0])) / 1e-7 - jump) < 1e-5 * max(1, abs(jump))


def test_the_variation_is_the_sum_over_a_fine_grid():
    """Kinks lie apart by more than the grid at this start, so that second differences over h add up to it."""
    low, high = -1.3, 1.4
    x = np.linspace(low, high, 2_000_001)
    second = np.abs(np.diff(np.asarray(jax.jit(net)(W, x)), 2)) / (x[1] - x[0])
    inside = np.sort(np.asarray(jumps(W)[0]))
    assert np.min(np.diff(inside)) > 3 * (x[1] - x[0])
    assert abs(second[second > 1e-4].sum() / float(variation(W, low, high)) - 1) < 1e-5


def test_a_unit_without_slope_has_no_kink():
    w = Units(jnp.array([0.0, 2.0]), jnp.array([1.0, -1.0]), jnp.array([3.0, -1.5]))
    place, size = jumps(w)
    assert place[0] == jnp.inf and place[1] == 0.5 and size[1] == -3.0
    assert variation(w, 0.0, 1.0) == 3.0 and variation(w, 0.6, 1.0) == 0.0


def test_kinks_are_merged_and_small_ones_left_out_by_hand():
    place = np.array([0.5, 0.1, 0.11, 0.125, 0.9, 2.0])
    size = np.array([0.04, 1.0, -0.98, 0.1, 3.0, 5.0])
    # {0.1, 0.11, 0.125} is one kink of 0.12; 0.5 is too small; 2.0 lies outside
    assert merged_kinks(place, size, 0.0, 1.0, 0.02, 0.05) == 2
    assert merged_kinks(place, size, 0.0, 1.0, 0.02, 0.2) == 1
    assert merged_kinks(place, size, 0.0, 1.0, 0.001, 0.05) == 4
    assert merged_kinks(place, size, 3.0, 4.0, 0.02, 0.05) == 0


def test_the_path_norm_by_hand():
    w = Units(jnp.array([3.0, 0.0]), jnp.array([4.0, -1.0]), jnp.array([-2.0, 0.5]))
    assert relu.path_norm(w) == 2 * 5 + 0.5


def test_the_least_variation_of_the_notebook_is_70_exactly():
    assert least_variation(relu.POINTS, relu.TARGETS) == Fraction(70)


def test_no_network_has_less_than_the_least_variation_of_its_values():
    both = jax.jit(lambda w: (net(w, F.x), variation(w, F.x[0], F.x[-1])))
    for seed in range(5):
        values, whole = both(start(jax.random.key(seed), 20))
        own = least_variation(np.asarray(F.x), np.asarray(values))
        assert own <= float(whole) * (1 + 1e-12)
