"""f_i(w) = (sum_h c_h tanh(w_h' x_i) - y_i)^2 / 2: one hidden layer whose output weights c stay fixed.

With r the residual and J_h = c_h tanh'(w_h' x) x its gradient, the Hessian of f_i is J J' + r diag_h(c_h
tanh''(w_h' x) x x'). |tanh'| <= 1, |tanh''| <= 4 / (3 sqrt(3)) and |r| <= |y| + sum |c_h| give

    L_i <= |x_i|^2 [sum_h c_h^2 + 4 / (3 sqrt(3)) max_h |c_h| (|y_i| + sum_h |c_h|)],    L <= mean L_i,
    |grad f_i| <= (|y_i| + sum_h |c_h|) sqrt(sum_h c_h^2) |x_i|,

and the mean of the squares of the last is at least the variance of the gradients, at every w. f >= 0, which
is all that is known of its minimum, and there is no PL constant.

Along a unit v with rows v_h, the third derivative of f_i is 3 r' r'' + r r''', where r' = sum_h c_h tanh'
(v_h' x), r'' and r''' the same with tanh'', tanh''' and the powers 2 and 3. As sum |v_h|^2 = 1 and |tanh'''|
<= 2,

    |r'| <= |c| |x|,   |r''| <= 4 / (3 sqrt(3)) max |c_h| |x|^2,   |r'''| <= 2 max |c_h| |x|^3,
    M_i = |x_i|^3 max_h |c_h| [4 / sqrt(3) |c| + 2 sup |r|]

bounds it, and with it the change of the Hessian: a symmetric form of three vectors is largest where they
agree (Banach). sup |r| is |y_i| + sum_h |c_h|, or within a distance s of w at most |r_i(w)| + s |c| |x_i|.

Place: ours; a small net on which the non-convex bound of af22 is tried with constants that are proved, and
the inner maximum of f21 is bounded from above.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array, admit
from theory.problems import ALL, Sum

BEND = 4 / (3 * np.sqrt(3))  # the largest |tanh''|


class Fields(NamedTuple):
    x: Array  # (n, d)
    y: Array  # (n,)
    second: Array  # (units,), the output weights


class TanhNet(Fields, Sum):
    """The weights w are the rows w_h one after the other, (units d,)."""

    __slots__ = ()

    @property
    def n(self):
        return len(self.x)

    def residuals(self, w, i=ALL):
        units = jnp.tanh(self.x[i] @ w.reshape(len(self.second), -1).T)
        return units @ self.second - self.y[i]

    def losses(self, w, i=ALL):
        return 0.5 * self.residuals(w, i) ** 2

    @property
    def reach(self):
        """|y_i| + sum |c_h|, at least the size of any residual."""
        return np.abs(np.asarray(self.y)) + np.sum(np.abs(np.asarray(self.second)))

    @property
    def smoothness_each(self):
        c = np.asarray(self.second)
        squares = np.sum(np.asarray(self.x) ** 2, axis=1)
        return squares * (np.sum(c**2) + BEND * np.max(np.abs(c)) * self.reach)

    @property
    def smoothness(self):
        return np.mean(self.smoothness_each)

    @property
    def variance(self):
        """At least mean_i |grad f_i - grad f|^2, at every w."""
        squares = np.sum(np.asarray(self.x) ** 2, axis=1)
        return np.mean(self.reach**2 * squares) * np.sum(np.asarray(self.second) ** 2)

    @property
    def third_each(self):
        """M_i with |Hess f_i(w) - Hess f_i(w')| <= M_i |w - w'|, everywhere."""
        return self.third_within(self.reach)

    def third_near(self, w, distance):
        """The same within that distance of w."""
        lengths = np.sqrt(np.sum(np.asarray(self.x) ** 2, axis=1))
        moved = distance * lengths * np.linalg.norm(np.asarray(self.second))
        return self.third_within(np.minimum(np.abs(np.asarray(self.residuals(w))) + moved, self.reach))

    def third_within(self, residuals):
        """M_i where the residuals are no larger in size."""
        c, cubes = np.asarray(self.second), np.sum(np.asarray(self.x) ** 2, axis=1) ** 1.5
        return cubes * np.max(np.abs(c)) * (3 * BEND * np.linalg.norm(c) + 2 * residuals)

    @property
    def pl(self):
        raise ValueError(
            "a net has no PL constant: its gradient vanishes where the units saturate; "
            "use the bounds that need none"
        )

    @property
    def below(self):
        """A lower bound of inf f; bounds that grow with f(w_0) - inf f hold with it in its place."""
        return 0.0


def tanh_net(x, y, second):
    """The net with output weights `second` on the rows of x, with targets y."""
    x, y = admit.numbers(x, "the data"), admit.numbers(y, "the targets")
    second = admit.numbers(second, "the output weights")
    if x.ndim != 2 or y.shape != x.shape[:1] or second.ndim != 1:
        raise ValueError(
            f"a net needs data (n, d), targets (n,) and output weights (units,); "
            f"got shapes {x.shape}, {y.shape}, {second.shape}"
        )
    return TanhNet(*jax.device_put((x, y, second)))
