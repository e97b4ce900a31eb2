"""Theorem 3.2 on real data: exact curves to ten times 1 / (gamma mu), sampled prefixes, bounds.

Ridge regression on diabetes (442 x 10) and breast_cancer (569 x 30) and logistic regression on breast_cancer,
standardised, one function for each example, weights 3 / n and 0.1, from w = 0. With steps that the theorem
admits an e-fold takes 1e5 to 1e10 steps: the exact curve (ridge, lam = 0) covers them by its spectral form, a
sampled path only the prefix that can be run. `form` says whose steps and bound: "new" (the paper's pair and
form A) or "B" (ours).
"""

import numpy as np
import pandas as pd

from experiments import data
from experiments.ol25_importance import drawn
from experiments.ol25_sgd import gaps
from experiments.record import progress
from theory import admit, sampling
from theory.bounds import ol25
from theory.expectation import spectral
from theory.problems.least_squares import LeastSquares, ridge
from theory.problems.logistic import logistic

SECONDS = 7
QUICK = {"steps": 192, "paths": 2, "points": 12, "weights": (0.1,)}
SEEN = 64  # times at which a sampled path is seen
PROBLEMS = (("diabetes", "ridge"), ("breast_cancer", "ridge"), ("breast_cancer", "logistic"))


def run(seed=0, steps=25_600, paths=4, points=120, weights=(0.0, 0.1), lams=(0.0, 0.5, 1.0)):
    """A weight of 0 stands for 3 / n."""
    for value, name in [(steps, "steps"), (paths, "paths"), (points, "points")]:
        admit.whole(value, name, 2)
    admit.steps(0, 0, lams)
    if steps % SEEN:
        raise ValueError(
            f"steps must be a multiple of {SEEN}, the times at which a path is seen; got {steps}"
        )
    frames = []
    for name, loss in PROBLEMS:
        for weight in weights:
            f = problem(name, loss, weight)
            progress(f"ol25_real: {loss} on {name}, weight {f.ridge:.3g}")
            w_star, minimum = f.minimiser, float(f.minimum)
            for sampling_name, law in laws(f).items():
                draws = drawn(law, seed, paths, steps)
                for form in ("new", "B"):
                    common = {
                        "data": name,
                        "loss": loss,
                        "weight": f.ridge,
                        "sampling": sampling_name,
                        "form": form,
                    }
                    frames += curves(common, f, law, w_star, minimum, draws, steps, points, lams)
    return pd.concat(frames, ignore_index=True)


def problem(name, loss, weight):
    """Ridge takes standardised targets, logistic the labels."""
    a, b = data.load(name)
    weight = weight or 3 / len(b)
    return ridge(a, data.standard(b), weight) if loss == "ridge" else logistic(a, b, weight)


def laws(f):
    return {"uniform": sampling.uniform(f.n), "importance": sampling.importance(f.smoothness_each)}


def bounded(claim, start, times):
    """The claim's `gap`, by NumPy, which compiles nothing."""
    return (1 - claim.rate) ** times * start + float(claim.noise)


def at_zero(f):
    """f(0)."""
    return 0.5 * float(np.mean(np.asarray(f.b) ** 2)) if isinstance(f, LeastSquares) else float(np.log(2))


def curves(common, f, law, w_star, minimum, draws, steps, points, lams):
    """A frame for each lam: the sampled paths, and for ridge at lam = 0 the exact curve."""
    constants = ol25.constants(f, law, common["form"])
    claims = [ol25.claim_of(constants, common["form"], lam) for lam in lams]
    grid = np.array([[claim.gamma, claim.rho, lam] for claim, lam in zip(claims, lams, strict=True)]).T
    start = at_zero(f) - minimum
    every = steps // SEEN
    runs = gaps(f, np.zeros_like(w_star), minimum, draws, tuple(grid), every)
    out = []
    for lam, claim, of_lam in zip(lams, claims, np.asarray(runs), strict=True):
        own = common | {"lam": lam, "gamma": claim.gamma, "rho": claim.rho}
        own |= {"rate": claim.rate, "noise": float(claim.noise)}
        times = np.arange(0, steps + 1, every)
        for path, gap in enumerate(of_lam):
            kept = own | {"kind": "sampled", "path": path, "step": times, "gap": gap}
            kept |= {"relative_gap": gap / start}
            kept |= {"relative_bound": bounded(claim, start, times) / start}
            out.append(pd.DataFrame(kept))
        if lam == 0 and common["loss"] == "ridge":
            times = np.unique(np.round(np.geomspace(1, 10 / claim.rate, points)))
            exact = spectral(f, law, -w_star, claim.gamma, claim.rho)
            gap = exact.at(times)
            kept = own | {"kind": "exact", "path": -1, "step": times, "gap": gap}
            kept |= {"relative_gap": gap / start, "relative_limit": exact.stationary / start}
            kept |= {"relative_bound": bounded(claim, start, times) / start}
            out.append(pd.DataFrame(kept))
    return out
