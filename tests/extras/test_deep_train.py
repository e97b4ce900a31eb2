"""Training from settings to tables: cuts that change nothing, grids in one program, divergence, refusals."""

import csv
import io
import json
import logging
import resource
import signal
import time
from dataclasses import fields, replace
from itertools import count
from math import inf
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from experiments.deep import checkpoint, data, folder, grid, loop, measure, report, rule, settings, train
from experiments.deep.grid import Diverged, Limits, trained
from experiments.deep.rule import Rule, Values
from experiments.deep.settings import Settings, from_texts, optimizer, parsed, texts
from experiments.record import Refused
from theory.update import norm

# 6 steps an epoch, four of the 100 examples too many; most tests share its programs
TINY = {"norm": "none", "data": "teacher:100,2,2,1,3", "batch": "16", "epochs": "2", "lam": "1-1/t"}
STEPS = 6
TIMES = ["seconds", "images_per_second"]


def tiny(**more):
    return from_texts(TINY | more)


def bits(model):
    return [np.asarray(each).tobytes() for each in jax.tree.leaves(model)]


def without_times(table):
    return table.drop(columns=TIMES)


@pytest.fixture(scope="module")
def pair():
    """Two runs, undisturbed."""
    return trained(tiny(rho="0.05,0.1"))


# What changes nothing


def test_how_an_epoch_is_cut_changes_no_bit(pair, tmp_path):
    for limits in (Limits(chunk=1), Limits(chunk=4), Limits(chunk=100), Limits(checkpoint_every=5)):
        found = trained(tiny(rho="0.05,0.1"), tmp_path, limits=limits, overwrite=True)
        assert bits(found.model) == bits(pair.model)
        assert without_times(found.table).equals(without_times(pair.table))
    other = trained(tiny(rho="0.05,0.2"))
    assert bits(other.model) != bits(pair.model)


def test_scans_are_equal_and_end_where_a_checkpoint_is_due(monkeypatch):
    counted = []
    monkeypatch.setattr(grid.Grid, "look", lambda self, seen, count: counted.append(count))
    for limits, expected in [
        (Limits(chunk=4), [3, 3] * 2),
        (Limits(chunk=5), [3, 3] * 2),
        (Limits(chunk=6), [6] * 2),
        (Limits(checkpoint_every=4), [1, 3, 2, 4, 2]),  # the first tells how long a step takes
        (Limits(chunk=3, checkpoint_every=5), [3, 2, 1, 3, 2, 1]),
    ]:
        counted.clear()
        trained(tiny(), limits=limits)
        assert counted == expected and sum(counted) == 2 * STEPS
    counted.clear()
    found = trained(tiny(steps="8"), limits=Limits(chunk=4))
    assert counted == [3, 3, 2] and list(found.table.step) == [6, 8]
    assert found.table.gradient_norm[1] > 0 and found.results[0]["steps"] == 8


def test_a_grid_of_values_takes_no_further_compilation(pair, caplog):
    def compilations(**more):
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING):
            trained(tiny(**more))
        return sum("Finished XLA compilation of jit(advance)" in each.getMessage() for each in caplog.records)

    grid = {"rho": "0.03,0.07", "gamma": "cosine:0.2,cosine:0.3", "decay": "0.01,0.02", "seeds": "1-2"}
    assert compilations(**grid, epochs="1") == 0
    assert compilations(ascents="0", epochs="1") == 1  # another rule is another program


def test_a_count_that_is_compiled_in_gives_the_same_run(pair, monkeypatch):
    """As on an accelerator: there one program for every length of a scan."""
    monkeypatch.setattr(loop, "fixed", lambda: True)
    known = len(loop.PROGRAMS)
    found = trained(tiny(rho="0.05,0.1"))
    assert len(loop.PROGRAMS) == known + 1
    for one, two in zip(jax.tree.leaves(found.model), jax.tree.leaves(pair.model), strict=True):
        assert np.allclose(one, two, rtol=1e-5, atol=1e-7)


def test_a_run_of_a_grid_is_the_run_alone(pair):
    assert bits(trained(tiny(rho="0.1")).model) == bits(pair.model)
    assert [each["rho"] for each in pair.results] == ["0.05", "0.1"]
    assert list(pair.table.run) == [1, 1, 2, 2] and list(pair.table.step) == [6, 12] * 2


# What a run is


def test_an_epoch_visits_every_example_at_most_once_and_no_two_epochs_are_alike():
    form = loop.form(tiny(), data.load(TINY["data"]))
    root = jax.random.key_data(jax.random.key(5))
    orders = [np.asarray(loop.ordered(form, root, epoch)[0]) for epoch in (0, 1)]
    for order in orders:
        assert order.shape == (STEPS, 16) and len(set(order.ravel())) == 96
        assert order.min() >= 0 and order.max() < 100
    assert set(orders[0].ravel()) != set(orders[1].ravel())  # others sit out
    assert not np.array_equal(*orders)


def test_a_run_is_the_steps_of_the_rule_one_by_one():
    """Batches and schedules by hand: t counts from 1, the other batch is that of the step before."""
    of, source = tiny(other_batch="true"), data.load(TINY["data"])
    form, how = loop.form(of, source), of.segments()[0].rule
    classify = rule.classification(how)
    move = jax.jit(rule.step(classify, optimizer(of.optimizer), how, form.labels, loop.over(form)))
    x = ((source.train_x - source.mean) / source.deviation).astype(np.float32)
    begun = loop.beginning(form)(0)
    orders = [np.asarray(loop.ordered(form, begun.key, epoch)[0]) for epoch in (0, 1)]

    def walked(first, before):
        model, losses = begun.model, []
        for t in range(first, first + 2 * STEPS):
            epoch, place = divmod(t - first, STEPS)
            gamma = 0.1 * (1 + np.cos(np.pi * (t - 1) / (2 * STEPS))) / 2
            now = Values(*map(np.float32, Values(gamma, 0.05, 1 - 1 / t)))
            batch, other = (
                (x[which], source.train_y[which])
                for which in (orders[epoch][place], orders[epoch][place - before])
            )
            model, seen = move(model, now, begun.key, batch, other)
            losses.append(float(seen.loss))
        return model.w, np.mean(losses[STEPS:])

    def distance(w):
        return float(norm(jax.tree.map(jnp.subtract, found.model.w, w)) / norm(w))

    found = trained(of)
    w, loss = walked(1, 1)
    assert distance(w) < 1e-5  # rounding of single precision, carried through 12 steps
    assert np.isclose(loss, found.table.loss[1], rtol=1e-5)
    assert distance(walked(2, 1)[0]) > 1e-3 and distance(walked(1, 0)[0]) > 1e-3


def test_a_switch_changes_the_rule_from_the_beginning_of_its_epoch(pair):
    found = trained(tiny(switch="2:rho=0.1"))
    first, second = without_times(found.table).iloc[0], found.table.iloc[1]
    assert first.equals(without_times(pair.table).iloc[0])
    assert second.loss != pair.table.loss[1]
    plain = trained(tiny(switch="2:ascents=0")).table
    assert plain.loss[0] == first.loss and plain.ahead_loss[0] > plain.loss[0]
    assert plain.ahead_loss[1] == plain.loss[1]  # one pass


def test_the_ascent_of_another_batch_sees_none_of_the_examples_of_the_descent():
    form = loop.form(tiny(), data.load(TINY["data"]))
    order = np.asarray(loop.ordered(form, jax.random.key_data(jax.random.key(0)), 3)[0])
    for place in range(STEPS):
        assert not set(order[place]) & set(order[place - 1])


def test_last_and_best_accuracy_are_both_told_and_the_best_as_optimistic():
    rows = pd.DataFrame({flags: ["1"] * 3 for flags in map(settings.column, settings.VARIED)})
    rows = rows.assign(run=1, step=[1, 2, 3], epoch=[1, 2, 3], test_accuracy=[0.5, 0.75, 0.625])
    found = grid.summary(rows.assign(diverged=np.nan, seconds=1.0))
    assert (found["last_test_accuracy"], found["best_test_accuracy"], found["best_epoch"]) == (0.625, 0.75, 2)
    assert found["seconds"] == 3 and found["diverged"] is None
    assert "optimistic" in train.sentence(found)


def test_the_test_counts_every_example_once(pair, monkeypatch):
    """25 of them, in batches of 7."""
    monkeypatch.setattr(loop, "TESTED", 7)
    source = data.load(TINY["data"])
    loss, right = loop.testing.__wrapped__("float32")(pair.model, loop.on_device(source))
    x = ((source.test_x - source.mean) / source.deviation).astype(np.float32)
    logits = np.asarray(pair.model.w((), x, False)[0], float)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    assert len(logs) == 25 and int(right) == np.sum(logits.argmax(1) == source.test_y)
    assert np.isclose(float(loss), -logs[np.arange(25), source.test_y].mean(), rtol=1e-5)
    assert pair.table.test_accuracy[3] == int(right) / 25


def test_the_seconds_of_an_epoch_are_those_of_its_scans(monkeypatch):
    """By a clock that moves by 1 from look to look; a scan looks at its beginning and at its end."""
    looks = count()
    clock = SimpleNamespace(monotonic=time.monotonic, perf_counter=lambda: float(next(looks)))
    monkeypatch.setattr(grid, "time", clock)
    found = trained(tiny(), limits=Limits(chunk=3))
    assert found.table.seconds.tolist() == [2, 2] and found.results[0]["seconds"] == 4
    assert found.table.images_per_second.tolist() == [48, 48]


# Divergence


def test_a_run_that_diverges_names_its_step_and_keeps_the_last_good_state(tmp_path):
    """With gamma = 1e30 the first step ends on weights of 1e30, where a loss overflows."""
    for limits, kept in [(Limits(chunk=100), 0), (Limits(checkpoint_every=1), 1)]:
        with pytest.raises(
            Diverged, match=r"(loss|norm) is (inf|nan) at step 2: .*checkpoint.npz; .*--keep-div"
        ):
            trained(tiny(gamma="cosine:1e30"), tmp_path, limits=limits, overwrite=True)
        header, arrays = checkpoint.load(tmp_path / "checkpoint.npz")
        assert header["step"] == kept == arrays["step"]
        assert all(np.all(np.isfinite(each)) for name, each in arrays.items() if name.startswith("model"))


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    """gamma = 1e39 is infinite in single precision: the first step sees finite losses and ends beyond."""
    with pytest.raises(Diverged, match=r"a weight is not finite at step 1: "):
        trained(tiny(gamma="cosine:1e39"), tmp_path, limits=Limits(checkpoint_every=1))
    assert checkpoint.load(tmp_path / "checkpoint.npz")[0]["step"] == 0


def test_divergence_is_a_result_where_it_is_kept(pair, tmp_path):
    found = trained(
        tiny(gamma="cosine:1e30,cosine:0.1", rho="0.1"), tmp_path, limits=Limits(keep_diverged=True)
    )
    assert [each["diverged"] for each in found.results] == [2, None]
    assert list(found.table.run) == [1, 2, 2]  # no step mends weights that are not finite
    assert not np.isfinite(found.table.loss[0]) and found.table.diverged[0] == 2
    assert bits(found.model) == bits(pair.model)
    result = json.loads((tmp_path / "result.json").read_text(), parse_constant=pytest.fail)
    assert result["runs"][0]["diverged"] == 2


# Stopping and going on


def test_a_spent_budget_stops_between_scans_and_the_rest_gives_the_same_bits(pair, tmp_path):
    of = tiny(rho="0.05,0.1")
    found = trained(of, tmp_path, limits=Limits(budget=0))
    assert found.stopped == "the budget of 0 minutes is spent" and len(found.table) == 0
    asked = []

    def after_five():
        asked.append(1)
        return "enough" if len(asked) == 6 else None

    found = trained(of, tmp_path, limits=Limits(chunk=2), resume=True, stopping=after_five)
    assert found.stopped == "enough" and len(found.table) == 1 and found.results == []
    found = trained(of, tmp_path, resume=True)
    assert found.stopped is None and bits(found.model) == bits(pair.model)
    assert without_times(found.table).equals(without_times(pair.table))
    written = pd.read_csv(tmp_path / "epochs.csv")
    assert list(zip(written.run, written.epoch, strict=True)) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_the_table_of_a_killed_session_is_mended(tmp_path):
    """Half a line, or a row that no checkpoint knows."""
    of = tiny(rho="0.05,0.1")
    trained(of, tmp_path, limits=Limits(budget=0))
    (tmp_path / "epochs.csv").write_text("run,epoch\n1,1\n1,1\n1,")
    trained(of, tmp_path, resume=True)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "epochs.csv").read_text())))
    assert [(row["run"], row["epoch"]) for row in rows] == [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]
    assert (tmp_path / "epochs.csv").read_text() == checkpoint.load(tmp_path / "checkpoint.npz")[0]["tables"][
        "epochs"
    ]


def test_a_full_disk_is_one_sentence_and_the_checkpoint_stays_good(pair, tmp_path):
    of, file = tiny(rho="0.05,0.1"), tmp_path / "checkpoint.npz"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept, asked = [], []

    def full_from_the_third_scan():
        asked.append(1)
        if len(asked) == 3:
            kept.append(file.read_bytes())
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))

    try:
        with pytest.raises(
            Refused, match=r"cannot write .*checkpoint.npz \(File too large\); the one before"
        ):
            trained(of, tmp_path, limits=Limits(checkpoint_every=1), stopping=full_from_the_third_scan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == kept[0] and not (tmp_path / "checkpoint.npz.part").exists()
    assert bits(trained(of, tmp_path, resume=True).model) == bits(pair.model)


def test_a_full_disk_while_a_row_is_written_is_one_sentence():
    with pytest.raises(
        Refused, match=r"cannot write .* \(No space left on device\); the checkpoint stays good"
    ):
        folder.add_rows(FullDisk(), "epochs", "1,2\n")


class FullDisk:
    """A folder in which every file is /dev/full."""

    def __truediv__(self, name):
        return "/dev/full"


def test_a_run_in_the_folder_is_not_lost_by_beginning_another(tmp_path):
    trained(tiny(), tmp_path, limits=Limits(budget=0))
    with pytest.raises(Refused, match=r"holds a run: go on with --resume, .*--overwrite"):
        trained(tiny(), tmp_path)
    trained(tiny(seeds="1"), tmp_path, limits=Limits(budget=0), overwrite=True)
    assert folder.configuration(tmp_path)["seeds"] == "1"


def test_a_checkpoint_of_another_configuration_or_other_data_is_refused(tmp_path, monkeypatch):
    trained(tiny(), tmp_path, limits=Limits(budget=0))
    before = (tmp_path / "checkpoint.npz").read_bytes()
    for more in ({"rho": "0.1"}, {"epochs": "3"}, {"optimizer": "adam"}, {"seeds": "1"}, {"p": "inf"}):
        (name,) = more
        with pytest.raises(
            Refused, match=rf"of another configuration: --{name} is .* there and {more[name]} here"
        ):
            trained(tiny(**more), tmp_path, resume=True)
    source = data.load(TINY["data"])
    moved = replace(source, train_y=np.roll(source.train_y, 1))
    monkeypatch.setattr(data, "load", lambda *_, **__: moved)
    with pytest.raises(Refused, match="trained on other data than are now at --data teacher"):
        trained(tiny(), tmp_path, resume=True)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_another_device_or_number_of_cores_is_told(tmp_path, monkeypatch):
    trained(tiny(), tmp_path, limits=Limits(budget=0))
    monkeypatch.setattr(folder, "cores", lambda: 77)
    said = io.StringIO()
    trained(tiny(), tmp_path, limits=Limits(budget=0), resume=True, say=report.Lines(said))
    assert "and 77 from here on; bits may differ" in said.getvalue() and "device" not in said.getvalue()


# Measures


def test_sharpness_is_measured_once_after_each_chosen_epoch(pair, tmp_path, monkeypatch):
    """With |w| in place of what takes longer; the radius is that of the run at its last step."""

    def size(loss, w, subset, key, rho, **more):
        assert len(subset[0]) == 32 and more["plan"].m == 8
        return {"size": float(norm(w)), "rho": rho, "ahead": more["rest"][1].lam}

    monkeypatch.setattr(measure, "measures", size)
    monkeypatch.setattr(measure, "row", lambda found: {name: float(each) for name, each in found.items()})
    of = tiny(rho="0.05,0.1", measure="0,2", measure_examples="32", measure_group="8")
    found = trained(of, tmp_path, limits=Limits(budget=0))
    assert list(found.measures.epoch) == [0]
    found = trained(of, tmp_path, resume=True)
    assert list(zip(found.measures.run, found.measures.epoch, strict=True)) == [
        (1, 0),
        (1, 2),
        (2, 0),
        (2, 2),
    ]
    assert np.allclose(found.measures.radius, [0.05, 0.05, 0.1, 0.1])
    assert np.allclose(found.measures.ahead, [0, 11 / 12] * 2)  # lam = 1 - 1/t at t = 1 and t = 12
    assert np.isclose(found.measures["size"].iloc[-1], float(norm(found.model.w)), rtol=1e-6)
    assert found.measures["size"][0] == found.measures["size"][2] != found.measures["size"][1]
    assert bits(found.model) == bits(pair.model)  # to measure changes nothing
    assert pd.read_csv(tmp_path / "measures.csv").epoch.tolist() == [0, 2, 0, 2]


# Settings


def test_settings_come_back_from_their_texts():
    of = tiny(
        gamma="piecewise:0.1,0.5:0.1,0.75:0.01,cosine:0.3,1e-3",
        seeds="0-2,7",
        clip="5",
        p="inf",
        group="4",
        switch="2:rho=0.1,ascents=2 3:lam=0",
        measure="0,2",
    )
    assert of.gamma == ("piecewise:0.1,0.5:0.1,0.75:0.01", "cosine:0.3", "1e-3")
    assert of.seeds == (0, 1, 2, 7) and of.rule.p == inf and len(of.runs()) == 12
    assert from_texts(texts(of)) == of
    assert [(each.epoch, each.rule.ascents, each.rule.clip) for each in of.segments()] == [
        (1, 1, True),
        (2, 2, True),
        (3, 2, True),
    ]
    assert Settings() == from_texts({})
    typed = settings.command(of)
    assert "--switch 2:rho=0.1,ascents=2 --switch 3:lam=0" in typed and "--epochs 2" in typed
    assert "--seeds 0,1,2,7" in typed and "--net" not in typed


def test_every_field_of_rule_and_values_is_a_flag_with_a_meaning():
    named = {each.name for each in fields(Settings)}
    assert set(Values._fields) <= named
    assert {each.name for each in fields(Rule)} == set(settings.MEANINGS) | set(settings.BY_VALUE)
    shown = " ".join(train.parser().format_help().split())
    for name in settings.FLAGS:
        assert settings.flag(name) in shown
    for text in settings.MEANINGS.values():
        assert text in shown
    assert Settings().rule == Rule()
    usual = {name: value for name, value in Values()._asdict().items() if name not in settings.BY_VALUE}
    assert {name: float(getattr(Settings(), name)[0]) for name in usual if name != "gamma"} == {
        name: value for name, value in usual.items() if name != "gamma"
    }


def test_any_optimizer_of_optax_is_named_with_its_arguments():
    change = optimizer("sgd:momentum=0.5,nesterov=True")
    state = change.init(jnp.ones(2))
    first, state = change.update(jnp.ones(2), state)
    assert np.allclose(first, -1.5)  # 1 + 0.5 of the momentum, at the step 1
    assert optimizer("adamw:b1=0.8,weight_decay=0.1").init(jnp.ones(2))
    with pytest.raises(Refused, match="takes an optimizer of optax"):
        optimizer("clip")


def test_texts_that_are_no_value_are_refused_with_the_flag():
    for text, kind, name, match in [
        ("ten", int, "batch", "--batch takes a whole number; got 'ten'"),
        ("0.1,x", tuple[float, ...], "decay", "--decay takes a number or several, with commas"),
        ("3-1", tuple[int, ...], "seeds", "--seeds takes a whole number or several"),
        ("yes", bool, "flip", "--flip takes true or false"),
        ("x:rho=1", tuple[settings.Switch, ...], "switch", "--switch takes EPOCH:name=value"),
        ("1:rho=1", tuple[settings.Switch, ...], "switch", "the epoch from 2 on"),
    ]:
        with pytest.raises(Refused, match=match):
            parsed(text, kind, name)
    with pytest.raises(Refused, match=r"rho is a tuple of values, one for each run; got '0.05'"):
        Settings(rho="0.05")  # type: ignore[arg-type]


# The command


@pytest.fixture
def command(monkeypatch, capsys):
    """main(texts) -> exit status, output, errors."""
    monkeypatch.setattr(train, "keep_programs", lambda: None)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments):
        status = train.main([str(each) for each in arguments])
        return status, *capsys.readouterr()

    yield run
    signal.signal(signal.SIGTERM, before)


FLAGS = [part for name, text in TINY.items() for part in (f"--{name}", text)]


def test_the_command_stops_and_goes_on_without_further_flags(command, pair, tmp_path):
    out = tmp_path / "run"
    status, said, wrong = command(*FLAGS, "--rho", "0.05,0.1", "--out", out, "--budget", "0")
    assert status == 0 and not wrong
    assert f"is spent: go on with python -m experiments.deep.train --resume --out {out}" in said
    status, said, wrong = command("--resume", "--out", out)
    assert status == 0 and not wrong
    assert "4 of the 100 examples sit out each epoch" in said
    assert "run 2/2 rho=0.1 epoch 2/2 " in said and "images/s" in said
    assert len([line for line in said.splitlines() if "(chosen on the test set: optimistic)" in line]) == 2
    header, arrays = checkpoint.load(out / "checkpoint.npz")
    assert header["device"] == jax.devices()[0].device_kind and header["cores"] == folder.cores()
    expected = pair.table.test_accuracy[[1, 3]].tolist()
    story = json.loads((out / "result.json").read_text(), parse_constant=pytest.fail)
    assert [each["last_test_accuracy"] for each in story["runs"]] == expected
    assert {"configuration", "versions", "commit", "device", "cores", "seconds", "command"} <= story.keys()
    assert story["configuration"]["rho"] == "0.05,0.1" and story["seconds"] > 0
    status, said, _ = command("--resume", "--out", out)  # nothing is left to do
    assert status == 0 and "epoch 2/2" not in said
    status, _, wrong = command("--resume", "--out", out, "--rho", "0.2")
    assert status == 2 and "--rho is 0.05,0.1 there and 0.2 here" in wrong


def test_a_request_to_end_stops_between_scans(command, tmp_path, monkeypatch):
    look = grid.Grid.look

    def asked(self, seen, count):
        signal.raise_signal(signal.SIGTERM)
        look(self, seen, count)

    monkeypatch.setattr(grid.Grid, "look", asked)
    status, said, _ = command(*FLAGS, "--out", tmp_path, "--chunk", "2")
    assert status == 0 and "asked to end: go on with" in said
    assert checkpoint.load(tmp_path / "checkpoint.npz")[0]["step"] == 2


def test_divergence_damage_and_an_interrupt_are_one_sentence_each(command, tmp_path, monkeypatch):
    status, _, wrong = command(*FLAGS, "--gamma", "cosine:1e30", "--out", tmp_path)
    assert status == 1 and "at step 2: " in wrong and wrong.count("\n") == 1
    status, said, _ = command("--resume", "--out", tmp_path, "--keep-diverged")
    assert status == 0 and "diverged at step 2" in said

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(grid.Grid, "look", interrupted)
        status, _, wrong = command(*FLAGS, "--out", tmp_path, "--overwrite")
    assert status == 130 and wrong == "train: interrupted; go on from the last checkpoint with --resume\n"
    (tmp_path / "checkpoint.npz").write_bytes((tmp_path / "checkpoint.npz").read_bytes()[:-100])
    status, _, wrong = command("--resume", "--out", tmp_path)
    assert status == 2 and "is truncated or damaged" in wrong and wrong.count("\n") == 1


@pytest.mark.parametrize(
    "flags, match",
    [
        (["--net", "vgg"], "--net is one of mlp, .*got 'vgg'"),
        (["--batch", "0"], "--batch must be a whole number at least 1; got 0"),
        (["--batch", "1000"], "--batch 1000 is more than the 100 training examples"),
        (["--rho", "-0.1"], "--rho: .* must not be negative; got '-0.1'"),
        (["--rho", "0.1,0.1"], "--rho takes every value once"),
        (["--lam", "2"], r"lam must lie in \[0, 1\]; got 2"),
        (["--gamma", "cosine"], "--gamma: a schedule is a number.*got 'cosine'"),
        (["--seeds", "-1"], "--seeds takes a whole number"),
        (["--decay", "nan"], "--decay takes finite numbers; got nan"),
        (["--optimizer", "sgdd"], "--optimizer takes an optimizer of optax.*'sgdd'"),
        (["--optimizer", "sgd:speed=1"], "takes no 'speed'"),
        (["--group", "7"], "--group must divide --batch 16; got 7"),
        (["--micro", "4", "--norm", "batch"], "batch norm sees the whole batch"),
        (["--random", "--ascents", "2", "--lam", "1"], "a random direction is the same at each ascent"),
        (["--switch", "2:net=mlp"], "--switch changes gamma, .*; got 'net'"),
        (["--switch", "3:rho=1", "--switch", "2:rho=0"], "--switch takes rising epochs"),
        (["--data", "/no/such/folder"], "/no/such/folder"),
        (["--test-examples", "1000"], "has .* test examples; 1000 were asked for"),
        (["--measure", "1", "--measure-examples", "101"], "--measure-examples is at most 100, .*; got 101"),
        (["--measure", "0,3"], "--measure names epoch 3; the run ends with 2"),
        (["--switch", "7:rho=0", "--steps", "13"], "--switch names epoch 7; the run ends with 3"),
        (["--measure", "1", "--measure-group", "30"], "--measure-group must divide the 100 examples of a"),
        (["--crop", "9"], "crop"),
        (["--net", "convnet", "--data", "teacher:100,1,1,1,3", "--norm", "group"], "GroupNorm"),
        (["--budget", "-1"], "--budget takes minutes, not negative; got -1"),
        (["--chunk", "0"], "--chunk must be a whole number at least 1; got 0"),
        (["--resume"], "there is no checkpoint .*; begin without --resume"),
        (["--out", "/proc/no/folder"], r"cannot write to /proc/no/folder"),
    ],
)
def test_what_makes_no_run_is_refused_in_one_sentence(command, tmp_path, flags, match):
    out = [] if "--out" in flags else ["--out", tmp_path / "run"]
    status, _, wrong = command(*([] if "--resume" in flags else FLAGS), *out, *flags)
    assert status == 2
    with pytest.raises(Refused, match=match):
        raise Refused(wrong)
    assert wrong.startswith("train: ") and wrong.count("\n") == 1 and "Traceback" not in wrong
    assert not (tmp_path / "run").exists()


# What a person sees


PLACE = report.Place(2, 6, "rho=0.1 seed=3", 4, 30, 12, 20, 212, 3600, 0.5, 0.625, 0.75, 1234.4, 3723.0)


def test_a_place_names_grid_epoch_losses_accuracy_speed_and_time_left():
    text = f"{PLACE.text}  {PLACE.speed}"
    for part in [
        "run 2/6 rho=0.1 seed=3 epoch 4/30 step 12/20",
        "loss 0.5 at w, 0.625 at w+e",
        "accuracy 0.75",
        "1234 images/s",
        "1:02:03 left",
    ]:
        assert part in text
    assert PLACE._replace(runs=1).text.startswith("epoch 4/30")
    assert "step" not in PLACE._replace(step=20).text
    assert [report.span(each) for each in (59.6, 61, 3600, float("nan"))] == ["1:00", "1:01", "1:00:00", "?"]


def test_lines_come_once_an_epoch_and_every_half_minute_of_a_longer_one():
    now, stream = [0.0], io.StringIO()
    lines = report.Lines(stream, clock=lambda: now[0])
    for seconds in (10, 20, 31, 40, 62):
        now[0] = seconds
        lines.scan(PLACE)
    assert len(stream.getvalue().splitlines()) == 2
    lines.epoch(PLACE, 0.5)
    assert stream.getvalue().splitlines()[-1].endswith("1:02:03 left") and "0.5000 test" in stream.getvalue()


def test_a_terminal_has_a_bar_with_lines_above_and_a_file_has_lines():
    assert isinstance(report.fitting(io.StringIO()), report.Lines)

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with report.fitting(stream) as bars:
        assert isinstance(bars, report.Bars)
        bars.scan(PLACE)
        bars.epoch(PLACE, 0.5)
        bars.say("a [sentence] with brackets")
    for part in ("0.5000 test", "a [sentence] with brackets", "step 12/20", "1234 images/s", "6%"):
        assert part in stream.getvalue()


def test_a_row_tells_apart_any_two_numbers_of_single_precision():
    numbers = np.float32([1 / 3, np.nextafter(np.float32(1 / 3), np.float32(1)), 1e-38, 16777217.0])
    (row,) = csv.reader(io.StringIO(report.line([*map(float, numbers), 'a "b", c'])))
    assert np.array_equal(np.float32(row[:-1]), numbers) and row[-1] == 'a "b", c'
