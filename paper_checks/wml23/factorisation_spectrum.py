"""At an exact fit of |U V' - Y|^2 / 2 the non-zero eigenvalues are s_i(U)^2 + s_j(V)^2, zeros included.

Against the dense Hessian by automatic differentiation: all eigenvalues, lambda_1 = |U|^2 + |V|^2 in the
spectral norm, the trace n_2 |U|^2 + n_1 |V|^2 in that of Frobenius, and the rank r (n_1 + n_2 - r).
`measured` is the largest distance over lambda_1; where the ranks differ, 1.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.wml23.lemma_3_5 import frame
from theory.problems.factorisation import factorisation

SHAPES = ((3, 4, 2), (4, 3, 3))  # n_1, n_2, r


class Case(NamedTuple):
    shape: tuple[int, int, int]
    claim: str  # "sums", or the neighbouring formula of a control
    stretch: float  # of U, which then no longer fits: 1, but for a control


def cases():
    return {f"n_1={a}, n_2={b}, r={r}": Case((a, b, r), "sums", 1.0) for a, b, r in SHAPES}


def hypotheses(case):
    rows, columns, r = case.shape
    return {"factors of full rank": r <= min(rows, columns)}


def factors(case):
    rows, columns, r = case.shape
    rng = np.random.default_rng(rows)
    return rng.standard_normal((rows, r)), rng.standard_normal((columns, r))


def measured(case):
    (rows, columns, r), (u, v) = case.shape, factors(case)
    f = factorisation(u @ v.T)
    eigs = frame(f, np.concatenate([case.stretch * u.ravel(), v.ravel()])).eigs
    s, t = (np.linalg.svd(x, compute_uv=False) ** 2 for x in (case.stretch * u, v))
    if case.claim != "without the zeros":
        s, t = np.pad(s, (0, rows - r)), np.pad(t, (0, columns - r))
    sums = np.sort((np.sqrt(np.outer(s, t)) if case.claim == "products" else s[:, None] + t).ravel())
    claimed = np.zeros(len(eigs))
    claimed[-len(sums) :] = sums[-len(eigs) :]
    weights = (rows, columns) if case.claim == "weights exchanged" else (columns, rows)
    trace = weights[0] * np.sum(s) + weights[1] * np.sum(t)
    gaps = [*(eigs - claimed), eigs[-1] - np.max(s) - np.max(t), np.sum(eigs) - trace]
    wrong_rank = np.sum(eigs > 1e-9 * eigs[-1]) != r * (rows + columns - r)
    return max(np.max(np.abs(gaps)) / eigs[-1], float(wrong_rank))


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-12


def controls(case):
    return {
        "products of singular values": case._replace(claim="products"),
        "the weights of the trace exchanged": case._replace(claim="weights exchanged"),
        "not a fit": lambda factor: case._replace(stretch=factor),
    } | (
        {"without the zeros": case._replace(claim="without the zeros")}
        if max(case.shape[:2]) > case.shape[2]
        else {}
    )
