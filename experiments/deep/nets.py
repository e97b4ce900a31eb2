"""Networks on images: a dense one, plain convolutions, and residual networks with normalisation first.

    net, stats = build("resnet8", key, (32, 32, 3), 10)
    logits, stats = net(stats, x, train=True)               x (n, h, w, c), logits (n, classes)

A net is a pytree whose arrays are what is trained. It computes in the precision of x: every weight is rounded
to it where it is used (`as_computed`). Statistics, norms, the last bias and the logits have single precision
at least. Only norms and the last layer have biases, in the dense net too. The output channel is the last axis
of every weight. Weights start as He et al. (2015) say, normal with variance 2 / (inputs of an output); norms
as the identity, the last bias at zero.

GroupNorm, the default, has min(32, c / 2) groups of channels, one group in the dense net. It sees single
examples, so groups of m-SAM and micro-batches change nothing in it. BatchNorm sees the batch it is given;
`train=True` returns the running mean and variance moved by 1 - MOMENTUM towards those of the batch (its
variance over the number of entries, not over one less), `train=False` uses them.

Residual networks: He et al. (2016), with norm and ReLU ahead of each convolution, a last norm, and a 1x1
convolution of the block's first ReLU where the shape changes. wrn16-4 and wrn28-10: Zagoruyko and Komodakis
(2016). ResNet-8 has the widths and depth of He et al. (2015) in this form.
"""

from math import prod
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from experiments.deep.convolution import convolve, equations
from experiments.record import Refused
from theory import admit

MOMENTUM = 0.9  # of the running statistics
EPSILON = 1e-5  # beside a variance
NORMS = ("group", "batch", "none")


class Residual(NamedTuple):
    stem: int  # channels of the first convolution
    widths: tuple[int, ...]  # of the stages; all but the first begin with stride 2
    blocks: int  # in a stage


DENSE = {"mlp": (64, 64)}
PLAIN = {"convnet": (16, 32, 32)}  # the first of stride 1, the others of stride 2
RESIDUAL = {
    "resnet8": Residual(16, (16, 32, 64), 1),
    "preactresnet18": Residual(64, (64, 128, 256, 512), 2),
    "preactresnet18w16": Residual(16, (16, 32, 64, 128), 2),
    "wrn16-4": Residual(16, (64, 128, 256), 2),
    "wrn28-10": Residual(16, (160, 320, 640), 4),
}
NAMES = (*DENSE, *PLAIN, *RESIDUAL)


# Layers


class Dense(eqx.Module):
    weight: jax.Array  # (inputs, outputs)

    def __call__(self, x):
        return x @ self.weight.astype(x.dtype)


class Convolution(eqx.Module):
    weight: jax.Array  # (k, k, inputs, outputs)
    stride: int = eqx.field(static=True)
    canonical: bool | None = eqx.field(static=True)

    def __call__(self, x):
        return convolve(x, self.weight.astype(x.dtype), self.stride, self.canonical)


class Last(eqx.Module):
    """The logits from features (n, inputs): products in their precision, sums in single at least."""

    weight: jax.Array  # (inputs, classes)
    bias: jax.Array  # (classes,)

    def __call__(self, x):
        wide = jnp.promote_types(x.dtype, jnp.float32)
        logits = jnp.matmul(x, self.weight.astype(x.dtype), preferred_element_type=wide)
        return logits + self.bias.astype(wide)[None]


class Norm(eqx.Module):
    scale: jax.Array  # (channels,)
    shift: jax.Array
    groups: int = eqx.field(static=True)  # 0: BatchNorm


class Normaliser:
    """What a pass through a net does with its norms, in their order: running statistics come and go."""

    def __init__(self, stats, train):
        self.given = iter(stats)
        self.train = train
        self.kept = []

    def __call__(self, norm, x):
        if norm is None:
            return x
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        unit = by_group(wide, norm.groups) if norm.groups else self.by_batch(wide)
        scale, shift = (along_channels(each.astype(wide.dtype), x) for each in (norm.scale, norm.shift))
        return (unit * scale + shift).astype(x.dtype)

    def by_batch(self, x):
        mean, variance = next(self.given)
        if self.train:
            running = mean, variance
            mean, variance, unit = by_examples(x)
            self.kept.append(jax.tree.map(moved, running, (mean, variance)))
            return unit
        self.kept.append((mean, variance))
        return standard(x - along_channels(mean, x), along_channels(variance, x))


def moved(old, new):
    return MOMENTUM * old + (1 - MOMENTUM) * lax.stop_gradient(new).astype(old.dtype)


def by_examples(x):
    """Mean and variance of each channel over examples and pixels, and x with them taken out."""
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axes)
    centred = x - along_channels(mean, x)
    variance = (centred**2).mean(axes)
    return mean, variance, standard(centred, along_channels(variance, x))


def by_group(x, groups):
    """x less its mean over its root mean square, for each example and group of neighbouring channels.

    Two passes: the variance is that of the centred entries, which a large mean does not spoil. Sums run over
    pixels first, then over channels: to reduce (n, h w, groups, c / groups) takes 7 times longer on a CPU.
    """
    entries = prod(x.shape[1:]) // groups
    if entries < 3:  # a pair becomes -1 and 1, whatever it was
        raise Refused(
            f"GroupNorm on {x.shape[1:]} has {groups} groups of {entries}, and leaves of them signs alone; "
            "take larger images or BatchNorm"
        )
    centred = x - over_group(x, groups)
    return standard(centred, over_group(centred**2, groups))


def over_group(x, groups):
    """The mean over pixels and a group's channels, in the shape of x but for its pixels."""
    n, *pixels, channels = x.shape
    each = x.mean(tuple(range(1, x.ndim - 1)))
    mean = each.reshape(n, groups, -1).mean(-1)
    return jnp.repeat(mean, channels // groups, axis=-1).reshape(n, *[1] * len(pixels), channels)


def standard(centred, variance):
    return centred * lax.rsqrt(variance + EPSILON)


def along_channels(vector, x):
    return vector.reshape(*[1] * (x.ndim - 1), -1)


# Nets


class Block(eqx.Module):
    """x + the second convolution of the first, each behind its norm and ReLU; or a 1x1 convolution for x."""

    norms: tuple[Norm | None, Norm | None]
    convolutions: tuple[Convolution, Convolution]
    shortcut: Convolution | None

    def __call__(self, normalise, x):
        first, second = self.convolutions
        ahead = jax.nn.relu(normalise(self.norms[0], x))
        inner = jax.nn.relu(normalise(self.norms[1], first(ahead)))
        return second(inner) + (x if self.shortcut is None else self.shortcut(ahead))


class ResidualNet(eqx.Module):
    stem: Convolution
    blocks: tuple[Block, ...]
    norm: Norm | None
    last: Last

    def __call__(self, stats, x, train):
        normalise = Normaliser(stats, train)
        x = self.stem(x)
        for block in self.blocks:
            x = block(normalise, x)
        return self.last(pooled(jax.nn.relu(normalise(self.norm, x)))), tuple(normalise.kept)


class PlainNet(eqx.Module):
    """Layers, each followed by its norm and ReLU; then the mean over pixels, if any, and the last layer."""

    layers: tuple[Dense | Convolution, ...]
    norms: tuple[Norm | None, ...]
    last: Last

    def __call__(self, stats, x, train):
        normalise = Normaliser(stats, train)
        if isinstance(self.layers[0], Dense):
            x = x.reshape(len(x), -1)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = jax.nn.relu(normalise(norm, layer(x)))
        return self.last(pooled(x)), tuple(normalise.kept)


def pooled(x):
    """The mean over pixels, summed in single precision at least."""
    axes = tuple(range(1, x.ndim - 1))
    return x.mean(axes, dtype=jnp.promote_types(x.dtype, jnp.float32)).astype(x.dtype)


# Making them


class Maker(NamedTuple):
    """Layers with shapes in place of arrays."""

    norm: str
    dtype: jnp.dtype
    canonical: bool | None

    def array(self, *shape):
        return jax.ShapeDtypeStruct(shape, self.dtype)

    def convolution(self, size, inputs, outputs, stride=1):
        return Convolution(self.array(size, size, inputs, outputs), stride, self.canonical)

    def dense(self, inputs, outputs):
        return Dense(self.array(inputs, outputs))

    def last(self, inputs, classes):
        return Last(self.array(inputs, classes), self.array(classes))

    def normed(self, channels, groups=None):
        if self.norm == "none":
            return None
        groups = 0 if self.norm == "batch" else groups or min(32, channels // 2)
        return Norm(self.array(channels), self.array(channels), groups)

    def block(self, inputs, outputs, stride):
        return Block(
            (self.normed(inputs), self.normed(outputs)),
            (self.convolution(3, inputs, outputs, stride), self.convolution(3, outputs, outputs)),
            None if stride == 1 and inputs == outputs else self.convolution(1, inputs, outputs, stride),
        )

    def residual(self, shape, classes, form):
        stem = self.convolution(3, shape[-1], form.stem)
        blocks, inputs = [], form.stem
        for stage, width in enumerate(form.widths):
            for place in range(form.blocks):
                blocks.append(self.block(inputs, width, 2 if stage > 0 and place == 0 else 1))
                inputs = width
        return ResidualNet(stem, tuple(blocks), self.normed(inputs), self.last(inputs, classes))

    def plain(self, shape, classes, widths):
        inputs = (shape[-1], *widths[:-1])
        layers = [
            self.convolution(3, *sizes, 2 if place else 1)
            for place, sizes in enumerate(zip(inputs, widths, strict=True))
        ]
        return PlainNet(tuple(layers), tuple(map(self.normed, widths)), self.last(widths[-1], classes))

    def dense_net(self, shape, classes, widths):
        inputs = (prod(shape), *widths[:-1])
        layers = [self.dense(*sizes) for sizes in zip(inputs, widths, strict=True)]
        # one group: of a pair of entries nothing would be left but which is larger
        norms = [self.normed(width, 1) for width in widths]
        return PlainNet(tuple(layers), tuple(norms), self.last(widths[-1], classes))


def build(name, key, shape, classes, norm="group", dtype=jnp.float32, canonical=None):
    """(net, stats) for images of `shape` (h, w, c), the mlp for examples of any shape.

    `stats` are the running (mean, variance) of each BatchNorm, () with another norm. `canonical` as in
    `convolution.convolve`.
    """
    if name not in NAMES:
        raise Refused(f"no net named {name!r}; there are {', '.join(NAMES)}")
    if norm not in NORMS:
        raise Refused(f"no norm named {norm!r}; there are {', '.join(NORMS)}")
    classes = admit.whole(classes, "the number of classes", 2)
    shape = tuple(admit.whole(size, "a size of the images", 1) for size in shape)
    if len(shape) != 3 and name not in DENSE:
        raise Refused(f"{name} takes images (height, width, channels); got examples of shape {shape}")
    maker = Maker(norm, jnp.dtype(dtype), canonical)
    if name in DENSE:
        form = maker.dense_net(shape, classes, DENSE[name])
    elif name in PLAIN:
        form = maker.plain(shape, classes, PLAIN[name])
    else:
        form = maker.residual(shape, classes, RESIDUAL[name])
    net = filled(form, key)
    return net, fresh(net)


def filled(form, key):
    """The net with arrays in place of shapes."""
    paths, tree = jax.tree_util.tree_flatten_with_path(form)
    arrays = jax.jit(started, static_argnums=1)(key, tuple((path[-1].name, each) for path, each in paths))
    return jax.tree.unflatten(tree, arrays)


def started(key, kinds):
    """An array for each (name, shape): one long draw, cut in pieces, is one small program."""
    sizes = [each.size if name == "weight" else 0 for name, each in kinds]
    pieces = jnp.split(jax.random.normal(key, (sum(sizes),), kinds[0][1].dtype), np.cumsum(sizes)[:-1])
    return [
        jnp.full(each.shape, 1 if name == "scale" else 0, each.dtype)
        if name != "weight"
        else piece.reshape(each.shape) * jnp.asarray((2 / prod(each.shape[:-1])) ** 0.5, each.dtype)
        for (name, each), piece in zip(kinds, pieces, strict=True)
    ]


def norms(net):
    """Those of a net, in the order in which it uses them."""
    parts = jax.tree.leaves(net, is_leaf=lambda part: isinstance(part, Norm))
    return [part for part in parts if isinstance(part, Norm)]


def fresh(net):
    """Running statistics before any step: mean 0 and variance 1."""
    kinds = [
        (norm.scale.shape, jnp.promote_types(norm.scale.dtype, jnp.float32))
        for norm in norms(net)
        if not norm.groups
    ]
    return tuple((jnp.zeros(*kind), jnp.ones(*kind)) for kind in kinds)


# What they are


def parameters(net):
    """How many numbers are trained."""
    return sum(each.size for each in jax.tree.leaves(net))


def labels(net):
    """A tree like the net: each array is a "weight", a "bias", or part of a "norm"."""

    kinds = {"scale": "norm", "shift": "norm"}
    return jax.tree_util.tree_map_with_path(lambda path, each: kinds.get(path[-1].name, path[-1].name), net)


def as_computed(net, dtype):
    """The net as it computes on x of that dtype: weights rounded to it, all else as it is."""
    form = jnp.finfo(dtype)

    def rounded(each, label):
        # a cast there and back may be left out by the compiler, as excess precision
        return lax.reduce_precision(each, form.nexp, form.nmant) if label == "weight" else each

    return jax.tree.map(rounded, net, labels(net))


def multiply_adds(net, shape):
    """Of convolutions and matrix products on one example, zeros at the border included."""
    x = jax.ShapeDtypeStruct((1, *shape), jnp.float32)
    program = jax.make_jaxpr(lambda net, x: net(fresh(net), x, False)[0])(net, x)
    return sum(map(products, equations(program.jaxpr)))


def products(equation):
    """The multiply-adds of one equation."""
    results = prod(equation.outvars[0].aval.shape)
    left, right = (each.aval.shape for each in equation.invars[:2]) if len(equation.invars) > 1 else ((), ())
    if equation.primitive.name == "conv_general_dilated":
        return results * prod(right[:-1])  # kernel (k, k, inputs of an output, outputs)
    if equation.primitive.name == "dot_general":
        (summed, _), _ = equation.params["dimension_numbers"]
        return results * prod(left[axis] for axis in summed)
    return 0
