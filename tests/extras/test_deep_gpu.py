"""The tables of a GPU at the size of a test: what is written, speeds as shares, the end of the budget."""

import json
import subprocess
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from experiments.deep import gpu, measure
from experiments.deep.grid import Outcome
from experiments.record import Refused

TINY = gpu.QUICK._replace(
    net="mlp", batches=(16,), batch=16, matrix=64, epochs=1, measured=(1,), subset=32, chunk=16
)
TINY_DATA = "teacher:64,8,8,1,3"
TABLES = ("gpu_sharpness", "gpu_speed", "gpu_training")
STORY = {"data", "digest", "notes", "net", "device", "platform", "cores", "versions", "commit", "command"}
STORY |= {"table", "seconds", "rows", "columns", "size"}


def nothing(loss, w, subset, *rest, **more):
    """In place of a measurement, which takes seconds to compile; its own tests are elsewhere."""
    zero = jnp.zeros(())
    fields = dict.fromkeys(measure.Measures._fields, zero)
    return measure.Measures(**fields | {"eigs": jnp.ones(5), "eig_errors": jnp.zeros(5), "nodes": None})


@pytest.fixture(scope="module", autouse=True)
def no_cache():
    """The compiler keeps nothing of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu.train, "keep_programs", lambda: None)
        yield


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    out = tmp_path_factory.mktemp("gpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu, "QUICK", TINY)
        patch.setattr(gpu, "QUICK_DATA", TINY_DATA)
        patch.setattr(measure, "measures", nothing)
        assert gpu.main(["--quick", "--seeds", "1", "--commit", "c0ffee", "--out", str(out)]) == 0
    return out


def loaded(path):
    """Strict JSON: NaN and Infinity are no numbers of it."""
    return json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} in {path}"))


def test_three_tables_are_written_with_their_origin(tables):
    names = sorted(f"{name}.{kind}" for name in TABLES for kind in ("csv", "json"))
    assert sorted(path.name for path in tables.iterdir()) == names
    for name in TABLES:
        story, table = loaded(tables / f"{name}.json"), pd.read_csv(tables / f"{name}.csv")
        assert set(story) >= STORY and story["table"] == name and story["commit"] == "c0ffee"
        assert story["rows"] == len(table) > 0 and story["columns"] == list(table.columns)
        assert story["command"] == "python -m experiments.deep.gpu --quick --seeds 1 --out DIR"
        assert story["net"] == "mlp" and story["versions"]["jax"] and story["data"] == "teacher"


def test_speeds_are_shares_of_the_rate_of_matrix_products(tables):
    table, story = pd.read_csv(tables / "gpu_speed.csv"), loaded(tables / "gpu_speed.json")
    assert len(table) == 2 * TINY.rounds and set(table.method) == {"SGD", "SAM"}
    adds = 64 * 64 + 64 * 64 + 64 * 3
    assert story["multiply_adds"] == adds and story["parameters"] == adds + 4 * 64 + 3
    passes = np.where(table.method == "SAM", 2, 1)  # of forward and backward: 3 forward passes each
    expected = table.images_per_second * passes * 3 * 2 * adds / story["matrix_rate"]
    np.testing.assert_allclose(table.share, expected, rtol=1e-12)
    rounds = table.pivot(index="round", columns="method", values="images_per_second")
    np.testing.assert_allclose(story["sam_over_sgd"]["ours, batch 16"], np.median(rounds.SGD / rounds.SAM))


def test_sgd_and_sam_are_trained_in_half_precision_and_the_cast_perturbation_is_seen(tables):
    table, story = pd.read_csv(tables / "gpu_training.csv"), loaded(tables / "gpu_training.json")
    assert list(zip(table.method, table.rho, strict=True)) == [("SGD", 0.0), ("SAM", 0.05)]
    assert story["seeds"] == [0] and story["ended"] == "after SAM 0.05 of seed 0"
    cosine = table.set_index("method").cosine
    assert cosine["SGD"] == 1 and 0 < cosine["SAM"] < 0.999
    sharp = pd.read_csv(tables / "gpu_sharpness.csv")
    assert list(sharp.method) == ["SGD", "SAM"] and set(sharp.lambda_1) == {1.0} and set(sharp.epoch) == {1}


# The budget


def test_runs_go_on_from_seed_to_seed_while_the_budget_lasts(monkeypatch, tmp_path):
    clock = [0.0]
    monkeypatch.setattr(gpu.time, "monotonic", lambda: clock[0])
    asked = []

    def trained(settings, limits):
        asked.append((settings.rule.ascents, settings.rho, settings.seeds, round(60 * limits.budget)))
        clock[0] += 20 if settings.rule.ascents == 0 else 40
        rows = pd.DataFrame({"run": [1], "epoch": [1], "rho": settings.rho, "test_accuracy": [0.5]})
        return Outcome(rows, rows, pd.DataFrame(), [], None, None)

    monkeypatch.setattr(gpu.train, "trained", trained)
    chosen = SimpleNamespace(seeds=3, budget=150 / 60)
    tables = gpu.Tables(tmp_path, {})
    gpu.training(tables, TINY, TINY_DATA, chosen)
    sam, sgd = (1, ("0.05",)), (0, ("0.05",))
    assert asked == [
        (*sgd, (0,), 150),
        (*sam, (0,), 130),
        (*sgd, (1,), 90),
        (*sam, (1,), 70),
    ]  # 30 s are left
    assert loaded(tmp_path / "gpu_training.json")["seeds"] == [0, 1]
    assert list(pd.read_csv(tmp_path / "gpu_training.csv").method) == ["SGD", "SAM"] * 2


def test_a_budget_for_no_run_is_refused(monkeypatch, tmp_path):
    stopped = Outcome(*[pd.DataFrame()] * 3, [], None, "the budget is spent")
    monkeypatch.setattr(gpu.train, "trained", lambda settings, limits: stopped)
    with pytest.raises(Refused, match="--budget 0.01 minutes"):
        gpu.training(gpu.Tables(tmp_path, {}), TINY, TINY_DATA, SimpleNamespace(seeds=1, budget=0.01))
    assert list(tmp_path.iterdir()) == []


# PyTorch


def test_the_loop_of_pytorch_is_asked_for_the_same_net_and_its_rows_stand_beside(monkeypatch):
    size, source = (
        gpu.FULL._replace(batches=(8,)),
        SimpleNamespace(train_x=np.zeros((100, 32, 32, 3)), shape=(32, 32, 3), classes=10),
    )
    asked = []

    def run(command, **kept):
        asked.append(command)
        rows = [{"batch": 8, "method": "SGD", "round": 0, "images_per_second": 1.0}]
        said = {"device": "cpu", "versions": {}, "parameters": 11_172_170, "rows": rows}
        return subprocess.CompletedProcess(command, 0, "a warning\n" + json.dumps(said), "")

    monkeypatch.setattr(gpu.subprocess, "run", run)
    said, why = gpu.beside(size, source, "some-python", 11_172_170)
    assert why is None and said["rows"][0]["framework"] == "PyTorch"
    assert asked[0][:2] == ["some-python", str(gpu.TORCH)] and asked[0][-2:] == ["--batch", "8"]
    assert {"--width=64", "--size=32", "--channels=3", "--classes=10", "--images=100"} < set(asked[0])
    assert gpu.beside(size, source, "some-python", 7) == (
        {},
        "another net: 11172170 parameters, where ours has 7",
    )


def test_without_pytorch_the_table_says_so(monkeypatch, tables):
    assert loaded(tables / "gpu_speed.json")["torch"].startswith("not run: ")
    monkeypatch.setattr(gpu, "find_spec", lambda name: None)
    assert "no PyTorch" in gpu.beside(gpu.FULL, None, None, 0)[1]
    assert "not convnet" in gpu.beside(gpu.QUICK, None, "python", 0)[1]
    failing = subprocess.CompletedProcess([], 1, "", "Traceback\nImportError: no torch\n")
    monkeypatch.setattr(gpu.subprocess, "run", lambda *command, **kept: failing)
    source = SimpleNamespace(train_x=[], shape=(32, 32, 3), classes=10)
    assert gpu.beside(gpu.FULL, source, "python", 0) == ({}, "failed: ImportError: no torch")


# Refusals


@pytest.mark.parametrize(
    "given, said",
    [
        ([], "--data names the folder"),
        (["--quick", "--seeds", "0"], "--seeds must be a whole number at least 1; got 0"),
        (["--quick", "--budget", "0"], "--budget takes minutes, more than 0; got 0"),
        (["--quick", "--budget", "nan"], "more than 0; got nan"),
        (["--data", "nowhere"], "nowhere"),
        (["--quick", "--only", "training", "--net", "alexnet"], "alexnet"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(given, said, tmp_path, capsys):
    assert gpu.main([*given, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.splitlines()
    assert said in error[-1] and error[-1].startswith("gpu: ")


def test_a_known_copy_of_cifar_10_is_named_beside_its_tables(monkeypatch, capsys):
    source = SimpleNamespace(name="CIFAR-10", notes=("md5 not as published: data_batch_1",))
    chosen = gpu.parser().parse_args(["--data", "there", "--out", "x", "--commit", "c"])
    for digest, known in [(next(iter(gpu.KNOWN)), True), ("another", False)]:
        monkeypatch.setattr(gpu.folder, "fingerprint", lambda source, digest=digest: digest)
        notes = gpu.told(chosen, gpu.FULL, source)["notes"]
        assert ("CIFAR-10, 96 images JPEG-approximated" in notes) is known and len(notes) == 1 + known
