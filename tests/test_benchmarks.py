"""The harness of the benchmarks on tiny jobs: turns, medians, what it writes and refuses. No timing."""

import json
import os
import sys
import tempfile
from math import inf, nan, pi
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import (
    _af22_process,
    _cold,
    af22_cold,
    af22_diagonal,
    harness,
    ol25_cold,
    peers,
    wml23_hessian,
)
from benchmarks.harness import Bench, Equality, Job, Row
from experiments.record import Refused

SAME = {"they differ by": Equality(0.0, 1e-12)}
KEYS = {"name", "unit", "ours", "theirs", "ratio", "low", "high", "rounds", "compile_seconds"}
KEYS |= {"equality", "equal", "why", "cpu_ratio", "least_ratio"}


@pytest.fixture
def clock(monkeypatch):
    """A clock that only jobs move: `clock.job(name, costs)` takes so long in each of its turns."""
    now, turns = [0.0], []

    def job(name, costs, units=1):
        left = iter(costs)

        def run():
            turns.append(name)
            now[0] += next(left)

        return Job(run, units)

    monkeypatch.setattr(harness.time, "perf_counter", lambda: now[0])
    return SimpleNamespace(job=job, turns=turns)


def bench(clock, ours=(1, 2, 4), theirs=(10, 10, 10), equality=SAME, rounds=3, **rest):
    jobs = {"ours": clock.job("ours", ours), "theirs": clock.job("theirs", theirs, 2)}
    return Bench(jobs, [Row("a row", "step", "ours", "theirs", equality, 0.5)], rounds=rounds, **rest)


def test_jobs_take_turns(clock):
    harness.measured(bench(clock))
    assert clock.turns == ["ours", "theirs"] * 3


def test_costs_are_medians_by_the_unit_and_ratios_those_of_one_round(clock):
    (found,) = harness.measured(bench(clock, ours=(1, 2, 4, 4, 5), theirs=(10, 12, 16, 40, 2), rounds=5))
    assert set(found) == KEYS
    assert (found["ours"], found["theirs"], found["rounds"]) == (4, 6, 5)
    # rounds: 5, 3, 2, 5, 0.2; the ratio of the medians would be 1.5
    assert (found["ratio"], found["low"], found["high"]) == (3, 0.2, 5)
    assert (found["unit"], found["compile_seconds"], found["equal"], found["why"]) == (
        "step",
        0.5,
        True,
        None,
    )


def test_a_row_that_compares_nothing_is_not_called_equal(clock):
    (found,) = harness.measured(bench(clock, equality={}))
    assert found["equal"] is None and found["ratio"] == 2.5


def test_a_run_is_timed_until_its_result_is_there(monkeypatch):
    blocked = []
    monkeypatch.setattr(harness.jax, "block_until_ready", blocked.append)
    harness.seconds(lambda: "result")
    assert blocked == ["result"]


@pytest.mark.parametrize("difference", [1e-3, nan, inf])
def test_what_does_not_compute_the_same_is_not_timed(clock, difference):
    wrong = bench(clock, equality={**SAME, "the ends differ by": Equality(difference, 1e-6)})
    (found,) = harness.measured(wrong)
    assert clock.turns == [] and found["ratio"] is None and found["equal"] is False
    assert f"the ends differ by: {difference:.1e}, more than 1e-06" in found["why"]
    assert found["equality"]["the ends differ by"]["tolerance"] == 1e-6


def test_a_sound_row_is_timed_beside_one_that_is_not(clock):
    both = bench(clock)
    wrong = Row("wrong", "step", "ours", "other", {"differ by": Equality(1.0, 0.1)})
    both = both._replace(jobs=both.jobs | {"other": clock.job("other", ())}, rows=[*both.rows, wrong])
    sound, refused = harness.measured(both)
    assert sound["ratio"] == 2.5 and refused["ratio"] is None and set(clock.turns) == {"ours", "theirs"}


def test_a_row_that_lacks_its_peer_says_so_and_the_others_run(clock):
    first, second = harness.measured(bench(clock, lacking={"another": peers.lacking("unifiedsam")}))
    assert first["ratio"] == 2.5 and second["ratio"] is None and second["equal"] is None
    assert second["why"] == (
        "needs --peer unifiedsam=FOLDER, a checkout of the public repository dimitris-oik/unifiedsam"
    )


# The command


@pytest.fixture
def fake(monkeypatch, clock):
    """A tiny benchmark named `fake`; `fake.given` are the peers of each run."""
    given = []

    def run(peers):
        given.append(peers)
        return bench(clock, equality=module.equality, lacking={} if peers else {"public": "needs a peer"})

    module = SimpleNamespace(
        bench=run, PEERS=("unifiedsam",), __doc__="A fake.\n\nMore.", given=given, equality=SAME
    )
    monkeypatch.setattr(harness, "names", lambda: ["fake"])
    monkeypatch.setattr(harness.importlib, "import_module", lambda name: module)
    return module


@pytest.fixture
def checkout(tmp_path):
    """A folder with files of the names that are imported."""
    folder = tmp_path / "public"
    (folder / "numpy_exps").mkdir(parents=True)
    (folder / "numpy_exps" / "methods.py").write_text("unifiedSAM = 'the \\loop'\n")  # warns of the escape
    (folder / "numpy_exps" / "loss.py").write_text("RidgeRegression = 'the loss'\n")
    return folder


def loaded(path):
    """Strict JSON: NaN and Infinity are no numbers of it."""
    return json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} in {path}"))


def refused(capsys, *arguments):
    """What a refused command says: one sentence on standard error."""
    assert command.main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.err.startswith("benchmarks: ") and said.out == "", said
    return said.err


def test_without_a_name_every_benchmark_runs(fake, capsys):
    assert command.main([]) == 0
    said = capsys.readouterr()
    assert fake.given == [{}] and said.err == "fake: A fake.\n"
    assert "public: needs a peer" in said.out
    assert "2.50 (1.25 to 5.00, 3 rounds) a step" in said.out


def test_the_json_is_strict_and_says_where_the_rows_come_from(fake, tmp_path, checkout):
    fake.equality = {"they differ by": Equality(nan, 1e-12)}
    file = tmp_path / "rows.json"
    assert command.main(["fake", "--json", str(file), "--peer", f"unifiedsam={checkout}"]) == 1
    story = loaded(file)
    assert set(story) == {"rows", "commit", "peers", "versions", "device", "cores", "load", "seconds"}
    assert story["peers"] == {"unifiedsam": None} and {"python", "numpy", "jax"} < set(story["versions"])
    (row,) = story["rows"]
    assert set(row) == KEYS | {"benchmark"} and row["benchmark"] == "fake"
    assert row["equality"]["they differ by"] == {"difference": None, "tolerance": 1e-12}
    assert not list(tmp_path.glob("*.part"))


def test_a_disk_that_fills_leaves_no_half_written_file(fake, tmp_path, monkeypatch, capsys):
    file = tmp_path / "rows.json"
    file.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(harness.os, "replace", full)
    assert command.main(["fake", "--json", str(file)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]


def test_an_interrupted_run_writes_nothing(fake, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(harness, "measured", lambda bench: (_ for _ in ()).throw(KeyboardInterrupt))
    assert command.main(["fake", "--json", str(tmp_path / "rows.json")]) == 130
    assert "nothing was written" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_what_cannot_run_is_refused_before_anything_runs(fake, tmp_path, checkout, capsys):
    assert "no benchmark named 'none'; there are fake" in refused(capsys, "fake", "none")
    assert "unrecognized arguments: --jason" in refused(capsys, "--jason", "x")
    assert "takes NAME=FOLDER; got 'unifiedsam'" in refused(capsys, "--peer", "unifiedsam")
    assert "no peer named 'torch'; there are understanding-sam, unifiedsam" in refused(
        capsys, "--peer", "torch=/"
    )
    assert "/none is no folder" in refused(capsys, "--peer", f"unifiedsam={tmp_path}/none")
    (checkout / "numpy_exps" / "loss.py").unlink()
    assert "has no numpy_exps/loss.py" in refused(capsys, "--peer", f"unifiedsam={checkout}")
    assert "name a file in a folder that is there" in refused(capsys, "--json", f"{tmp_path}/none/rows.json")
    assert "name a file in a folder that is there" in refused(capsys, "--json", str(tmp_path))
    assert fake.given == [] and not list(tmp_path.glob("*.json*"))


def test_a_peer_is_imported_from_its_folder_and_nothing_is_written_there(checkout):
    assert peers.imported("unifiedsam", checkout) == ["the \\loop", "the loss"]
    assert {path.name for path in (checkout / "numpy_exps").iterdir()} == {"methods.py", "loss.py"}
    (checkout / "numpy_exps" / "loss.py").write_text("Ridge = 1\n")
    with pytest.raises(ValueError, match=r"loss\.py has no RidgeRegression"):
        peers.imported("unifiedsam", checkout)


def test_a_peer_may_import_from_its_own_folder_which_is_then_forgotten(tmp_path):
    (tmp_path / "pyhessian").mkdir()
    (tmp_path / "pyhessian" / "utils.py").write_text("from math import pi\n")
    (tmp_path / "pyhessian" / "hessian.py").write_text("from pyhessian.utils import pi as hessian\n")
    before = list(sys.path)
    try:
        assert peers.imported("pyhessian", tmp_path) == [pi] and sys.path == before
    finally:
        for name in ("pyhessian", "pyhessian.utils"):
            sys.modules.pop(name, None)


# The benchmarks themselves, without a clock


def test_every_benchmark_names_peers_that_there_are():
    others = ["deep_convolutions", "deep_steps", "ol25_cold", "ol25_ridge", "wml23_hessian"]
    assert harness.names() == ["af22_cold", "af22_diagonal", *others]
    for name in harness.names():
        module = harness.load(name)
        assert set(module.PEERS) <= set(peers.PEERS) and callable(module.bench)
    with pytest.raises(Refused, match="no benchmark named 'harness'"):
        harness.load("harness")


def test_without_its_peer_a_cold_start_lacks_both_rows():
    for module in (af22_cold, ol25_cold):
        assert set(module.bench({}).lacking) == set(_cold.NAMES)


@pytest.fixture
def room():
    with tempfile.TemporaryDirectory() as name:
        yield SimpleNamespace(name=name)


def our_process(room):
    return _cold.process(room, "_ol25_process", "ours", os.environ, ol25_cold.task_file(room))


def test_a_process_of_our_side_writes_the_curves_of_the_loop(room):
    """Four functions, two paths, against a loop with the indices of the same seed."""
    rng = np.random.default_rng(0)
    given = {"a": rng.normal(size=(4, 4)), "b": rng.normal(size=4), "ridge": 0.1, "gamma": 0.05}
    given |= {"rhos": np.array([0.1, 0.2]), "lams": np.array([0.5, 1.0]), "paths": 2, "steps": 8}
    np.savez(ol25_cold.task_file(room), **given)
    found = our_process(room)
    assert found.shape == (2, 3, 2)
    np.random.seed(0)  # noqa: NPY002
    indices = np.random.randint(0, 4, (2, 8))  # noqa: NPY002
    a, b = given["a"], given["b"]
    for rho, lam, runs in zip(given["rhos"], given["lams"], found, strict=True):
        for path in range(2):
            w, kept = np.zeros(4), []
            for t in range(9):
                if t % 4 == 0:
                    kept.append(np.mean((a @ w - b) ** 2) / 2 + 0.05 * w @ w)
                if t < 8:
                    i = indices[path, t]
                    g = a[i] * (a[i] @ w - b[i]) + 0.1 * w
                    ahead = w + rho * ((1 - lam) * g + lam * g / np.linalg.norm(g))
                    w = w - 0.05 * (a[i] * (a[i] @ ahead - b[i]) + 0.1 * ahead)
            np.testing.assert_allclose(runs[:, path], kept, rtol=1e-12)


def test_a_process_that_fails_is_one_sentence(room):
    np.savez(ol25_cold.task_file(room), a=1)
    with pytest.raises(Refused, match="the process of ours failed: TypeError"):
        our_process(room)


# The benchmark of diagonal networks, on few steps

LOOPS = """
from benchmarks.af22_diagonal import notebook
from theory.problems.diagonal import Diagonal
import numpy as np

def loop(method):
    def run(x, y, x_test, y_test, gamma, u, v, kept, steps, rho=0.0):
        sizes = (np.array([[size]]) for size in (gamma, notebook.RADIUS[method] * rho))
        u, v = notebook.moved(Diagonal(x, y), method, u[None], v[None], *sizes, steps)
        return None, [0.5 * np.mean((x_test @ (u * v)[0] - y_test) ** 2)], u, v
    return run

GD, n_SAM_GD, one_SAM_GD = map(loop, ("gd", "nsam", "1sam"))
"""


def test_the_ratio_of_processor_time_is_of_one_round_as_well(monkeypatch):
    now = iter([0.0, 1.0, 1.0, 11.0, 11.0, 13.0, 13.0, 23.0])  # ours takes 1 and 2, theirs 10 and 10
    monkeypatch.setattr(harness, "processor", lambda: next(now))
    jobs = {"ours": Job(lambda: None, 1), "theirs": Job(lambda: None, 2)}
    (found,) = harness.measured(Bench(jobs, [Row("a row", "step", "ours", "theirs", {})], rounds=2))
    assert found["cpu_ratio"] == np.median([10 / 2 / 1, 10 / 2 / 2])
    assert found["least_ratio"] == 10 / 2 / 1


def test_costs_measured_elsewhere_are_rows_like_others(clock):
    costs = {"SGD": [(2.0, 1.0), (3.0, 2.0)], "SAM": [(5.0, 4.0), (5.0, 3.0)]}
    row = Row("elsewhere", "step", "SGD", "SAM", SAME)
    mixed = bench(clock)
    mixed = mixed._replace(rows=[*mixed.rows, row], costs=costs)
    here, found = harness.measured(mixed)
    assert here["ratio"] == 2.5 and found["rounds"] == 2
    assert (found["cpu_ratio"], found["least_ratio"]) == (np.median([4 / 1, 3 / 2]), 3 / 1)


def test_both_forms_of_the_benchmark_compute_what_the_plain_loop_does(monkeypatch):
    for name, value in {"STEPS": 40, "EVERY": 20, "TOGETHER": 2}.items():
        monkeypatch.setattr(af22_diagonal, name, value)
    p, radii = af22_diagonal.problem(0), 2 * np.array(af22_diagonal.SHOWN)
    pairs = np.full(8, 1 / 3), np.array([0.0, *af22_diagonal.SHOWN])
    pairs[0][0] = 1 / 2
    expected = af22_diagonal.plain(af22_diagonal.grid(), 40, 20)
    two = type(p)(*(np.stack([a, a]) for a in p))
    for make in (af22_diagonal.rule, af22_diagonal.closed):
        found = af22_diagonal.cell(make, p, pairs, (np.full(7, 1 / 2), radii))
        np.testing.assert_allclose(found, expected, rtol=1e-11)
        last = af22_diagonal.sweep(make, two, radii)
        np.testing.assert_allclose(last, np.tile(expected[-7:, -1], (2, 1)), rtol=1e-11)


def test_a_nan_of_one_side_alone_is_infinitely_far():
    assert af22_diagonal.apart([1.0, nan], [1.0, nan]) == 0 and af22_diagonal.apart([nan], [1.0]) == inf
    assert af22_diagonal.apart([1.5], [1.0]) == 0.5


def test_a_cold_start_times_both_of_ours_against_the_public_process(monkeypatch, room, tmp_path):
    """Cold without a store, warm with one of its own, the public code without any of JAX's settings."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    seen = []

    def process(room, module, side, environment, *files):
        seen.append((module, side, {k: v for k, v in environment.items() if k.startswith("JAX_")}, files))
        return 2.0 if side == "ours" else 3.0

    monkeypatch.setattr(_cold, "process", process)
    found = _cold.bench(room, "_module", tmp_path, lambda a, b: {"off": Equality(b - a, 5.0)}, 4, "file")
    assert found.rounds == 4 and list(found.jobs) == ["cold", "warm", "public"]
    assert [(row.ours, row.theirs) for row in found.rows] == [("cold", "public"), ("warm", "public")]
    assert [row.equality["off"].difference for row in found.rows] == [1.0, 1.0]
    settings = {"ours": {"JAX_ENABLE_COMPILATION_CACHE": "false"}, str(tmp_path): {}}
    assert seen[:2] == [("_module", side, settings[side], ("file",)) for side in (str(tmp_path), "ours")]
    assert seen[2][2]["JAX_COMPILATION_CACHE_DIR"].startswith(room.name)


def test_without_its_peer_the_benchmark_of_diagonal_networks_runs_nothing(monkeypatch):
    monkeypatch.setattr(af22_diagonal, "problem", lambda seed: pytest.fail("a problem was drawn"))
    found = af22_diagonal.bench({})
    assert len(found.lacking) == 6 and found.jobs == {}
    assert all("tml-epfl/understanding-sam" in why for why in found.lacking.values())


def test_both_sides_of_the_cold_grid_search_are_the_plain_loop(monkeypatch, tmp_path):
    """The public side by a folder that holds our own loops under its names."""
    monkeypatch.setattr(af22_diagonal, "STEPS", 40)
    monkeypatch.setattr(af22_diagonal, "EVERY", 20)
    expected = af22_diagonal.plain(af22_diagonal.grid(), 40, 40)[:, 0]
    np.testing.assert_allclose(_af22_process.ours(), expected, rtol=1e-11)
    folder = tmp_path / "diagonal_linear_nets"
    folder.mkdir()
    (folder / "diag_nets.py").write_text(LOOPS)
    np.testing.assert_allclose(_af22_process.theirs(tmp_path), expected, rtol=1e-11)


# The benchmark of Hessian eigenvalues, on a small net


@pytest.fixture(scope="module")
def small():
    """A net of 53 weights, and its Hessian."""
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(rng.standard_normal((30, 6))), jnp.asarray(rng.integers(0, 3, 30))
    net = wml23_hessian.known(wml23_hessian.drawn((6, 5, 3), 1), x, y, 1)
    columns = [wml23_hessian.differentiated(net.w, x, y, e) for e in jnp.eye(53)]
    return net, np.array(columns)


def test_every_way_to_the_top_eigenvalue_finds_that_of_the_dense_hessian(small):
    net, hessian = small
    given = wml23_hessian.given(net)
    top = np.linalg.eigvalsh(hessian)[-1]
    np.testing.assert_allclose(net.top, top, rtol=1e-12)
    run = wml23_hessian.linearised(*given[:3])
    np.testing.assert_allclose(wml23_hessian.applied(run, net.start, net.w), hessian @ net.start, atol=1e-13)
    found = jax.jit(wml23_hessian.lanczos)(*given)
    assert found.certified and wml23_hessian.off(found.values[0], net) <= 1e-6
    for value in (
        wml23_hessian.eigsh(net, 1e-8, 20),
        jax.jit(wml23_hessian.power, static_argnums=4)(*given, 400),
        jax.jit(wml23_hessian.lobpcg, static_argnums=(5, 6))(*given, 1e-7, 2, 32),
    ):
        assert wml23_hessian.off(value, net) <= 1e-9


def test_on_the_tridiagonal_matrix_the_others_take_the_way_that_they_take_on_the_net(small):
    net, hessian = small
    given = wml23_hessian.given(net)
    matrix = np.asarray(wml23_hessian.tridiagonal(*given))
    assert matrix.shape == (32, 32) and matrix[0, 0] == pytest.approx(net.start @ hessian @ net.start)
    for tol, ncv in ((0.1, 6), (1e-4, 9)):
        value, products = wml23_hessian.counted(matrix, tol, ncv)
        np.testing.assert_allclose(wml23_hessian.eigsh(net, tol, ncv), value, rtol=1e-10)
        assert ncv <= products <= 32
    for length in (1, 5):
        found = jax.jit(wml23_hessian.power, static_argnums=4)(*given, length)
        np.testing.assert_allclose(wml23_hessian.powers(matrix, length), found, rtol=1e-10)


def test_the_settings_are_the_first_that_are_accurate_enough(small):
    net, _ = small
    matrix = np.asarray(wml23_hessian.tridiagonal(*wml23_hessian.given(net)))
    tol, ncv = wml23_hessian.fewest_eigsh([matrix], [net])
    value, products = wml23_hessian.counted(matrix, tol, ncv)
    assert wml23_hessian.off(value, net) <= 1e-6
    value, fewer = wml23_hessian.counted(matrix, tol, ncv - 1)
    assert fewer >= products or wml23_hessian.off(value, net) > 1e-6
    assert wml23_hessian.first((1, 2, 3), lambda n: n > 1) == 2
    with pytest.raises(ValueError, match="none of the settings up to 3 reaches 1e-06"):
        wml23_hessian.first((1, 2, 3), lambda n: False)


def test_without_scikit_learn_or_torch_it_says_what_is_lacking(monkeypatch):
    monkeypatch.setattr(wml23_hessian, "find_spec", lambda name: None)
    assert wml23_hessian.bench({}).lacking == dict.fromkeys(
        wml23_hessian.NAMES.values(), wml23_hessian.LACKING["sklearn"]
    )
    assert wml23_hessian.their_hessian({}) == (None, peers.lacking("pyhessian"))
    assert wml23_hessian.their_hessian({"pyhessian": "/"}) == (None, wml23_hessian.LACKING["torch"])
