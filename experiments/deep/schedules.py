"""Sizes that change over training: a number times a form of t = 1, 2, ..., T, T the length of the run.

    constant:0.1                     0.1, and so does the number alone
    cosine:0.1                       0.1 (1 + cos(pi (t - 1) / T)) / 2: 0.1 at first, 0 after the last
    piecewise:0.1,0.5:0.1,0.75:0.01  0.1, from half the run on 0.1 of it, from three quarters on 0.01 of it
    1/t, 1-1/t, 1/t:0.3              0.3 / t

The number and the marks are leaves of the schedule, t and T arguments: one compilation serves them all.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from theory import admit

FORMS = "constant:0.1, cosine:0.1, piecewise:0.1,0.5:0.1,0.75:0.01, 1/t, 1-1/t or 1/t:0.3"


def constant(t, total):
    return jnp.ones_like(jnp.asarray(t), dtype=float)


def cosine(t, total):
    return (1 + jnp.cos(jnp.pi * (t - 1) / total)) / 2


def inverse(t, total):
    return 1 / jnp.asarray(t, float)


def rising(t, total):
    return 1 - inverse(t, total)


def piecewise(marks, factors, t, total):
    """factors[k] once the fraction (t - 1) / T of the run done has reached k of the `marks`."""
    return jnp.asarray(factors)[jnp.sum((t - 1) / total >= jnp.asarray(marks))]


class Schedule(NamedTuple):
    size: float
    form: Partial  # (t, total) -> a factor in [0, 1], but for those of `piecewise`

    def __call__(self, t, total):
        return self.size * self.form(t, total)

    @property
    def constant(self):
        return self.form.func is constant


PLAIN = {"constant": constant, "cosine": cosine, "1/t": inverse, "1-1/t": rising}
WITHOUT = ("1/t", "1-1/t")  # of size 1 where none is given


def schedule(text):
    """The schedule that a text names; a number is a constant one."""
    name, mark, rest = str(text).partition(":")
    try:
        if name == "piecewise":
            made = steps(*rest.split(","))
        elif name in PLAIN and (mark or name in WITHOUT):
            made = Schedule(float(rest) if mark else 1.0, Partial(PLAIN[name]))
        else:
            made = Schedule(float(text), Partial(constant))
    except ValueError:
        raise ValueError(f"a schedule is a number, {FORMS}; got {text!r}") from None
    numbers = admit.numbers(jax.tree.leaves(made), f"the numbers of the schedule {text!r}")
    if np.any(numbers < 0):
        raise ValueError(f"the numbers of a schedule must not be negative; got {text!r}")
    marks = made.form.args[0] if made.form.args else ()
    if list(marks) != sorted(set(marks)) or any(each > 1 for each in marks):
        raise ValueError(f"a piecewise schedule takes marks that grow, fractions of the run; got {text!r}")
    return made


def steps(size, *pieces):
    """`piecewise` from texts: a size, and at least one mark:factor."""
    marks, factors = zip(*(map(float, piece.split(":")) for piece in pieces), strict=True)
    return Schedule(float(size), Partial(piecewise, marks, (1.0, *factors)))
