"""What bfloat16 leaves of a perturbation, on fresh weights of PreActResNet-18, beside what rounding predicts.

A weight lies anywhere between two neighbours u apart, so the cast moves it by k or k + 1 of them where it
should move by e = (k + f) u: by e in the mean, with mean square u^2 [k^2 (1 - f) + (k + 1)^2 f].
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.deep import nets, rule

BITS = 8  # of a bfloat16, the first of them not written
HALF, SINGLE = rule.Rule(compute="bfloat16"), rule.Rule(compute="float32")


@pytest.fixture(scope="module")
def fresh():
    """Weights of its shapes and its law, and a uniform direction."""
    built = partial(nets.build, "preactresnet18", shape=(32, 32, 3), classes=10)
    shapes, _ = jax.eval_shape(built, jax.random.key(0))
    rng = np.random.default_rng(0)

    def normal(x):
        return rng.standard_normal(x.shape, np.float32)

    def begun(x, label):
        spread = np.float32((2 / np.prod(x.shape[:-1])) ** 0.5)
        return spread * normal(x) if label == "weight" else np.ones(x.shape, np.float32)

    net, d = jax.tree.map(begun, shapes, nets.labels(shapes)), jax.tree.map(normal, shapes)
    length = np.sqrt(sum(np.sum(x**2) for x in jax.tree.leaves(d)))
    return net, jax.tree.map(lambda x: x / length, d)


@partial(jax.jit, static_argnums=0)
def kept(how, w, d, rho):
    return rule.cosine_after_cast(how, w, jax.tree.map(lambda x, e: x + rho.astype(x.dtype) * e, w, d))


def expected(w, d, rho):
    """<e, E> / |e| |E| with the mean of E on e and its mean square, summed over all weights."""
    intended, effective = 0.0, 0.0
    for x, e, label in zip(*map(jax.tree.leaves, (w, d, nets.labels(w))), strict=True):
        e = rho * np.abs(np.asarray(e))
        square = e**2
        intended += square.sum(dtype=float)
        if label == "weight":  # what the cast rounds
            spacing = np.ldexp(np.float32(1), np.frexp(np.asarray(x))[1] - BITS)
            steps = np.floor(e / spacing)
            part = e / spacing - steps
            square = spacing**2 * (steps**2 * (1 - part) + (steps + 1) ** 2 * part)
        effective += square.sum(dtype=float)
    return np.sqrt(intended / effective)


@pytest.mark.parametrize(("rho", "stated"), [(0.05, 0.39), (2.0, 0.99)])
def test_the_cosine_left_by_the_cast_is_the_one_of_rounding(fresh, rho, stated):
    # about a million of the 11 million weights move: 0.1 % of deviation
    found, predicted = kept(HALF, *fresh, jnp.asarray(rho)), expected(*fresh, rho)
    np.testing.assert_allclose(found, predicted, rtol=5e-3)
    assert round(float(found), 2) == stated
    assert kept(SINGLE, *fresh, jnp.asarray(rho)) == 1
