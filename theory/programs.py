"""The worst of a class of functions as a semidefinite program (performance estimation), and its solution.

A function enters by its gradients and values at finitely many points alone. Positions and gradients are
vectors in an unknown basis; a `Space` has the Gram matrix G of that basis, by its upper triangle, and scalars
(values of f, and free numbers). An expression, |x|^2 or f(x) or <g, x - y>, is a linear function of these: a
plain array of coefficients, so that sums and multiples are those of arrays.

For F(mu, L), mu < L, the inequalities Q_ij >= 0 of theory/interpolation.py over all pairs of points are
necessary, and by the theorem of Taylor, Hendrickx and Glineur (2017; recalled, not proved here) sufficient:
the optimum is the exact worst case in every dimension from the size of G on. mu = -L: smooth functions.

For PL(mu) with L-smoothness (`lojasiewicz`) the conditions are necessary alone: those of Rubbens, Hendrickx
and Taylor (2025, arXiv 2504.14377, Proposition 3.4) as PEPit 0.5.1 has them (recalled, not proved here). Its
optimum is an upper bound.

`solve` is handed the module of a solver, clarabel or scs, so that each call names it; the tolerances are set
here, the status is that of the solver, and nothing is believed that two of them do not say (`Pair`).
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import scipy.sparse

AGREE = 1e-6  # two solvers, or a solver and a formula
CLARABEL = {
    "tol_gap_abs": 1e-9,
    "tol_gap_rel": 1e-9,
    "tol_feas": 1e-9,
    "max_step_fraction": 0.9,
}  # 0.99 stalls
SCS = {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 200_000}


class Space(NamedTuple):
    """`size` basis vectors and `scalars` further numbers."""

    size: int
    scalars: int

    @property
    def triangle(self):
        return triangle(self.size)

    @property
    def gram(self):
        return self.size * (self.size + 1) // 2

    def vectors(self):
        return np.eye(self.size)

    def scalar(self, k):
        out = np.zeros(self.gram + self.scalars)
        out[self.gram + k] = 1
        return out

    @property
    def nothing(self):
        return np.zeros(self.gram + self.scalars)

    def inner(self, a, b):
        """<a, b> for vectors in the basis, (..., size): (..., coefficients)."""
        i, j = self.triangle
        both = a[..., i] * b[..., j] + a[..., j] * b[..., i]
        out = np.zeros((*both.shape[:-1], self.gram + self.scalars))
        out[..., : self.gram] = np.where(i == j, both / 2, both)
        return out

    def square(self, a):
        return self.inner(a, a)


@cache
def triangle(size):
    """Rows and columns of the upper triangle."""
    return np.triu_indices(size)


class Point(NamedTuple):
    """A point, or several: one row each."""

    at: np.ndarray
    slope: np.ndarray
    value: np.ndarray


class Program(NamedTuple):
    """Maximise gain . v over v = (G, scalars): rows v >= floor, G and every block positive semidefinite."""

    space: Space
    gain: np.ndarray
    rows: np.ndarray  # (inequalities, coefficients)
    floor: np.ndarray
    blocks: list  # symmetric matrices of expressions, (size, size, coefficients)


class Solution(NamedTuple):
    value: float
    status: str  # "optimal", "optimal_inaccurate", or what the solver says else
    multipliers: np.ndarray  # of the rows


class Pair(NamedTuple):
    """The same program by two solvers."""

    first: Solution
    second: Solution

    @property
    def apart(self):
        """NaN unless both have a number and one of them is optimal."""
        states = {self.first.status, self.second.status}
        usable = "optimal" in states and states <= {"optimal", "optimal_inaccurate"}
        return abs(self.first.value - self.second.value) if usable else np.nan

    @property
    def agreed(self):
        return bool(self.apart <= AGREE)

    @property
    def value(self):
        """Of the second (scs at 1e-9 is tighter) unless it is the inaccurate one; NaN if they disagree."""
        best = self.second if self.second.status == "optimal" else self.first
        return best.value if self.agreed else np.nan


# Classes of functions


def interpolation(space, i, j, curvature, smoothness):
    """Q_ij as an expression; of several pairs, one row each."""
    d, e = i.at - j.at, i.slope - j.slope
    scale = 1 / (2 * (1 - curvature / smoothness))
    bent = space.square(e) / smoothness + curvature * space.square(d)
    bent = bent - 2 * curvature / smoothness * space.inner(e, d)
    return i.value - j.value - space.inner(j.slope, d) - scale * bent


def interpolated(space, points, curvature, smoothness):
    """All Q_ij >= 0."""
    i, j = np.nonzero(~np.eye(len(points), dtype=bool))
    every = Point(*map(np.array, zip(*points, strict=True)))
    first, second = (Point(*(each[k] for each in every)) for k in (i, j))
    return interpolation(space, first, second, curvature, smoothness)


def lojasiewicz(space, points, curvature, smoothness, free):
    """(inequalities, 2 x 2 blocks) of the points, the first of which is a minimiser with value 0.

    `free` is the index of the first of two scalars for each ordered pair.
    """
    mu, top = curvature, smoothness
    least = points[0].value
    rows = []
    for i in points[1:]:
        gap, square = i.value - least, space.square(i.slope)
        rows += [square / (2 * mu) - gap, gap - square / (2 * top)]
    blocks = []
    pairs = [(i, j) for i in points for j in points if i is not j]
    for n, (i, j) in enumerate(pairs):
        a = j.value - i.value + space.inner(i.slope + j.slope, i.at - j.at) / 2
        a = a + space.square(i.slope - j.slope) / (4 * top) - top / 4 * space.square(i.at - j.at)
        b = (top + mu) * (i.value - least - space.square(i.slope) / (2 * top))
        c = (top - mu) * (j.value - least + space.square(j.slope) / (2 * top))
        cross, corner = space.scalar(free + 2 * n), space.scalar(free + 2 * n + 1)
        first, rest, share = -(2 * top + mu) * a, b - c - (top + 3 * mu) * a, mu / (2 * top + mu)
        blocks.append(
            symmetric(
                first - 4 * share * cross - rest,
                cross - share * corner - (top + mu) / 2 * a + b,
                corner - b,
            )
        )
        blocks.append(symmetric(first, cross, corner))
    return rows, blocks


def symmetric(a, b, c):
    return np.array([[a, b], [b, c]])


# Steps


def walk(space, gamma, rho, steps, last):
    """The points *, x_0, y_0, x_1, ... of `steps` steps, and x_T: with its gradient if `last`.

    The basis is x_0, then g_t and k_t of every step, then the gradient at x_T; x* = 0 and f* = 0.
    """
    x, *slopes = space.vectors()
    zero = np.zeros(space.size)
    out = [Point(zero, zero, space.nothing)]
    for t in range(steps):
        g, k = slopes[2 * t : 2 * t + 2]
        out.append(Point(x, g, space.scalar(2 * t)))
        out.append(Point(x + rho * g, k, space.scalar(2 * t + 1)))
        x = x - gamma * k
    if last:
        out.append(Point(x, slopes[2 * steps], space.scalar(2 * steps)))
    return out, x


def program(space, gain, inequalities, most, blocks=()):
    """Maximise `gain` with the inequalities, and `most` <= 1."""
    rows = np.array([*inequalities, -most])
    floor = np.zeros(len(rows))
    floor[-1] = -1
    return Program(space, gain, rows, floor, list(blocks))


def distance(curvature, smoothness, gamma, rho, steps=1):
    """The worst |x_T - x*|^2 over F(mu, L) with |x_0 - x*| <= 1."""
    space = Space(2 * steps + 1, 2 * steps)
    points, end = walk(space, gamma, rho, steps, last=False)
    rows = interpolated(space, points, curvature, smoothness)
    return program(space, space.square(end), rows, space.square(points[1].at))


def ended(curvature, smoothness, gamma, rho, steps):
    """The points of `steps` steps with x_T, and their inequalities."""
    space = Space(2 * steps + 2, 2 * steps + 1)
    points, _ = walk(space, gamma, rho, steps, last=True)
    return space, points, interpolated(space, points, curvature, smoothness)


def gap(curvature, smoothness, gamma, rho, steps=1):
    """The worst f(x_T) - f* over F(mu, L) with f(x_0) - f* <= 1."""
    space, points, rows = ended(curvature, smoothness, gamma, rho, steps)
    return program(space, points[-1].value, rows, points[1].value)


def convex(smoothness, gamma, rho, steps):
    """The worst f(x_T) - f* over F(0, L) with |x_0 - x*| <= 1."""
    space, points, rows = ended(0.0, smoothness, gamma, rho, steps)
    return program(space, points[-1].value, rows, space.square(points[1].at))


def slope(curvature, smoothness, gamma, rho):
    """The worst |grad f(x+)|^2 over F(mu, L) with |grad f(x)| <= 1."""
    space, points, rows = ended(curvature, smoothness, gamma, rho, 1)
    return program(space, space.square(points[-1].slope), rows, space.square(points[1].slope))


def potential(smoothness, gamma, rho):
    """The most that gamma f(x+) + |x+|^2 / 2 - |x|^2 / 2 can be over F(0, L) with |x| <= 1."""
    space, points, rows = ended(0.0, smoothness, gamma, rho, 1)
    before, after = (space.square(points[k].at) / 2 for k in (1, -1))
    return program(space, gamma * points[-1].value + after - before, rows, 2 * before)


def descent(smoothness, gamma, rho):
    """The most that f(x+) - f(x) can be over smooth functions with |grad f(x)| <= 1: -phi where that is >= 0.

    Where the loss must fall, |grad f(x)| = 1 is asked for by a second inequality.
    """
    space = Space(3, 2)
    g, k, s = space.vectors()
    start = Point(0 * g, g, space.nothing)
    ahead, end = Point(rho * g, k, space.scalar(0)), Point(-gamma * k, s, space.scalar(1))
    rows = interpolated(space, [start, ahead, end], -smoothness, smoothness)
    made = program(space, end.value, rows, space.square(g))
    return made._replace(
        rows=np.concatenate([made.rows, [space.square(g)]]), floor=np.concatenate([made.floor, [1.0]])
    )


def pl_gap(curvature, smoothness, gamma, rho):
    """An upper bound of the worst f(x+) - f* over L-smooth PL(mu) functions with f(x) - f* <= 1."""
    space = Space(4, 3 + 2 * 12)
    points, _ = walk(space, gamma, rho, 1, last=True)
    rows, blocks = lojasiewicz(space, points, curvature, smoothness, 3)
    return program(space, points[-1].value, rows, points[1].value, blocks)


def two_points(curvature, smoothness, gamma, rho):
    """The worst |x+ - z+|^2 over F(mu, L) with |x - z| <= 1: no minimiser is named, and z = 0."""
    space = Space(5, 3)
    x, *slopes = space.vectors()
    points: list[Point] = []
    ends = []
    for at, (g, k) in ((x, slopes[:2]), (0 * x, slopes[2:])):
        n = len(points)
        values = [space.scalar(n + m) if n + m < 3 else space.nothing for m in (0, 1)]
        points += [Point(at, g, values[0]), Point(at + rho * g, k, values[1])]
        ends.append(at - gamma * k)
    rows = interpolated(space, points, curvature, smoothness)
    return program(space, space.square(ends[0] - ends[1]), rows, space.square(x))


def disc(curvature, smoothness, rho):
    """The most that -<k - p x, q x - k> can be over F(mu, L) with |x - x*| <= 1."""
    space = Space(3, 2)
    points, _ = walk(space, 0.0, rho, 1, last=False)
    x, k = points[1].at, points[2].slope
    p, q = (c * (1 + rho * c) for c in (curvature, smoothness))
    rows = interpolated(space, points, curvature, smoothness)
    return program(space, -space.inner(k - p * x, q * x - k), rows, space.square(x))


def sampled(curvature, smoothness, gamma, rho, losses, noisy):
    """One step on a loss drawn uniformly from `losses` of F(mu, L), with its own ascent; f is their mean.

    If `noisy`, the worst E |x+ - x*|^2 with |x - x*| <= 1 and mean |grad f_i(x*)|^2 <= 1; otherwise x*
    minimises every loss, and the worst E f(x+) - f* with f(x) - f* <= 1.
    """
    kinds = 3 + losses  # of points of a loss: *, x, y, and the end of each draw
    space = Space(1 + losses * kinds, losses * kinds)
    x, *slopes = space.vectors()
    slopes = np.array(slopes).reshape(losses, kinds, -1)
    values = np.array([space.scalar(k) for k in range(losses * kinds)]).reshape(losses, kinds, -1)
    slopes[-1, 0] = -slopes[:-1, 0].sum(0)  # x* = 0 is critical for the mean
    if not noisy:
        slopes[:, 0] = 0
    values[:, 0] = 0  # every loss may be shifted
    ends = [x - gamma * slopes[i, 2] for i in range(losses)]
    rows = []
    for g, f in zip(slopes, values, strict=True):
        places = [0 * x, x, x + rho * g[1], *(ends if not noisy else [])]
        points = [Point(*each) for each in zip(places, g, f, strict=False)]
        rows.extend(interpolated(space, points, curvature, smoothness))
    if not noisy:
        return program(space, values[:, 3:].mean((0, 1)), rows, values[:, 1].mean(0))
    spread = sum(space.square(g) for g in slopes[:, 0]) / losses
    made = program(space, sum(map(space.square, ends)) / losses, [*rows, -spread], space.square(x))
    made.floor[-2] = -1
    return made


# Solvers


def solve(made, solver, **settings):
    """By clarabel or scs, the module itself; `settings` replace those above."""
    ways = {"clarabel": by_clarabel, "scs": by_scs}
    name = getattr(solver, "__name__", solver)
    if name not in ways:
        raise ValueError(f"the solver is the module clarabel or scs, named in every call; got {name!r}")
    return ways[name](made, solver, settings)


def by_clarabel(made, solver, settings):
    a, b, sizes = cone(made, by_column=True)
    chosen = solver.DefaultSettings()
    for name, value in ({"verbose": False, "max_threads": 1} | CLARABEL | settings).items():
        setattr(chosen, name, value)
    cones = [solver.NonnegativeConeT(len(made.rows)), *(solver.PSDTriangleConeT(n) for n in sizes)]
    nothing = scipy.sparse.csc_matrix((len(made.gain),) * 2)
    found = solver.DefaultSolver(nothing, -made.gain, a, b, cones, chosen).solve()
    status = {"Solved": "optimal", "AlmostSolved": "optimal_inaccurate"}
    said = str(found.status)
    return Solution(float(made.gain @ found.x), status.get(said, said), np.array(found.z)[: len(made.rows)])


def by_scs(made, solver, settings):
    a, b, sizes = cone(made, by_column=False)
    data = {"A": a, "b": b, "c": -made.gain}
    found = solver.solve(data, {"l": len(made.rows), "s": sizes}, verbose=False, **(SCS | settings))
    said = found["info"]["status"]
    status = "optimal_inaccurate" if said.startswith("solved (inaccurate") else said
    status = "optimal" if said == "solved" else status
    return Solution(float(made.gain @ found["x"]), status, found["y"][: len(made.rows)])


def cone(made, by_column):
    """(A, b, sizes) with b - A v in the cone: inequalities, then triangles with sqrt 2 off the diagonal.

    The upper triangle is read by columns (clarabel) or by rows (scs).
    """
    space, count = made.space, len(made.gain)
    gram = np.zeros((space.size, space.size, count))
    gram[space.triangle] = np.eye(count)[: space.gram]
    parts, sizes = [made.rows], []
    for block in [gram, *made.blocks]:
        i, j, weights = packed(len(block), by_column)
        parts.append(weights * block[i, j])
        sizes.append(len(block))
    a = -np.concatenate(parts)
    b = np.zeros(len(a))
    b[: len(made.rows)] = -made.floor
    return scipy.sparse.csc_matrix(a), b, sizes


@cache
def packed(size, by_column):
    """Rows and columns of the triangle in that order, and weights (entries, 1) that keep inner products."""
    i, j = triangle(size)
    order = np.lexsort((i, j)) if by_column else slice(None)
    i, j = i[order], j[order]
    return i, j, np.where(i == j, 1, np.sqrt(2))[:, None]


def both(made, first, second, **settings):
    """By two solvers; `settings` are for the second."""
    return Pair(solve(made, first), solve(made, second, **settings))


def off(pairs, claimed):
    """The largest distance of a value, by either solver, to the number claimed; NaN as in `Pair.apart`."""
    away = [
        [abs(found.value - number) + 0 * pair.apart for found in pair]
        for pair, number in zip(pairs, claimed, strict=True)
    ]
    return float(np.max(away))  # NaN if one is


def states(pairs):
    """Hypotheses on what the solvers said; the name counts what was inaccurate."""
    said = [found.status for pair in pairs for found in pair]
    loose = said.count("optimal_inaccurate")
    return {
        f"each program is optimal by one solver, and by the other too but for {loose} of {len(said)} that "
        "are optimal_inaccurate": all(np.isfinite(pair.apart) for pair in pairs)
    }
