"""The compiled part of a run: a state, and the programs that begin it, move it by many steps, and test it.

On the CPU the number of steps of a scan is an argument: one program serves scans of every length, so how an
epoch is cut changes no bit of a run. On an accelerator it is a constant, which spares a question to the
device after every step and costs a second program for the remainder of an epoch.

Epoch e orders the examples by the key fold_in(root, e), and its steps draw from that key and their own
numbers. So a state holds all that the rest of its run depends on, besides settings and data.
"""

import time
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from experiments.deep import measure, nets, rule
from experiments.deep.augment import augmented, normalised
from experiments.deep.settings import optimizer
from theory.update import in_groups, in_turn

TESTED = 256  # images of a batch of the test
SEEN = tuple(name for name in rule.Seen._fields if name != "stats")


class State(NamedTuple):
    """All that a run has become. The program that moves it uses it up."""

    model: rule.State  # weights, running statistics, optimizer
    step: jax.Array  # t, the steps done, int32
    key: jax.Array  # the root, as whole numbers
    seen: jax.Array  # (steps of an epoch, len(SEEN)), what each step of the current epoch saw


class Data(NamedTuple):
    """On the device, once for all runs."""

    x: jax.Array  # (n, height, width, channels), as in the files
    y: jax.Array  # (n,)
    test_x: jax.Array
    test_y: jax.Array
    mean: jax.Array  # (channels,)
    deviation: jax.Array


@dataclass(frozen=True)
class Form:
    """What programs are compiled for, beside the rule."""

    net: str
    norm: str
    shape: tuple[int, ...]  # of an image
    classes: int
    examples: int
    batch: int
    optimizer: str
    crop: int
    padding: str
    flip: bool
    cutout: int

    @property
    def steps(self):
        """Of an epoch."""
        return self.examples // self.batch

    def built(self, key):
        return nets.build(self.net, key, self.shape, self.classes, norm=self.norm)

    @property
    def labels(self):
        return nets.labels(jax.eval_shape(self.built, jax.random.key(0))[0])


def form(settings, data):
    names = ("net", "norm", "batch", "optimizer", "crop", "padding", "flip", "cutout")
    shared = {name: getattr(settings, name) for name in names}
    return Form(**shared, shape=data.shape, classes=data.classes, examples=len(data.train_y))


def on_device(data):
    moments = (jnp.asarray(each, jnp.float32) for each in (data.mean, data.deviation))
    return Data(*map(jnp.asarray, (data.train_x, data.train_y, data.test_x, data.test_y)), *moments)


@cache
def beginning(form):
    """begin(seed) -> State."""
    change = optimizer(form.optimizer)

    def begin(seed):
        initial, root = jax.random.split(jax.random.key(seed))
        seen = jnp.full((form.steps, len(SEEN)), jnp.nan, jnp.float32)
        return State(
            rule.initial(change, *form.built(initial)), jnp.int32(0), jax.random.key_data(root), seen
        )

    return jax.jit(begin)


def fixed():
    """Whether the steps of a scan are a constant of its program."""
    return jax.default_backend() != "cpu"


@cache
def advancing(form, how, constant=None):
    """advance(state, data, values, total, count) -> the state `count` steps later, within one epoch.

    `values` are schedules over `total` steps. `constant` is a `count` compiled in.
    """
    step = stepping(form, how)

    def advance(state, data, values, total, count):
        order, key = ordered(form, state.key, state.step // form.steps)
        one = partial(step, data=data, order=order, key=key, values=values, total=total)
        return jax.lax.fori_loop(0, constant or count, lambda _, now: one(now), state)

    return jax.jit(advance, donate_argnames="state")


def ordered(form, root, epoch):
    """The examples of every step of an epoch (the first is 0), (steps, batch), and the key of its draws."""
    ordering, drawing = jax.random.split(jax.random.fold_in(jax.random.wrap_key_data(root), epoch))
    order = jax.random.permutation(ordering, form.examples)[: form.steps * form.batch]
    return order.reshape(form.steps, form.batch), drawing


def over(form):
    """The map over groups: a vmap over weights would make grouped convolutions."""
    return in_groups if form.net in nets.DENSE else in_turn


def stepping(form, how):
    """step(state, ...) -> the state after one batch more."""
    move = rule.step(rule.classification(how), optimizer(form.optimizer), how, form.labels, over(form))

    def batch(data, which, key):
        return pictures(form, how, data, data.x[which], key), data.y[which]

    def step(state, data, order, key, values, total):
        place = state.step % form.steps
        here, there, ascent = jax.random.split(jax.random.fold_in(key, place), 3)
        now = scheduled(values, state.step + 1, total)
        # that of the step before, for the first the epoch's last: no example is in both
        other = batch(data, order[place - 1], there) if how.other_batch else None
        model, seen = move(state.model, now, ascent, batch(data, order[place], here), other)
        numbers = jnp.stack([jnp.asarray(getattr(seen, name), jnp.float32) for name in SEEN])
        return State(model, state.step + 1, state.key, state.seen.at[place].set(numbers))

    return step


def pictures(form, how, data, x, key):
    """Images as the net takes them: cropped and flipped as pixels, cut out of what is normalised."""
    places, squares = jax.random.split(key)
    x = augmented(places, x, crop=form.crop, padding=form.padding, flip=form.flip)
    x = normalised(x, data.mean, data.deviation, how.compute)
    return augmented(squares, x, cutout=form.cutout)


def scheduled(values, t, total):
    """The numbers of step t."""
    now = [each(t, total) if callable(each) else each for each in values]
    return type(values)(*(jnp.asarray(each, jnp.float32) for each in now))


PROGRAMS: dict = {}


def compiled(function, arguments, say):
    """`function`, compiled for arguments of this kind, once in a process."""
    leaves, tree = jax.tree.flatten(arguments)
    kinds = tuple((jnp.shape(each), str(jnp.result_type(each)), type(each)) for each in leaves)
    key = function, tree, kinds
    if key not in PROGRAMS:
        began = time.perf_counter()
        PROGRAMS[key] = function.lower(*arguments).compile()
        say(f"compiled in {time.perf_counter() - began:.1f} s")
    return PROGRAMS[key]


@cache
def sharp(form, how):
    """The `measure.Run` of a rule."""
    return measure.of_rule(how, form.labels, over(form))


def subset(data, count):
    """The first training examples as a net takes them, not augmented."""
    return normalised(data.x[:count], data.mean, data.deviation, jnp.float32), data.y[:count]


@cache
def testing(compute):
    """test(model, data) -> mean loss and how many are right in the test set, with the running statistics."""

    def test(model, data):
        n = len(data.test_y)
        pad = -n % TESTED
        x = jnp.pad(data.test_x, [(0, pad), *[(0, 0)] * (data.test_x.ndim - 1)])
        y, counts = jnp.pad(data.test_y, (0, pad)), jnp.arange(n + pad) < n

        def one(batch):
            x, y, counts = batch
            logits, _ = model.w(model.stats, normalised(x, data.mean, data.deviation, compute), False)
            losses = -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)[:, 0]
            right = jnp.argmax(logits, -1) == y
            return jnp.sum(jnp.where(counts, losses, 0)), jnp.sum(right & counts)

        batches = jax.tree.map(lambda each: each.reshape(-1, TESTED, *each.shape[1:]), (x, y, counts))
        losses, right = jax.lax.map(one, batches)
        return jnp.sum(losses) / n, jnp.sum(right)

    return jax.jit(test)
