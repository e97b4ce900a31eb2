"""Figure 1 remade: steps on the penalties against other routes, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import wml23_figure_1 as figure
from theory import sharpness

GAMMA, RHO = 0.02, 0.1
STATES = np.array(
    [[0.3, 0.8, 0.05, 0.05], [0.1, 0.2, 0.02, 0.0], [0.9, 0.9, 0.01, -0.02], [0.5, 0.1, -0.1, 0.3]]
)


def test_a_step_on_the_average_is_the_one_by_nodes_on_the_sphere():
    rule = sharpness.sphere_rule(4, 4)

    @jax.jit
    @jax.vmap
    def slope(w):
        return jax.grad(lambda w: sharpness.average(lambda v: figure.WHOLE.loss(w + v), RHO, rule))(w)

    moved = jax.jit(jax.vmap(lambda w: figure.average(w, GAMMA, RHO)[0]))(STATES)
    np.testing.assert_allclose((STATES - moved) / GAMMA, slope(STATES), rtol=1e-10, atol=1e-13)


def test_a_step_on_the_worst_direction_sees_the_gradient_at_the_largest_value_found_by_climbs():
    starts = np.random.default_rng(0).standard_normal((6, 4))

    @jax.jit
    @jax.vmap
    def slope(w):
        model = sharpness.second_order(lambda v: figure.WHOLE.loss(w + v))
        return jax.grad(figure.WHOLE.loss)(w + sharpness.largest_found(model, starts, RHO, True, 20)[1])

    moved, left = jax.jit(jax.vmap(lambda w: figure.worst(w, GAMMA, RHO)))(STATES)
    assert np.max(left) < 1e-3
    np.testing.assert_allclose((STATES - moved) / GAMMA, slope(STATES), rtol=1e-3, atol=1e-9)


def test_the_laplacian_is_the_trace_of_the_hessian():
    found = jax.jit(jax.vmap(figure.WHOLE.laplacian))(STATES)
    expected = jax.jit(jax.vmap(lambda w: jnp.trace(jax.hessian(figure.WHOLE.loss)(w))))(STATES)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_predicted_ends_are_where_the_heights_are_least():
    aims = figure.aims(GAMMA).set_index("method")[["x1", "x2"]]
    for name, weights in {"F_1": (1, 0), "F_2": (0, 1), "F_1 + F_2": (1, 1)}.items():
        slopes = np.asarray(figure.SINGLE.height_slopes(aims.loc[name].to_numpy()))
        np.testing.assert_allclose(np.array(weights) @ slopes, 0, atol=1e-14)
    settled = figure.SINGLE.single_drift(aims.loc["1-SAM"].to_numpy(), GAMMA)
    np.testing.assert_allclose(settled, 0, atol=1e-9)
    assert np.linalg.norm(aims.loc["1-SAM"] - aims.loc["F_1 + F_2"]) > 0.05


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"time": 0.0}, "slow time"),
        ({"gamma": 0.1}, "1 / 15"),
        ({"runs": 1}, "number of runs"),
        ({"rho": -1.0}, "rho"),
    ],
)
def test_what_gives_no_figure_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        figure.run(**given)
