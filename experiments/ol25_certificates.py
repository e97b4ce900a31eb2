"""Theorem 3.2 and form B on real data, one step at a time: the N that a state needs against N, with controls.

The problems, weights and steps of ol25_real. At 50 states on rings about w* and at the 50 that an ascent
finds from them, E f(w+) is summed over every draw. `measured` is the largest N needed (theory/certificate.py,
by the model of f at each state), `rounding` its rounding and what the model leaves out, both divided by gamma
mu. Rows with a `control` are falsified claims about the same states, and must break.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from experiments.ol25_real import PROBLEMS, laws, problem
from experiments.record import progress
from theory import admit
from theory.bounds import ol25
from theory.certificate import EPS, ROUNDINGS, ascend, noise_by_model, rings
from theory.update import step

SECONDS = 14
QUICK = {"states": 3, "climb": 2, "weights": (0.1,), "lams": (0.0, 1.0)}


def run(seed=0, states=50, climb=3, weights=(0.0, 0.1), lams=(0.0, 0.5, 1.0)):
    """A weight of 0 stands for 3 / n."""
    admit.whole(states, "states", 1)
    admit.whole(climb, "climb", 0)
    admit.steps(0, 0, lams)
    rows = []
    for name, loss in PROBLEMS:
        for weight in weights:
            f = problem(name, loss, weight)
            progress(f"ol25_certificates: {loss} on {name}, weight {f.ridge:.3g}")
            w_star, minimum = jnp.asarray(f.minimiser), float(f.minimum)
            directions = rings(jax.random.key(seed), states, len(w_star), 1e-8, 1.0)
            for sampling, law in laws(f).items():
                draws = tuple(map(jnp.asarray, law.atoms()))
                for form in ("new", "B"):
                    constants = ol25.constants(f, law, form)
                    for lam in lams:
                        claim = ol25.claim_of(constants, form, lam)
                        gamma, rho, rate, noise = claim.gamma, claim.rho, claim.rate, float(claim.noise)
                        # f - f* >= 100 N on the outermost
                        starts = directions * 10 * np.sqrt(2 * noise / claim.k.pl)
                        before, need = jax.device_get(
                            searched(f, w_star, minimum, draws, starts, gamma, rho, lam, rate, climb)
                        )
                        common = {"data": name, "loss": loss, "weight": f.ridge, "sampling": sampling}
                        common |= {"form": form, "lam": lam, "gamma": gamma, "rho": rho, "rate": rate}
                        common |= {"condition": float(claim.condition)}
                        rows += [common | each for each in claims(before, need, noise, lam)]
    return pd.DataFrame(rows)


def claims(before, need, noise, lam):
    """The claim, and what must break at the same states. A rule that does not move needs N = f - f*."""
    at = int(np.argmax(need.measured))
    measured, rounding = float(need.measured[at]), float(need.rounding[at])
    found = {"measured": measured, "rounding": rounding}
    random = float(need.measured[: len(before) // 2].max())  # of the starts alone
    out = [{"control": "", "bound": noise, "factor": np.nan, **found, "random": random}]
    # just past what these states allow
    factor = 1.01 * noise / max(measured - rounding, np.finfo(float).tiny)
    out.append({"control": "N too small", "bound": noise / factor, "factor": factor, **found})
    unmoved = {"measured": float(before.max()), "rounding": float(ROUNDINGS * EPS * before.max())}
    out.append({"control": "the rule does not move", "bound": noise, "factor": np.nan, **unmoved})
    if lam == 0:  # C is all that N is made of
        out.append({"control": "N without C", "bound": 0.0, "factor": np.nan, **found})
    return out


def one_by_one(function):
    """A map over states that keeps what one state needs in the cache."""
    return partial(jax.lax.map, function)


# Most of the time is compilation; at this level the same program is made in two thirds of it.
@partial(jax.jit, static_argnames="climb", compiler_options={"xla_backend_optimization_level": 1})
def searched(f, w_star, minimum, draws, starts, gamma, rho, lam, rate, climb):
    """f - f* and the N needed, at w* + starts and where an ascent from them ends.

    The ascent sees the quadratic model of f at w*; what is returned is of f itself, over every draw, with
    what its second-order expansion leaves out added to the rounding.
    """
    indices, weights, q = draws
    at_minimum = f.model(w_star)

    def moves(w):
        return jax.vmap(lambda i, v: step(jax.value_and_grad(f.loss), w, gamma, rho, lam, i, v) - w)(
            indices, weights
        )

    def score(e):  # f by its quadratic model at w*
        slope = at_minimum.hessian @ e
        model = at_minimum._replace(slope=slope)
        return noise_by_model(0.5 * e @ slope, model, moves(w_star + e), q, rate).measured

    def judged(e):
        before = jnp.maximum(f.loss(w_star + e) - minimum, 0)
        return before, noise_by_model(before, f.model(w_star + e), moves(w_star + e), q, rate)

    return jax.lax.map(judged, jnp.concatenate([starts, ascend(score, starts, climb, one_by_one)]))


def verdicts(table):
    """For each problem, law, form and lam: the largest N needed, N, and the controls."""
    out = {}
    names = ["data", "loss", "weight", "sampling", "form", "lam"]
    for (name, loss, weight, sampling, form, lam), rows in table.groupby(names, sort=False):
        claim = rows[rows.control == ""].iloc[0]
        out[f"{loss} on {name}, weight {weight:.3g}, {sampling}, {form}, lam={lam:g}"] = {
            "measured": claim.measured,
            "bound": claim.bound,
            "tolerance": claim.rounding,
            "hypotheses": {
                "condition on gamma and rho": bool(claim.condition <= 1 + 1e-14),
                "gamma mu <= 1": bool(claim.rate <= 1),
            },
            "controls": {
                each.control: {
                    "measured": each.measured,
                    "bound": each.bound,
                    "tolerance": each.rounding,
                    "factor": each.factor,
                }
                for each in rows[rows.control != ""].itertuples()
            },
        }
    return out
