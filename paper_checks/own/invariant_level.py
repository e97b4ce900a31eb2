"""{f - f* <= V} is invariant under the mixed rule and holds every limit, with the true order gamma^2 rho^2.

`measured` is the largest f - f* over V: "step ..." after a step from states with f - f* <= V, "run ..."
over the last quarter of a run that starts far out; the bound is 1. States and runs are those of
own/descent_radius. "order": the final f - f* of SAM on x^2 / 2, gamma and rho halved together three times,
and V fall with exponent 4 to within 0.05: the cycle has f = g_c^2 / 2, and 2 - gamma in g_c moves the
exponent by 0.02.
"""

from typing import NamedTuple

import numpy as np

from paper_checks.own import descent_radius
from paper_checks.own.function_value_horizon import flat
from theory.bounds import own

MARGIN = 0.05
SIZES = 0.05 * 0.5 ** np.arange(4)  # of gamma L and rho L


class Case(NamedTuple):
    kind: str
    rules: list
    seen: list  # of own/descent_radius, one for each rule
    scale: float = 1.0  # of V
    order: float = 4.0


def cases():
    out: dict = {}
    for name, (rule, seen) in descent_radius.everything().items():
        for kind in ("step", "run"):
            out[f"{kind}, {name}"] = Case(kind, [rule], [seen])
    halved = [descent_radius.ruled(flat([1.0]), 1.0, size, size) for size in SIZES]
    return out | {"order": Case("order", halved, descent_radius.watched(halved))}


def hypotheses(case):
    out: dict = {}
    for rule in case.rules:
        out |= descent_radius.hypotheses(descent_radius.Case(rule, case.seen[0]))
    return out


def level(rule):
    return float(own.sam_level(rule.function.mu, rule.function.top, *rule.numbers))


def measured(case):
    if case.kind == "order":
        ends = [[np.max(seen.last), level(rule)] for rule, seen in zip(case.rules, case.seen, strict=True)]
        return float(np.max(np.abs(np.polyfit(np.log(SIZES), np.log(ends), 1)[0] - case.order)))
    seen, within = case.seen[0], case.scale * level(case.rules[0])
    reached = seen.after[seen.before <= within] if case.kind == "step" else seen.last
    return float(np.max(reached)) / within


def bound(case):
    return MARGIN if case.kind == "order" else 1.0


def controls(case):
    if case.kind == "order":
        return {
            "another exponent": lambda factor: case._replace(order=case.order * factor),
            "the order of rho alone": case._replace(order=2.0),
        }
    return {"a smaller level": lambda factor: case._replace(scale=1 / factor)}
