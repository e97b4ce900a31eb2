"""The update rule, written once, on any pytree.

    d(g) = (1 - lam) g + lam g / |g|                  lam = 0 USAM, lam = 1 SAM
    w+   = w - gamma grad f(w + rho d(grad f(w)))     rho = 0 gradient descent

The norm runs over the whole tree. No epsilon stands under the division: it would change the
radius that the theorems speak of. Where g = 0 we take d(g) = 0.

Place: Unified SAM, Oikonomou & Loizou (ol25); lam = 1 is Foret et al. (f21), lam = 0 the
unnormalised step of Andriushchenko & Flammarion (af22). The functions trust their arguments and
are plain: whoever calls them in a loop compiles them.
"""

import jax
import jax.numpy as jnp

SMALL = 2**12  # entries of an array that is joined with others ahead of a sum


def norm(tree):
    """|tree|, scaled by sum |x|: squares of 1e-170 vanish. At zero the derivative is zero, not NaN.

    The scaled squares of n entries sum to between 1/n (Cauchy and Schwarz) and 1. The largest entry would
    serve as well and takes longer to find.
    """
    leaves = jax.tree.leaves(tree)
    # half precision holds neither the squares nor their sum
    dtype = jnp.result_type(jnp.float32, *map(jnp.result_type, leaves))
    leaves = joined([jnp.asarray(x, dtype) for x in leaves])
    total = jax.lax.stop_gradient(sum(jnp.sum(jnp.abs(x)) for x in leaves))
    tiny = jnp.finfo(dtype).tiny
    unit = jnp.where(total < tiny, 1, jnp.minimum(total, 1 / tiny))  # so that its inverse is a normal number
    inverse = 1 / unit  # one division, not one for each entry
    square = sum(jnp.sum((x * inverse) ** 2) for x in leaves)
    # the inner `where` keeps the root's infinite slope at zero out of the derivative; NaN stays NaN
    return unit * jnp.where(square == 0, 0, jnp.sqrt(jnp.where(square == 0, 1, square)))


def joined(leaves):
    """The same entries, all small arrays in one: a sum costs about a microsecond ahead of its first entry."""
    small = [jnp.ravel(x) for x in leaves if jnp.size(x) <= SMALL]
    if len(small) < 2:
        return leaves
    return [x for x in leaves if jnp.size(x) > SMALL] + [jnp.concatenate(small)]


def like(value, leaf):
    """`value` in the precision of `leaf`."""
    return jnp.asarray(value, jnp.result_type(leaf))


def direction(grad, lam):
    """d(g) = (1 - lam) g + lam g / |g|; where |g| is below the smallest normal number, g / |g| is 0."""
    if isinstance(lam, (int, float)) and lam == 0:  # USAM needs no norm, and a short loop feels it
        return grad
    size = norm(grad)
    flat = size < jnp.finfo(size.dtype).tiny
    inverse = jnp.where(flat, 0, 1 / jnp.where(flat, 1, size))
    scale = 1 - lam + lam * inverse
    return jax.tree.map(lambda g: like(scale * g, g), grad)


def look_ahead(value_and_grad, rho, lam):
    """Turn `value_and_grad(w, ...)` into one whose gradient is taken at w + rho d(g).

    The value (and any auxiliary output) is that of the first pass, at w itself.
    Both passes see the same further arguments, hence the same minibatch.
    """
    return on_one_batch(look_ahead_apart(value_and_grad, rho, lam))


def on_one_batch(apart):
    """Both passes see the same arguments."""
    return lambda w, *args: apart(w, args, *args)


def look_ahead_apart(value_and_grad, rho, lam):
    """The same where the first pass sees another minibatch: the tuple `first` of its arguments."""
    return look_ahead_along(value_and_grad, rho, lambda w, grad: direction(grad, lam))


def look_ahead_along(value_and_grad, rho, along, second=None):
    """The same with any along(w, g) in place of d(g); theory/ascent.py has those of other norms.

    `second(value, point, *args)` is the second pass, from what the first one found and the point ahead: what
    is handed out, and the gradient. None is `value_of_first`.
    """
    second = second or value_of_first(value_and_grad)

    def wrapped(w, first, *args):
        value, grad = value_and_grad(w, *first)
        return second(value, ahead(w, rho, along(w, grad)), *args)

    return wrapped


def value_of_first(value_and_grad):
    """The second pass that gives its gradient alone."""
    return lambda value, point, *args: (value, value_and_grad(point, *args)[1])


def ahead(w, rho, d):
    """w + rho d, every leaf in its own precision."""
    return jax.tree.map(lambda x, d: like(x + rho * d, x), w, d)


def step(value_and_grad, w, gamma, rho, lam, *args):
    """One step w - gamma grad f(w + rho d(grad f(w))); `args` go to both passes."""
    _, grad = look_ahead(value_and_grad, rho, lam)(w, *args)
    return descended(w, gamma, grad)


def step_apart(value_and_grad, w, gamma, rho, lam, first, *args):
    """One step whose ascent sees the arguments `first`, whose descent sees `args`."""
    _, grad = look_ahead_apart(value_and_grad, rho, lam)(w, first, *args)
    return descended(w, gamma, grad)


def descended(w, gamma, grad):
    """w - gamma grad, every leaf in its own precision."""
    return jax.tree.map(lambda x, g: like(x - gamma * g, x), w, grad)


def in_groups(value_and_grad, over=jax.vmap):
    """m-SAM: batches come as (groups, m, ...); each group looks ahead alone, then they average.

    `in_groups(look_ahead(...))` is m-SAM, `look_ahead(in_groups(...))` ordinary SAM on the same batch.
    `over` maps a function over the groups: `jax.vmap`, or `lambda f: partial(jax.lax.map, f)` where a
    vmap over weights would make grouped convolutions.
    """

    def wrapped(w, *batch):
        each = over(lambda group: value_and_grad(w, *group))(batch)
        return jax.tree.map(lambda x: x.mean(0), each)

    return wrapped


def in_turn(value_and_grad):
    """`in_groups`, one after the other and added up as they come: no gradient is kept for each group.

    `look_ahead(in_turn(...))` is the accumulated gradient of ordinary SAM, in memory for one group.
    """

    def wrapped(w, *batch):
        def add(total, group):
            return jax.tree.map(jnp.add, total, value_and_grad(w, *group)), None

        like_one = jax.eval_shape(lambda: value_and_grad(w, *jax.tree.map(lambda x: x[0], batch)))
        total, _ = jax.lax.scan(add, jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like_one), batch)
        count = len(jax.tree.leaves(batch)[0])
        return jax.tree.map(lambda x: x / count, total)

    return wrapped


# Around the gradient


def penalised(value_and_grad, decay):
    """The gradient of f + decay |w|^2 / 2; the value stays that of f."""

    def wrapped(w, *args):
        value, grad = value_and_grad(w, *args)
        return value, ahead(grad, decay, w)

    return wrapped


def within(tree, radius, length):
    """`tree` itself where its `length` is at most the radius, else along it of that length."""
    long = length > radius
    factor = jnp.where(long, radius / jnp.where(long, length, 1), 1)
    return jax.tree.map(lambda x: like(factor * x, x), tree)
