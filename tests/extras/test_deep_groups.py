"""Groups and micro-batches of nets with convolutions: one result by every form, and by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.deep import nets, rule
from experiments.deep.rule import Rule, Values, cross_entropy
from theory.update import in_groups, in_turn

# what runs once is compiled seven times faster so
compiled = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
BATCH, SHAPE, CLASSES, RHO = 8, (5, 6, 2), 3, 0.1
COUNTS = (1, 2, BATCH)  # of groups
VALUES = Values(rho=RHO)


def small(norm="group", canonical=None):
    """Two convolutions with norms, every number drawn."""
    net = nets.Maker(norm, jnp.dtype(float), canonical).plain(SHAPE, CLASSES, (4, 6))
    rng = np.random.default_rng(1)
    net = jax.tree.map(lambda w: 0.5 * rng.standard_normal(w.shape) + (len(w.shape) == 1), net)
    return net, nets.fresh(net)


def examples():
    rng = np.random.default_rng(2)
    return rng.standard_normal((BATCH, *SHAPE)), rng.integers(0, CLASSES, BATCH)


def loss(net, x, y):
    return cross_entropy(net((), x, True)[0], y)


def gradient(over=in_turn, compute="float64", **options):
    """The net's gradient by the rule."""
    settings = Rule(compute=compute, **options)
    f = rule.gradient(rule.classification(settings), settings, over=over)
    return lambda net, x, y: f(net, (), VALUES, None, (x, y))[1]


def batched(net, x, y, count):
    """All groups at once: the second pass is one derivative by the weights that the groups share."""
    groups = [each.reshape(count, -1, *each.shape[1:]) for each in (x, y)]
    first = jax.vmap(jax.grad(loss), (None, 0, 0))(net, *groups)
    squares = sum(jnp.sum(g.reshape(count, -1) ** 2, axis=1) for g in jax.tree.leaves(first))
    steps = jax.tree.map(lambda g: RHO * g / jnp.sqrt(squares).reshape(-1, *[1] * (g.ndim - 1)), first)

    def mean(shared):
        def one(step, x, y):
            return loss(jax.tree.map(jnp.add, shared, step), x, y)

        return jax.vmap(one)(steps, *groups).mean()

    return jax.grad(mean)(net)


def flat(tree):
    return np.concatenate([np.ravel(each) for each in jax.tree.leaves(tree)])


def by_hand(net, x, y, size, each):
    """Group after group, by the gradient of every example."""
    found = []
    for k in range(0, len(x), size):
        group = slice(k, k + size)
        first = jax.tree.map(lambda g, group=group: np.mean(g[group], axis=0), each(net, x, y))
        length = np.sqrt(np.sum(flat(first) ** 2))
        ahead = jax.tree.map(lambda w, g, length=length: w + RHO * g / length, net, first)
        found.append(flat(jax.tree.map(lambda g, group=group: np.mean(g[group], axis=0), each(ahead, x, y))))
    return np.mean(found, axis=0)


@pytest.fixture(scope="module")
def each():
    """The gradients of all examples, by plain convolutions on one example at a time."""
    run = compiled(jax.vmap(lambda net, x, y: jax.grad(loss)(net, x[None], y[None]), (None, 0, 0)))
    form, plain = (jax.tree.structure(small(canonical=which)[0]) for which in (None, False))

    def found(net, x, y):
        grads = run(jax.tree.unflatten(plain, jax.tree.leaves(net)), x, y)
        return jax.tree.unflatten(form, jax.tree.leaves(grads))

    return found


@pytest.fixture(scope="module")
def found():
    """By number of groups: in turn, by vmap, batched."""
    (net, _), (x, y) = small(), examples()

    def forms(net, x, y, count):
        both = [gradient(over, group=BATCH // count)(net, x, y) for over in (in_turn, in_groups)]
        return [*both, batched(net, x, y, count)]

    return {count: [*map(flat, compiled(partial(forms, count=count))(net, x, y))] for count in COUNTS}


def apart(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def test_groups_in_turn_by_vmap_and_batched_are_the_groups_by_hand(found, each):
    (net, _), (x, y) = small(), examples()
    for count, forms in found.items():
        expected = by_hand(net, x, y, BATCH // count, each)
        for form in forms:
            assert apart(form, expected) < 1e-12, count
    swapped = [np.concatenate([a[4:], a[:4]])[[0, 5, 2, 7, 4, 1, 6, 3]] for a in (x, y)]
    assert apart(by_hand(net, *swapped, 4, each), found[2][0]) > 0.01  # groups are neighbours in the batch


@pytest.fixture(scope="module")
def plain():
    """SAM on the whole batch, and by micro-batches of two, alone and in groups of four."""
    settings = ({}, {"micro": 2}, {"micro": 2, "group": 4})
    run = compiled(lambda *given: [gradient(**each)(*given) for each in settings])
    return [*map(flat, run(small()[0], *examples()))]


def test_one_group_is_sam_and_several_are_not(found, plain):
    sam, net = plain[0], small()[0]
    assert apart(found[1][0], sam) < 1e-14
    for count in COUNTS[1:]:
        assert apart(found[count][0], sam) > 0.01
    # and so in every tensor, last bias and norms included
    for one, two in zip(parts(sam, net), parts(found[2][0], net), strict=True):
        assert apart(two, one) > 0.001


def parts(vector, net):
    return np.split(vector, np.cumsum([each.size for each in jax.tree.leaves(net)])[:-1])


def test_micro_batches_give_the_step_of_the_whole_batch(found, plain):
    sam, micro, micro_in_groups = plain
    assert apart(micro, sam) < 1e-12
    assert apart(micro_in_groups, found[2][0]) < 1e-12


def test_single_precision_keeps_four_digits_of_groups_and_micro_batches(found):
    net, x = jax.tree.map(lambda a: a.astype(np.float32), (small()[0], examples()[0]))
    run = compiled(gradient(compute="float32", group=4, micro=2))
    single = run(net, x, examples()[1])
    assert jax.tree.leaves(single)[0].dtype == jnp.float32
    assert apart(flat(single), found[2][0]) < 1e-4


def test_a_batch_that_does_not_split_is_refused_not_cut():
    net, (x, y) = small()[0], examples()
    for options, name in ({"group": 5}, "groups of 5"), ({"micro": 3}, "micro-batches of 3"):
        with pytest.raises(ValueError, match=f"a batch of 8 does not split into {name}"):
            jax.eval_shape(gradient(**options), net, x, y)


def test_batch_norm_by_micro_batches_would_be_another_net_and_is_refused():
    (net, stats), (x, y) = small("batch"), examples()

    def grad(net, x, y):
        return jax.grad(lambda net: cross_entropy(net(stats, x, True)[0], y))(net)

    def both(net):
        return grad(net, x, y), in_turn(grad)(net, x.reshape(2, 4, *SHAPE), y.reshape(2, 4))

    whole, micro = map(flat, compiled(both)(net))
    assert apart(micro, whole) > 0.01
    settings = Rule(micro=4)
    f = rule.gradient(rule.classification(settings), settings)
    with pytest.raises(ValueError, match="batch norm sees the whole batch"):
        jax.eval_shape(lambda net: f(net, stats, VALUES, None, (x, y)), net)
