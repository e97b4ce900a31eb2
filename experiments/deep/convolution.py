"""Convolutions whose derivatives are convolutions of the same layout.

    y[n, i, j, o] = sum_{a, b, c} x[n, s i + a - p, s j + b - p, c] k[a, b, c, o],   p = (size of k - 1) / 2

with x zero outside. The two products that automatic differentiation makes of it have the kernel transposed,
or the examples as features. The CPU compiler turns those into the layout of its fast kernel at the top of a
program alone; inside a loop they run 7 to 100 times slower. Written as below, examples or input channels
first, channels last, all three run at full speed everywhere:

    dx = dy, with s - 1 zeros between its entries, convolved with k turned by half a circle
    dk = x convolved with dy as the kernel: input channels are the examples, examples the channels

Reverse mode, and forward over reverse (`jax.jvp` or `jax.linearize` of a gradient), go through the rule.
Forward mode alone does not (`jax.custom_vjp` has none), and in reverse over reverse, or where `vmap` runs
over kernels, the convolutions are again of the slow kind.
"""

from functools import partial

import jax
from jax import lax
from jax.extend import core

from experiments.record import Refused

LAYOUT = ("NHWC", "HWIO", "NHWC")  # of images, kernel, result


def convolve(x, kernel, stride=1, canonical=None):
    """The y above. x (n, h, w, c), kernel (k, k, c, o), k odd: (n, ceil(h / stride), ceil(w / stride), o).

    `canonical` says whether the derivatives follow the rule of this file; None: on a CPU. A GPU's library
    recognises those of automatic differentiation.
    """
    size = kernel.shape[0]
    if size != kernel.shape[1] or size % 2 == 0:
        raise Refused(f"a kernel must be square and of odd size, to have a middle; got {kernel.shape[:2]}")
    if canonical is None:
        canonical = jax.default_backend() == "cpu"
    return (by_rule if canonical else forward)(x, kernel, stride)


def forward(x, kernel, stride):
    pad = kernel.shape[0] // 2
    return lax.conv_general_dilated(x, kernel, (stride,) * 2, ((pad, pad),) * 2, dimension_numbers=LAYOUT)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def by_rule(x, kernel, stride):
    return forward(x, kernel, stride)


def kept(x, kernel, stride):
    return forward(x, kernel, stride), (x, kernel)


def pulled(stride, saved, dy):
    x, kernel = saved
    return by_input(dy, kernel, x.shape, stride), by_kernel(x, dy, kernel.shape[0], stride)


by_rule.defvjp(kept, pulled)


def by_input(dy, kernel, shape, stride):
    """The derivative by x, of that shape."""
    size = kernel.shape[0]
    if size == 1 and stride == 1:
        return dy @ kernel[0, 0].T
    low = size - 1 - size // 2
    # what brings the result back to the size of x
    pads = [
        (low, x - (y - 1) * stride - 1 + size // 2) for x, y in zip(shape[1:3], dy.shape[1:3], strict=True)
    ]
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    return lax.conv_general_dilated(
        dy, turned, (1, 1), pads, lhs_dilation=(stride,) * 2, dimension_numbers=LAYOUT
    )


def by_kernel(x, dy, size, stride):
    """The derivative by a kernel of that size."""
    channels, outputs = x.shape[-1], dy.shape[-1]
    if size == 1:
        seen = x[:, ::stride, ::stride].reshape(-1, channels)
        return (seen.T @ dy.reshape(-1, outputs))[None, None]
    low = size // 2
    pads = [
        (low, (y - 1) * stride + size - x - low) for x, y in zip(x.shape[1:3], dy.shape[1:3], strict=True)
    ]
    found = lax.conv_general_dilated(
        x.transpose(3, 1, 2, 0),
        dy.transpose(1, 2, 0, 3),
        (1, 1),
        pads,
        rhs_dilation=(stride,) * 2,
        dimension_numbers=LAYOUT,
    )
    return found.transpose(1, 2, 0, 3)


# What a program consists of


def equations(program):
    """Every equation of a jaxpr, also those inside loops, calls and rules."""
    for each in program.eqns:
        yield each
        for inner in jax.tree.leaves(list(each.params.values()), is_leaf=is_program):
            if is_program(inner):
                yield from equations(getattr(inner, "jaxpr", inner))


def is_program(value):
    return isinstance(value, core.Jaxpr | core.ClosedJaxpr)
