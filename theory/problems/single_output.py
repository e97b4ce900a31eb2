"""f_k(w) = l_k(o_k(w) - y_k), o_k(w) = sum_h c_h tanh(a_h . x_k): a net with one output, both layers trained.

The loss of example k is l_k(r) = b_k2 r^2 / 2 + b_k3 r^3 / 6 + b_k4 r^4 / 24. It is least at r = 0 alone, and
l_k''(0) = b_k2 > 0, if b_k3 = b_k4 = 0 or b_k3^2 < 3 b_k2 b_k4. Where every o_k = y_k,

    Hess f_k = b_k2 grad o_k (grad o_k)',

and if the gradients of the outputs are independent these w form a manifold of codimension n.

Place: ours; an instance of Setting 5.1 of wml23 (its f_k are the outputs, n is M).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum


class Fields(NamedTuple):
    x: Array  # (n, d)
    y: Array  # (n,)
    bends: Array  # (n, 3), the derivatives of l_k of orders 2, 3 and 4 at 0


class SingleOutput(Fields, Sum):
    """The weights w are the rows a_h one after the other, then c: (units (d + 1),)."""

    __slots__ = ()

    @property
    def n(self):
        return len(self.y)

    def layers(self, w):
        d = self.x.shape[1]
        units = len(w) // (d + 1)
        return w[: units * d].reshape(units, d), w[units * d :]

    def outputs(self, w, i=ALL):
        first, second = self.layers(w)
        return jnp.tanh(self.x[i] @ first.T) @ second

    def losses(self, w, i=ALL):
        r, b = self.outputs(w, i) - self.y[i], self.bends[i]
        return r**2 * (b[..., 0] / 2 + r * (b[..., 1] / 6 + r * b[..., 2] / 24))

    # In NumPy

    def residuals(self, w):
        """o_k(w) - y_k."""
        first, second = map(np.asarray, self.layers(w))
        return np.tanh(np.asarray(self.x) @ first.T) @ second - np.asarray(self.y)

    def output_slopes(self, w):
        """grad o_k, (n, units (d + 1))."""
        x = np.asarray(self.x)
        first, second = map(np.asarray, self.layers(w))
        units = np.tanh(x @ first.T)
        inner = (second * (1 - units**2))[:, :, None] * x[:, None, :]
        return np.concatenate([inner.reshape(len(x), -1), units], axis=1)

    @property
    def minimum(self):
        """Of nets that fit; `fitted` makes no other."""
        return 0.0

    @property
    def minima_each(self):
        return np.zeros(self.n)


def fitted(x, w, bends):
    """The net whose labels are its outputs at w, so that w is a global minimiser."""
    x, w, bends = (
        admit.numbers(values, name)
        for values, name in ((x, "the data"), (w, "the weights"), (bends, "the bends of the losses"))
    )
    if x.ndim != 2 or w.ndim != 1 or len(w) % (x.shape[1] + 1) or bends.shape != (len(x), 3):
        raise ValueError(
            "a net needs data (n, d), weights (units (d + 1),) and bends (n, 3); "
            f"got shapes {x.shape}, {w.shape}, {bends.shape}"
        )
    second, third, fourth = bends.T
    plain = (third == 0) & (fourth == 0)
    wrong = ~((second > 0) & (plain | (third**2 < 3 * second * fourth)))
    if np.any(wrong):
        k = int(np.argmax(wrong))
        raise ValueError(
            f"loss {k} is not least at its label alone: its derivatives there are {bends[k].tolist()}; "
            "the second must be positive, and the third squared below three times the second times the fourth"
        )
    f = SingleOutput(jnp.asarray(x), jnp.zeros(len(x)), jnp.asarray(bends))
    return f._replace(y=jnp.asarray(f.residuals(w)))
