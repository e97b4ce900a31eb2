"""Trains a net by the rule of theory/update.py: python -m experiments.deep.train --net NAME --data WHERE ...

Several values of a flag, with commas, make a grid of runs. The folder --out holds checkpoint.npz, a row per
epoch in epochs.csv, and result.json at the end; --resume goes on from there, and the flags need not be given
again. Epochs and steps count from 1.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

import jax

from experiments.deep import folder, report
from experiments.deep import settings as flags
from experiments.deep.grid import Diverged, Limits, Outcome, trained
from experiments.deep.settings import Settings, Switch
from experiments.record import HERE, RESULTS, Refused

__all__ = ["Diverged", "Limits", "Outcome", "Settings", "Switch", "main", "trained"]

EXAMPLES = """examples:
  --net convnet --rho 0.05,0.1,0.2 --seeds 0-4    SAM of three radii, five runs of each, compiled once
  --net convnet --ascents 0                       gradient descent
  --group 16                                      m-SAM: 16 examples ascend together
  --adaptive elementwise --cover weights --rho 0.5
  --net preactresnet18 --data FOLDER --crop 4 --flip --batch 128 --decay 5e-4 --checkpoint-every 100
  --resume --out DIR                              go on after a kill, with the flags of the checkpoint
"""

MEANINGS = {
    "chunk": "most steps of a scan (default: an epoch on a GPU, about 20 s on a CPU)",
    "checkpoint_every": "steps between checkpoints (default: an epoch)",
    "budget": "stop in good time before so many minutes are over; --resume goes on",
}


def parser():
    out = argparse.ArgumentParser(
        prog="python -m experiments.deep.train",
        usage="%(prog)s [--FLAG VALUE ...] [--out DIR] [--resume]",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.add_flags(out)
    group = out.add_argument_group("the run itself; none of these changes a number")
    for name, text in MEANINGS.items():
        group.add_argument(*dict.fromkeys((flags.flag(name), f"--{name}")), metavar="VALUE", help=text)
    group.add_argument("--keep-diverged", action="store_true", help="go on where a loss is not finite")
    group.add_argument("--out", metavar="DIR", help="folder of the run (default: results/deep/NET-DATA)")
    group.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    group.add_argument("--overwrite", action="store_true", help="give up the run that is in --out")
    group.add_argument("--plain", action="store_true", help="lines in place of a bar, at a terminal too")
    group.add_argument("--debug", action="store_true", help="show where a failure happened")
    return out


def main(arguments=None):
    chosen = parser().parse_args(arguments)
    try:
        return execute(chosen)
    except Diverged as diverged:
        print(f"train: {diverged}", file=sys.stderr)
        return 1
    except (Refused, ValueError, TypeError) as refused:
        if chosen.debug:
            raise
        print(f"train: {refused}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train: interrupted; go on from the last checkpoint with --resume", file=sys.stderr)
        return 130


def execute(chosen):
    keep_programs()
    given = {name: each for name in flags.FLAGS if (each := getattr(chosen, name)) is not None}
    if "switch" in given:
        given["switch"] = " ".join(given["switch"])
    out, settings = folder_and_settings(chosen, given)
    limits = Limits(
        chunk=flags.parsed(chosen.chunk or "none", int | None, "chunk"),
        checkpoint_every=flags.parsed(chosen.checkpoint_every or "none", int | None, "checkpoint_every"),
        budget=flags.parsed(chosen.budget or "none", float | None, "budget"),
        keep_diverged=chosen.keep_diverged,
    )
    say = report.Lines(sys.stdout) if chosen.plain else report.fitting(sys.stdout)
    with say:
        found = trained(
            settings,
            out,
            limits=limits,
            resume=chosen.resume,
            overwrite=chosen.overwrite,
            say=say,
            stopping=asked_by_signal(),
        )
    for each in found.results:
        print(sentence(each))
    if found.stopped:
        print(f"{found.stopped}: go on with python -m experiments.deep.train --resume --out {shown(out)}")
    return 0


def folder_and_settings(chosen, given):
    """Where a run is and what it is: with --resume what the checkpoint says, and the flags must agree."""
    settings = flags.from_texts(given)
    out = Path(chosen.out) if chosen.out else RESULTS / "deep" / f"{settings.net}-{Path(settings.data).name}"
    if chosen.resume:
        settings = flags.from_texts(folder.configuration(out) | given)
    return out, settings


def keep_programs():
    """What is compiled is kept for the next process, here as with make."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(HERE.parent / ".cache" / "jax"))


def asked_by_signal():
    """Whether the system has asked to end (SIGTERM): a queue does so before it kills."""
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append("asked to end"))
    return lambda: asked[0] if asked else None


def sentence(result):
    end = f"  diverged at step {result['diverged']}" if result["diverged"] else ""
    return (
        f"run {result['run']}: test accuracy {result['last_test_accuracy']:.4f} at the last step, best "
        f"{result['best_test_accuracy']:.4f} after epoch {result['best_epoch']} (chosen on the test set: "
        f"optimistic){end}"
    )


def shown(path):
    return os.path.relpath(path) if Path(path).resolve().is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())
