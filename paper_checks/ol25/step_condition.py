"""One step of Unified SAM under the general condition of form A, with L of f and ell of sampled gradients.

    ell rho + [ell rho alpha + 2 L gamma (1 + ell^2 rho^2 alpha)] K <= 1

Theorem and proof: theory/bounds/ol25.py. rho is half the largest that the condition admits and gamma stands
at equality, with the paper's weights (alpha, beta) and with Jensen's; states and sides are those of
theorem_3_2.py. L is below ell for every law but the full batch, and ell above L_max for the single elements.
"""

import numpy as np

from paper_checks.ol25 import theorem_3_2 as one
from theory import sampling
from theory.certificate import worst_for_usam

COMPILED = True
BATCH = 40
Q = np.array([0.4, 0.3, 0.2, 0.1])  # the flattest function most often

measured, bound, tolerance, controls = one.measured, one.bound, one.tolerance, one.controls


def cases():
    out = {}
    for kind in ("noisy", "interpolated"):
        f = one.problem(kind)
        for name, law in (one.laws(f) | {"single elements": sampling.single(Q)}).items():
            for form in ("A", "A, Jensen"):
                for lam in one.LAMS:
                    if kind == "interpolated" and (name == "full batch" or lam > 0):
                        continue  # full batches are noiseless anyway, and lam > 0 has the N of its own noise
                    made = one.case(f, law, form, lam)
                    claim = made.claim
                    top = (
                        worst_for_usam(f, law, claim.gamma, claim.rho, claim.rate)
                        if lam == 0
                        else made.states[0]
                    )
                    states = np.concatenate([made.states[:-1], top[None]])
                    out[f"{form}, {kind}, {name}, lam={lam:g}"] = made._replace(states=states)
    return out


def hypotheses(case):
    claim, f = case.claim, case.problem
    k = claim.k
    return {
        "gamma and rho at equality in the condition": abs(float(claim.condition) - 1) < 1e-12
        or claim.gamma == 1 / k.pl,
        "gamma mu <= 1": claim.rate <= 1,
        "L is that of f": abs(k.smoothness / float(f.smoothness) - 1) < 1e-12,
        "ell bounds every sampled Hessian": reach(case) <= k.lipschitz * (1 + 1e-12),
    }


def reach(case):
    """The largest eigenvalue of a sampled Hessian, over all draws."""
    indices, weights, q = case.draws
    h = np.einsum("kl,klij->kij", weights, case.problem.hessians[indices]) / case.problem.n
    return np.linalg.eigvalsh(h)[q > 0, -1].max()
