"""What the pipeline is made of: the experiments, and what a file imports, directly or through others."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("theory", "paper_checks", "experiments", "figures", "benchmarks")


def experiments():
    """The file of every experiment by its name, as experiments/record.py finds them."""
    room = ROOT / "experiments"
    found = {path.stem: path for path in room.glob("[!_]*.py") if path.stem not in ("record", "data")}
    deep = (path for path in room.glob("deep/[!_]*.py") if "\nSECONDS = " in path.read_text(encoding="utf-8"))
    found |= {path.stem: path for path in deep}
    return {name: str(path.relative_to(ROOT)) for name, path in sorted(found.items())}


def sources(*paths):
    """`paths`, relative to the root, and all that they import, sorted."""
    found, ahead = set(), list(map(str, paths))
    while ahead:
        path = ahead.pop()
        if path not in found:
            found.add(path)
            ahead += imports(path)
    return sorted(found)


@cache
def imports(path):
    """The files of our rooms named by the import statements of one file, wherever they stand in it."""
    out = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for each in node.names:
                out |= files(each.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for each in node.names:
                out |= files(f"{node.module}.{each.name}")
    return sorted(out)


def files(name):
    """theory.bounds.ol25.claim -> the three files that Python runs for it; nothing for a library."""
    parts = name.split(".")
    if parts[0] not in ROOMS:
        return set()
    out = set()
    for end in range(1, len(parts) + 1):
        stem = Path(*parts[:end])
        out |= {
            str(path) for path in (stem / "__init__.py", stem.with_suffix(".py")) if (ROOT / path).is_file()
        }
    return out
