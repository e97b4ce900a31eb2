"""The convolution and its rule: by direct summation, against automatic differentiation, in whole programs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments.deep import nets
from experiments.deep.convolution import LAYOUT, convolve, equations
from experiments.deep.rule import Rule, Values, classification, cross_entropy, initial, step
from experiments.record import Refused

# what runs once is compiled seven times faster so
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
CANONICAL = jax.lax.conv_dimension_numbers((1,) * 4, (1,) * 4, LAYOUT)
# size of the kernel, stride, image, channels in and out
CASES = [
    (1, 1, (4, 6), 3, 5),
    (1, 2, (4, 6), 5, 3),
    (1, 2, (5, 7), 3, 2),
    (3, 1, (4, 6), 3, 4),
    (3, 1, (5, 3), 3, 3),
    (3, 2, (4, 6), 3, 7),
    (3, 2, (5, 7), 5, 3),
    (3, 2, (1, 1), 2, 3),
    (5, 2, (7, 6), 1, 3),
]


def drawn(case):
    """x, a kernel and what y is multiplied with."""
    size, stride, image, inputs, outputs = case
    rng = np.random.default_rng(size + 10 * stride + 100 * sum(image))
    seen = [-(-each // stride) for each in image]
    shapes = (2, *image, inputs), (size, size, inputs, outputs), (2, *seen, outputs)
    return tuple(map(rng.standard_normal, shapes))


def summed(x, kernel, stride):
    """The convolution by its formula, over the entries of the kernel."""
    pad = len(kernel) // 2
    around = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    height, width = x.shape[1:3]
    return sum(
        around[:, a : a + height : stride, b : b + width : stride] @ kernel[a, b]
        for a in range(len(kernel))
        for b in range(len(kernel))
    )


@pytest.fixture(scope="module")
def products():
    """y and the two derivatives of dy . y, by the rule and by automatic differentiation, for each case."""

    def all_of(x, kernel, dy, stride, canonical):
        y, pull = jax.vjp(partial(convolve, stride=stride, canonical=canonical), x, kernel)
        return y, *pull(dy)

    def both(given):
        return [
            [all_of(*each, case[1], canonical) for canonical in (True, False)]
            for case, each in zip(CASES, given, strict=True)
        ]

    return jax.tree.map(np.asarray, compiled(both)([drawn(case) for case in CASES]))


def test_the_convolution_is_the_sum_of_its_formula(products):
    for case, (rule, _) in zip(CASES, products, strict=True):
        x, kernel, _ = drawn(case)
        np.testing.assert_allclose(rule[0], summed(x, kernel, case[1]), rtol=1e-12, atol=1e-12)


def test_the_rule_is_automatic_differentiation_of_the_plain_convolution(products):
    for case, (rule, plain) in zip(CASES, products, strict=True):
        for found, expected in zip(rule, plain, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, err_msg=str(case))


def test_a_derivative_by_the_kernel_not_turned_would_be_told_apart(products):
    """The comparison above has something to compare."""
    for case, (rule, plain) in zip(CASES, products, strict=True):
        if case[0] > 1 and case[2] != (1, 1):
            assert np.max(np.abs(rule[2][::-1] - plain[2])) > 0.1
            assert np.max(np.abs(rule[1][:, ::-1] - plain[1])) > 0.1


def test_a_kernel_without_a_middle_is_refused():
    x = jnp.ones((1, 4, 4, 1))
    for shape in ((2, 2), (3, 1)):
        with pytest.raises(Refused, match="square and of odd size"):
            convolve(x, jnp.ones((*shape, 1, 1)))


# In whole programs


def convolutions(function, *arguments):
    """For each convolution of a program, whether its layout is that of the fast kernel, in one group."""
    program = jax.make_jaxpr(function)(*arguments)
    return [
        each.params["dimension_numbers"] == CANONICAL
        and each.params["feature_group_count"] == each.params["batch_group_count"] == 1
        for each in equations(program.jaxpr)
        if each.primitive.name == "conv_general_dilated"
    ]


def loss(net, x, y):
    return cross_entropy(net((), x, True)[0], y)


def given(name, canonical, shape=(8, 8, 3)):
    """A net, with what its loss takes and a direction for it; shapes alone, for programs that do not run."""
    key = jax.random.key(0)
    net = jax.eval_shape(lambda: nets.build(name, key, shape, 10, dtype=jnp.float64, canonical=canonical)[0])
    x, y = jax.ShapeDtypeStruct((4, *shape), jnp.float64), jax.ShapeDtypeStruct((4,), jnp.int32)
    return net, x, y


def trained(net, x, y, **options):
    """Steps of the trainer inside a scan."""
    settings = Rule(**options)
    optimizer = optax.sgd(1.0, momentum=0.9)
    move = step(classification(settings), optimizer, settings)

    def one(state, _):
        return move(state, Values(), None, (x, y))

    return jax.lax.scan(one, initial(optimizer, net), length=4)


def kernels(name):
    """How many kernels a net has, of size 3 and of size 1."""
    sizes = [each.shape[0] for each in jax.tree.leaves(given(name, None)[0]) if len(each.shape) == 4]
    return sizes.count(3), sizes.count(1)


def test_every_convolution_of_a_sam_step_is_canonical_on_a_cpu():
    assert jax.default_backend() == "cpu"
    # of each kernel of size 3 three products in both passes; the derivative by one of size 1 is a product of
    # matrices, and so is that by its input at stride 1, which wrn16-4 has in its first block
    for name, stride_1 in (("convnet", 0), ("preactresnet18", 0), ("wrn16-4", 1)):
        wide, narrow = kernels(name)
        found = convolutions(partial(trained, micro=2), *given(name, None))
        assert len(found) == 2 * (3 * wide + 2 * narrow - stride_1) and all(found), name


def test_those_of_automatic_differentiation_are_not_and_a_vmap_over_weights_has_groups():
    wide, narrow = kernels("resnet8")
    found = convolutions(trained, *given("resnet8", False))
    assert sum(found) == 2 * (wide + narrow) and sum(found) < len(found)  # forward alone
    net, x, y = given("convnet", True)
    two = jax.tree.map(lambda w: jax.ShapeDtypeStruct((2, *w.shape), w.dtype), net)
    assert not all(convolutions(jax.vmap(jax.grad(loss), (0, None, None)), two, x, y))


def hessian_times(net, v, x, y):
    return jax.jvp(lambda net: jax.grad(loss)(net, x, y), (net,), (v,))[1]


def hessian_by_linearize(net, v, x, y):
    product = jax.linearize(lambda net: jax.grad(loss)(net, x, y), net)[1]
    return jax.lax.fori_loop(0, 1, lambda _, v: product(v), v)


def hessian_by_reverse(net, v, x, y):
    def along(net):
        grad = jax.grad(loss)(net, x, y)
        return sum(map(jnp.vdot, jax.tree.leaves(grad), jax.tree.leaves(v)))

    return jax.grad(along)(net)


def test_products_with_the_hessian_stay_canonical_forward_over_reverse_alone():
    net, x, y = given("convnet", None)
    assert all(convolutions(hessian_times, net, net, x, y))
    assert all(convolutions(hessian_by_linearize, net, net, x, y))
    assert not all(convolutions(hessian_by_reverse, net, net, x, y))
    assert all(convolutions(partial(trained, second_order=True, group=2), net, x, y))


def test_products_with_the_hessian_through_the_rule_are_those_of_the_plain_convolution():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 6, 3))
    w, v = ([rng.standard_normal(shape) for shape in ((3, 3, 3, 4), (1, 1, 4, 2))] for _ in range(2))

    def grad(w, canonical):
        def loss(w):
            inner = jnp.tanh(convolve(x, w[0], 2, canonical))
            return jnp.sum(jnp.tanh(convolve(inner, w[1], 1, canonical)) ** 3)

        return jax.grad(loss)(w)

    def every(w, v):
        forward = jax.jvp(partial(grad, canonical=True), (w,), (v,))[1]
        linear = jax.linearize(partial(grad, canonical=True), w)[1](v)
        reverse = jax.grad(lambda w: sum(map(jnp.vdot, grad(w, False), v)))(w)
        return forward, linear, reverse

    *found, expected = compiled(every)(w, v)
    for each in found:
        for ours, theirs in zip(each, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
