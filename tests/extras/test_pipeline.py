"""The pipeline with two tiny experiments: what is made again, what a failure leaves, a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

EXPERIMENT = '''"""Tiny."""

import time

import pandas as pd

SECONDS = 1
QUICK = {}


def run(seed=0, wait=0.0):
    time.sleep(wait)
    return pd.DataFrame({"x": [1.0, 2.0]})
'''

FIGURE = '''"""Tiny."""

import matplotlib.pyplot as plt


def draw(table):
    figure, axis = plt.subplots()
    axis.plot(table.x)
    return figure
'''

CHECK = """
def cases():
    return {"one": 3.0}


def hypotheses(case):
    return {}


def measured(case):
    return case


def bound(case):
    return 2.0


def controls(case):
    return {"more": case + 1}
"""

ROW = """
[own.planted]
title = "3 is at most 2"
says = "a statement that is false"
formula = '3 \\\\le 2'
place = "nowhere"
kind = "inequality"
evidence = "exact"
source = "own"
status = "checked"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of all that git does not ignore: experiments and figures are `first` and `second`, one check."""
    folder = tmp_path_factory.mktemp("checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for room, kept in (("experiments", ("record.py", "data.py")), ("figures", ("style.py",))):
        for path in (folder / room).glob("[!_]*.py"):
            if path.name not in kept:
                path.unlink()
    for name in ("first", "second"):
        (folder / "experiments" / f"{name}.py").write_text(EXPERIMENT)
        (folder / "figures" / f"{name}.py").write_text(FIGURE)
    (folder / "paper_checks" / "own" / "planted.py").write_text(CHECK)
    (folder / "paper_checks" / "statements.toml").write_text(ROW + "\n[alias]\n")
    return folder


def started(folder, command):
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")  # of a make that runs this test
    inherited = {name: value for name, value in os.environ.items() if name not in outer}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, text=True, env=inherited, start_new_session=True, **pipes)


def make(folder, *arguments):
    """make as on a command line of its own, with the Python of this test: status and what it said."""
    process = started(folder, ["make", f"PYTHON={sys.executable}", "ENVIRONMENT=", *arguments])
    said = process.communicate(timeout=120)[0]
    return process.returncode, said


def results(folder):
    return folder / "experiments" / "results"


@pytest.fixture(scope="module")
def drawn(checkout):
    """Both figures, made once."""
    status, said = make(checkout, "figures")
    assert status == 0, said
    return checkout


def test_a_second_run_makes_nothing(drawn):
    status, said = make(drawn, "figures")
    assert status == 0 and "Nothing to be done" in said and "Job" not in said, said


def test_a_change_in_one_experiment_remakes_its_table_and_figure_alone(drawn):
    before = {path: path.stat().st_mtime_ns for path in drawn.glob("*/out/*.svg")}
    with open(drawn / "experiments" / "first.py", "a") as file:
        file.write("\n# a remark\n")
    status, said = make(drawn, "figures")
    assert status == 0 and "[experiment] first" in said and "[figure] first" in said, said
    assert "[experiment] second" not in said and "[figure] second" not in said
    after = {path.stem for path, then in before.items() if path.stat().st_mtime_ns > then}
    assert len(before) == 2 and after == {"first"}


def test_a_failing_step_shows_its_log_and_leaves_nothing_and_the_others_go_on(drawn):
    broken = (
        "    open('experiments/results/second.csv', 'w').write('x')\n    raise ValueError('a planted end')\n"
    )
    (drawn / "experiments" / "first.py").write_text(EXPERIMENT + "# another\n")
    (drawn / "experiments" / "second.py").write_text(EXPERIMENT.replace("    time.sleep(wait)\n", broken))
    status, said = make(drawn, "figures")
    assert status != 0 and "a planted end" in said and "Error in rule experiment" in said, said
    assert not list(results(drawn).glob("second*")) and "1 of 4 steps" in said
    assert "[figure] first" in said and (results(drawn) / "first.json").is_file()
    (drawn / "experiments" / "second.py").write_text(EXPERIMENT)
    status, said = make(drawn, "figures")
    assert status == 0 and "[experiment] second" in said and "[experiment] first" not in said, said


def test_a_killed_run_goes_on_where_it_stopped_and_two_at_once_are_refused(drawn):
    slow = EXPERIMENT.replace("wait=0.0", "wait=30.0")
    (drawn / "experiments" / "second.py").write_text(slow)
    (drawn / "experiments" / "first.py").write_text(EXPERIMENT + "# once more\n")
    process = started(drawn, ["make", f"PYTHON={sys.executable}", "ENVIRONMENT=", "figures", "JOBS=2"])
    first = drawn / "figures" / "out" / "first.svg"
    begun = time.time()
    while not (first.is_file() and first.stat().st_mtime > begun):
        assert time.time() < begun + 60
        time.sleep(0.1)
    status, said = make(drawn, "figures")
    assert status == 2 and "is at work in this folder" in said and said.count("\n") <= 2, said
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (drawn / "experiments" / "second.py").write_text(EXPERIMENT + "# quick again\n")
    status, said = make(drawn, "figures")
    assert status == 0 and "[experiment] second" in said and "[experiment] first" not in said, said


def test_a_failing_check_is_written_and_fails_the_verdict_every_time(checkout):
    ledger = checkout / "paper_checks" / "ledger-own.json"
    first = make(checkout, "verdict", "LEDGER=paper_checks/ledger-own.json")
    assert first[0] != 0 and "FAILED own/planted [one]: measured 3.0, bound 2.0" in first[1], first[1]
    (found,) = [each for each in json.loads(ledger.read_text()) if each["statement"] == "planted"]
    assert found["holds"] is False and found["caught"] is True
    written = ledger.stat().st_mtime_ns
    second = make(checkout, "verdict", "LEDGER=paper_checks/ledger-own.json")
    assert second[0] != 0 and "FAILED own/planted" in second[1]
    assert "[checks] own" in first[1] and "[checks] own" not in second[1]
    assert ledger.stat().st_mtime_ns == written and not (checkout / ".venv").exists()
