"""The networks: sizes by count, norms against other forms of them, precision, and what groups see."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.deep import nets
from experiments.deep.nets import as_computed, by_group, labels, multiply_adds, parameters
from experiments.record import Refused

# what runs once is compiled seven times faster so
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
KEY = jax.random.key(0)
COLOUR = (32, 32, 3)


def shapes(name, shape=COLOUR, norm="group"):
    """A net without its numbers."""
    return jax.eval_shape(lambda: nets.build(name, KEY, shape, 10, norm)[0])


# Sizes


def test_published_nets_have_their_parameters_and_multiply_adds():
    published = {
        "preactresnet18": (11_172_170, 555_422_720),
        "preactresnet18w16": (701_018, 35_046_656),
        "wrn16-4": (2_748_890, 392_612_352),
        "wrn28-10": (36_479_194, 5_243_328_768),
    }
    for name, sizes in published.items():
        net = shapes(name)
        assert (parameters(net), multiply_adds(net, COLOUR)) == sizes, name
    assert parameters(shapes("wrn16-4", norm="batch")) == 2_748_890  # running statistics are not trained


def test_small_nets_have_those_counted_by_hand():
    digits = (8, 8, 1)
    weights = 64 * 64 + 64 * 64 + 64 * 10
    net = shapes("mlp", digits)
    assert parameters(net) == weights + 4 * 64 + 10 and multiply_adds(net, digits) == weights

    kernels = 9 * np.array([3 * 16, 16 * 32, 32 * 32])
    net = shapes("convnet")
    assert parameters(net) == kernels.sum() + 2 * (16 + 32 + 32) + 320 + 10
    assert multiply_adds(net, COLOUR) == kernels @ [32**2, 16**2, 8**2] + 320

    kernels = np.array(
        [
            9 * 3 * 16 + 9 * (16 * 16 + 16 * 16),  # the stem and a block on 32 x 32
            9 * (16 * 32 + 32 * 32) + 16 * 32,  # with their 1 x 1 kernels
            9 * (32 * 64 + 64 * 64) + 32 * 64,
        ]
    )
    net = shapes("resnet8")
    assert parameters(net) == kernels.sum() + 2 * (16 + 16 + 16 + 32 + 32 + 64 + 64) + 640 + 10
    assert multiply_adds(net, COLOUR) == kernels @ [32**2, 16**2, 8**2] + 640


def test_only_norms_and_the_last_layer_have_biases():
    for name in nets.NAMES:
        net = shapes(name, (8, 8, 3))
        sizes = {"weight": [], "bias": [], "norm": []}
        for label, each in zip(jax.tree.leaves(labels(net)), jax.tree.leaves(net), strict=True):
            sizes[label].append(each.shape)
        assert sizes["bias"] == [(10,)]
        assert {len(shape) for shape in sizes["norm"]} == {1} and len(sizes["norm"]) == 2 * len(
            nets.norms(net)
        )
        assert min(len(shape) for shape in sizes["weight"]) == 2


def test_groups_are_32_or_half_the_channels():
    found = {norm.scale.shape[0]: norm.groups for norm in nets.norms(shapes("wrn28-10"))}
    assert found == {16: 8, 160: 32, 320: 32, 640: 32}
    assert {norm.groups for norm in nets.norms(shapes("mlp"))} == {1}
    assert nets.norms(shapes("resnet8", norm="none")) == []


def test_weights_start_with_variance_two_over_their_inputs_and_no_two_alike():
    net = jax.tree.map(np.asarray, nets.build("resnet8", KEY, COLOUR, 10)[0])
    firsts = []
    for label, each in zip(jax.tree.leaves(labels(net)), jax.tree.leaves(net), strict=True):
        if label == "weight":
            spread = 6 * np.sqrt(2 / each.size)  # six standard errors of a normal sample's variance
            assert abs(np.mean(each**2) * np.prod(each.shape[:-1]) / 2 - 1) < spread
            firsts.append(float(each.ravel()[0] * np.sqrt(np.prod(each.shape[:-1]))))
    assert len(set(firsts)) == len(firsts)
    wide = net.blocks[-1].convolutions[0].weight  # 32 to 64: outputs in place of inputs would be told apart
    assert abs(np.mean(wide**2) * 9 * 64 / 2 - 1) > 6 * np.sqrt(2 / wide.size)


def test_what_cannot_be_built_is_refused():
    for wrong, says in (
        ({"name": "resnet9"}, "no net named 'resnet9'; there are mlp, convnet, resnet8"),
        ({"norm": "layer"}, "no norm named 'layer'; there are group, batch, none"),
        ({"shape": (64,)}, r"takes images \(height, width, channels\); got examples of shape \(64,\)"),
    ):
        with pytest.raises(Refused, match=says):
            nets.build(**({"name": "resnet8", "key": KEY, "shape": COLOUR, "classes": 10} | wrong))
    with pytest.raises(ValueError, match="number of classes must be a whole number at least 2; got 1"):
        nets.build("mlp", KEY, (4,), 1)


# Norms


def reshaped(x, groups):
    """GroupNorm as it is usually written."""
    n, h, w, c = x.shape
    z = x.reshape(n, h * w, groups, c // groups)
    mean = z.mean((1, 3), keepdims=True)
    variance = ((z - mean) ** 2).mean((1, 3), keepdims=True)
    return ((z - mean) / jnp.sqrt(variance + 1e-5)).reshape(x.shape)


def one_pass(x, groups):
    """With the mean of the squares less the square of the mean."""
    n, h, w, c = x.shape
    z = x.reshape(n, h * w, groups, c // groups)
    mean, square = z.mean((1, 3), keepdims=True), (z**2).mean((1, 3), keepdims=True)
    return ((z - mean) / jnp.sqrt(jnp.maximum(square - mean**2, 0) + 1e-5)).reshape(x.shape)


@pytest.fixture(scope="module")
def normalised():
    """Values, and derivatives of a weighted sum, of the three forms on one input."""
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal((2, 2, 3, 4, 12))

    def all_of(x):
        def form(f):
            y, pull = jax.vjp(partial(f, groups=4), x)
            return y, pull(weights)[0]

        return [form(each) for each in (by_group, reshaped, one_pass)]

    return x, compiled(all_of)


def test_group_norm_is_the_form_that_reshapes_in_values_and_derivatives(normalised):
    x, forms = normalised
    ours, usual, _ = forms(x)
    np.testing.assert_allclose(ours[0], usual[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours[1], usual[1], rtol=1e-12, atol=1e-12)
    groups = np.asarray(ours[0]).reshape(2, 12, 4, 3)
    np.testing.assert_allclose(groups.mean((1, 3)), 0, atol=1e-12)
    np.testing.assert_allclose((groups**2).mean((1, 3)), 1, rtol=1e-3)


def test_group_norm_keeps_its_digits_beside_a_large_mean(normalised):
    """Entries of size 2^27 are rounded to 2^-26; the variance of one pass to about one."""
    x, forms = normalised
    shifted = x + 2.0**27
    ours, _, careless = forms(shifted)
    expected = forms(shifted - 2.0**27)[0]
    np.testing.assert_allclose(ours[0], expected[0], atol=1e-6)
    assert np.max(np.abs(careless[0] - expected[0])) > 0.1


def test_a_group_of_two_entries_is_refused():
    net = shapes("resnet8", (4, 4, 1))  # its last stage has one pixel
    with pytest.raises(Refused, match=r"\(1, 1, 64\) has 32 groups of 2, and leaves of them signs alone"):
        jax.eval_shape(lambda net, x: net((), x, True), net, jnp.ones((1, 4, 4, 1)))


@pytest.fixture(scope="module")
def batched():
    """Two layers with BatchNorm and its statistics, x, and the pass through it."""
    net, stats = nets.build("mlp", KEY, (5,), 3, "batch", jnp.float64)
    x = jnp.asarray(np.random.default_rng(0).normal(2, 1, (7, 5)))
    return net, stats, x, compiled(type(net).__call__, static_argnums=3)


def by_hand(net, x, moments):
    """The logits in NumPy, with the mean and variance that `moments` gives each norm for what it sees."""
    net = jax.tree.map(np.asarray, net)
    seen = []
    for layer, norm in zip(net.layers, net.norms, strict=True):
        x = x @ layer.weight
        mean, variance = moments(len(seen), x)
        seen.append((x.mean(0), x.var(0)))
        x = np.maximum((x - mean) / np.sqrt(variance + 1e-5) * norm.scale + norm.shift, 0)
    return x @ net.last.weight + net.last.bias, seen


def test_batch_norm_in_training_takes_the_batch_and_moves_the_running_statistics(batched):
    net, stats, x, run = batched
    logits, new = run(net, stats, x, True)
    expected, seen = by_hand(net, np.asarray(x), lambda _, x: (x.mean(0), x.var(0)))
    np.testing.assert_allclose(logits, expected, rtol=1e-11)
    for (mean, variance), (their_mean, their_variance) in zip(new, seen, strict=True):
        np.testing.assert_allclose(mean, 0.1 * their_mean, rtol=1e-12)
        np.testing.assert_allclose(variance, 0.9 + 0.1 * their_variance, rtol=1e-12)


def test_batch_norm_out_of_training_takes_the_running_statistics_and_leaves_them(batched):
    net, _, x, run = batched
    stats = tuple((np.arange(64.0) / 64, 1 + np.arange(64.0)) for _ in net.norms)
    logits, new = run(net, stats, x, False)
    expected, _ = by_hand(net, np.asarray(x), lambda k, _: jax.tree.map(np.asarray, stats[k]))
    np.testing.assert_allclose(logits, expected, rtol=1e-11)
    assert all(map(np.array_equal, jax.tree.leaves(new), jax.tree.leaves(stats)))
    np.testing.assert_allclose(run(net, stats, x[:1], False)[0], logits[:1], rtol=1e-11)


# Precision


def test_a_net_computes_in_half_precision_on_weights_rounded_to_it():
    net, _ = nets.build("convnet", KEY, (8, 8, 3), 10)
    # scales too are now no numbers of half precision
    net = jax.tree.map(lambda each: np.asarray(each) + np.float32(1e-4), net)
    x = jax.random.normal(jax.random.key(1), (4, 8, 8, 3), jnp.bfloat16)
    run = compiled(lambda net, x: net((), x, True)[0])
    logits = run(net, x)
    assert logits.dtype == jnp.float32 and np.any(logits.astype(jnp.bfloat16) != logits)
    rounded = as_computed(net, jnp.bfloat16)
    assert np.array_equal(run(rounded, x), logits)
    for label, before, after in zip(*map(jax.tree.leaves, (labels(net), net, rounded)), strict=True):
        assert np.array_equal(before, after) == (label != "weight")
    everything = jax.tree.map(lambda each: each.astype(jnp.bfloat16).astype(each.dtype), net)
    assert not np.array_equal(run(everything, x), logits)  # norms are not rounded
    exact = run(net, x.astype(jnp.float64))
    assert exact.dtype == jnp.float64
    np.testing.assert_allclose(logits, exact, atol=0.05 * float(jnp.max(jnp.abs(exact))))
