"""Two Gaussian classes in the plane and the classifier sign(w . x), 0-1 loss: f21's bound, exact.

Folded with its label an example is z = y x ~ N(m e_1, I), and w errs on it where w . z <= 0, so only the
angle theta of w matters:

    L_D(theta) = Phi(-m cos theta).

Over |e| <= rho < |w| the angle of w + e takes just the values within arcsin(rho / |w|) of theta; for rho >=
|w| it takes all, and of w and -w one errs on half of the sample at least. The error of a sample as a function
of the angle is constant but for jumps across the lines orthogonal to its examples: up at one end of each line
and down at the other, as w and -w err on all examples together. So the lines are sorted once (`Profile`), and
the largest error on any arc is read from the pieces that it touches.

Averages over Gaussian noise of the weights are periodic integrals of analytic functions, by the trapezoidal
rule exact to rounding. For m > 0 and *any* law of the angle that is symmetric about theta,

    E L_D >= L_D(theta)   if and only if   L_D(theta) <= 1/2,

the assumption of f21's Theorem 2 at every width. Proof: put t = m cos theta cos phi, s = m sin theta sin phi
for the turns +-phi; Phi(t + s) + Phi(t - s) <= 2 Phi(t) where t >= 0 (Phi - 1/2 is odd, and concave there),
and Phi(t) <= Phi(m cos theta); where t < 0 it is at most 1. The other half by w -> -w, which turns all signs.

Two points of a sample on one line through the origin, of probability zero, are not treated apart.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from theory import admit

NODES = 2048  # of the trapezoidal rule: rounding up to |w| / sigma = 200


class Planar(NamedTuple):
    mean: float  # m

    def risk(self, theta):
        """L_D."""
        return ndtr(-self.mean * np.cos(theta))

    def density(self, phi):
        """Of the angle of z."""
        t, s = self.mean * np.cos(phi), self.mean * np.sin(phi)
        tilted = np.sqrt(2 * np.pi) * t * ndtr(t) * np.exp(-0.5 * s**2)
        return (np.exp(-0.5 * self.mean**2) + tilted) / (2 * np.pi)

    def noisy_risk(self, theta, ratio):
        """E L_D(w + e) for e ~ N(0, sigma^2 I), ratio = sigma / |w|; `theta` a number or an array.

        w + e errs on z with probability Phi(-w . z / (sigma |z|)).
        """
        phi = 2 * np.pi * np.arange(NODES) / NODES
        errs = ndtr(-np.cos(phi - np.asarray(theta)[..., None]) / ratio)
        return errs @ self.density(phi) * (2 * np.pi / NODES)

    def sample(self, normals):
        """Angles of the examples made from standard normals (..., 2)."""
        return np.arctan2(normals[..., 1], normals[..., 0] + self.mean)

    def largest_gap(self, found):
        """(draws,): the largest L_D - L_S of a `Profile` over *all* directions with L_D <= 1/2.

        On a piece L_S is constant, and L_D largest at an end, or 1/2 if the piece goes beyond.
        """
        n = found.lines.shape[1]
        risk = self.risk(found.lines)
        ends = np.concatenate([1 - risk[:, -1:], risk, 1 - risk], axis=1)
        higher = np.minimum(np.maximum(ends[:, 1:], ends[:, :-1]), 0.5)
        counted = np.minimum(ends[:, 1:], ends[:, :-1]) <= 0.5
        return np.max(np.where(counted, higher - found.counts[:, : 2 * n] / n, -np.inf), axis=1)


class Profile(NamedTuple):
    """Errors of samples (draws, n) as functions of the angle."""

    lines: np.ndarray  # (draws, n), sorted, in [0, pi): where a line of a sample is met
    counts: np.ndarray  # (draws, 4 n): errors on the pieces between them, from angle 0 on, two turns

    def largest(self, low, high):
        """(draws, arcs): the largest error on low <= angle <= high, ends (arcs,) or (draws, arcs).

        0 <= high - low < 2 pi.
        """
        draws, n = self.lines.shape
        low, high = np.atleast_1d(low), np.atleast_1d(high)
        turns = 2 * np.pi * np.floor(low / (2 * np.pi))
        ends = np.stack([low - turns, high - turns], axis=-1)
        halves, rest = np.divmod(ends, np.pi)
        rest = np.broadcast_to(rest, (draws, *rest.shape[-2:]))
        # a search in each row: a merge of all rows at once would cost more
        before = np.stack([np.searchsorted(row, each) for row, each in zip(self.lines, rest, strict=True)])
        pieces = before + halves.astype(int) * n + [0, 1] + 4 * n * np.arange(draws)[:, None, None]
        padded = np.append(self.counts, 0)
        return np.maximum.reduceat(padded, pieces.ravel())[::2].reshape(pieces.shape[:-1]) / n

    def at(self, angle):
        """(draws, angles): L_S."""
        return self.largest(angle, angle)


def profile(angles):
    """The errors of samples given by the angles (draws, n) of their examples."""
    angles = admit.numbers(angles, "the angles of the samples")
    if angles.ndim != 2:
        raise ValueError(f"the angles must be (draws, n), one sample a row; got shape {angles.shape}")
    n = angles.shape[1]
    half, line = np.divmod(angles + np.pi / 2, np.pi)
    order = np.argsort(line, axis=1)
    up = 1 - 2 * (np.take_along_axis(half, order, axis=1) % 2).astype(np.int32)  # -1: the error ends there
    before = np.sum(up < 0, axis=1, keepdims=True, dtype=np.int32)
    pieces = np.concatenate([before, before + np.cumsum(up, axis=1, dtype=np.int32)[:, :-1]], axis=1)
    return Profile(np.take_along_axis(line, order, axis=1), np.concatenate([pieces, n - pieces] * 2, axis=1))


def reach(ratio):
    """Half of the arc of directions in the ball, ratio = rho / |w| < 1."""
    return np.arcsin(ratio)


def adaptive_arc(theta, length, rho, eta):
    """(low, high): directions w + e with |T^-1 e| <= rho, T = |w| + eta in each coordinate, |w| = length.

    In the coordinates T^-1 w the ball is round; T keeps the order of angles.
    """
    w = length * np.stack([np.cos(theta), np.sin(theta)])
    metric = np.abs(w) + eta
    scaled = w / metric
    size = np.linalg.norm(scaled, axis=0)
    if np.any(rho >= size):
        raise ValueError(
            f"the adaptive ball of radius {rho:g} holds the origin; give less than {size.min():g}"
        )
    middle = np.arctan2(scaled[1], scaled[0])
    ends = []
    for side in (-1, 1):
        angle = middle + side * np.arcsin(rho / size)
        found = np.arctan2(metric[1] * np.sin(angle), metric[0] * np.cos(angle))
        ends.append(found - 2 * np.pi * np.round((found - theta) / (2 * np.pi)))
    return tuple(ends)


def planar(mean):
    mean = admit.number(mean, "the distance of the classes from the origin")
    if mean < 0:
        raise ValueError(f"the distance of the classes from the origin must not be negative; got {mean:g}")
    return Planar(mean)
