"""One step of training: the rule of theory/update.py and theory/ascent.py with every option around it.

    loss(w, stats, x, y, values) -> (value, (stats, correct))     `classification` makes one of a net
    f = gradient(loss, rule, labels)
    f(w, stats, values, key, (x, y), (other x, other y)) -> (Seen, gradient)
    move = step(loss, optimizer, rule, labels)
    move(State, values, key, batch, other) -> (State, Seen)

What is decided before a program is compiled stands in `Rule`, all numbers in `Values`: those are traced, one
program serves any of them.

A step, in this order: the gradient f, averaged over groups; clipped (`clip`); decay w added at w, unless the
penalty decay |w|^2 / 2 belongs to the loss of every pass (`decay_inside`), of all tensors either way; the
optimizer; w + gamma times its change. The optimizer is one of optax made with learning rate 1, so that gamma
may change: SGD with momentum then is w - gamma m, m <- momentum m + g, as in PyTorch.

Batch norm: running statistics are those of the first pass (`bn="first"`: f21's code), of the second, or moved
by the first and then by the second (`both`: af22's code and ASAM's). Each pass normalises with its own batch.
Of several ascents the passes between count for nothing, and of groups the statistics are averaged.
"""

from dataclasses import dataclass, fields
from math import inf
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.deep.nets import as_computed
from experiments.deep.schedules import Schedule
from theory import admit, ascent
from theory.update import ahead, in_turn, look_ahead_along, norm, penalised, within

BN = ("first", "both", "second")
COMPUTE = ("float32", "bfloat16", "float64")
DESCENT = (
    "ascents",
    "decay_inside",
    "clip",
    "smoothing",
    "bn",
    "micro",
    "compute",
)  # of gradient descent too
DROP = "leave out"
KINDS = {"weights": "weight", "biases": "bias", "norms": "norm"}


class Values(NamedTuple):
    """The numbers of a step; all traced."""

    gamma: Any = 0.1  # the step
    rho: Any = 0.05  # the radius
    lam: Any = 1.0  # 1 SAM, 0 USAM
    decay: Any = 0.0
    eta: Any = 0.0  # added to T of the adaptive metrics
    ascent_size: Any = 1.0  # of each projected ascent, in units of rho
    clip: Any = inf
    smoothing: Any = 0.0


@dataclass(frozen=True)
class Rule:
    """What a program is compiled for."""

    ascents: int = 1  # 0: gradient descent, one pass
    p: float = 2.0
    adaptive: str | None = None  # "elementwise" T = |w| + eta, "filterwise" T = |filter| + eta
    cover: str = "all"  # the tensors with that T, the others have T = 1: "weights", "weights,norms", ...
    perturbed: str = "all"  # the tensors that move in the ascent; norms run over these alone
    group: int | None = None  # m, the examples that ascend together; None: the batch
    other_batch: bool = False  # the ascent sees another batch
    random: bool = False  # e = rho T n / |n|_p with n Gaussian, drawn for each group
    projected: bool = False  # ascents of length ascent_size rho, put back on the ball
    second_order: bool = False
    decay_inside: bool = False
    clip: bool = False
    smoothing: bool = False
    bn: str = "first"
    micro: int | None = None  # examples of a micro-batch, whose gradients are added up
    compute: str = "float32"

    def __post_init__(self):
        admit.whole(self.ascents, "the number of ascents", 0)
        ascent.along(1.0, self.p, None)  # refuses what is no norm
        for name, value, known in [
            ("adaptive", self.adaptive, (None, "elementwise", "filterwise")),
            ("bn", self.bn, BN),
            ("compute", self.compute, COMPUTE),
        ]:
            if value not in known:
                raise ValueError(f"{name} is one of {', '.join(map(str, known))}; got {value!r}")
        kinds(self.cover, "cover")
        kinds(self.perturbed, "perturbed")
        for name, size in [("group", self.group), ("micro-batch", self.micro)]:
            if size is not None:
                admit.whole(size, f"the size of a {name}", 1)
        if self.group and self.micro and self.group % self.micro:
            raise ValueError(
                f"micro-batches of {self.micro} do not divide groups of {self.group}; take a divisor"
            )
        self.refuse_pairs()

    def refuse_pairs(self):
        """Those without meaning; the ones of a value stand in `checked`."""
        given = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        ascends = [name for name in given if name not in DESCENT]
        for wrong, why in [
            (self.random and self.ascents > 1, f"is the same at each ascent: {DROP} ascents"),
            (self.random and self.other_batch, f"looks at no batch: {DROP} other_batch"),
            (self.random and self.projected, f"has the radius already: {DROP} projected"),
            (self.random and self.second_order, f"has no derivative: {DROP} second_order"),
        ]:
            if wrong:
                raise ValueError(f"a random direction {why}")
        if self.second_order and self.ascents > 1:
            raise ValueError(
                f"the second-order term is that of one ascent; got {self.ascents}: take ascents=1"
            )
        if self.cover != "all" and not self.adaptive:
            raise ValueError(
                f"cover={self.cover!r} says where an adaptive metric acts: name one with adaptive"
            )
        if not self.ascents and ascends:
            raise ValueError(f"ascents=0 is gradient descent: {DROP} {', '.join(ascends)}")


def kinds(text, name):
    """The kinds of tensors that a text names, or None for all."""
    if text == "all":
        return None
    named = text.split(",")
    if unknown := [each for each in named if each not in KINDS]:
        raise ValueError(f"{name} is all, or some of {', '.join(KINDS)} with commas; got {unknown[0]!r}")
    return {KINDS[each] for each in named}


def checked(rule, values):
    """`values` as they are, numbers or schedules, refused where they mean nothing under the rule."""
    sizes = Values(*(each.size if isinstance(each, Schedule) else each for each in values))
    admit.steps(sizes.gamma, sizes.rho, sizes.lam)
    for name in ("decay", "eta", "ascent_size", "smoothing"):
        size = getattr(sizes, name)
        if np.any(admit.numbers(size, name) < 0):
            raise ValueError(f"{name} must not be negative; got {size}")
    if np.any(np.asarray(sizes.smoothing) > 1):
        raise ValueError(f"smoothing must lie in [0, 1]; got {sizes.smoothing}")
    if not np.all(np.asarray(sizes.clip) > 0):
        raise ValueError(f"clip must be positive, inf for none; got {sizes.clip}")
    changes = isinstance(values.lam, Schedule) and not values.lam.constant
    if rule.random and (changes or np.any(np.asarray(sizes.lam) != 1)):
        raise ValueError("a random direction has no length of its own to mix in: take lam = 1")
    if rule.projected and rule.ascents == 1 and (changes or np.any(np.asarray(sizes.lam) != 0)):
        raise ValueError("one ascent of unit length needs no projection: take lam = 0 with projected")
    return values


# What a step shows


class Pass(NamedTuple):
    """Of one pass over a batch."""

    loss: Any
    stats: Any
    correct: Any  # the share of examples whose largest logit is their label's
    norm: Any


class Seen(NamedTuple):
    """Of one step; of groups, means over them."""

    loss: Any  # at w
    ahead_loss: Any  # at w + e, of the descent's batch
    correct: Any  # at w
    stats: Any
    gradient_norm: Any  # at w, as the ascent takes it
    ahead_norm: Any  # of the gradient that is handed out
    cosine: Any  # of e and what is left of it in the precision of the compute; 1 where that is the weights'


# The gradient


def gradient(loss, rule, labels=None, over=in_turn):
    """f(w, stats, values, key, batch, other) -> (Seen, gradient).

    `labels` is a tree like w of "weight", "bias", "norm", for `cover` and `perturbed`; `over` maps groups:
    `in_turn`, or `in_groups`, whose vmap suits dense nets.
    """
    cover, mask = (chosen(rule, name, labels) for name in ("cover", "perturbed"))

    def wrapped(w, stats, values, key, batch, other=None):
        def value_and_grad(w, stats, x, y):
            def each(w, x, y):
                return jax.value_and_grad(loss, has_aux=True)(w, stats, x, y, values)

            if rule.micro:
                if jax.tree.leaves(stats):
                    raise ValueError("batch norm sees the whole batch: take group norm, or no micro-batches")
                x, y = pieces((x, y), rule.micro, "micro-batches")
                each = in_turn(each)
            if rule.decay_inside:
                each = penalised(each, values.decay)
            (value, (stats, correct)), grad = each(w, x, y)
            return Pass(value, stats, correct, norm(grad)), grad

        def first(w, x, y):
            return value_and_grad(w, stats, x, y)

        def second(found, point, x, y):
            before = found.stats if rule.bn == "both" else stats
            after, grad = value_and_grad(point, before, x, y)
            kept = found.stats if rule.bn == "first" else after.stats
            cosine = cosine_after_cast(rule, w, point)
            return Seen(found.loss, after.loss, found.correct, kept, found.norm, 0.0, cosine), grad

        one = passes(rule, values, metric(rule, values.eta, cover, mask), first, second)
        if rule.other_batch and other is None:
            raise ValueError("other_batch: the ascent's batch was not given; give it after the descent's")
        ascent_batch = other if rule.other_batch else batch
        if rule.group:
            groups = pieces((ascent_batch, batch), rule.group, "groups")
            count = len(jax.tree.leaves(groups)[0])
            keys = jax.random.split(key, count) if rule.random else None
            seen, grad = over(lambda w, key, both: one(w, key, *both))(w, keys, groups)
        else:
            seen, grad = one(w, key, ascent_batch, batch)
        return seen._replace(ahead_norm=norm(grad)), grad

    return wrapped


def passes(rule, values, scale, first, second):
    """(w, key, ascent's batch, descent's batch) -> (Seen, gradient): one group's ascent and descent."""
    rho, size = values.rho, values.ascent_size
    along = ascent.along(values.lam, rule.p, scale)
    if rule.ascents == 0:

        def alone(w, key, _, batch):
            found, grad = first(w, *batch)
            return Seen(found.loss, found.loss, found.correct, found.stats, found.norm, 0.0, 1.0), grad

        return alone
    if rule.random:
        drawn = ascent.at_random_along(first, rho, ascent.random_along(rule.p, scale), second)
        return lambda w, key, _, batch: drawn(w, key, *batch)
    if rule.projected and rule.ascents == 1:
        along = ascent.limited(along, size, rule.p, scale)
    if rule.second_order:
        ours = ascent.with_second_order_apart(first, rho, along, second)
    elif rule.ascents == 1:
        ours = look_ahead_along(first, rho, along, second)
    elif rule.projected:
        ours = ascent.projected_apart(first, rho, size * rho, along, rule.ascents, rule.p, scale, second)
    else:
        ours = ascent.repeated_apart(first, rho, along, rule.ascents, second)
    return lambda w, key, ascent_batch, batch: ours(w, ascent_batch, *batch)


def chosen(rule, name, labels):
    """A tree of booleans, the tensors that `cover` or `perturbed` names, or None for all."""
    text = getattr(rule, name)
    if (named := kinds(text, name)) is None:
        return None
    if labels is None:
        raise ValueError(f"{name}={text!r} needs the labels of the tensors; give labels, or take all")
    found = jax.tree.map(lambda label: label in named, labels)
    if not any(jax.tree.leaves(found)):
        raise ValueError(f"{name}={text!r} names no tensor of this net; take all, or another kind")
    return found


def metric(rule, eta, cover, mask):
    """w -> T, or None where T = 1."""
    scale = None
    if rule.adaptive == "elementwise":
        scale = ascent.elementwise(eta, cover)
    elif rule.adaptive == "filterwise":
        scale = ascent.filterwise(eta, cover, -1)  # filters are along the last axis of every tensor
    return scale if mask is None else ascent.masked(scale, mask)


def cosine_after_cast(rule, w, point):
    """The cosine of point - w before and after the cast of the compute; 0 where either vanishes."""
    if rule.compute != "bfloat16":
        return 1.0
    casts = [as_computed(each, rule.compute) for each in (w, point)]
    intended, effective = (jax.tree.map(jnp.subtract, b, a) for a, b in [(w, point), casts])
    inner = sum(jnp.sum(a * b) for a, b in zip(*map(jax.tree.leaves, (intended, effective)), strict=True))
    sizes = norm(intended) * norm(effective)
    return jnp.where(sizes == 0, 0, inner / jnp.where(sizes == 0, 1, sizes))


def pieces(tree, size, name):
    """Every leaf (n, ...) as (n / size, size, ...)."""

    def cut(x):
        if len(x) % size:
            raise ValueError(f"a batch of {len(x)} does not split into {name} of {size}; take a divisor")
        return x.reshape(-1, size, *x.shape[1:])

    return jax.tree.map(cut, tree)


# The step


class State(NamedTuple):
    w: Any
    stats: Any
    inner: Any  # of the optimizer


def initial(optimizer, w, stats=()):
    return State(w, stats, optimizer.init(w))


def update(optimizer, rule, w, inner, grad, values):
    """(w, inner) after the gradient: clipped, decay added, through the optimizer, gamma times its change."""
    if rule.clip:
        grad = within(grad, values.clip, norm(grad))
    if not rule.decay_inside:
        grad = ahead(grad, values.decay, w)
    change, inner = optimizer.update(grad, inner, w)
    return ahead(w, values.gamma, change), inner


def step(loss, optimizer, rule, labels=None, over=in_turn):
    """move(state, values, key, batch, other) -> (state, Seen without its statistics)."""
    f = gradient(loss, rule, labels, over)

    def move(state, values, key, batch, other=None):
        seen, grad = f(state.w, state.stats, values, key, batch, other)
        w, inner = update(optimizer, rule, state.w, state.inner, grad, values)
        return State(w, seen.stats, inner), seen._replace(stats=())

    return move


# The loss


def classification(rule):
    """loss(net, stats, x, y, values) of a net(stats, x, train) -> (logits, stats)."""

    def loss(net, stats, x, y, values):
        logits, stats = net(stats, x.astype(rule.compute), True)
        value = cross_entropy(logits, y, values.smoothing if rule.smoothing else None)
        return value, (stats, jnp.mean(jnp.argmax(logits, -1) == y))

    return loss


def cross_entropy(logits, y, smoothing=None):
    """The mean over examples; `smoothing` of the mass of each label is shared by all classes alike."""
    logs = jax.nn.log_softmax(logits)
    at_label = jnp.take_along_axis(logs, y[:, None], 1)[:, 0]
    if smoothing is not None:
        at_label = (1 - smoothing) * at_label + smoothing * logs.mean(-1)
    return -at_label.mean()
