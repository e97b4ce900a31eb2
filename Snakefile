# experiment -> table -> figure -> ledger -> site; `make reproduce` runs it, `snakemake -n` says what is to be done.
#
# A step hangs on the sources that its file imports, so a change remakes what can have changed and no more. Each
# writes beside and then renames; what a failing or killed step leaves is removed. A failing check fails no
# step: its ledger is written, the site shows it, and the verdict (python -m paper_checks.verdict) is not made here.

import ast
import hashlib
import os
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, f"{workflow.basedir}/setup")
from sources import experiments, sources

PYTHON = sys.executable
# Without byte code every process would compile JAX and pandas anew: 3 s each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What XLA has compiled is kept for the next run, however small and quick it was.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", f"{workflow.basedir}/.cache/jax")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

STATEMENTS = tomllib.loads(Path("paper_checks/statements.toml").read_text(encoding="utf-8"))
PAPERS = [paper for paper in STATEMENTS if paper != "alias"]
EXPERIMENTS = experiments()
FIGURES = sorted({path.stem for path in Path("figures").glob("[!_]*.py")} - {"style"})


def written(path):
    """Whether a file under docs/ is made by the build."""
    return path.parts[1] in ("_build", "statements", "papers") or "__pycache__" in path.parts


def tables(paper):
    """The tables that the statements of a paper read, and the one that stands beside full-batch bounds."""
    beside = {"own_beside"} if paper in ("af22", "ol25") else set()
    return sorted(beside | {row["table"] for row in STATEMENTS[paper].values() if "table" in row})


def minutes(path):
    """What a scheduler is asked for: ten times the core-seconds that an experiment declares, at least 10 minutes."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    values = [each.value for each in tree.body if isinstance(each, ast.Assign) and names(each) == ["SECONDS"]]
    return max(10, ast.literal_eval(values[0]) // 6) if values else 60


def names(assignment):
    return [getattr(target, "id", None) for target in assignment.targets]


wildcard_constraints:
    name="[a-z0-9_]+",
    paper="[a-z0-9]+",


localrules:
    all,
    ledger,


rule all:
    input:
        expand("experiments/results/{name}.json", name=EXPERIMENTS),
        "docs/_build/html/index.html",
    message:
        "[all]"


rule experiment:
    input:
        lambda found: sources("experiments/__main__.py", EXPERIMENTS[found.name]),
    output:
        "experiments/results/{name}.csv",
        "experiments/results/{name}.json",
    log:
        "logs/experiment-{name}.log",
    resources:
        runtime=lambda found: minutes(EXPERIMENTS[found.name]),
    message:
        "[experiment] {wildcards.name}"
    shell:
        "{PYTHON} -m experiments {wildcards.name} 2>&1 | tee {log}"


rule figure:
    input:
        "experiments/results/{name}.csv",
        "experiments/results/{name}.json",
        lambda found: sources("figures/__main__.py", f"figures/{found.name}.py"),
    output:
        "figures/out/{name}.png",
        "figures/out/{name}.svg",
    log:
        "logs/figure-{name}.log",
    message:
        "[figure] {wildcards.name}"
    shell:
        "{PYTHON} -m figures {wildcards.name} > {log} 2>&1"


# Status 1 is a failing check: the ledger is there and says so.
rule checks:
    input:
        lambda found: sources("paper_checks/__main__.py", *map(str, Path("paper_checks", found.paper).glob("*.py"))),
        lambda found: [str(path) for path in Path("paper_checks", found.paper).glob("*.json")],
        lambda found: expand("experiments/results/{name}.{kind}", name=tables(found.paper), kind=("csv", "json")),
        lambda found: map(str, Path("paper_checks", found.paper).glob("*.toml")),
    output:
        "paper_checks/ledger-{paper}.json",
    log:
        "logs/checks-{paper}.log",
    params:
        rows=lambda found: hashlib.sha256(repr(STATEMENTS[found.paper]).encode()).hexdigest(),
    message:
        "[checks] {wildcards.paper}"
    shell:
        ": > {log}; {PYTHON} -m paper_checks {wildcards.paper} --json {output} 2>&1 >> {log} | tee -a {log}"
        " || [ ${{PIPESTATUS[0]}} -eq 1 ]"


rule ledger:
    input:
        expand("paper_checks/ledger-{paper}.json", paper=PAPERS),
    output:
        "paper_checks/ledger.json",
    message:
        "[ledger]"
    shell:
        "{PYTHON} -m paper_checks.verdict {input} --json {output} > /dev/null || [ $? -eq 1 ]"


rule site:
    input:
        "paper_checks/ledger.json",
        "paper_checks/statements.toml",
        expand("figures/out/{name}.{kind}", name=FIGURES, kind=("png", "svg")),
        [str(path) for path in Path("docs").rglob("*") if path.is_file() and not written(path)],
        sources("docs/pages.py", *map(str, Path("paper_checks").rglob("*.py"))),
        list(EXPERIMENTS.values()),
    output:
        "docs/_build/html/index.html",
    log:
        "logs/site.log",
    message:
        "[site]"
    shell:
        "rm -rf docs/_build/new && {PYTHON} -m sphinx -q -W --keep-going -d docs/_build/doctrees docs docs/_build/new"
        " > {log} 2>&1 && rm -rf docs/_build/html && mv docs/_build/new docs/_build/html"
