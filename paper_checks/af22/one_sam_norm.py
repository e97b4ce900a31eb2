"""The size of the leading exponents against the integral of the loss, for 1-SAM and n-SAM.

With f = sum r^2 / (2 n), along gradient flow and exactly,

    |Delta_1|_1 = int sum_i r_i^2 |x_i|^2 / n   lies in [min, max]_i |x_i|^2 / d  times  2 d int f,
    |Delta_n|_1 = int |X' r|^2 / n^2            lies in [min, max] sigma(X)^2 / d times  (2 d / n) int f.

The remembered "about d int L" and "about (d/n) int L" are these with half the loss (Delta is then half of
ours). They are equalities where all |x_i|^2 = d, or X X' = d I, and else as good as the interval is short:
one_sam_norm and n_sam_norm measure the logarithm of the ratio against those of the interval, the rows _exact
the interval itself, attained where it is a point: there `measured` is max(ratio / high, low / ratio).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from paper_checks.af22 import implicit_bias as flows
from theory import flow
from theory.problems import diagonal


class Case(NamedTuple):
    reads: str  # "interval", "exact" or "about"
    method: str
    data: str
    against: str  # the method whose size is claimed
    scale: float  # of the claimed size: 1, but for a control


@cache
def solved(data):
    """(f, int r r' dt)."""
    if data in ("reference", "small"):
        return flows.problem(data)[0], flows.gradient_flow(data)[0]
    f, u = flows.problem("reference")
    target = diagonal.reference(0).target
    if data == "rows of norm sqrt(d)":
        x = f.x * np.sqrt(30) / np.linalg.norm(f.x, axis=1, keepdims=True)
    elif data == "X X' = d I":
        left, _, right = np.linalg.svd(f.x, full_matrices=False)
        x = np.sqrt(30) * left @ right
    else:  # few rows, many columns
        f = diagonal.sparse(5, 5, 60, 3).train
        return f, flow.moment(f, 0.3, flows.END)[0]
    f = diagonal.diagonal(x, x @ target)
    return f, flow.moment(f, flows.START / np.sqrt(2), flows.END)[0]


def interval(f, method):
    """The extreme ratios to the claimed size."""
    d = f.x.shape[1]
    sizes = np.sum(f.x**2, axis=1) if method == "1-SAM" else np.linalg.eigvalsh(f.x @ f.x.T)
    return sizes.min() / d, sizes.max() / d


def cases():
    out = {}
    general = ("reference", "small", "few rows, many columns")
    for method, row, special in (
        ("1-SAM", "one_sam_norm", ("rows of norm sqrt(d)", "X X' = d I")),
        ("n-SAM", "n_sam_norm", ("X X' = d I",)),
    ):
        for data in general:
            out[f"{row}: {data}"] = Case("about", method, data, method, 1.0)
            out[f"{row}_exact: {data}"] = Case("interval", method, data, method, 1.0)
        for data in special:
            out[f"{row}: {data}"] = Case("exact", method, data, method, 1.0)
            out[f"{row}_exact: {data}"] = Case("interval", method, data, method, 1.0)
    return out


def hypotheses(case):
    f, of_residuals = solved(case.data)
    return {"positive loss": np.trace(of_residuals) > 0, "independent rows": interval(f, "n-SAM")[0] > 0}


def ratio(case):
    f, of_residuals = solved(case.data)
    n, d = f.x.shape
    exponent = flow.exponent(f, of_residuals, diagonal.groups(n, 1 if case.method == "1-SAM" else n))
    claimed = 2 * d * np.trace(of_residuals) / (2 * n) / (1 if case.against == "1-SAM" else n)
    return np.sum(exponent) / (case.scale * claimed)


def measured(case):
    found = ratio(case)
    if case.reads == "interval":
        low, high = interval(solved(case.data)[0], case.against)
        return max(found / high, low / found)
    return abs(np.log(found))


def bound(case):
    if case.reads == "interval":
        return 1.0
    if case.reads == "exact":
        return 0.0
    return np.abs(np.log(interval(solved(case.data)[0], case.method))).max()


def tolerance(case):
    return 1e-10


def controls(case):
    out = {
        "a larger size": lambda factor: case._replace(scale=factor),
        "a smaller size": lambda factor: case._replace(scale=1 / factor),
    }
    if not (case.method == "n-SAM" and case.data in ("reference", "small")):  # the interval is too long there
        other = "n-SAM" if case.against == "1-SAM" else "1-SAM"
        out["the size of the other method"] = case._replace(against=other)
    if case.reads == "exact":
        out["unequal inputs"] = case._replace(data="reference")
        out["the other convention of the loss"] = case._replace(scale=0.5)
    return out
