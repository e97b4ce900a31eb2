"""SGD against SAM on digits: the table by both commands, its verdict on tables made by hand, its figure."""

import json
import runpy
import sys
from math import nan

import numpy as np
import pandas as pd
import pytest

from experiments import record
from experiments.deep import digits_sam
from figures import __main__ as figures
from paper_checks import ledger

NAME = "digits_sam"
COLUMNS = {
    "method",
    "rho",
    "seed",
    "epoch",
    "loss",
    "ahead_loss",
    "test_accuracy",
    "subset_loss",
    "certified",
}
COLUMNS |= {f"lambda_{k}" for k in range(1, 6)} | {"trace", "worst", "ascent", "average", "m_sharpness"}
COLUMNS |= {"adaptive", "gradient_norm", "bending", "cosine_top", "angle_top", "radius"}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quick")
    record.execute(NAME, {}, quick=True, out=folder)
    return folder


def test_a_quick_run_measures_every_method_from_every_seed_at_the_same_radius(quick):
    table = pd.read_csv(quick / f"{NAME}.csv")
    assert set(table.columns) >= COLUMNS and not table[list(COLUMNS)].isna().any(axis=None)
    each = table.groupby(["method", "rho"])
    assert list(each.groups) == [("SAM", 0.1), ("SGD", 0.0)]
    assert each.seed.nunique().eq(2).all() and each.epoch.unique().map(list).eq([[1, 2]] * 2).all()
    assert set(table.radius) == {digits_sam.RADIUS} and table.certified.all()
    seen = table[[f"lambda_{k}" for k in range(1, 6)]].to_numpy()
    assert np.all(np.diff(seen, axis=1) <= 0) and np.all(table.worst >= table.ascent)
    apart = table.pivot(index=["seed", "epoch"], columns="rho", values="loss")
    assert np.all(apart[0.0] != apart[0.1])


def test_descent_sees_no_other_loss_ahead_and_sam_a_larger_one(quick):
    table = pd.read_csv(quick / f"{NAME}.csv")
    assert np.all(table[table.rho == 0].ahead_loss == table[table.rho == 0].loss)
    assert np.all(table[table.rho > 0].ahead_loss > table[table.rho > 0].loss)


def test_the_room_of_the_networks_runs_it_under_its_own_name_to_the_same_bytes(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [NAME, "--quick", "--out", str(tmp_path)])
    monkeypatch.delitem(sys.modules, digits_sam.__name__)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("experiments.deep.digits_sam", run_name="__main__")
    assert ended.value.code == 0
    assert (tmp_path / f"{NAME}.csv").read_bytes() == (quick / f"{NAME}.csv").read_bytes()


def test_the_figure_is_drawn(quick, tmp_path):
    assert figures.main([NAME, "--tables", str(quick), "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"{NAME}.png", f"{NAME}.svg"}


# The verdict


def by_hand(sam, **more):
    """Ends of five seeds whose top eigenvalues are 1 with SGD."""
    rows = {"epoch": 30, "seed": [*range(5)] * 2, "rho": [0.0] * 5 + [0.1] * 5}
    rows |= {"lambda_1": [1.0] * 5 + sam, "certified": True, "subset_loss": 0.01}
    return pd.DataFrame(rows | more)


def test_five_of_five_are_enough_and_four_are_not():
    found = digits_sam.verdicts(by_hand([0.9] * 5))["rho=0.1"]
    np.testing.assert_allclose(found["measured"], 1 - 0.05 ** (1 / 5), rtol=1e-12)
    assert found["measured"] < found["bound"] and all(found["hypotheses"].values())
    assert found["controls"]["exchanged"] == 1.0
    for worse in ([0.9] * 4 + [1.1], [0.9] * 4 + [nan]):
        found = digits_sam.verdicts(by_hand(worse))["rho=0.1"]
        assert found["measured"] > found["bound"], worse


@pytest.mark.parametrize("wrong", [{"certified": False}, {"subset_loss": 0.2}, {"subset_loss": nan}])
def test_eigenvalues_must_be_known_and_digits_learned(wrong):
    found = digits_sam.verdicts(by_hand([0.9] * 5, **wrong))["rho=0.1"]
    assert sum(found["hypotheses"].values()) == 1


def test_the_ledger_reads_the_verdict(tmp_path, monkeypatch):
    (row,) = (each for each in ledger.statements()[0] if each.name == "f21/flatter_end_on_digits")
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    for sam, holds in (([0.9] * 5, True), ([1.1] * 5, False)):
        story = {"defaults": True, "verdicts": digits_sam.verdicts(by_hand(sam)), "seconds": 1.0}
        (tmp_path / f"{NAME}.json").write_text(json.dumps(story))
        (found,) = ledger.from_table(row)
        assert found["case"] == "rho=0.1" and found["holds"] is holds and found["caught"] is holds
