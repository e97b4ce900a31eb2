"""SAM has the lower test error in every pair that Tables 1, 2 and 3 print, and in seven of eight of Table 5.

The numbers are the paper's own (published.toml); what is checked is what it says of them.

    pairs      the number of pairs in which SAM's error is not the lower one, against those conceded
    intervals  the largest upper end of SAM's interval minus the lower end of SGD's: they do not overlap
    epochs     Table 2: the largest rise of SAM's error with more epochs, and the largest fall of SGD's
               from 200 to 400
    signs      the 99.9 % upper limit (Clopper and Pearson) of the chance that SAM is not the better one
               is below 1/2: each pair a trial, and again each net on each data set, won if all its pairs
               are

The trials of a sign test should be independent; the pairs share nets, data and authors, hence the second
count. A margin printed as "<0.1" is taken as 0.1, one that is not printed as 0. Controls: the methods
exchanged, and dials: SAM's errors a little larger, wider intervals.
"""

from typing import NamedTuple

import numpy as np

from paper_checks import published
from paper_checks.ledger import rounding
from theory.confidence import upper

LEVEL = 0.999
PAIRS = {  # table -> what follows "SAM" and "SGD" in the names of its columns
    "table_1": ("C10", "C100"),
    "table_2": ("top-1",),
    "table_3": ("b7", "L2"),
    "table_5": ("SVHN", "Fashion"),
}
CONCEDED = {"table_5": 1}  # SVHN, AA, Shake-Shake
NAMES = {"table_1": "model", "table_2": "model", "table_3": "data", "table_5": "model"}


class Case(NamedTuple):
    kind: str
    sam: np.ndarray  # errors in %, (pairs,) or (models, epochs)
    sgd: np.ndarray
    margins: np.ndarray  # of both together
    groups: np.ndarray  # a number for each net on each data set
    conceded: int = 0


def cases():
    out = {}
    tables = {name: read(name) for name in PAIRS}
    for name, (sam, sgd, margins, groups) in tables.items():
        conceded = CONCEDED.get(name, 0)
        label = "" if name == "table_1" else f"{name}: "
        out[f"{label}pairs, {len(sam)} of them"] = Case("pairs", sam, sgd, margins, groups, conceded)
        out[f"{label}intervals"] = Case("intervals", sam, sgd, margins, groups, conceded)
    errors = published.tables("f21")["table_2"].values
    for ending in ("top-1", "top-5"):
        sam, sgd = (errors[f"{method} {ending}"].to_numpy().reshape(3, 3) for method in ("SAM", "SGD"))
        plain = (sam, sgd, np.zeros(()), np.zeros(()))
        out[f"table_2: epochs, SAM improves, {ending}"] = Case("longer is better", *plain)
        out[f"table_2: epochs, SGD does not from 200 to 400, {ending}"] = Case("longer is no better", *plain)
    offset, joined = 0, []
    for sam, sgd, margins, groups in tables.values():
        joined.append((sam, sgd, margins, groups + offset))
        offset += 1 + groups.max()
    sam, sgd, margins, groups = (np.concatenate(each) for each in zip(*joined, strict=True))
    for count, of in ((len(sam), "pairs"), (offset, "nets on their data")):
        each = np.arange(len(sam)) if of == "pairs" else groups
        out[f"better_generalisation: signs of {count} {of}"] = Case("signs", sam, sgd, margins, each)
    return out


def read(name):
    """Errors of SAM and of SGD, the sum of their margins, and the group of each pair."""
    values, margins, _ = published.tables("f21")[name]
    nets = values[NAMES[name]].factorize()[0]
    columns = []
    for k, ending in enumerate(PAIRS[name]):
        both = [f"{method} {ending}" for method in ("SAM", "SGD")]
        columns.append((*(values[each] for each in both), margins[both].fillna(0).sum(axis=1), nets * 2 + k))
    sam, sgd, wide, groups = (np.concatenate(each) for each in zip(*columns, strict=True))
    return sam, sgd, wide, np.unique(groups, return_inverse=True)[1]


def hypotheses(case):
    numbers = np.concatenate([np.ravel(case.sam), np.ravel(case.sgd)])
    return {"errors in %": bool(np.all((numbers > 0) & (numbers < 100)))}


def measured(case):
    if case.kind == "pairs":
        return float(np.sum(~(case.sam < case.sgd)))
    if case.kind == "intervals":
        return np.sort(case.sam - case.sgd + case.margins)[-1 - case.conceded]
    if case.kind == "longer is better":
        return np.max(np.diff(case.sam, axis=1))
    if case.kind == "longer is no better":
        return np.max(case.sgd[:, 1] - case.sgd[:, 2])
    lost = np.unique(case.groups[~(case.sam < case.sgd)])
    return upper(len(lost), len(np.unique(case.groups)), LEVEL)


def bound(case):
    return {"pairs": float(case.conceded), "signs": 0.5}.get(case.kind, 0.0)


def tolerance(case):
    """Errors are printed to a tenth or a hundredth: what is left is the rounding of their sums."""
    return rounding(case.sam, case.sgd)


def controls(case):
    out = {"the methods exchanged": case._replace(sam=case.sgd, sgd=case.sam)}
    if case.kind in ("pairs", "signs", "intervals"):
        out["SAM's errors a little larger"] = lambda factor: case._replace(sam=factor * case.sam)
    if case.kind == "intervals":
        out["wider intervals"] = lambda factor: case._replace(margins=factor * case.margins)
    if case.kind == "longer is better":
        out["the last error a little larger"] = lambda factor: case._replace(
            sam=case.sam * np.array([1, 1, factor])
        )
    return out
