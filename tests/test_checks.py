"""The ledger of ol25 as the command writes it; the worst states of Theorem 3.2 by an independent route."""

import json
import os
import re
import subprocess
import sys
from math import isfinite
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from paper_checks import ledger
from paper_checks.ol25 import lambda_schedules, sgd_corner, theorem_3_5
from paper_checks.ol25 import theorem_3_2 as one
from theory import sampling
from theory.bounds import ol25, ol25_decreasing
from theory.expectation import one_step, pieces, recursion
from theory.update import step

ROOT = Path(__file__).parents[1]
LAWS = {"uniform", "importance", "2-nice", "full batch"}
LAMS = {"0", "0.25", "0.5", "0.75", "1"}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Every row of ol25 that is decided by a check of the core, none by a table or with an extra."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.json"
    rows = [each for each in ledger.statements()[0] if each.paper == "ol25" and each.checked]
    rows = [each for each in rows if each.fields["evidence"] not in ("symbolic", "rigorous", "worst case")]
    names = [each.name for each in rows if "table" not in each.fields]
    command = [sys.executable, "-m", "paper_checks", *names, "--core", "--json", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())
    assert {f"{each['paper']}/{each['statement']}" for each in found} == set(names)
    lacking = [each for each in found if ledger.not_run(each)]  # the core lacks what rigorous evidence needs
    assert all(each["evidence"] in ("symbolic", "rigorous", "worst case") for each in lacking)
    return [each for each in found if not ledger.not_run(each)]


@pytest.fixture(scope="module")
def cases():
    return one.cases()


def labels(records, statement):
    return [each["case"] for each in records if each["statement"] == statement]


def test_every_case_holds_and_every_control_is_caught(records):
    assert len(records) > 200
    for each in records:
        assert each["case"] and each["holds"] and each["caught"], each
        assert each["controls"] and all(found["caught"] for found in each["controls"].values()), each
        assert each["hypotheses"] and all(each["hypotheses"].values()), each


def test_both_sides_are_finite_everywhere(records):
    for each in records:
        numbers = each["measured"], each["bound"], each["tolerance"]
        assert all(number is not None and isfinite(number) for number in numbers) and each["tolerance"] > 0, (
            each
        )


def test_no_slack_is_below_1_by_more_than_rounding(records):
    assert [
        each for each in records if each["slack"] is not None and not 1 - 1e-9 <= each["slack"] < np.inf
    ] == []


def test_every_factor_is_one_of_the_search(records):
    factors = [c["factor"] for each in records for c in each["controls"].values() if c["factor"] is not None]
    assert len(factors) > 200 and 1.01 <= min(factors) <= max(factors) <= 1e8


def test_every_row_of_the_sampling_table_is_in_expected_residual(records):
    rows = {
        "single elements",
        "uniform",
        "importance",
        "2-nice",
        "3 draws",
        "independent",
        "full batch",
        "its own law",
    }
    for kind in ("interpolated", "noisy ridge"):
        assert {f"{kind}, {row}" for row in rows} <= set(labels(records, "expected_residual"))


def test_every_row_of_the_sampling_table_is_in_the_lemma_and_attained(records):
    rows = {"single elements", "uniform", "importance", "2-nice", "3 draws", "independent", "full batch"}
    found = set(labels(records, "sampling_lemma"))
    assert {f"{reads}, {row}" for row in rows for reads in ("order", "attained")} <= found
    assert {f"order, {row} as any law" for row in rows} <= found
    for each in records:
        if each["statement"] == "sampling_lemma" and each["case"].startswith(("attained", "A,")):
            assert each["slack"] is None or abs(each["slack"] - 1) < 1e-9


def test_every_older_condition_attains_what_it_implies(records):
    found = [each for each in records if each["statement"] == "weaker_condition"]
    names = {each["case"].split(",")[0] for each in found}
    conditions = {"bounded variance", "bounded gradients", "strong growth", "weak growth"}
    assert names == conditions | {"residual at the minimum"}
    assert all(abs(each["slack"] - 1) < 1e-9 for each in found)


def test_the_nonconvex_bound_has_every_form_sampling_lam_and_reading(records):
    found = [
        re.fullmatch(r"(.+), (A|B), (.+), (.+), lam=(.+)", each)
        for each in labels(records, "nonconvex_bound")
    ]
    laws = LAWS | {"2 draws", "independent"}
    readings = {
        "one step": laws,
        "large step": laws,
        "all paths": {"uniform", "importance", "2-nice"},
        "full batch": {"full batch"},
    }
    expected = {
        (reads, form, kind, law, lam)
        for reads, of in readings.items()
        for form in "AB"
        for kind in ("noisy", "interpolated")
        for law in of
        for lam in ("0", "0.5", "1")
        if not (reads == "large step" and law == "full batch" and lam == "0")  # that is its one step
    }
    assert {each.groups() for each in found} == expected


def test_the_steps_for_a_given_eps_are_judged_with_every_combination_of_constants(records):
    found = [each for each in records if each["statement"] == "nonconvex_complexity"]
    assert sum(each["case"].startswith("constants") for each in found) == 6
    assert all("T / 100" in each["controls"] for each in found if not each["case"].startswith("order"))
    assert all(each["slack"] < 10 for each in found if each["case"].startswith("constants"))


def test_the_last_iterate_after_664_steps_is_that_of_plain_arithmetic(records):
    """log(1 + x^2): L = ell = 2, gamma = 2 / (9 L), rho = 1 / (4 ell alpha) with alpha = 2."""
    (found,) = (each for each in records if each["case"].startswith("from 17,"))
    eps, x, steps = found["measured"], 17.0, 0
    needed = 12 * np.log(1 + x**2) * 9 / eps**2
    assert 663 < needed <= 664 and 2 * x / (1 + x**2) < eps
    while steps < needed:
        ahead = x + 2 * x / (1 + x**2) / 16
        x, steps = x - 2 * ahead / (1 + ahead**2) / 9, steps + 1
    assert steps == 664 and "T = 664" in found["case"]
    np.testing.assert_allclose(found["bound"], 2 * x / (1 + x**2), rtol=1e-11)
    assert found["bound"] > eps


def test_theorem_3_2_and_form_b_have_every_lam_form_and_sampling(records):
    found = [
        re.fullmatch(r"(old|new), noisy, (.+), lam=(.+)", each) for each in labels(records, "theorem_3_2")
    ]
    expected = {(form, law, lam) for form in ("old", "new") for law in LAWS for lam in LAMS}
    assert {each.groups() for each in found if each} == expected
    found = [
        re.fullmatch(r"(noisy|interpolated), (.+), lam=(.+)", each) for each in labels(records, "form_b")
    ]
    interpolated = {("interpolated", law, lam) for law in LAWS - {"full batch"} for lam in LAMS}
    assert {each.groups() for each in found} == interpolated | {
        ("noisy", law, lam) for law in LAWS for lam in LAMS
    }


def test_states_found_by_ascent_are_never_milder_than_random_ones(cases):
    assert one.STARTS >= 50
    chosen = list(cases.values())
    random = ledger.judge(one, [case._replace(states=case.states[: one.STARTS]) for case in chosen])
    climbed = slice(one.STARTS, 2 * one.STARTS)
    found = ledger.judge(one, [case._replace(states=case.states[climbed]) for case in chosen])
    assert all(len(case.states) == 2 * one.STARTS + 1 for case in chosen)
    for name, before, after in zip(cases, random, found, strict=True):
        assert after.measured >= before.measured - before.tolerance, name
    gains = [after.measured / before.measured for before, after in zip(random, found, strict=True)]
    assert max(gains) > 1.05 and np.mean(np.array(gains) > 1.0001) > 0.5


def forms(case):
    """Q, p, r with E f(w+) - f* = r + 2 p'e + e'Q e for USAM, e = w - w*, and the Hessian H of f.

    f_v has gradient H_v e + s_v, so that e+ = (I - G_v H_v) e - G_v s_v with G_v = gamma (I + rho H_v).
    """
    f, (indices, weights, q) = case.problem, case.draws
    h, s, n = np.asarray(f.h), -np.asarray(f.b), len(f.b)
    h_v = np.einsum("kl,klij->kij", weights, h[indices]) / n
    s_v = np.einsum("kl,kli->ki", weights, s[indices]) / n
    whole, eye = h.mean(0), np.eye(h.shape[1])
    g_v = case.claim.gamma * (eye + case.claim.rho * h_v)
    keep, push = eye - g_v @ h_v, np.einsum("kij,kj->ki", g_v, s_v)
    second = 0.5 * np.einsum("k,kai,ab,kbj->ij", q, keep, whole, keep)
    first = -0.5 * np.einsum("k,kai,ab,kb->i", q, keep, whole, push)
    return second, first, 0.5 * np.einsum("k,ka,ab,kb", q, push, whole, push), whole


def test_the_largest_noise_needed_at_lam_0_is_the_closed_form(records, cases):
    """[E f(w+) - f* - (1 - gamma mu)(f - f*)] / (gamma mu) = r + 2p'e + e'Qe, Q < 0, is at most r - p'Q^-1 p.

    Without noise the promised over the true decrease, largest where a generalised eigenvalue is.
    """
    found = {each["case"]: each for each in records if each["statement"] == "theorem_3_2"}
    for row in ("form_b", "one_step"):
        found |= {f"{row}: {each['case']}": each for each in records if each["statement"] == row}
    tried = [name for name, case in cases.items() if case.lam == 0]
    assert len(tried) == 3 * (len(LAWS) + len(LAWS) - 1) + 3 * 3  # and the three times of one_step
    for name in tried:
        case, measured = cases[name], found[name]["measured"]
        second, first, constant, whole = forms(case)
        rate = case.claim.rate
        if case.quiet:
            largest = scipy.linalg.eigvalsh(rate * whole / 2, whole / 2 - second)[-1]
        else:
            q, p, r = (second - whole / 2) / rate + whole / 2, first / rate, constant / rate
            assert np.linalg.eigvalsh(q)[-1] < 0, name
            largest = r - p @ np.linalg.solve(q, p)
        assert abs(measured / largest - 1) < max(1e-9, 64 * 2.0**-52 / rate), (name, measured / largest)


def test_decreasing_steps_leave_parabolas_a_gap_of_two_thirds_of_the_variance_over_mu_t(records):
    """e+ = (1 - 2/t) e + (2/t) s and E e^2 = v / t give v = 4 sigma^2 / 3; f - f* is half of that."""
    f, law = theorem_3_5.problem("parabolas"), sampling.uniform(3)
    variance = np.mean(np.sum(np.asarray(f.b) ** 2, axis=1))
    claim = ol25.claim(f, law, "new", 0.0)
    steps = ol25_decreasing.steps(claim, np.arange(2**13))
    run = jax.jit(lambda start, gamma, rho: recursion(pieces_of, start, gamma, rho, 2**13))
    pieces_of = pieces(f, law)
    curve = run(np.ones(2), *steps)
    once, twice = 2**12 * curve[2**12], 2**13 * curve[2**13]
    np.testing.assert_allclose(2 * twice - once, 2 / 3 * variance, rtol=1e-5)  # without the 1 / T


def test_runs_along_the_full_batch_are_those_of_a_loop():
    f = theorem_3_5.problem("noisy")
    start, lams = np.array([1.0, -2.0]), 1 / np.arange(1, theorem_3_5.STEPS + 1)
    found = theorem_3_5.follow(f, [(start, 0.5, 0.1, lams), (2 * start, 0.25, 0.2, 1.0)])
    assert found.shape == (2, theorem_3_5.STEPS + 1)
    for curve, w, (gamma, rho, lam) in zip(
        found, (start, 2 * start), [(0.5, 0.1, lams), (0.25, 0.2, np.ones(10))], strict=True
    ):
        move = jax.jit(
            lambda w, lam, gamma=gamma, rho=rho: step(jax.value_and_grad(f.loss), w, gamma, rho, lam)
        )
        for t in range(5):
            np.testing.assert_allclose(curve[t], 0.5 * w @ np.asarray(f.hessian) @ w, rtol=1e-13)
            w = np.asarray(move(w, lam[t]))


def test_the_adversary_takes_the_lam_of_highest_loss_after_the_step():
    cases = {k: v for k, v in lambda_schedules.all_paths().items() if k.startswith("B, all paths, noisy")}
    f, law = theorem_3_5.problem("noisy"), sampling.uniform(3)
    claim = ol25.claim(f, law, "B", 0.0)
    start = theorem_3_5.starts(f, claim._replace(weights=ol25.paper_weights(1.0)))[0]
    draws = tuple(map(jnp.asarray, law.atoms()))
    after = jax.jit(lambda lam: one_step(f, draws, start, claim.gamma, claim.rho, lam, f.loss))
    each = np.array([after(lam) for lam in lambda_schedules.GRID])
    highest = cases["B, all paths, noisy, lam = of highest loss"]
    np.testing.assert_allclose(highest.curves[0, 1], each.max(), rtol=1e-13)
    excess = each - claim.rate * np.array([lambda_schedules.noise(claim, x) for x in lambda_schedules.GRID])
    largest = cases["B, all paths, noisy, lam = of largest excess"]
    np.testing.assert_allclose(largest.curves[0, 1], each[np.argmax(excess)], rtol=1e-13)
    assert len(np.unique(each)) == len(each)


def test_the_noise_that_sgd_needs_is_the_largest_over_states():
    """By listing every draw: quadratic in w, so its top is one Newton step away."""
    f = one.problem("noisy")

    @jax.jit
    def top(draws, gamma, rate):
        def needed(w):
            after = one_step(f, draws, w, gamma, 0.0, 0.0, f.loss)
            return (after - (1 - rate) * f.loss(w)) / rate

        at = jnp.zeros(one.D)
        curvature = jax.hessian(needed)(at)
        return needed(-jnp.linalg.solve(curvature, jax.grad(needed)(at))), jnp.linalg.eigvalsh(curvature)[-1]

    tried = [case for case in sgd_corner.cases() if case.startswith("noisy") and "full" not in case]
    assert len(tried) == 3
    for name in tried:
        case, law = sgd_corner.cases()[name], one.laws(f)[name.removeprefix("noisy, ")]
        found, curvature = top(tuple(map(jnp.asarray, law.atoms())), case.gamma, case.gamma * case.k.pl)
        assert curvature < 0, name
        np.testing.assert_allclose(found, sgd_corner.measured(case), rtol=1e-11, err_msg=name)
