"""A run that is killed, or stopped, and resumed ends on the bits of one that was not.

python -m tests.extras.test_deep_resume --kills 20 kills one run so often (-9), half of the times between
write and rename, resumes it each time, and compares it with an undisturbed one. The test here does it 4
times. Every session is a process of its own, forked from one that has imported all and computed nothing.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments.deep import checkpoint, grid, loop, settings, train

ROOT = Path(__file__).parents[2]
KINDS = ("before rename", "half written", "before rename", "after rename", "before rename", "computing")
# two runs of 4 epochs of 10 steps; everything that a checkpoint must keep is in use
FLAGS = {
    "net": "mlp",
    "norm": "batch",
    "data": "teacher:160,4,4,1,3",
    "batch": "16",
    "epochs": "4",
    "rho": "0.05,0.1",
    "lam": "1-1/t",
    "crop": "1",
    "flip": "true",
    "gamma": "cosine:0.05",
    "switch": "3:rho=0.02",
}


def typed(flags):
    return [part for name, text in flags.items() for part in (f"--{name}", text)]


# The sessions, each in a process of its own


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(kind):
    """Let this process kill itself: at the second save from now, or somewhere in a scan."""
    replace, save, compiled = os.replace, np.savez, loop.compiled
    saves = Counter()

    def second():
        saves["begun"] += 1
        return saves["begun"] == 2

    def dying_replace(source, target):
        if Path(target).name != "checkpoint.npz" or not second():
            return replace(source, target)
        if kind == "after rename":
            replace(source, target)
        return die()

    def dying_save(file, **arrays):
        if second():
            save(file, **dict(list(arrays.items())[:3]))
            file.flush()
            die()
        save(file, **arrays)

    def dying_compiled(*arguments):
        threading.Timer(0.01, die).start()
        return compiled(*arguments)

    if kind in ("before rename", "after rename"):
        checkpoint.os = type("os", (), {**vars(os), "replace": staticmethod(dying_replace)})
    elif kind == "half written":
        checkpoint.np = type("np", (), {**vars(np), "savez": staticmethod(dying_save)})
    elif kind == "computing":
        loop.compiled = dying_compiled


def session(out, *, resume, kind=None):
    """How a process ended that began or resumed the run: None, or the number of the signal."""
    child = os.fork()
    if child == 0:
        arrange(kind)
        more = ["--resume"] if resume else typed(FLAGS)
        os._exit(train.main([*more, "--out", str(out), "--chunk", "2", "--checkpoint-every", "3"]))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0
    return None


def killed_and_not(kills, folder):
    """What happened, and in which arrays and rows the two runs differ."""
    whole, often = folder / "whole", folder / "often"
    assert session(whole, resume=False) is None
    seen = Counter()
    for each in range(kills):
        kind = KINDS[each % len(KINDS)]
        ended = session(often, resume=each > 0, kind=kind)
        assert ended == signal.SIGKILL, f"{kind}: ended with {ended}"
        left = (often / "checkpoint.npz.part").exists()
        assert left == (kind in ("before rename", "half written")) or kind == "computing"
        seen[kind] += 1
    assert session(often, resume=True) is None
    return {"killed": dict(seen), "differ": differing(whole, often)}


def differing(one, other):
    """Names of arrays and of columns, but for times, that are not the same bits."""
    left, right = (np.load(folder / "checkpoint.npz") for folder in (one, other))
    names = set(left.files) ^ set(right.files)
    names |= {
        name
        for name in set(left.files) - {"header", "sha256"} - names
        if left[name].tobytes() != right[name].tobytes()
    }
    tables = [columns(folder / "epochs.csv") for folder in (one, other)]
    names |= {name for name in tables[0] if tables[0][name] != tables[1][name]} - {
        "seconds",
        "images_per_second",
    }
    return sorted(names)


def columns(path):
    head, *rows = (line.split(",") for line in path.read_text().splitlines())
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    kills = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as folder:
        # a cache of its own: who is killed may leave half an entry
        os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{folder}/cache"  # the command leaves it alone then
        jax.config.update("jax_compilation_cache_dir", f"{folder}/cache")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        found = killed_and_not(kills, Path(folder))
    print(json.dumps(found))
    return 1 if found["differ"] else 0


def test_a_run_killed_and_resumed_ends_on_the_same_bits():
    command = [sys.executable, "-m", "tests.extras.test_deep_resume", "--kills", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"killed": {"before rename": 2, "half written": 1, "after rename": 1}, "differ": []}


# What a checkpoint has to keep

TINY = {
    "norm": "batch",
    "data": "teacher:100,2,2,1,3",
    "batch": "16",
    "epochs": "3",
    "gamma": "0.1",
    "lam": "1-1/t",
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run of 18 steps, and the folder of the same that was stopped at step 9, in the middle of an epoch."""
    of, out = settings.from_texts(TINY), tmp_path_factory.mktemp("stopped")
    asked = iter([None] * 3 + ["enough"])
    grid.trained(of, out, limits=grid.Limits(chunk=4), stopping=lambda: next(asked))
    assert checkpoint.load(out / "checkpoint.npz")[0]["step"] == 9
    return grid.trained(of), of, out


def resumed(stopped, folder, without=()):
    """What is not the same where parts of the checkpoint are lost, set to 0: names of parts and columns."""
    whole, of, out = stopped
    shutil.copytree(out, folder, dirs_exist_ok=True)
    header, arrays = checkpoint.load(folder / "checkpoint.npz")
    lost = {name: np.zeros_like(each) for name, each in arrays.items() if name.startswith(tuple(without))}
    assert bool(lost) == bool(without)
    checkpoint.save(folder / "checkpoint.npz", arrays | lost, header)
    found = grid.trained(of, folder, resume=True)
    pairs = zip(*(checkpoint.named(each.model).items() for each in (whole, found)), strict=True)
    names = {name.split(".")[0] for (name, one), (_, two) in pairs if one.tobytes() != two.tobytes()}
    same = whole.table.eq(found.table) | (whole.table.isna() & found.table.isna())
    return names | set(same.columns[~same.all()]) - {"seconds", "images_per_second"}


def test_a_run_stopped_within_an_epoch_is_resumed_to_the_same_bits(stopped, tmp_path):
    assert resumed(stopped, tmp_path) == set()


def test_davda54_34_39_73_the_state_of_the_base_optimizer_is_kept(stopped, tmp_path):
    """Their loss jumps on resuming: the momentum was not in what they saved."""
    assert {"w", "inner", "loss", "test_loss"} <= resumed(stopped, tmp_path, ["model.inner"])


def test_unifiedsam_the_number_of_steps_is_kept_and_lam_does_not_begin_again(stopped, tmp_path):
    """There `number_steps` is not in the saved state, so that 1 - 1/t begins again."""
    assert {"w", "ahead_loss"} <= resumed(stopped, tmp_path, ["step"])


@pytest.mark.parametrize("part, first", [("model.stats", "test_loss"), ("key", "loss"), ("seen", "loss")])
def test_running_statistics_keys_and_sums_of_the_epoch_are_kept(stopped, tmp_path, part, first):
    assert first in resumed(stopped, tmp_path, [part])


def test_a_schedule_of_the_radius_advances_with_the_steps_of_the_run():
    """optax.contrib.sam counts the steps of its ascents anew every period, so theirs never advance."""
    of = settings.from_texts(TINY | {"rho": "1/t:0.5", "epochs": "1"})
    numbers = settings.values(of.runs()[0], of.segments()[0])
    assert [float(loop.scheduled(numbers, t, 6).rho) for t in (1, 2, 5)] == pytest.approx([0.5, 0.25, 0.1])


if __name__ == "__main__":
    sys.exit(main())
