"""make verdict in a copy of the checkout with a false statement: it fails every time, the checks run once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

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
formula = '3 \\le 2'
place = "nowhere"
kind = "inequality"
evidence = "exact"
source = "own"
status = "checked"
"""


@pytest.fixture
def checkout(tmp_path):
    """Every file of the checkout that git does not ignore, with its time of modification."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if name and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder, *arguments):
    """make as on a command line of its own, with the Python of this test: nothing is installed."""
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")  # of a make that runs this test
    inherited = {name: value for name, value in os.environ.items() if name not in outer}
    command = ["make", f"PYTHON={sys.executable}", "ENVIRONMENT=", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=inherited, check=False)


def test_a_planted_failure_fails_the_verdict_every_time(checkout):
    (checkout / "paper_checks" / "own" / "planted.py").write_text(CHECK)
    with open(checkout / "paper_checks" / "statements.toml", "a", encoding="utf-8") as file:
        file.write(ROW)
    ledger = checkout / "paper_checks" / "ledger-own.planted.json"

    first = make(checkout, "verdict", "STATEMENTS=own/planted")
    assert first.returncode != 0, first.stdout
    assert "FAILED own/planted [one]: measured 3.0, bound 2.0" in first.stdout, first.stderr
    (found,) = json.loads(ledger.read_text())
    assert found["statement"] == "planted" and found["holds"] is False and found["caught"] is True
    written = ledger.stat().st_mtime_ns

    second = make(checkout, "verdict", "STATEMENTS=own/planted")
    assert second.returncode != 0 and "FAILED own/planted" in second.stdout
    assert "[ledger]" in first.stdout and "[ledger]" not in second.stdout
    assert ledger.stat().st_mtime_ns == written
    assert not (checkout / ".venv").exists() and not (checkout / "experiments" / "results").exists()
