"""SAM as optax has it, on a pytree, beside ours."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from theory.update import step


def loss(w):
    return (
        jnp.sum(jnp.log1p(jnp.exp(w["x"]))) + 0.25 * jnp.sum(w["y"] ** 4) + jnp.sum(w["x"]) * jnp.sum(w["y"])
    )


def test_a_step_of_optax_sam_is_ours():
    gamma, rho = 0.1, 0.3
    w = {"x": jnp.array([0.5, -1.0, 2.0]), "y": jnp.array([[1.0, -0.5]])}
    ascent = optax.chain(optax.contrib.normalize(), optax.sgd(rho))
    sam = optax.contrib.sam(optax.sgd(gamma), ascent, sync_period=2, opaque_mode=True)

    @jax.jit
    def theirs(w):
        grad = jax.grad(loss)
        change, _ = sam.update(grad(w), sam.init(w), w, grad_fn=lambda w, _: grad(w))
        return optax.apply_updates(w, change)

    expected, found = theirs(w), jax.jit(lambda w: step(jax.value_and_grad(loss), w, gamma, rho, 1.0))(w)
    plain = jax.tree.map(lambda x, g: x - gamma * g, w, jax.grad(loss)(w))
    for name in w:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-15)  # entries below 3
        assert np.max(np.abs(found[name] - plain[name])) > 1e-3  # plain descent would not pass
