"""Real data as read, run, drawn and judged; the model of f behind the certificates by direct summation."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from experiments import __main__ as command
from experiments import data, ol25_real, record
from figures import __main__ as figures
from paper_checks import ledger
from theory import sampling
from theory.certificate import noise_by_model, noise_needed
from theory.expectation import one_step
from theory.problems.least_squares import ridge
from theory.problems.logistic import logistic
from theory.update import step

NAMES = ("ol25_certificates", "ol25_lambda_real", "ol25_real")
PROBLEMS = (
    ("diabetes", "ridge"),
    ("breast_cancer", "logistic"),
)  # of three: each costs seconds of compilation


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    assert set(PROBLEMS) < set(ol25_real.PROBLEMS)
    folder = tmp_path_factory.mktemp("quick")
    with pytest.MonkeyPatch.context() as patch:
        for name in NAMES:
            patch.setattr(record.load(name), "PROBLEMS", PROBLEMS)
            record.execute(name, {}, quick=True, out=folder)
    return folder


def loaded(path):
    """Strict JSON: NaN and Infinity are no numbers of it."""
    return json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} in {path}"))


# The data


@pytest.mark.parametrize("name, shape", [("diabetes", (442, 10)), ("breast_cancer", (569, 30))])
def test_every_column_has_mean_0_and_variance_1(name, shape):
    a, b = data.load(name)
    assert a.shape == shape and b.shape == shape[:1] and a.dtype == b.dtype == np.float64
    np.testing.assert_allclose(a.mean(0), 0, atol=1e-13)
    np.testing.assert_allclose(np.mean(a**2, axis=0), 1, rtol=1e-12)


def test_labels_are_minus_1_and_1_and_targets_as_measured():
    labels = data.load("breast_cancer")[1]
    assert set(labels) == {-1.0, 1.0} and np.sum(labels == 1) == 357  # benign tumours
    targets = data.load("diabetes")[1]
    assert (targets.min(), targets.max()) == (25, 346)


def test_the_columns_are_those_measured():
    """Standardising undone gives the file again, with the two sexes coded 1 and 2."""
    from sklearn import datasets

    raw, _ = datasets.load_diabetes(return_X_y=True, scaled=False)
    a, _ = data.load("diabetes")
    np.testing.assert_allclose(a * raw.std(0) + raw.mean(0), raw, rtol=1e-12)
    assert set(raw[:, 1]) == {1.0, 2.0}


def test_a_wrong_name_is_refused_with_those_there_are():
    with pytest.raises(record.Refused, match="'iris'.*diabetes and breast_cancer"):
        data.load("iris")


def test_a_negative_weight_is_refused(capsys, tmp_path):
    for name in NAMES:
        flag = "--weight" if name == "ol25_lambda_real" else "--weights"
        assert command.main([name, "--quick", flag, "-0.5", "--out", str(tmp_path)]) == 2
        assert "-0.5" in capsys.readouterr().err.splitlines()[-1]


def test_a_weight_of_0_stands_for_3_over_n():
    assert ol25_real.problem("diabetes", "ridge", 0.0).ridge == 3 / 442
    assert ol25_real.problem("breast_cancer", "logistic", 0.1).ridge == 0.1


# The tables


def test_quick_tables_are_written_with_their_provenance(quick):
    assert sorted(path.name for path in quick.iterdir()) == sorted(
        f"{name}.{kind}" for name in NAMES for kind in ("csv", "json")
    )
    for name in NAMES:
        story, table = loaded(quick / f"{name}.json"), pd.read_csv(quick / f"{name}.csv")
        assert (
            story["defaults"] is False and story["rows"] == len(table) and story["versions"]["scikit-learn"]
        )
        problems = table.groupby(["data", "loss"]).size().index
        assert set(problems) == set(PROBLEMS)
        if name != "ol25_lambda_real":  # that one is the full batch
            assert set(table.sampling) == {"uniform", "importance"} and set(table.form) == {"new", "B"}


def test_exact_curves_run_to_ten_times_1_over_gamma_mu_below_their_bound(quick):
    table = pd.read_csv(quick / "ol25_real.csv")
    exact = table[table.kind == "exact"]
    ends = exact.groupby(["data", "sampling", "form"])
    assert len(ends) == 4 and set(exact.lam) == {0.0} and set(exact.loss) == {"ridge"}
    for key, rows in ends:
        assert abs(rows.step.max() * rows.rate.iloc[0] - 10) < 0.01, key
        assert np.all(rows.relative_gap <= rows.relative_bound) and np.all(rows.relative_gap >= 0), key
        assert np.all(rows.relative_limit <= rows.noise / (rows.gap / rows.relative_gap)), key
    sampled = table[table.kind == "sampled"]
    assert (
        np.all(np.isfinite(sampled.gap))
        and sampled.groupby(["data", "loss", "sampling", "form", "lam"]).path.nunique().eq(2).all()
    )


def test_full_batch_runs_stay_below_their_bound_and_usam_falls_below_sam(quick):
    table = pd.read_csv(quick / "ol25_lambda_real.csv")
    assert set(table.lam) == {0.0, 1.0} and np.all(table.relative_gap <= table.relative_bound)
    cycles = table.groupby(["loss", "lam"]).relative_cycle.first()
    assert cycles["ridge", 0.0] == 0 < cycles["ridge", 1.0] and np.isnan(cycles["logistic", 1.0])


def test_the_figures_are_drawn(quick, tmp_path):
    for name in ("ol25_real", "ol25_lambda_real"):
        assert figures.main([name, "--tables", str(quick), "--out", str(tmp_path / name)]) == 0
        assert {path.name for path in (tmp_path / name).iterdir()} == {f"{name}.png", f"{name}.svg"}


# The certificates


def test_every_certificate_holds_and_its_controls_are_caught(quick, tmp_path, monkeypatch):
    (row,) = (each for each in ledger.statements()[0] if each.name == "ol25/real_data")
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    story = loaded(quick / "ol25_certificates.json")
    (tmp_path / "ol25_certificates.json").write_text(json.dumps(story))
    assert [each["case"] for each in ledger.from_table(row)] == [None]  # quick, so not taken
    (tmp_path / "ol25_certificates.json").write_text(json.dumps(story | {"defaults": True}))
    records = ledger.from_table(row)
    assert len(records) == len(PROBLEMS) * 2 * 2 * 2
    for each in records:
        assert each["holds"] and each["caught"] and each["slack"] > 1, each
        names = {"N too small", "the rule does not move"} | (
            {"N without C"} if each["case"].endswith("lam=0") else set()
        )
        assert set(each["controls"]) == names, each


def test_states_of_the_certificates_are_never_milder_than_random(quick):
    table = pd.read_csv(quick / "ol25_certificates.csv")
    claims = table[table.control.isna()]
    assert (
        len(claims) == 16
        and np.all(claims.measured >= claims.random)
        and np.any(claims.measured > 1.001 * claims.random)
    )


def losses():
    rng = np.random.default_rng(3)
    a = rng.normal(size=(12, 3))
    return {
        "logistic": logistic(a, np.sign(rng.normal(size=12)), 0.1),
        "ridge": ridge(a, rng.normal(size=12), 0.1),
    }


@pytest.mark.parametrize("lam", [0.0, 1.0])
@pytest.mark.parametrize("loss", ["logistic", "ridge"])
def test_the_model_needs_the_noise_that_f_itself_needs(loss, lam):
    """At gamma mu = 0.01 the direct sum keeps its digits; a model without Hessian is off by more."""
    f, law = losses()[loss], sampling.uniform(12)
    gamma, rho, rate = 0.1, 0.05, 0.1 * 0.1
    draws = tuple(map(jnp.asarray, law.atoms()))
    w_star, minimum = jnp.asarray(f.minimiser), float(f.minimum)

    @jax.jit
    def both(w):
        before = f.loss(w) - minimum
        move = jax.vmap(lambda i, v: step(jax.value_and_grad(f.loss), w, gamma, rho, lam, i, v) - w)(
            draws[0], draws[1]
        )
        flat = f.model(w)._replace(hessian=jnp.zeros((3, 3)))
        after = one_step(f, draws, w, gamma, rho, lam, f.loss) - minimum
        models = (noise_by_model(before, each, move, draws[2], rate) for each in (f.model(w), flat))
        return noise_needed(before, after, rate), *models

    rng = np.random.default_rng(4)
    for size in (1e-3, 1.0, 10.0):
        direct, model, flat = jax.device_get(both(w_star + size * rng.normal(size=3)))
        cancelled = 64 * 2.0**-52 * (minimum + size**2) / rate  # of f itself, of which f* is subtracted
        stated = model.rounding + direct.rounding + cancelled
        assert abs(model.measured - direct.measured) <= stated, size
        assert abs(flat.measured - direct.measured) > stated or loss == "logistic", size
        if loss == "ridge":
            assert model.rounding < 1e-9 * max(1, model.measured)


def test_the_model_of_a_quadratic_leaves_out_nothing():
    f = losses()["ridge"]
    w, m = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.2, -3.0])
    slope, spread, hessian, third = jax.device_get(jax.jit(f.model)(w))
    loss = jax.jit(f.loss)
    assert third == 0 and np.all(spread >= np.abs(slope))
    np.testing.assert_allclose(loss(w + m), loss(w) + slope @ m + 0.5 * m @ hessian @ m, rtol=1e-14)


def test_the_third_order_bound_holds_and_is_attained():
    """|f(w + m) - model| <= third |m|^3 / 6, attained by log(1 + e^-w) where sigma'' = 1 / (6 sqrt 3)."""
    f, rng = losses()["logistic"], np.random.default_rng(5)

    @jax.jit
    @jax.vmap
    def share(f, w, m):
        slope, _, hessian, third = f.model(w)
        missed = f.loss(w + m) - f.loss(w) - slope @ m - 0.5 * m @ hessian @ m
        return jnp.abs(missed) / (third / 6 * jnp.linalg.norm(m) ** 3)

    count = 300
    w, m = (
        3 * rng.normal(size=(count, 3)),
        np.geomspace(0.03, 30, count)[:, None] * rng.normal(size=(count, 3)),
    )
    shares = share(jax.tree.map(lambda x: np.stack([x] * count), f), w, m)
    assert 0.01 < np.max(shares) <= 1
    one = logistic(np.ones((1, 1)), np.ones(1), 0.0)
    steepest = np.array(
        [[np.log(2 + np.sqrt(3))]]
    )  # where sigma'' = sigma (1 - sigma) (1 - 2 sigma) is extremal
    assert (
        0.999
        < share(jax.tree.map(lambda x: np.asarray(x)[None], one), steepest, np.array([[1e-3]]))[0]
        <= 1 + 1e-5
    )
