"""The PAC-Bayes bound of f21 on the planar model and at the size of networks.

Rows of kind "radius": `n` examples and every rho / |w| in `ratios`; "examples": one `ratio` and every n in
`ns`. w lies along the mean of the sample, one of `draws`. `risk` is L_D(w), `train` L_S(w), `largest` the
exact maximum of L_S over the ball, all means over the draws, and `largest_low`, `largest_high` its 5 and 95 %
quantiles. `h` is the term of Theorem 2, `tighter` that of its proof without the last simplification,
`covering` ours, without the assumption (theory/bounds/f21.py); the bound is `largest` plus one of them.
`fails` counts the draws in which the risk is above the bound with `covering`, the smallest, and
`fails_without` those in which it is above `largest`.

Rows of kind "size": the terms for k weights, n as many as CIFAR has, at |w| = rho / ratio; `name` is the
network that has so many. What is above 1 says nothing.
"""

import numpy as np
import pandas as pd

from experiments.record import progress
from theory import admit
from theory.bounds import f21
from theory.confidence import upper
from theory.problems import sizes
from theory.problems.planar import planar, profile, reach

SECONDS = 3
QUICK = {"draws": 100, "ns": (100, 2000), "ratios": (0.01, 0.1, 0.2, 0.9)}
CIFAR = 50_000
RATIOS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
TERMS = {"h": f21.term, "tighter": f21.tighter_term, "covering": f21.covering_term}


def run(
    seed=0,
    draws=300,
    n=2000,
    ns=(100, 200, 500, 1000, 2000, 5000),
    ratio=0.1,
    ratios=RATIOS,
    mean=1.0,
    delta=0.1,
):
    admit.whole(draws, "draws", 1)
    for each in (n, *ns):
        admit.whole(each, "n and each of ns", 2)
    for each in (ratio, *ratios):
        if not 0 < each < 1:
            raise ValueError(f"ratio and each of ratios, rho / |w|, must lie between 0 and 1; got {each:g}")
    if not 0 < delta <= 1:
        raise ValueError(f"delta must lie in (0, 1]; got {delta:g}")
    model = planar(mean)
    progress(f"f21_bound: {draws} samples of {', '.join(map(str, dict.fromkeys((n, *ns))))} examples")
    rows = list(on_model("radius", model, seed, draws, n, ratios, delta))
    for each in ns:
        rows += on_model("examples", model, seed, draws, each, (ratio,), delta)
    return pd.DataFrame(rows + at_size(delta))


def on_model(kind, model, seed, draws, n, ratios, delta):
    z = np.random.default_rng([seed, n]).standard_normal((draws, n, 2)) + [model.mean, 0]
    theta = np.arctan2(*z.mean(1).T[::-1])[:, None]
    found = profile(np.arctan2(z[:, :, 1], z[:, :, 0]))
    risk, train = model.risk(theta), found.at(theta)
    for ratio in ratios:
        largest = found.largest(theta - reach(ratio), theta + reach(ratio))
        low, high = np.quantile(largest, [0.05, 0.95])
        terms = {name: float(term(ratio**-2, 2, n, delta)) for name, term in TERMS.items()}
        yield (
            {"kind": kind, "name": "", "k": 2, "n": n, "ratio": ratio, "delta": delta, "draws": draws}
            | {"risk": risk.mean(), "train": train.mean()}
            | {"largest": largest.mean(), "largest_low": low, "largest_high": high}
            | terms
            | {"fails": np.sum(risk > largest + terms["covering"]), "fails_without": np.sum(risk > largest)}
        )


def at_size(delta):
    nets = {
        "64-64-10": sizes.dense(64, 64, 10),
        "PreActResNet-18": sizes.preact_resnet_18(10),
        "WRN-28-10": sizes.wide_resnet(28, 10, 10),
    }
    named = [("", k) for k in np.unique(np.round(np.geomspace(2, 1e8, 120)))] + list(nets.items())
    return [
        {"kind": "size", "name": name, "k": int(k), "n": CIFAR, "ratio": ratio, "delta": delta}
        | {each: float(term(ratio**-2, k, CIFAR, delta)) for each, term in TERMS.items()}
        for ratio in (1.0, 0.1)
        for name, k in named
    ]


def verdicts(table):
    """Failures over the draws; how the terms compare; where the bound is flat in the radius."""
    model = table[table.kind != "size"]
    delta, out = float(model.delta.iloc[0]), {}

    def chance(failures):
        counts = zip(failures, model.draws, strict=True)
        return max(upper(int(failed), int(draws), 0.999) for failed, draws in counts)

    out["the trained weights keep the smallest of the bounds"] = {
        "measured": chance(model.fails),
        "bound": delta,
        "controls": {"no term": chance(model.fails_without)},
    }
    half = (model.tighter / model.h).max()
    out["the tighter term is at most half of h"] = {
        "measured": half,
        "bound": 0.5,
        "controls": {"exchanged": 1 / half},
    }
    below = (model.covering / model.tighter).max()
    out["the term without the assumption is smaller than the tighter one"] = {
        "measured": below,
        "bound": 1.0,
        "controls": {"exchanged": 1 / (model.covering / model.tighter).min()},
    }
    radius = model[model.kind == "radius"]
    whole = radius.largest + radius.h
    small = whole[radius.ratio <= 0.2]
    out["Theorem 2 is flat in the radius up to |w| / 5"] = {
        "measured": small.max() / small.min(),
        "bound": 1.05,
        "controls": {"all radii": whole.max() / whole.min()},
    }
    return out
