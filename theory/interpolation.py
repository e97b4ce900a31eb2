"""Quadratic forms of a step of full-batch USAM, interpolation inequalities, and certificates made of them.

A vector is a tuple of coefficients in the basis (x, g, k, s): x itself with x* = 0, g = grad f(x), k the
gradient at y = x + rho g, s the one at x+ = x - gamma k. A quadratic form is a tuple too, the coefficients of
the products of two of these. Numbers may be of any field: floats, fractions, rational functions.

For f in F(mu, L), mu < L, and any two of the points *, x, y, + (with position, gradient and value)

    Q_ij = f_i - f_j - <g_j, x_i - x_j>
           - [|g_i - g_j|^2 / L + mu |x_i - x_j|^2 - 2 (mu / L) <g_i - g_j, x_i - x_j>] / (2 (1 - mu / L))

is not negative. Proof. h(z) = f(z) - mu |z|^2 / 2 - <grad f(x_j) - mu x_j, z> is convex, (L - mu)-smooth and
least at x_j, so a step of length 1 / (L - mu) along its gradient from x_i cannot end below: h(x_j) <=
h(x_i) - |grad h(x_i)|^2 / (2 (L - mu)). Written out this is Q_ij >= 0. Upper bounds need no more; that it
also suffices for a function to exist is the theorem of Taylor, Hendrickx and Glineur (2017), and is not used.

A certificate of `bound - quantity >= 0` is that difference as a sum of Q_ij and of squares, with weights that
are not negative: an identity between forms, and between the coefficients of the values f_i.
"""

from typing import Any, NamedTuple

BASIS = "x", "g", "k", "s"
PAIRS = tuple((i, j) for i in range(4) for j in range(i, 4))
X, G, K, S = (tuple(int(i == j) for j in range(4)) for i in range(4))
ZERO = (0, 0, 0, 0)
NOTHING = (0,) * len(PAIRS)


def mixed(*terms):
    """sum c v over the pairs (c, v), of vectors or of forms."""
    return tuple(sum(c * v[n] for c, v in terms) for n in range(len(terms[0][1])))


def product(a, b):
    """<a, b> as a form."""
    return tuple(a[i] * b[j] + (a[j] * b[i] if i < j else 0) for i, j in PAIRS)


def square(a):
    return product(a, a)


def matrix(form, vectors=(X, G, K, S)):
    """The symmetric matrix of a form on the coordinates `vectors`, values of (x, g, k, s)."""
    return [
        [
            sum(c * (a[i] * b[j] + a[j] * b[i]) / 2 for c, (i, j) in zip(form, PAIRS, strict=True))
            for b in vectors
        ]
        for a in vectors
    ]


class Step(NamedTuple):
    """The points of a step, (position, gradient), and the class they are interpolated in."""

    curvature: Any  # mu
    smoothness: Any  # L
    gamma: Any
    rho: Any

    @property
    def points(self):
        y = mixed((1, X), (self.rho, G))
        return {"*": (ZERO, ZERO), "x": (X, G), "y": (y, K), "+": (mixed((1, X), (-self.gamma, K)), S)}

    def reduced(self, point):
        """grad f - mu z there."""
        z, g = self.points[point]
        return mixed((1, g), (-self.curvature, z))


def inequality(step, i, j):
    """The form of Q_ij; its values are f_i - f_j."""
    (x_i, g_i), (x_j, g_j) = step.points[i], step.points[j]
    d, e = mixed((1, x_i), (-1, x_j)), mixed((1, g_i), (-1, g_j))
    mu, top = step.curvature, step.smoothness
    scale = top / (2 * (top - mu))
    return mixed(
        (-1, product(g_j, d)),
        (-scale / top, square(e)),
        (-scale * mu, square(d)),
        (2 * scale * mu / top, product(e, d)),
    )


class Certificate(NamedTuple):
    """target = sum of multipliers Q_ij + sum of weights |vector|^2, in the form and in the values f_i."""

    step: Step
    target: tuple  # bound - quantity: its form
    values: dict  # and its coefficients of f at the points
    multipliers: dict  # (i, j) -> weight of Q_ij
    squares: list  # (weight, vector)

    @property
    def rest(self):
        """target - sum of multipliers Q_ij, a form that must be a sum of squares."""
        found = [(-weight, inequality(self.step, *pair)) for pair, weight in self.multipliers.items()]
        return mixed((1, self.target), *found)

    @property
    def leftover(self):
        """The coefficients in which the two sides differ; all zero if it is an identity."""
        form = mixed((1, self.rest), *((-weight, square(v)) for weight, v in self.squares))
        return form + self.imbalance

    @property
    def imbalance(self):
        """The coefficients of f at the points that do not cancel."""
        return tuple(
            self.values.get(at, 0)
            - sum(w * ((at == i) - (at == j)) for (i, j), w in self.multipliers.items())
            for at in ("*", "x", "y", "+")
        )

    @property
    def proves(self):
        """In an ordered field: multipliers not negative, values cancel, `rest` positive semidefinite."""
        return (
            min(self.multipliers.values()) >= 0
            and not any(self.imbalance)
            and semidefinite(matrix(self.rest))
        )


def semidefinite(symmetric):
    """Whether a matrix of exact numbers has no negative eigenvalue: L D L' with diagonal pivots."""
    a = [list(row) for row in symmetric]
    left = set(range(len(a)))
    while left:
        pivot = max(left, key=lambda i: a[i][i])
        if min(a[i][i] for i in left) < 0:
            return False
        if a[pivot][pivot] == 0:
            return not any(a[i][j] for i in left for j in left)
        left.remove(pivot)
        for i in left:
            ratio = a[i][pivot] / a[pivot][pivot]
            for j in left:
                a[i][j] -= ratio * a[pivot][j]
    return True
