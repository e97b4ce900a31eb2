"""Who imports whom, read from the sources: the rooms, their libraries, and the purity of theory."""

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
STANDARD = set(sys.stdlib_module_names)
NUMERIC = {"numpy", "scipy", "jax"}
FEW = {"dataclasses", "fractions", "functools", "itertools", "math", "typing"}
ROOMS = {
    "theory": NUMERIC | FEW | {"theory"},
    "paper_checks": NUMERIC | STANDARD | {"pandas", "theory", "paper_checks"},
    "experiments": NUMERIC | STANDARD | {"pandas", "rich", "theory", "experiments"},
    "figures": STANDARD | {"numpy", "pandas", "matplotlib", "figures"},
}
NETS = {"equinox", "optax", "sklearn"}
CERTIFICATES = {"PEPit", "cvxpy", "clarabel", "scs", "flint", "sympy"}
PROGRAMS = {Path(f"experiments/own_{name}.py") for name in ("beside", "search")}  # semidefinite ones
TORCH = Path("experiments/deep/torch_loop.py")  # run by a Python that has PyTorch, beside ours
HEAVY = {"symbolic", "rigorous", "worst case"}  # evidence that may use them
IMPURE = {"open", "print", "input", "eval", "exec", "__import__"}


def imported(source, room):
    """Top names of all imports, wherever they stand."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(room if node.level else node.module.split(".")[0])
    return names


def allowed(path):
    """What the file `path`, relative to the root, may import."""
    room, *_, file = path.parts
    extra = set()
    if path == TORCH:
        extra = {"torch"}
    elif path.parts[:2] == ("experiments", "deep"):
        extra = NETS
    elif path == Path("experiments/data.py"):
        extra = {"sklearn"}
    elif path in PROGRAMS:
        extra = CERTIFICATES
    elif path == Path("paper_checks/algebra.py"):
        extra = {"flint"}
    elif room == "paper_checks":
        papers = tomllib.loads((ROOT / "paper_checks" / "statements.toml").read_text(encoding="utf-8"))
        rows = papers.get(path.parts[1], {})
        deciding = [row for slug, row in rows.items() if row.get("file", slug) == file.removesuffix(".py")]
        extra = CERTIFICATES if any(row["evidence"] in HEAVY for row in deciding) else set()
    return ROOMS[room] | extra


def impure(source):
    """Names that read, write or run, and settings of jax."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)} & IMPURE
    texts = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    froms = {
        f"{node.module}.{each.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
    return names | ({"jax.config"} & (texts | froms))


def files(room):
    return sorted(path.relative_to(ROOT) for path in (ROOT / room).rglob("*.py"))


def test_every_file_imports_only_what_its_room_may():
    for room in ROOMS:
        assert len(files(room)) > 3
        for path in files(room):
            assert imported((ROOT / path).read_text(encoding="utf-8"), room) <= allowed(path), path


def test_a_planted_wrong_import_is_found():
    planted = {
        "theory/a.py": "import numpy as np\ndef late():\n    import json",
        "theory/problems/a.py": "from experiments.record import Refused",
        "paper_checks/ol25/theorem_3_2.py": "import cvxpy.atoms",
        "experiments/a.py": "if True:\n    from sklearn import datasets",
        "experiments/data.py": "from paper_checks.ledger import Verdict",
        "figures/a.py": "import theory.update as rule",
    }
    for path, source in planted.items():
        assert len(imported(source, path.split("/")[0]) - allowed(Path(path))) == 1, path
    assert imported("from . import ledger\nfrom .ol25 import limit_cycle", "paper_checks") == {"paper_checks"}
    assert imported("import numpy, scipy.linalg\nfrom jax import numpy", "theory") == NUMERIC
    assert "sklearn" in allowed(Path("experiments/data.py")) and "optax" in allowed(
        Path("experiments/deep/train.py")
    )


def test_theory_reads_writes_prints_and_sets_nothing():
    for path in files("theory"):
        assert impure((ROOT / path).read_text(encoding="utf-8")) == set(), path
    assert impure("def f():\n    with open('x') as g: print(g)") == {"open", "print"}
    assert impure("import jax\njax.config.update('jax_enable_x64', True)") == {"jax.config"}
    assert impure("from jax import config") == {"jax.config"}


def test_every_folder_with_code_is_a_package():
    for room in ROOMS:
        folders = {path.parent for path in files(room)}
        folders |= {parent for folder in folders for parent in folder.parents if parent != Path(".")}
        assert [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()] == []


def test_nothing_imports_the_documentation():
    for room in [*ROOMS, "tests", "benchmarks"]:
        for path in files(room):
            assert "docs" not in imported((ROOT / path).read_text(encoding="utf-8"), room), path
