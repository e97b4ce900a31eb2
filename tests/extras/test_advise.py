"""Advice on a CSV of one's own: what is said of good ones, and one sentence for each bad one."""

import json

import numpy as np
import pandas as pd
import pytest

from experiments import __main__ as command
from experiments import ol25_advise
from theory import sampling
from theory.bounds import ol25
from theory.problems.least_squares import ridge

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(12, 2)), RNG.normal(size=12)
GOOD = "\n".join(",".join(map(repr, map(float, row))) for row in np.column_stack([A, B])) + "\n"


def advise(tmp_path, text, *flags):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    out = tmp_path / "out"
    status = command.main(["ol25_advise", "--quick", "--data", str(path), "--out", str(out), *flags])
    return status, out


def refused(tmp_path, capsys, text, *flags):
    status, out = advise(tmp_path, text, *flags)
    said = capsys.readouterr()
    assert status == 2 and said.out == ""
    assert said.err.count("\n") == 1 and "Traceback" not in said.err, said.err
    assert not out.exists() or not any(out.iterdir())
    return said.err


def test_the_default_is_diabetes_and_every_part_is_there(tmp_path, capsys):
    assert command.main(["ol25_advise", "--quick", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    table = pd.read_csv(tmp_path / "ol25_advise.csv")
    assert json.loads((tmp_path / "ol25_advise.json").read_text())["arguments"]["data"] == "diabetes"
    assert set(table.kind) == {"constants", "guaranteed", "exact"}
    for theorem in [*ol25_advise.FORMS.values(), "Theorem 3.5, decreasing steps", "Theorem 3.7, non-convex"]:
        assert theorem in said and theorem in set(table.theorem)


def test_constants_and_steps_are_those_of_the_standardised_problem(tmp_path):
    status, out = advise(tmp_path, "x,y,target\n" + GOOD, "--weight", "0.1", "--sampling", "importance")
    table = pd.read_csv(out / "ol25_advise.csv")
    a, b = (A - A.mean(0)) / A.std(0), (B - B.mean()) / B.std()
    f = ridge(a, b, 0.1)
    law = sampling.importance(f.smoothness_each)
    of = table[table.kind == "constants"].set_index("quantity").value
    assert status == 0 and of["examples n"] == 12
    np.testing.assert_allclose([of["mu"], of["L_avg"]], [f.pl, f.smoothness_each.mean()], rtol=1e-12)
    claim = ol25.claim(f, law, "B", 0.0)
    own = table[(table.theorem == "form B (ours)") & table.step.isna()].set_index("quantity").value
    np.testing.assert_allclose([own["gamma"], own["rho"]], [claim.gamma, claim.rho], rtol=1e-12)


def test_exact_curves_stay_below_what_is_guaranteed(tmp_path):
    _, out = advise(tmp_path, GOOD)
    table = pd.read_csv(out / "ol25_advise.csv")
    curve = table[table.quantity == "E f - min f"].pivot_table(
        index=["theorem", "step"], columns="kind", values="value"
    )
    curve = curve.dropna()
    assert len(curve) >= 12 and np.all(curve.exact <= curve.guaranteed)


@pytest.mark.parametrize("law", ["uniform", "importance", "full", "2"])
def test_states_need_less_than_N_for_logistic_regression(law, tmp_path):
    text = "\n".join(f"{x},{y},{int(t > 0)}" for (x, y), t in zip(A, B, strict=True))
    flags = ["--loss", "logistic", "--weight", "0.1", "--lam", "0.5", "--sampling", law]
    status, out = advise(tmp_path, text, *flags)
    table = pd.read_csv(out / "ol25_advise.csv")
    for theorem in ol25_advise.FORMS.values():
        own = table[(table.theorem == theorem) & table.step.isna()].set_index("quantity").value
        assert status == 0 and own["largest N needed"] <= own["neighbourhood N"] + own["rounding of it"]


BAD = {
    "text": (GOOD + "1,two,3\n", "'two'"),
    "a gap": (GOOD + "1,,3\n", "missing"),
    "not a number": (GOOD + "1,nan,3\n", "'nan'"),
    "infinity": (GOOD + "inf,1,3\n", "'inf'"),
    "a short line": (GOOD + "1,2\n", "line 13"),
    "a constant column": ("1,5,1\n2,5,2\n3,5,4\n", "column 2"),
    "a constant target": ("1,4,5\n2,7,5\n3,5,5\n", "column 3"),
    "one row": ("1,2,3\n", "at least 2"),
    "nothing": ("", "at least 2"),
    "names alone": ("x,y,target\n", "at least 2"),
    "one column": ("1\n2\n3\n", "one column"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_csv_is_refused_with_what_is_wrong(what, tmp_path, capsys):
    text, named = BAD[what]
    assert named in refused(tmp_path, capsys, text)


def test_a_missing_or_binary_file_is_refused(tmp_path, capsys):
    (tmp_path / "blob").write_bytes(bytes(range(256)))
    for name in (tmp_path / "none.csv", tmp_path / "blob", tmp_path):
        assert command.main(["ol25_advise", "--data", str(name), "--out", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err
        assert str(name) in said and said.count("\n") == 1 and "Traceback" not in said


@pytest.mark.parametrize(
    "flags, named",
    [
        (["--loss", "hinge"], "'hinge'"),
        (["--sampling", "often"], "'often'"),
        (["--sampling", "13"], "13"),
        (["--sampling", "0"], "0"),
        (["--weight", "-1"], "-1"),
        (["--lam", "1.5"], "1.5"),
        (["--loss", "logistic", "--weight", "1"], "12 values"),
    ],
)
def test_a_wrong_flag_is_refused_by_value(flags, named, tmp_path, capsys):
    assert named in refused(tmp_path, capsys, GOOD, *flags)


def test_logistic_loss_without_a_weight_has_no_rate(tmp_path, capsys):
    text = "\n".join(f"{x},{y},{int(t > 0)}" for (x, y), t in zip(A, B, strict=True))
    assert "--weight" in refused(tmp_path, capsys, text, "--loss", "logistic")
