"""Operations counted in a trace, against counts by hand."""

import jax
import jax.numpy as jnp

from paper_checks.f21 import cost_of_a_step
from paper_checks.f21.cost_of_a_step import operations


def counted(f, *args):
    return operations(jax.make_jaxpr(f)(*args).jaxpr)


def test_a_product_of_matrices_takes_two_operations_for_each_pair():
    a, b = jnp.zeros((3, 4)), jnp.zeros((4, 5))
    assert counted(jnp.matmul, a, b) == (2 * 3 * 4 * 5, 0)
    batched = jax.vmap(jnp.matmul)(jnp.zeros((7, 3, 4)), jnp.zeros((7, 4, 5))).shape
    assert batched == (7, 3, 5)
    assert counted(jax.vmap(jnp.matmul), jnp.zeros((7, 3, 4)), jnp.zeros((7, 4, 5))) == (7 * 120, 0)


def test_other_operations_count_their_entries_and_moves_count_nothing():
    x = jnp.zeros((3, 4))
    assert counted(lambda x: x + x * x, x) == (0, 24)
    assert counted(jnp.sum, x) == (0, 12)
    assert counted(lambda x: x.T.reshape(-1), x) == (0, 0)


def test_what_is_in_a_loop_or_a_function_is_counted_as_often_as_it_runs():
    x = jnp.zeros(6)
    assert counted(jax.jit(lambda x: x * x), x) == (0, 6)
    assert counted(lambda x: jax.lax.scan(lambda c, _: (c * c, None), x, None, 5)[0], x) == (0, 30)


def test_a_gradient_of_the_net_by_hand():
    """Forward and back: x W and h a; d/da and dh; d/dW. Nothing is differentiated by x."""
    d, units, n = cost_of_a_step.D, cost_of_a_step.UNITS, cost_of_a_step.EXAMPLES
    forward = 2 * n * (d * units + units)
    back = 2 * n * (units + units + d * units)
    assert cost_of_a_step.spent("gradient descent", n)[0] == forward + back
    assert cost_of_a_step.spent("SAM", n)[0] == 2 * (forward + back)
