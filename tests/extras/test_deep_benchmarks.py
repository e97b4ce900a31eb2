"""The benchmarks of deep nets on tiny tasks: what they compare and say. No timing."""

import json
import os
import subprocess
from functools import partial

import jax
import jax.numpy as jnp
import pytest

from benchmarks import _deep_process, deep_convolutions, deep_steps
from experiments.deep import nets
from experiments.record import Refused

QUICK = {"xla_backend_optimization_level": 0}


@pytest.fixture(autouse=True)
def compiled_quickly(monkeypatch):
    def compiled(function, *arguments):
        return jax.jit(function, compiler_options=QUICK).lower(*arguments).compile(), 1.0

    monkeypatch.setattr(_deep_process, "compiled", compiled)
    monkeypatch.setattr(deep_convolutions, "compiled", compiled)


def test_every_net_has_a_task_whose_batch_its_micro_batches_divide():
    assert deep_steps.NETS == tuple(_deep_process.TASKS) == nets.NAMES
    for task in _deep_process.TASKS.values():
        assert all(task.batch % (micro or 1) == 0 for micro in task.micro)


def test_a_task_compares_sgd_by_its_fastest_micro_batches_with_sam_by_the_same(monkeypatch):
    turns = []

    def in_turn(jobs, rounds):
        turns.append((list(jobs), rounds))
        return {name: [(1.0, 2.0 if name == 4 else 3.0)] * rounds for name in jobs}

    monkeypatch.setattr(_deep_process, "in_turn", in_turn)
    task = _deep_process.Task((5,), 8, 2, (None, 4), 6)
    found = json.loads(json.dumps(_deep_process.measured("mlp", task)))
    assert turns == [([None, 4], _deep_process.TRIALS), (["SGD", "SAM"], 6)]
    assert found["micro"] == 4 and found["tried"] == {"8": 3.0, "4": 2.0}
    assert len(found["costs"]["SAM"]) == 6
    assert found["apart"] < deep_steps.CLOSE  # SAM of radius 0 is SGD


def test_sam_of_another_radius_would_not_pass_for_sgd():
    task = _deep_process.Task((5,), 8, 2, (None,), 1)
    sgd, sam = (_deep_process.program("mlp", task, ascents, None) for ascents in (0, 1))
    ends = [sgd.run()[0].w, sam.run(0.5)[0].w]
    assert _deep_process.apart(*ends) > 10 * deep_steps.CLOSE * _deep_process.apart(sgd.start, ends[0])


def test_rows_of_steps_are_what_the_processes_measured_on_one_core(monkeypatch):
    seen = []

    def run(command, env, **rest):
        assert env["JAX_PLATFORMS"] == "cpu"
        seen.append((command[3], os.sched_getaffinity(0)))
        costs = {"SGD": [(1.0, 1.0)], "SAM": [(2.0, 2.0)]}
        told = {"micro": 8, "apart": 1e-6, "compile_seconds": 3.0, "costs": costs}
        with open(command[4], "w") as file:
            json.dump(told, file)
        return subprocess.CompletedProcess(command, 0, "", "")

    before = os.sched_getaffinity(0)
    monkeypatch.setattr(subprocess, "run", run)
    found = deep_steps.bench({})
    assert [net for net, _ in seen] == list(deep_steps.NETS) and os.sched_getaffinity(0) == before
    assert all(len(cores) == 1 for _, cores in seen)
    for net, row in zip(deep_steps.NETS, found.rows, strict=True):
        assert row.name.startswith(f"{net}, SAM over SGD")
        assert (found.costs[row.ours], found.costs[row.theirs]) == ([[1.0, 1.0]], [[2.0, 2.0]])


def test_where_no_process_can_be_held_to_a_core_or_an_extra_is_missing_every_row_says_so(monkeypatch):
    monkeypatch.setattr(deep_steps, "process", lambda net: pytest.fail("a process ran"))
    monkeypatch.delattr(os, "sched_setaffinity")
    assert set(deep_steps.bench({}).lacking) == set(deep_steps.NETS)
    assert "needs Linux" in deep_steps.bench({}).lacking["mlp"]
    monkeypatch.setattr(deep_steps, "find_spec", lambda name: None)
    assert "needs equinox and optax, an extra" in deep_steps.bench({}).lacking["mlp"]


def test_a_process_of_steps_that_fails_is_one_sentence(monkeypatch):
    def run(command, **rest):
        return subprocess.CompletedProcess(command, 1, "", "Traceback ...\nKeyError: 'resnet9'\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Refused, match="the process of resnet9 failed: KeyError: 'resnet9'"):
        deep_steps.process("resnet9")


def test_the_rule_and_the_plain_convolution_move_a_layer_alike_in_calls_and_in_a_scan(monkeypatch):
    layer = deep_convolutions.Layer(3, 4, 6, 2)
    for dtype, close in deep_convolutions.CLOSE.items():
        jobs, ends, _ = deep_convolutions.layer_jobs(layer, 2, dtype)
        assert len(jobs) == 4 and set(ends) == set(jobs) and max(ends.values()) < close
    x, kernel, weights = deep_convolutions.drawn(layer, 2)
    start, other = (x, kernel), (x + 0.01, kernel)
    one = jax.jit(partial(deep_convolutions.moved, stride=2, canonical=True, dtype=jnp.float32))
    ends = [deep_convolutions.called(one, each, weights) for each in (other, start)]
    assert deep_convolutions.apart(*ends, start) > max(deep_convolutions.CLOSE.values())


def test_the_row_of_a_whole_net_says_what_half_precision_leaves_of_a_step(monkeypatch):
    monkeypatch.setattr(deep_convolutions, "WHOLE", "convnet")
    jobs, row = deep_convolutions.whole("a title", 2, (6, 6, 1))
    assert set(jobs) == {row.ours, row.theirs}
    assert all(each.holds for each in row.equality.values())
    cosines = [row.equality[f"cosine at rho {rho:g}"].difference for rho in deep_convolutions.RHOS]
    assert cosines == sorted(cosines) and 0 < cosines[0] < 0.95 < cosines[-1] <= 1
