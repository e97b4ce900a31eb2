"""Advice on a problem of one's own: what Theorem 3.2 and its relatives say of a CSV, a loss and a sampling.

    python -m experiments ol25_advise --data my.csv --loss ridge --weight 0.1 --sampling importance --lam 0.5

A CSV holds numbers, one example a line, the target in the last column; a first line of names is allowed.
Columns, and the targets of ridge, are standardised; labels of logistic regression are two numbers. `diabetes`
and `breast_cancer` are bundled. Samplings are uniform, importance, full and a whole number tau (that many
without replacement).

Rows: constants, then for each theorem the steps that it admits, what it guarantees and, for ridge at lam = 0,
what happens exactly (kind "exact"); else what states around the minimum need, every draw summed (kind
"states"). Times are counted in steps of one draw.
"""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments import data as bundled
from experiments.record import Refused
from theory import admit, sampling
from theory.bounds import ol25, ol25_decreasing, ol25_nonconvex
from theory.certificate import noise_by_model
from theory.expectation import SPECTRAL_LIMIT, krylov, rank_one, spectral
from theory.problems.least_squares import ridge
from theory.problems.logistic import logistic
from theory.update import step

SECONDS = 2
QUICK = {"states": 3, "points": 5}
FORMS = {"new": "Theorem 3.2, newer steps", "old": "Theorem 3.2, older steps", "B": "form B (ours)"}
LISTED = 2000  # draws up to which one-step certificates are summed


def run(seed=0, data="diabetes", loss="ridge", weight=0.0, sampling="uniform", lam=0.0, states=20, points=40):
    admit.whole(states, "states", 1)
    admit.whole(points, "points", 2)
    admit.steps(0, 0, lam)
    f = problem(data, loss, weight)
    law = named(sampling, f)
    rows = [described("constants", name, value) for name, value in constants(f, law).items()]
    w_star, minimum = f.minimiser, float(f.minimum)
    start = float(np.mean(np.asarray(f.b) ** 2) / 2 if loss == "ridge" else np.log(2)) - minimum
    rows.append(described("constants", "f(0) - min f", start))
    claims = {form: ol25.claim(f, law, form, lam) for form in FORMS}
    for form, claim in claims.items():
        rows += guaranteed(FORMS[form], claim, start)
        if loss == "ridge" and lam == 0:
            rows += exactly(FORMS[form], f, law, w_star, claim, start, points)
        elif listed(law):
            rows += needed(FORMS[form], f, law, w_star, minimum, claim, seed, states, lam)
    rows += later(claims, start)
    rows += without_pl(f, law, lam, start)
    rows += gained(f, lam)
    table = pd.DataFrame(rows, columns=["kind", "theorem", "quantity", "step", "value"])
    print(summary(table, f, data, loss, sampling, lam))
    return table


# The problem


def problem(name, loss, weight):
    if loss not in ("ridge", "logistic"):
        raise Refused(f"no loss named {loss!r}; there are ridge and logistic")
    a, b = bundled.load(name) if name in ("diabetes", "breast_cancer") else read(name)
    if loss == "ridge":
        return ridge(a, bundled.standard(b), weight)
    values = np.unique(b)
    if len(values) != 2:
        raise Refused(
            f"logistic regression needs two labels in the last column; {name} has {len(values)} values "
            f"(the first is {values[0]:g}): take --loss ridge, or map the labels to -1 and 1"
        )
    if weight == 0:
        raise Refused(
            "logistic loss without a ridge weight has no PL constant, hence none of these rates; "
            "give a positive --weight"
        )
    return logistic(a, np.where(b == values[1], 1.0, -1.0), weight)


def read(name):
    """(a, b) of a CSV: standardised columns, and the last column as it stands."""
    path = Path(name)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            lines = [
                (number, row) for number, row in enumerate(csv.reader(file), 1) if any(map(str.strip, row))
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as wrong:
        why = getattr(wrong, "strerror", None) or "it is no text"
        raise Refused(
            f"cannot read {name} ({why}); --data takes a CSV, or diabetes or breast_cancer"
        ) from None
    if lines and all(entry.strip() and number_or_none(entry) is None for entry in lines[0][1]):
        del lines[0]  # names of the columns
    if len(lines) < 2:
        raise Refused(f"{name} has {len(lines)} line(s) of numbers; at least 2 examples are needed")
    width = len(lines[0][1])
    if width < 2:
        raise Refused(f"{name} has one column; at least one column of data and the target are needed")
    table = np.empty((len(lines), width))
    for k, (number, row) in enumerate(lines):
        if len(row) != width:
            raise Refused(
                f"{name}, line {number}: {len(row)} entries where the first line has {width}; mend it"
            )
        for j, entry in enumerate(row):
            value = number_or_none(entry)
            if value is None or not np.isfinite(value):
                what = f"{entry.strip()!r} is no finite number" if entry.strip() else "the entry is missing"
                raise Refused(f"{name}, line {number}, column {j + 1}: {what}; replace it or drop the line")
            table[k, j] = value
    flat = np.flatnonzero(np.ptp(table, axis=0) == 0)
    if flat.size:
        raise Refused(
            f"{name}: column {flat[0] + 1} is constant ({table[0, flat[0]]:g}) and says nothing; drop it"
        )
    a, b = bundled.standard(table[:, :-1]), table[:, -1]
    if np.any(np.all(np.abs(a) < 1e-12, axis=1)):
        raise Refused(f"{name}: an example equals the mean of all in every column; drop it")
    return a, b


def number_or_none(entry):
    try:
        return float(entry)
    except ValueError:
        return None


def named(name, f):
    if name in ("uniform", "importance", "full"):
        return {
            "uniform": lambda: sampling.uniform(f.n),
            "importance": lambda: sampling.importance(f.smoothness_each),
            "full": lambda: sampling.full(f.n),
        }[name]()
    if not name.isdigit():
        raise Refused(f"no sampling named {name!r}; there are uniform, importance, full, and a batch size")
    return sampling.nice(f.n, int(name))


# What is said


def described(kind, quantity, value, theorem="", step=np.nan):
    return {"kind": kind, "theorem": theorem, "quantity": quantity, "step": step, "value": float(value)}


def constants(f, law):
    """What every theorem reads."""
    k, each = ol25.sharp_constants(f, law), f.smoothness_each
    return {
        "examples n": f.n,
        "weight": f.ridge,
        "mu": k.pl,
        "L": k.smoothness,
        "L_max": each.max(),
        "L_avg": each.mean(),
        "ell": k.lipschitz,
        "A": k.a,
        "B": k.b,
        "C": k.c,
    }


def guaranteed(theorem, claim, start):
    noise = float(claim.noise)
    values = {
        "gamma": claim.gamma,
        "rho": claim.rho,
        "rate gamma mu": claim.rate,
        "neighbourhood N": noise,
        "steps to 1 % of the first gap above N": np.log(100) / -np.log1p(-min(claim.rate, 1 - 1e-16)),
        "N over the first gap": noise / start,
    }
    return [described("guaranteed", name, value, theorem) for name, value in values.items()]


def exactly(theorem, f, law, w_star, claim, start, points):
    """Rate, limit and curve of E f - min f from w = 0, without sampling error."""
    times = np.unique(np.round(np.geomspace(1, 10 / claim.rate, points)))
    single = isinstance(law, sampling.Single)
    if not single and not listed(law):
        return []
    if len(w_star) <= SPECTRAL_LIMIT:
        found = spectral(f, law, -w_star, claim.gamma, claim.rho)
        rows = [
            described("exact", "rate", found.rate, theorem),
            described("exact", "limit of E f - min f", found.stationary, theorem),
        ]
        curve = found.at(times)
    elif single:
        rows, curve = [], krylov(rank_one(f, law), -w_star, claim.gamma, claim.rho, times).values
    else:
        return []
    bound = np.asarray(claim.gap(start, times))
    for t, gap, most in zip(times, curve, bound, strict=True):
        rows.append(described("exact", "E f - min f", gap, theorem, t))
        rows.append(described("guaranteed", "E f - min f", most, theorem, t))
    return rows


def needed(theorem, f, law, w_star, minimum, claim, seed, states, lam):
    """The largest N that states around the minimum need, every draw summed."""
    reach = 10 * np.sqrt(2 * max(float(claim.noise), 1e-300) / claim.k.pl)
    ways = np.random.default_rng(seed).standard_normal((states, len(w_star)))
    ways *= np.geomspace(1e-8, 1, states)[:, None] * reach / np.linalg.norm(ways, axis=1, keepdims=True)
    draws = tuple(map(jnp.asarray, law.atoms()))
    need = judged(f, w_star, minimum, draws, ways, claim.gamma, claim.rho, lam, claim.rate)
    return [
        described("states", "largest N needed", np.max(need.measured), theorem),
        described("states", "rounding of it", np.max(need.rounding), theorem),
    ]


@jax.jit
def judged(f, w_star, minimum, draws, ways, gamma, rho, lam, rate):
    indices, weights, q = draws

    def one(e):
        w = w_star + e
        moves = jax.vmap(lambda i, v: step(jax.value_and_grad(f.loss), w, gamma, rho, lam, i, v) - w)
        before = jnp.maximum(f.loss(w) - minimum, 0)
        return noise_by_model(before, f.model(w), moves(indices, weights), q, rate)

    return jax.lax.map(one, ways)


def later(claims, start):
    """Decreasing steps: when they begin to pay, and what is guaranteed ten and a hundred times later."""
    rows = []
    for form in ("new", "B"):
        claim = claims[form]
        theorem = {"new": "Theorem 3.5, decreasing steps", "B": "decreasing steps, form B (ours)"}[form]
        at = float(ol25_decreasing.switch(claim))
        rows.append(described("guaranteed", "steps before the 1/t part", at, theorem))
        times = np.round(max(at, 1) * np.array([10.0, 100.0]))
        for t, gap in zip(times, np.asarray(ol25_decreasing.gap(claim, start, times)), strict=True):
            rows.append(described("guaranteed", "E f - min f", gap, theorem, t))
    return rows


def without_pl(f, law, lam, start):
    """Steps that bring min_t E|grad f|^2 to a hundredth of its value at 0, convexity and PL unused."""
    weights, theorem = ol25.paper_weights(lam), "Theorem 3.7, non-convex"
    slope = (
        f.slopes(np.zeros(f.a.shape[1])).mean(0)
        if hasattr(f, "slopes")
        else np.asarray(f.y) @ f.a / (2 * f.n)
    )
    eps = 0.1 * float(np.linalg.norm(slope))
    plan = ol25_nonconvex.plan(ol25_nonconvex.constants(f, law), weights, eps, start)
    values = {"gamma": plan.gamma, "rho": plan.rho, "eps": eps, "steps to eps": plan.steps}
    return [described("guaranteed", name, value, theorem) for name, value in values.items()]


def gained(f, lam):
    """Importance over uniform sampling: the factor in gamma mu, hence in the number of steps."""
    uniform, importance = sampling.uniform(f.n), sampling.importance(f.smoothness_each)
    rows = []
    for form, theorem in FORMS.items():
        rates = [ol25.claim(f, law, form, lam).rate for law in (importance, uniform)]
        rows.append(described("guaranteed", "speed-up by importance sampling", rates[0] / rates[1], theorem))
    return rows


def listed(law):
    try:
        return len(law.atoms()[2]) <= LISTED
    except ValueError:  # too many to list
        return False


def summary(table, f, data, loss, sampling, lam):
    """For a reader: the constants, and a line for each theorem."""
    of = table[table.kind == "constants"].set_index("quantity").value
    out = [
        f"{data}: {loss}, {f.n} examples, {len(f.minimiser)} columns, weight {f.ridge:.3g}, "
        f"{sampling} sampling, lam = {lam:g}",
        "  " + "  ".join(f"{name} = {of[name]:.4g}" for name in ("mu", "L", "L_max", "L_avg", "ell")),
        "  " + "  ".join(f"{name} = {of[name]:.4g}" for name in ("A", "B", "C", "f(0) - min f")),
    ]
    for theorem in FORMS.values():
        own = table[(table.theorem == theorem) & table.step.isna()].set_index(["kind", "quantity"]).value
        line = "  ".join(
            f"{name} = {own['guaranteed', key]:.4g}"
            for name, key in [
                ("gamma", "gamma"),
                ("rho", "rho"),
                ("rate", "rate gamma mu"),
                ("N", "neighbourhood N"),
            ]
        )
        out += [f"{theorem}:", f"  {line}"]
        out.append(
            f"  steps to 1 % above N: {own['guaranteed', 'steps to 1 % of the first gap above N']:.3g}"
        )
        if ("exact", "rate") in own:
            limit = own["exact", "limit of E f - min f"]
            out.append(f"  exactly: rate {own['exact', 'rate']:.4g}, limit of E f - min f {limit:.4g}")
        if ("states", "largest N needed") in own:
            out.append(f"  states around the minimum need N = {own['states', 'largest N needed']:.4g}")
        if not {("exact", "rate"), ("states", "largest N needed")} & set(own.index):
            out.append("  too many draws to sum: bounds alone")
        gain = own["guaranteed", "speed-up by importance sampling"]
        out.append(f"  importance over uniform sampling: {gain:.3g} times fewer steps")
    for theorem in ("Theorem 3.5, decreasing steps", "decreasing steps, form B (ours)"):
        own = table[table.theorem == theorem]
        late = own[own.step.notna()]
        at = own[own.step.isna()].value.iloc[0]
        gaps = ", ".join(f"{gap:.3g} at {t:.3g} steps" for t, gap in zip(late.step, late.value, strict=True))
        out.append(f"{theorem}: the 1/t part begins at {at:.3g} steps; E f - min f is at most {gaps}")
    own = table[table.theorem == "Theorem 3.7, non-convex"].set_index("quantity").value
    out.append(
        f"Theorem 3.7, non-convex: the best gradient norm is at most {own['eps']:.3g}, a tenth of the first, "
        f"after {own['steps to eps']:.3g} steps with gamma = {own['gamma']:.3g}, rho = {own['rho']:.3g}"
    )
    return "\n".join(out)
