"""Double precision, no silent rank promotion, figures without a screen."""

import json
import os
from pathlib import Path

import jax
import pytest

from paper_checks import compilation

compilation.quickly()
os.environ["MPLBACKEND"] = "Agg"  # read when matplotlib is first imported, which is later
jax.config.update("jax_enable_x64", True)  # single precision hides rates
jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def quick(tmp_path_factory):
    """Every experiment of the core in seconds: the folder of their tables, made once."""
    from test_experiments import CORE

    from experiments import record

    folder = tmp_path_factory.mktemp("quick")
    for name in CORE:
        assert record.execute(name, {}, quick=True, out=folder) == folder / f"{name}.json"
    return folder


# make mutants

if os.environ.get("MUTANT_UNDER_TEST") == "stats":  # mutmut asks which test calls which function

    @pytest.fixture(autouse=True)
    def nothing_compiled():
        """A function compiled in an earlier test would be called in that one alone."""
        jax.clear_caches()


elif os.environ.get("MUTANT_UNDER_TEST"):

    def pytest_collection_modifyitems(items):
        """The quickest test first: one that fails ends the run."""
        seconds = json.loads(Path("mutmut-stats.json").read_text())["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0))
