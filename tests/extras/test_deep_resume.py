"""A run that is killed, or stopped, and resumed ends on the bits of one that was not.

python tests/extras/test_deep_resume.py --kills 20 kills one run so often (-9), half of the times between
write and rename, resumes it each time, and compares it with an undisturbed run; the test here does it 4 times.
Every session is a process of its own, forked from one that has imported all and computed nothing.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
KINDS = ("before rename", "half written", "before rename", "after rename", "before rename", "computing")
# two runs of 4 epochs of 10 steps; everything that a checkpoint must keep is in use
FLAGS = {
    "net": "mlp",
    "norm": "batch",
    "bn": "both",
    "data": "teacher:160,4,4,1,3",
    "batch": "16",
    "epochs": "4",
    "rho": "0.05,0.1",
    "lam": "1-1/t",
    "crop": "1",
    "flip": "true",
    "optimizer": "adam",
    "gamma": "cosine:0.01",
    "switch": "3:rho=0.02",
}


def typed(flags):
    return [part for name, text in flags.items() for part in (f"--{name}", text)]


# The sessions, each in a process of its own


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(kind):
    """Let this process kill itself: at the second save from now, or somewhere in a scan."""
    from experiments.deep import checkpoint, loop

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
    from experiments.deep import train

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
    names |= {name for name in tables[0] if tables[0][name] != tables[1][name]} - {"seconds", "images_per_second"}
    return sorted(names)


def columns(path):
    head, *rows = (line.split(",") for line in path.read_text().splitlines())
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    sys.path.insert(0, str(ROOT))
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{folder}/cache")
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        found = killed_and_not(flags.kills, Path(folder))
    print(json.dumps(found))
    return 1 if found["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
