"""Ascents in other norms and metrics, longer ones, and the term that the rule leaves out.

    d(g) = [(1 - lam) |T g|_q + lam] T s_p(T g),      1/p + 1/q = 1
    s_p(g) = sign(g) |g|^(q-1) / |g|_q^(q-1)          |s_p|_p = 1 and <g, s_p(g)> = |g|_q

s_p(g) maximises <g, s> over |s|_p <= 1 (equality in Hölder's inequality), so rho d is the best step to first
order with |T^-1 step|_p <= rho at lam = 1. p = 2 and T = 1 give d of theory/update.py. p = inf is sign(g),
0 where g is; p = 1 is shared equally among the entries that are largest up to rounding, the limit p -> 1.
Where g = 0, d = 0.

Everything is computed from |g| / max|g|, so that no power overflows for p near 1. T is a function of w.

Place: f21, equation 2 and the equation before its equation 3; T = |w| is ASAM (Kwon et al. 2021). Their order
of letters: p is the norm of the ball, as here.
"""

from math import inf

import jax
import jax.numpy as jnp

from theory import admit
from theory.update import ahead, direction, like, norm, on_one_batch, value_of_first, within

# The direction


def along(lam, p, scale):
    """along(w, g) = d(g) for `look_ahead_along`; `scale` is w -> T, or None for T = 1. p is a number."""
    p = inf if p == inf else admit.number(p, "the norm p of an ascent")
    if not p >= 1:
        raise ValueError(f"the norm p of an ascent must lie in [1, inf]; got {p:g}")

    def direct(w, grad):
        if scale is None:
            return scaled_direction(grad, lam, p)
        metric = scale(w)
        inner = jax.tree.map(jnp.multiply, metric, grad)
        return jax.tree.map(lambda t, d: like(t * d, d), metric, scaled_direction(inner, lam, p))

    return direct


def scaled_direction(grad, lam, p):
    """[(1 - lam) |g|_q + lam] s_p(g); at p = 2 by the lines of the rule."""
    if p == 2:
        return direction(grad, lam)
    factor = 1.0 if isinstance(lam, (int, float)) and lam == 1 else (1 - lam) * dual_norm(grad, p) + lam
    return jax.tree.map(lambda s: like(factor * s, s), unit(grad, p))


def unit(grad, p):
    """s_p(g). Its slope is taken as 0 where it is infinite: at g = 0, and for p > 2 in entries that are 0."""
    if p == 2:
        return direction(grad, 1.0)
    top, share = shares(grad)
    if p == inf:
        return jax.tree.map(lambda a, g: like(jnp.where(a == 0, 0, jnp.sign(g)), g), share, grad)
    if p == 1:
        tied, count = ties(share, grad)
        return jax.tree.map(lambda tie, g: like(jnp.where(tie, jnp.sign(g) / count, 0 * top), g), tied, grad)
    q = p / (p - 1)
    below = total(share, q) ** (1 / p)
    return jax.tree.map(lambda a, g: like(jnp.sign(g) * power(a, q - 1) / below, g), share, grad)


def dual_norm(grad, p):
    """|g|_q with 1/p + 1/q = 1."""
    if p == 2:
        return norm(grad)
    if p == inf:
        return sum(jnp.sum(jnp.abs(g)) for g in jax.tree.leaves(grad))
    top, share = shares(grad)
    if p == 1:  # its derivative is the unit ascent, ties shared
        tied, count = ties(share, grad)
        largest = jax.tree.map(lambda a, tie: jnp.sum(jnp.where(tie, a, 0 * top)), share, tied)
        return top * sum(jax.tree.leaves(largest)) / count
    q = p / (p - 1)
    return top * total(share, q) ** (1 / q)


def shares(grad):
    """max|g| and |g| / max|g|, in single precision at least; both zero below the smallest normal number.

    The results above do not depend on the divisor, so no derivative goes through it.
    """
    dtype = jnp.result_type(jnp.float32, *map(jnp.result_type, jax.tree.leaves(grad)))
    sizes = jax.tree.map(lambda g: jnp.abs(jnp.asarray(g, dtype)), grad)
    top = jax.lax.stop_gradient(jnp.max(jnp.stack([jnp.max(a) for a in jax.tree.leaves(sizes)])))
    flat = top < jnp.finfo(dtype).tiny
    share = jax.tree.map(lambda a: jnp.where(flat, 0, a / jnp.where(flat, 1, top)), sizes)
    return jnp.where(flat, 0, top), share


def ties(share, grad):
    """Which entries are largest, up to four roundings, and how many, at least 1.

    A compiled program may compute an entry twice, for the maximum and for the comparison with it, and round
    differently: with == there could be none.
    """
    tied = jax.tree.map(lambda a, g: a >= 1 - 4 * jnp.finfo(jnp.result_type(g)).eps, share, grad)
    return tied, jnp.maximum(sum(jnp.sum(each) for each in jax.tree.leaves(tied)), 1)


def total(share, q):
    """sum a^q, at least 1; 1 where all are zero."""
    found = sum(jnp.sum(power(a, q)) for a in jax.tree.leaves(share))
    return jnp.where(found == 0, 1, found)


def power(a, exponent):
    """a^exponent for a >= 0, without an infinite slope at 0; NaN stays."""
    return jnp.where(a == 0, 0, jnp.where(a == 0, 1, a) ** exponent)


# Metrics T


def elementwise(eta, cover=None):
    """T = |w| + eta where `cover`, a tree of booleans like w, is true (None: everywhere); 1 elsewhere."""
    return covered(lambda x: jnp.abs(x) + like(eta, x), cover)


def filterwise(eta, cover=None, axis=0):
    """T = |filter| + eta, filters being the slices along `axis`; vectors entry by entry."""

    def size(x):
        if jnp.ndim(x) < 2:
            return jnp.abs(x) + like(eta, x)
        rows = jnp.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
        shape = [1] * jnp.ndim(x)
        shape[axis] = -1
        return like(jnp.broadcast_to(jax.vmap(norm)(rows).reshape(shape), x.shape) + eta, x)

    return covered(size, cover)


def covered(size, cover):
    def scale(w):
        where = jax.tree.map(lambda x: True, w) if cover is None else cover
        return jax.tree.map(lambda x, use: size(x) if use else jnp.ones_like(x), w, where)

    return scale


def masked(scale, mask):
    """T where `mask`, a tree of booleans like w, is true, 0 elsewhere: that neither moves nor counts."""

    def metric(w):
        found = jax.tree.map(jnp.ones_like, w) if scale is None else scale(w)
        return jax.tree.map(lambda t, use: t if use else jnp.zeros_like(t), found, mask)

    return metric


def length(w, e, p, scale):
    """|T^-1 e|_p, over the entries where T is not 0."""
    if scale is not None:
        e = jax.tree.map(lambda x, t: jnp.where(t == 0, 0, x / jnp.where(t == 0, 1, t)), e, scale(w))
    return dual_norm(e, dual(p))


def dual(p):
    """q with 1/p + 1/q = 1."""
    return 1 if p == inf else inf if p == 1 else p / (p - 1)


def limited(along, size, p, scale):
    """size d(w, g), put back on |T^-1 d|_p <= 1: one ascent `projected`, in units of its radius.

    With size = 1, lam = 0, p = 2 and T = 1 the step has length rho min(1, |g|).
    """

    def direct(w, grad):
        d = jax.tree.map(lambda x: like(size * x, x), along(w, grad))
        return within(d, 1, length(w, d, p, scale))

    return direct


# Other ascents
#
# Each `..._apart` takes w, the arguments of the ascent as a tuple, and those of the descent; `second` is that
# of `look_ahead_along`.


def with_second_order(value_and_grad, rho, along):
    """The whole gradient of w -> f(w + rho d(w, grad f(w))), not only that at the point ahead.

    With e(w) = rho d(w, grad f(w)) and v = grad f(w + e) it is v + (de/dw)' v, and

        (de/dw)' v = rho [ (dd/dw)' v + H (dd/dg)' v ],

    the first of T alone, H the Hessian of f at w: one Hessian-vector product.
    """
    return on_one_batch(with_second_order_apart(value_and_grad, rho, along))


def with_second_order_apart(value_and_grad, rho, along, second=None):
    """The same where e, and H with it, is that of another batch than v."""
    second = second or value_of_first(value_and_grad)

    def wrapped(w, batch, *args):
        def first(w):
            value, grad = value_and_grad(w, *batch)
            return grad, value

        grad, hessian, value = jax.linearize(first, w, has_aux=True)
        d, pull = jax.vjp(along, w, grad)
        found, outer = second(value, ahead(w, rho, d), *args)
        by_metric, by_grad = pull(outer)
        terms = jax.tree.map(jnp.add, by_metric, hessian(by_grad))
        return found, ahead(outer, rho, terms)

    return wrapped


def repeated(value_and_grad, rho, along, times):
    """The gradient at w + e after `times` ascents e <- rho d(grad f(w + e)) from e = 0; one is the rule."""
    return on_one_batch(repeated_apart(value_and_grad, rho, along, times))


def repeated_apart(value_and_grad, rho, along, times, second=None):
    return ascending(value_and_grad, times, lambda w, e, grad: ascent(w, rho, along(w, grad)), second)


def projected(value_and_grad, rho, size, along, times):
    """The gradient at w + e after `times` ascents e <- e + size d(grad f(w + e)), put back on |e| <= rho.

    One with size = rho and lam = 0 is a step of length rho min(1, |grad f|).

    Place: af22, its public code.
    """
    return on_one_batch(projected_apart(value_and_grad, rho, size, along, times, 2, None))


def projected_apart(value_and_grad, rho, size, along, times, p, scale, second=None):
    """The same on |T^-1 e|_p <= rho."""

    def move(w, e, grad):
        e = ahead(e, size, along(w, grad))
        return within(e, rho, length(w, e, p, scale))

    return ascending(value_and_grad, times, move, second)


def ascending(value_and_grad, times, move, second=None):
    """`move(w, e, grad f(w + e))` is the next e; value and auxiliary output are those at w."""
    second = second or value_of_first(value_and_grad)

    def wrapped(w, first, *args):
        value, grad = value_and_grad(w, *first)
        e = move(w, jax.tree.map(jnp.zeros_like, w), grad)

        def again(_, e):
            return move(w, e, value_and_grad(ahead(w, 1, e), *first)[1])

        e = jax.lax.fori_loop(1, times, again, e)
        return second(value, ahead(w, 1, e), *args)

    return wrapped


def ascent(w, rho, d):
    """rho d, every leaf in the precision of w."""
    return jax.tree.map(lambda x, d: like(rho * d, x), w, d)


def at_random(value_and_grad, rho):
    """The gradient at w + rho n, n uniform on the unit sphere; a key follows w among the arguments."""
    return at_random_along(value_and_grad, rho, uniform_direction)


def at_random_along(value_and_grad, rho, draw, second=None):
    """The same with any draw(key, w) in place of n; both passes see the same arguments."""
    second = second or value_of_first(value_and_grad)

    def wrapped(w, key, *args):
        value, _ = value_and_grad(w, *args)
        return second(value, ahead(w, rho, draw(key, w)), *args)

    return wrapped


def random_along(p, scale):
    """draw(key, w) = T n / |n|_p, n Gaussian where T is not 0: as long as an ascent at lam = 1."""

    def draw(key, w):
        n = gaussian(key, w)
        if scale is None:
            metric = jax.tree.map(jnp.ones_like, w)
        else:
            metric = scale(w)
            n = jax.tree.map(lambda x, t: jnp.where(t == 0, 0, x), n, metric)
        size = dual_norm(n, dual(p))
        return jax.tree.map(lambda x, t: like(x * t / size, x), n, metric)

    return draw


def uniform_direction(key, like_this):
    return direction(gaussian(key, like_this), 1.0)


def gaussian(key, like_this):
    """Independent standard normal entries, a tree like `like_this`."""
    leaves, tree = jax.tree.flatten(like_this)
    keys = jax.random.split(key, len(leaves))
    drawn = [
        jax.random.normal(k, jnp.shape(x), jnp.result_type(x)) for k, x in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(tree, drawn)
