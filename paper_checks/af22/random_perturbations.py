"""The term of random directions in a PAC-Bayes bound is the same for every m: it cannot tell m from n.

The bound holds mean_S E_e L_S(w + e) with e normal (each group may draw its own), and the m-SAM objective has
mean_S L_S(w + rho g_S / |g_S|) in its place. By linearity the first is E_e L(w + e) for every grouping; the
second grows as the groups shrink, to leading order by rho mean_S |g_S|.

On a diagonal linear network every loss has degree 2 in each entry of (u, v), so that the mean over all signs
e = +-sigma is the normal expectation exactly. `measured` is the largest relative distance of mean_S E_e L_S
from E_e L in closed form,

    L(w) + (1 / 2n) sum_ij x_ij^2 (sigma^2 (u_j^2 + v_j^2) + sigma^4),

over the groupings into m = 1, 2, 3, 6; the bound is 0. Controls: a share of the ascent direction in e, each
group's own, and sigma in the formula another than that drawn.
"""

from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from theory import Array
from theory.problems import ALL, diagonal
from theory.update import direction

COMPILED = True
BATCH = 6
N, D = 6, 3
SIZES = (1, 2, 3, 6)
SIGNS = np.array(list(product((-1.0, 1.0), repeat=2 * D)))
# every grouping as N rows of weights, a group as often as it has examples
MEMBERS = np.stack([np.repeat(np.eye(N)[diagonal.groups(N, m)].sum(1) * N / m, m, axis=0) for m in SIZES])


class Case(NamedTuple):
    x: Array
    y: Array
    w: Array  # (2, D)
    drawn: float  # sigma of the perturbations
    stated: float  # sigma of the formula
    aligned: float  # length of the share along g_S / |g_S|


def cases():
    out = {}
    for seed, sigma in product(range(3), (0.05, 0.5)):
        f = diagonal.sparse(seed, N, D, 2).train
        w = np.random.default_rng(seed).standard_normal((2, D))
        out[f"draw {seed}, sigma={sigma:g}"] = Case(f.x, f.y, w, sigma, sigma, 0.0)
    return out


def hypotheses(case):
    return {"sigma > 0": case.stated > 0}


def averaged(case, members):
    """mean_S E_e L_S(w + e + aligned g_S / |g_S|)."""
    f = diagonal.Diagonal(case.x, case.y)

    def group(weights):
        def loss(w):
            return f.loss((w[0], w[1]), ALL, weights)

        ascent = direction(jax.grad(loss)(case.w), 1.0)
        moves = case.drawn * SIGNS.reshape(-1, 2, D) + case.aligned * ascent
        return jnp.mean(jax.vmap(lambda e: loss(case.w + e))(moves))

    return jnp.mean(jax.vmap(group)(members))


def formula(case):
    f, (u, v), square = diagonal.Diagonal(case.x, case.y), case.w, case.stated**2
    curved = case.x**2 @ (square * (u**2 + v**2) + square**2)
    return f.loss((u, v)) + jnp.mean(curved) / 2


def measured(case):
    each = jax.vmap(lambda members: averaged(case, members))(jnp.asarray(MEMBERS))
    return jnp.max(jnp.abs(each / formula(case) - 1))


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-13


def controls(case):
    return {
        "along the ascent of each group": case._replace(drawn=0.0, aligned=case.stated),
        "a share of the ascent": lambda factor: case._replace(aligned=(factor - 1) * case.stated),
        "another sigma": lambda factor: case._replace(stated=factor * case.stated),
    }
