"""Semidefinite programs against PEPit, ordinary functions and each other; what is made of their optima."""

import json
import warnings

import clarabel
import numpy as np
import pandas as pd
import pytest
import scs

from experiments import own_beside, own_search, record
from figures import __main__ as figures
from paper_checks import ledger
from paper_checks.af22 import deterministic_pl
from paper_checks.ol25 import deterministic, theorem_3_2
from paper_checks.own import blind_certificates, blind_remade, one_step_programs
from theory import interpolation, programs
from theory.bounds import own
from theory.problems.polyak import PL, SMOOTHNESS

PLACES = [((0.1, 1.0, 2 / 4.13, 3.0), 1.0152958, 0.8780552), ((0.1, 1.0, 0.17, 10.0), 1.2828049, 0.9331559)]


# The programs


def by_pepit(kind, mu, top, gamma, rho):
    """One step in PEPit, which makes its own program; the solver is named, or it would be scs at 1e-4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in its docstrings, where they are compiled
        from PEPit import PEP
        from PEPit.functions import SmoothQuadraticLojasiewiczFunctionExpensive, SmoothStronglyConvexFunction

    made = PEP()
    classes = {"pl": SmoothQuadraticLojasiewiczFunctionExpensive}
    f = made.declare_function(classes.get(kind, SmoothStronglyConvexFunction), mu=mu, L=top)
    best = f.stationary_point()
    x = made.set_initial_point()
    after = x - gamma * f.gradient(x + rho * f.gradient(x))
    if kind == "distance":
        made.set_initial_condition((x - best) ** 2 <= 1)
        made.set_performance_metric((after - best) ** 2)
    else:
        made.set_initial_condition(f(x) - f(best) <= 1)
        made.set_performance_metric(f(after) - f(best))
    return made.solve(verbose=0, wrapper="cvxpy", solver="CLARABEL")


@pytest.mark.parametrize("at, distance, gap", PLACES)
def test_the_worst_distance_and_gap_are_those_of_pepit_and_of_the_closed_form(at, distance, gap):
    for kind, made, known in (("distance", programs.distance, distance), ("gap", programs.gap, gap)):
        pair = programs.both(made(*at), clarabel, scs)
        assert pair.agreed and abs(pair.value - known) < 2e-7
        assert abs(by_pepit(kind, *at) - pair.value) < 2e-6  # cvxpy's clarabel, at its own tolerances
    assert abs(own.dist_worst(*at) - distance) < 2e-7 and abs(own.quad_factor(*at) - gap) < 2e-7


def test_the_relaxation_under_pl_is_that_of_pepit():
    at = 0.1, 1.0, 0.5, 0.5
    found = programs.solve(programs.pl_gap(*at), clarabel)
    assert found.status == "optimal" and abs(found.value - by_pepit("pl", *at)) < 1e-6
    assert abs(found.value - 0.91650) < 1e-5


def test_an_expression_is_what_it_says_of_real_vectors():
    rng = np.random.default_rng(0)
    space = programs.Space(4, 2)
    basis, scalars = rng.normal(size=(4, 3)), rng.normal(size=2)
    unknown = np.concatenate([(basis @ basis.T)[space.triangle], scalars])
    a, b = rng.normal(size=(2, 4))
    np.testing.assert_allclose(space.inner(a, b) @ unknown, (a @ basis) @ (b @ basis), rtol=1e-12)
    np.testing.assert_allclose(space.scalar(1) @ unknown, scalars[1])


def test_the_inequalities_are_those_of_the_certificates():
    at = mu, top, gamma, rho = 0.3, 1.7, 0.6, 0.8
    space = programs.Space(4, 3)
    points, _ = programs.walk(space, gamma, rho, 1, last=True)
    step = interpolation.Step(*at)
    for i, p in zip("*xy+", points, strict=True):
        for j, q in zip("*xy+", points, strict=True):
            if i != j:
                found = programs.interpolation(space, p, q, mu, top)[: space.gram]
                whole = np.array(interpolation.matrix(interpolation.inequality(step, i, j)), dtype=float)
                whole = whole * (2 - np.eye(4))  # the triangle counts what is off the diagonal twice
                np.testing.assert_allclose(found, whole[space.triangle], atol=1e-12)


def test_what_a_quadratic_does_is_admitted_by_every_program_and_no_better_than_its_optimum():
    h = np.diag([0.1, 0.4, 1.0])
    gamma, rho = 0.7, 1.3
    x = np.array([0.3, -0.2, 0.5])
    for made, last in ((programs.distance, False), (programs.gap, True), (programs.slope, True)):
        program = made(0.1, 1.0, gamma, rho)
        y = x + rho * h @ x
        end = x - gamma * h @ y
        basis = np.array([x, h @ x, h @ y, h @ end][: 3 + last])
        values = [p @ h @ p / 2 for p in (x, y, end)][: 2 + last]
        unknown = np.concatenate([(basis @ basis.T)[program.space.triangle], values])
        unknown = unknown / (-program.rows[-1] @ unknown)  # the normalised quantity is 1
        assert np.all(program.rows @ unknown >= program.floor - 1e-12)
        assert program.gain @ unknown <= programs.solve(program, scs).value + 1e-8


def test_one_loss_drawn_from_one_is_the_full_batch():
    at = 0.1, 1.0, 0.5, 0.5
    found = programs.both(programs.sampled(*at, 1, False), clarabel, scs)
    assert abs(found.value - own.quad_factor(*at)) < 1e-7


def test_functions_under_pl_stay_below_the_relaxation():
    for gamma, rho in ((1.0, 0.4), (0.5, 0.7)):
        most = programs.solve(programs.pl_gap(PL / SMOOTHNESS, 1.0, gamma, rho), clarabel).value
        assert own_beside.of_sine(gamma / SMOOTHNESS, rho / SMOOTHNESS) <= most


# The solvers


def test_a_solver_that_stops_too_early_does_not_agree():
    made = programs.gap(0.5, 1.0, 0.4, 3.0)
    assert programs.both(made, clarabel, scs).agreed
    loose = programs.both(made, clarabel, scs, eps_abs=1e-3, eps_rel=1e-3)
    assert not loose.agreed and np.isnan(loose.value)


def test_a_check_with_a_loose_solver_fails_for_its_optima():
    case = one_step_programs.cases()["distance, between gamma_c and gamma_d"]
    assert one_step_programs.measured(case) <= programs.AGREE
    assert one_step_programs.measured(one_step_programs.loosely(case)) > programs.AGREE


def test_two_inaccurate_optima_and_a_failure_are_no_number():
    def found(status, value=1.0):
        return programs.Solution(value, status, np.zeros(1))

    good, near, bad = found("optimal"), found("optimal_inaccurate"), found("infeasible")
    assert programs.Pair(good, near).agreed and programs.Pair(near, good).value == 1
    for first, second in ((near, near), (good, bad), (bad, good), (good, found("optimal_inaccurate", 1.1))):
        pair = programs.Pair(first, second)
        assert not pair.agreed and np.isnan(pair.value)
    for bad_place in (0, 1):
        pairs = [programs.Pair(good, near), programs.Pair(good, near)]
        pairs[bad_place] = programs.Pair(near, near)
        assert np.isnan(programs.off(pairs, [1.0, 1.0]))
        lost = one_step_programs.Case("at most", (), tuple(pairs), (2.0, 2.0), {}, {}, 1.0)
        assert np.isnan(one_step_programs.measured(lost))
    assert not all(programs.states([programs.Pair(good, bad)]).values())
    (name,) = programs.states([programs.Pair(good, near)])
    assert "1 of 2" in name


def test_a_solver_is_named_by_its_module():
    with pytest.raises(ValueError, match="clarabel or scs, named in every call; got 'SCS'"):
        programs.solve(programs.distance(0.1, 1.0, 0.5, 0.5), "SCS")


# Blind certificates


def test_the_kept_certificates_say_where_they_come_from_and_prove_their_bounds():
    kept = json.loads(blind_certificates.FILE.read_text())
    assert {"solver", "version", "command", "date", "settings", "margin"} <= set(kept["provenance"])
    assert len(kept["certificates"]) == len(blind_remade.PLACES) == len(blind_certificates.cases())
    assert all(blind_certificates.certificate(case).proves for case in blind_certificates.cases().values())


def test_a_certificate_goes_through_the_file_and_back():
    case = blind_remade.made(*blind_remade.place(*blind_remade.PLACES[0]))
    assert blind_certificates.read(json.loads(json.dumps(blind_remade.entry(case)))) == case


def test_a_digit_that_is_changed_breaks_the_proof():
    case = next(iter(blind_certificates.cases().values()))
    pair = max(case.multipliers, key=case.multipliers.get)
    changed = case._replace(multipliers=case.multipliers | {pair: case.multipliers[pair] * 2})
    assert not blind_certificates.certificate(changed).proves


# Beside the papers


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick")
    for name in ("own_beside", "own_search"):
        record.execute(name, {}, quick=True, out=folder)
    return folder


def test_the_class_lies_between_the_instance_and_the_bound(quick):
    table = pd.read_csv(quick / "own_beside.csv")
    factors, falls = table[table.which != "exact"], table[table.which == "exact"]
    assert np.all(factors.low <= factors.high) and np.all(factors.high <= factors.bound + 1e-12)
    assert not np.any(factors.instance > factors.low) and np.all(falls.low >= falls.bound * (1 - 1e-12))
    assert np.all(table.slack_theorem >= 1 - 1e-9) and np.all(table.slack_most >= table.slack_theorem - 1e-9)
    assert set(table.which) == {"exact", "bracket", "per gradient norm"}


def test_the_rows_beside_the_papers_name_cases_of_their_checks(quick):
    table = pd.read_csv(quick / "own_beside.csv", keep_default_na=False)
    rows = {row.name: row for row in ledger.statements()[0]}
    assert all(rows[name].checked for name in set(table.statement))
    f = theorem_3_2.problem("noisy")
    pl, smoothness = (record.parameters(own_beside)[name] for name in ("pl", "smoothness"))
    np.testing.assert_allclose([pl, smoothness], [f.pl, f.smoothness], rtol=1e-12)
    cases = {"ol25/deterministic": deterministic.cases(), "af22/deterministic_pl": deterministic_pl.cases()}
    for statement, known in cases.items():
        named = table[(table.statement == statement) & (table.kind == "bound")].case
        assert set(named) <= set(known), statement
    for case in (deterministic.cases()[name] for name in ("old, lam=0", "B, lam=1")):
        assert case.pl == f.pl


def test_the_steps_beside_the_papers_are_those_of_their_checks(quick):
    table = pd.read_csv(quick / "own_beside.csv", keep_default_na=False).set_index(["statement", "case"])
    for name, case in deterministic.cases().items():
        if case.lam in (0.0, 1.0):
            for _, each in table.loc[[("ol25/deterministic", name)]].iterrows():
                np.testing.assert_allclose([each.gamma, each.rho], [case.gamma, case.rho], rtol=1e-12)


@pytest.mark.parametrize("name", ["own_beside", "own_search"])
def test_a_figure_is_drawn_alike_twice(name, quick, tmp_path):
    for folder in ("first", "second"):
        assert figures.main([name, "--tables", str(quick), "--out", str(tmp_path / folder)]) == 0
    first, second = ((tmp_path / each / f"{name}.svg").read_bytes() for each in ("first", "second"))
    assert first == second and b"<svg" in first


# The search


def test_the_search_finds_hubers_value_and_the_end_of_its_region(quick):
    table = pd.read_csv(quick / "own_search.csv")
    kinds = dict(tuple(table.groupby("kind")))
    assert kinds["convex"].excess.abs().max() < programs.AGREE
    assert np.all(kinds["edge"].gamma > 0)
    pl = kinds["pl"]
    assert np.all((pl.quadratic < pl.value) & (pl.kink <= pl.quadratic + 1e-9) & (pl.value < pl.claimed))


def test_the_function_with_a_kink_is_smooth_and_pl_and_steps_as_computed():
    """Its slope by the ordinary differential equation f'' = mu on the boundary of PL, in small steps."""
    mu, gamma, rho, g = 0.1, 0.9, 0.6, 1.0
    cell = 1e-5

    def side(sign, reach):
        """(f, f') from x = 1 outwards."""
        value, slope, out = 1.0, g, []
        for _ in range(int(reach / cell)):
            out.append((value, slope))
            bent = slope - cell
            free = bent**2 >= 2 * mu * value and bent > 0
            value += sign * cell * slope
            slope = bent if free else np.sqrt(2 * mu * max(value, 0.0))
        return np.array(out)

    ahead = side(1, rho * g + cell)[-1][1]
    behind = side(-1, gamma * ahead + cell)
    assert abs(behind[-1][0] - own_search.kinked(mu, gamma, rho, np.array(g))) < 1e-4
    assert np.all(behind[:, 1] ** 2 >= 2 * mu * behind[:, 0] * (1 - 1e-6))


def test_a_negative_pl_constant_is_refused():
    with pytest.raises(record.Refused, match="strictly between 0 and L; got --pl -1.0"):
        own_beside.run(pl=-1.0)
