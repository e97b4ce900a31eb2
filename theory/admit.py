"""What the entries of this room refuse: one sentence with the value and the remedy.

Factories and exact engines call these once, outside compiled code.
"""

from math import isfinite

import jax
import jax.numpy as jnp
import numpy as np


def numbers(values, name):
    """`values` as a float64 array, not empty, without NaN or infinity."""
    try:
        array = np.asarray(values)
    except ValueError:  # rows of different lengths
        raise ValueError(f"{name} must be numbers, rows of one length; got {values!r}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be numbers; got {values!r}")
    values = array.astype(float)
    if values.size == 0:
        raise ValueError(f"{name}: none given; at least one is needed")
    if not np.all(np.isfinite(values)):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"{name} must be finite; entry {where} is {values[where]:g}: remove or replace it")
    return values


def whole(value, name, low, high=None):
    """`value` as an int in [low, high]."""
    limits = f"at least {low}" if high is None else f"from {low} to {high}"
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not (is_number and isfinite(value) and int(value) == value and value >= low) or (
        high is not None and value > high
    ):
        raise ValueError(f"{name} must be a whole number {limits}; got {value!r}")
    return int(value)


def probabilities(q, name):
    """`q` as a vector that is not negative and sums to 1 to rounding."""
    q = numbers(q, f"the probabilities of {name}")
    if q.ndim != 1 or np.any(q < 0) or abs(q.sum() - 1) > 1e-12:
        raise ValueError(
            f"the probabilities of {name} must be a vector, not negative, of sum 1; "
            f"got shape {q.shape}, smallest {q.min():g}, sum {q.sum():.15g}: divide them by their sum"
        )
    return q


def reachable(q, name):
    """`q` as probabilities that leave no index out."""
    q = probabilities(q, name)
    if np.any(q == 0):
        raise ValueError(
            f"the probabilities of {name} leave index {int(np.argmin(q))} unreachable (probability 0): "
            "E[v] = 1 is then impossible; give it a positive one or remove the function"
        )
    return q


def times(values):
    """Whole times t >= 0."""
    values = numbers(values, "times")
    wrong = values[(values < 0) | (values != np.round(values))]
    if wrong.size:
        raise ValueError(f"times must be whole numbers, not negative; got {wrong[0]:g}")
    return values


def number(value, name):
    """One number."""
    value = numbers(value, name)
    if value.ndim:
        raise ValueError(f"{name} must be one number; got shape {value.shape}")
    return float(value)


def steps(gamma, rho, lam):
    """Step gamma >= 0, radius rho >= 0, mixing lam in [0, 1]: numbers or one for each step."""
    for value, name, high in [
        (gamma, "the step gamma", None),
        (rho, "the radius rho", None),
        (lam, "lam", 1),
    ]:
        value = numbers(value, name)
        if np.any(value < 0) or (high is not None and np.any(value > high)):
            wrong = value[(value < 0) | (value > (np.inf if high is None else high))].flat[0]
            limits = "not be negative" if high is None else f"lie in [0, {high}]"
            raise ValueError(f"{name} must {limits}; got {wrong:g}")


def double(*trees):
    """Every floating leaf is float64: exact expectations mean nothing in less."""
    for leaf in jax.tree.leaves(trees):
        kind = jnp.result_type(leaf)
        if jnp.issubdtype(kind, jnp.floating) and kind != jnp.float64:
            raise TypeError(
                f"exact expectations need float64, got {kind}: "
                'call jax.config.update("jax_enable_x64", True) before the arrays are made'
            )
