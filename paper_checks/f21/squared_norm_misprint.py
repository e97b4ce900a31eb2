"""Appendix C.5 divides by the squared norm: its perturbation is rho / |g| long, not rho.

    printed     e = rho g / |g|^2 has |e| = rho / |g|; Equation 2 at p = 2, ours, has |e| = rho
    at random   e = rho z / |z|^2 with z normal, printed there too, is not of fixed length as the text wants:
                E|e| = rho Gamma((d - 1) / 2) / (sqrt(2) Gamma(d / 2)), about rho / sqrt(d), against
                quadrature of the density of |z|

`measured` is the largest relative distance of a length from what is claimed of it, over gradients of several
sizes on a tree; the bound is 0. Controls: the printed form held to Equation 2 and ours to the printed form; a
dial on the length.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln

from theory import ascent

RHO = 0.05
SIZES = (1e-3, 0.1, 4.0, 1e3)  # |g|: not 1, where both forms agree
DIMENSIONS = (2, 10, 1000)


class Case(NamedTuple):
    found: np.ndarray  # lengths
    claimed: np.ndarray
    other: np.ndarray  # what the other form claims of them


def cases():
    rng = np.random.default_rng(5)
    raw = [rng.standard_normal(12) for _ in SIZES]
    grads = np.array([size * g / np.linalg.norm(g) for size, g in zip(SIZES, raw, strict=True)])
    sizes, whole = np.array(SIZES), np.full(len(SIZES), RHO)
    ours, printed = np.asarray(lengths(grads)), np.linalg.norm(RHO * grads / sizes[:, None] ** 2, axis=1)
    out = {
        "Equation 2": Case(ours, whole, RHO / sizes),
        "printed": Case(printed, RHO / sizes, whole),
    }
    d = np.array(DIMENSIONS)
    mean = RHO * np.exp(gammaln((d - 1) / 2) - gammaln(d / 2)) / np.sqrt(2)
    found = np.array([RHO * inverse_length(each) for each in DIMENSIONS])
    return out | {"at random, printed": Case(found, mean, np.full(len(d), RHO))}


@jax.jit
def lengths(grads):
    """|e| of the rule for each gradient, split over a tree."""
    along = ascent.along(1, 2, None)

    def length(g):
        tree = {"a": g[:8].reshape(2, 4), "b": g[8:]}
        step = ascent.ascent(tree, RHO, along(tree, tree))
        return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(step)))

    return jax.vmap(length)(grads)


def inverse_length(d):
    """E 1/|z| for z normal in d dimensions, by Gauss's rule where the density of |z| is above rounding."""
    low, high = max(np.sqrt(d) - 9, 0), np.sqrt(d) + 9
    nodes, weights = np.polynomial.legendre.leggauss(200)
    r = low + (high - low) * (nodes + 1) / 2
    logs = (d - 2) * np.log(r) - r**2 / 2 - (d / 2 - 1) * np.log(2) - gammaln(d / 2)
    return (high - low) / 2 * np.sum(weights * np.exp(logs))


def hypotheses(case):
    return {"the forms differ": bool(np.all(np.abs(case.claimed / case.other - 1) > 0.1))}


def measured(case):
    return np.max(np.abs(case.found / case.claimed - 1))


def bound(case):
    return 0.0


def tolerance(case):
    """64 roundings; of logarithms of Gamma that reach 2600."""
    return 64 * 2.0**-52 * (1 + (2600 if len(case.found) == len(DIMENSIONS) else 0))


def controls(case):
    return {
        "the other form": case._replace(claimed=case.other),
        "a little longer": lambda factor: case._replace(found=factor * case.found),
    }
