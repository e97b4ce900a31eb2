"""environment.yml, constraints.txt and setup/requirements.py say what pyproject.toml says."""

import copy
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
NOT_IN_CONDA = {"cuda"}


def ranges(lines):
    """Canonical name -> specifier; a name said twice must be said alike."""
    out = {}
    for requirement in map(Requirement, lines):
        name = canonicalize_name(requirement.name)
        assert out.setdefault(name, requirement.specifier) == requirement.specifier, name
    return out


def from_pyproject(project):
    extras = project["optional-dependencies"]
    lines = [line for name in extras if name not in NOT_IN_CONDA for line in extras[name]]
    return ranges([*project["dependencies"], *lines, f"python{project['requires-python']}"])


def from_conda(conda):
    lines = [line for line in conda["dependencies"] if isinstance(line, str) and line != "pip"]
    by_pip = [line for entry in conda["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]
    return ranges(lines + by_pip)


def requirements(*names):
    command = [sys.executable, ROOT / "setup" / "requirements.py", *names]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_conda_and_pyproject_ask_for_the_same():
    assert from_conda(CONDA) == from_pyproject(PROJECT)


def test_a_planted_difference_is_found():
    planted = [
        ("numpy>=2.0", "numpy>=2.3"),
        ("python>=3.11", "python>=3.12"),
        ("optax>=0.2.5", "optax"),
        ("sympy>=1.13", "mpmath>=1.3"),
    ]
    for said, instead in planted:
        conda = copy.deepcopy(CONDA)
        conda["dependencies"][conda["dependencies"].index(said)] = instead
        assert from_conda(conda) != from_pyproject(PROJECT), instead
    conda = copy.deepcopy(CONDA)
    conda["dependencies"][-1]["pip"].pop()
    assert from_conda(conda) != from_pyproject(PROJECT)


def test_pip_is_given_the_core_and_the_extras_named():
    assert requirements().stdout.splitlines() == PROJECT["dependencies"]
    both = requirements("nets", "docs")
    assert both.returncode == 0
    assert both.stdout.splitlines() == PROJECT["dependencies"] + EXTRAS["nets"] + EXTRAS["docs"]


def test_an_unknown_extra_is_refused_in_one_sentence():
    refused = requirements("nets", "netz")
    assert refused.returncode == 2 and refused.stdout == ""
    assert refused.stderr.count("\n") == 1
    assert "netz" in refused.stderr and all(name in refused.stderr for name in EXTRAS)


def test_the_environments_hold_every_extra_that_conda_does():
    setup = re.search(r"setup/venv\.sh \.venv (.+)", (ROOT / "Makefile").read_text())[1].split()
    assert sorted(setup) == sorted(EXTRAS.keys() - NOT_IN_CONDA)


def test_constraints_hold_no_address():
    assert not re.search(r"https?:|file:|@|--", CONSTRAINTS)


def test_constraints_pin_every_package_named_within_its_range():
    pins = {}
    for requirement in map(Requirement, CONSTRAINTS.splitlines()):
        (pin,) = requirement.specifier
        assert pin.operator == "==", requirement
        pins.setdefault(canonicalize_name(requirement.name), []).append(pin.version)
    named = ranges([*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)])
    for name, specifier in named.items():
        assert name in pins, name
        assert all(specifier.contains(version) for version in pins[name]), name
