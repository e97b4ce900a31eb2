"""SAM with L_max, step by step on random laws; the search's problems, laws and claims by another route."""

import jax
import numpy as np
import pytest

from experiments import ol25_arbitrary as search
from theory import sampling
from theory.bounds import arbitrary, ol25, residual
from theory.problems.quadratic import Quadratic

LAWS = 400


@pytest.fixture(scope="module")
def laws():
    """(v, q, L_i) with v >= 0 and E v = 1, many with draws of v = 0."""
    rng = np.random.default_rng(3)
    v, q, positive = search.laws(rng, 4 * LAWS)
    each = 10 ** rng.uniform(-2, 1, (4 * LAWS, search.N))
    found = [case for case, kept in zip(zip(v, q, each, strict=True), positive, strict=True) if kept]
    assert len(found) > LAWS and sum(np.any(np.all(v == 0, axis=1) & (q > 0)) for v, q, _ in found) > 100
    return found


def test_laws_of_the_search_have_mean_one_and_the_moment_of_a_listed_law(laws):
    for v, q, _ in laws[:50]:
        np.testing.assert_allclose(q @ v, 1, rtol=1e-12)
        law = sampling.listed(v[q > 0], q[q > 0] / q.sum())
        (across,), (extra,) = search.moments(v[None], q[None])
        np.testing.assert_allclose(across, law.moment[0], rtol=1e-9, atol=1e-12 * np.max(v) ** 2)
        np.testing.assert_allclose(extra, law.moment[1], rtol=1e-9, atol=1e-12 * np.max(v) ** 2)


def test_the_moment_of_ell_v_is_below_that_of_the_lemma(laws):
    """For parallel functions ell_v = mean_i v_i L_i is attained."""
    tightest = np.inf
    for v, q, each in laws:
        a, b, _ = residual.constants([x[0] for x in search.moments(v[None], q[None])], each, 0.0)
        second = q @ np.mean(v * each, axis=1) ** 2
        middle = arbitrary.squared_smoothness(a, b, each.mean())
        assert second <= middle * (1 + 1e-9) and middle <= arbitrary.squared_smoothness(a, b, each.max()) * (
            1 + 1e-12
        )
        tightest = min(tightest, middle / second)
    assert tightest < 1 + 1e-9  # attained


def test_the_bias_of_sam_is_at_most_rho_times_the_mean_smoothness(laws):
    """E h - grad f for quadratics in the plane: |E[H_v g_v / |g_v|]| <= L_avg."""
    rng, largest = np.random.default_rng(4), 0.0
    for v, q, each in laws:
        root = rng.standard_normal((len(each), 2))
        h = each[:, None, None] * root[:, :, None] * root[:, None, :] / np.sum(root**2, axis=1)[:, None, None]
        sampled = np.einsum("an,nij->aij", v, h) / len(each)
        slope = sampled @ rng.standard_normal(2)
        size = np.linalg.norm(slope, axis=1)
        unit = slope / np.where(size > 0, size, 1)[:, None]
        bias = np.linalg.norm(np.einsum("a,aij,aj->i", q, sampled, unit))
        assert bias <= each.mean() * (1 + 1e-12)
        largest = max(largest, bias / each.mean())
    assert largest > 0.9


def test_the_load_is_never_below_mu_so_that_the_2_of_the_new_pair_is_never_the_minimum(laws):
    for v, q, each in laws:
        a, b, _ = residual.constants([x[0] for x in search.moments(v[None], q[None])], each, 0.0)
        assert a + b * each.mean() >= each.mean() * (1 - 1e-9)


@pytest.mark.parametrize("name", ["old", "new"])
def test_the_noise_of_sam_without_ell_is_below_that_of_form_a(name, laws):
    steps = {"old": ol25.old_steps, "new": ol25.new_steps}[name]
    for v, q, each in laws:
        a, b, c = residual.constants([x[0] for x in search.moments(v[None], q[None])], each, 0.1)
        k = ol25.Constants(0.3 * each.mean(), each.max(), each.max(), a, b, c)
        gamma, rho = steps(k, 1.0)
        assert arbitrary.sam_noise(k, gamma, rho) <= ol25.noise_a(k, gamma, rho, ol25.paper_weights(1.0))


def test_sam_noise_is_the_sum_of_its_terms():
    k = ol25.Constants(0.5, 2.0, 9.0, 3.0, 0.25, 0.7)
    # (2 * 0.1 / 2 + 2 * 0.05 * (0.7 + 0.01 (0.25 * 4 + 3 * 2))) / 0.5
    assert arbitrary.sam_noise(k, 0.05, 0.1) == pytest.approx(0.354, rel=1e-14)


@pytest.mark.parametrize("form", search.FORMS)
def test_claims_of_the_search_are_those_of_a_problem_and_its_law(form):
    """Of eleven worlds, one by one; the search takes ell itself, where a law knows a bound of it."""
    world, mismatch, _ = search.worlds(5, 11)
    lams, forms = np.linspace(0, 1, 11), np.full(11, search.FORMS.index(form))
    for constant in ("ell", "L_max"):
        found = search.claims(world, mismatch, lams, forms, constant)
        for k in range(11):
            f = Quadratic(world.h[k], -world.slopes[k], np.zeros(search.N))
            v, q = world.v[k][world.q[k] > 0], world.q[k][world.q[k] > 0]
            law = sampling.listed(v, q / q.sum())
            if constant == "ell":
                put = max(np.linalg.norm(np.einsum("n,nij->ij", row, f.h) / f.n, 2) for row in v)
            else:
                put = f.smoothness_each.max()
            np.testing.assert_allclose(mismatch[k], f.mismatch, rtol=1e-6, atol=1e-12)
            sharp = ol25.sharp_constants(f, law)._replace(lipschitz=put, c=2 * found_a(f, law) * mismatch[k])
            one = sharp if form == "B" else sharp._replace(smoothness=put)
            weights = ol25.jensen_weights(lams[k]) if form == "B" else ol25.paper_weights(lams[k])
            steps = {
                "old": lambda one=one, k=k: ol25.old_steps(one, lams[k]),
                "new": lambda one=one, k=k: ol25.new_steps(one, lams[k]),
                "B": lambda one=one, weights=weights: ol25.form_b_steps(one, weights),
            }[form]
            claim = ol25.Claim(one, weights, float(form == "B"), *steps())
            expected = claim.gamma, claim.rho, claim.rate, claim.noise, claim.condition
            np.testing.assert_allclose(found[:, k], expected, rtol=1e-8)


def found_a(f, law):
    return residual.constants(law.moment, f.smoothness_each, 0.0).a


def test_the_ratio_of_the_search_is_the_decrease_over_the_promise():
    """At one state of seven worlds, by a loop over the draws in NumPy; without an ascent."""
    world, mismatch, _ = search.worlds(9, 7)
    lams, forms = np.full(7, 0.6), np.zeros(7, int)
    gamma, rho, rate, noise, _ = search.claims(world, mismatch, lams, forms, "ell")
    scale = np.ones(7)
    rows = jax.tree.map(lambda x: x[None], (world, gamma, rho, lams, rate, noise, scale))
    state = np.array([[0.7, -0.4]])
    found = search.tried(rows, state, 0)
    for k in range(7):
        h, s = world.h[k], world.slopes[k]
        whole = h.mean(0)
        before, after = 0.5 * state[0] @ whole @ state[0], 0.0
        for v, q in zip(world.v[k], world.q[k], strict=True):
            hv, sv = np.einsum("n,nij->ij", v, h) / 3, v @ s / 3
            g = hv @ state[0] + sv
            size = np.linalg.norm(g)
            y = state[0] + rho[k] * (0.4 + (0.6 / size if size else 0)) * g
            w = state[0] - gamma[k] * (hv @ y + sv)
            after += q * 0.5 * w @ whole @ w
        ratio = (before - after + rate[k] * noise[k]) / (rate[k] * before)
        rounding = 1e-15 / rate[k]  # the loop subtracts two values of f
        assert found["ratio"][0, k] == pytest.approx(ratio, rel=1e-9, abs=rounding)
        assert found["unmoved"][0, k] == pytest.approx(noise[k] / before)
