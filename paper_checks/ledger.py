"""Runs checks and keeps their verdicts.

A check is a module with
    cases()             name -> case, the instances on which the statement is tried
    hypotheses(case)    name -> bool, what the statement assumes
    measured(case)      its left side
    bound(case)         its right side; 0 for an identity
    tolerance(case)     rounding, or derived (default: 1e-9 of the bound)
    controls(case)      name -> a falsified case, or a function of a factor > 1 making one; each must break
    COMPILED = True     where the sides may be traced: cases of one shape are then judged together

A case named "slug: ..." belongs to the row `slug` of statements.toml that names this file, all others to the
file's own row. Of a table's verdicts those named "slug: ..." belong to that row, all others to every row that
reads the table.
"""

import difflib
import importlib
import json
import os
import time
import tomllib
import traceback
from collections.abc import Callable
from functools import partial
from math import isfinite, nan, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd

from paper_checks.compilation import thoroughly

HERE = Path(__file__).parent
TABLES = HERE.parent / "experiments" / "results"
BESIDE = "own_beside"  # the table with the worst case of the class that a full-batch bound speaks of
BATCH = 64  # cases judged in one compiled call, where the module names no number of its own
FIRST_FACTOR, LARGEST_FACTOR = 1.01, 1e8
NEEDS_CHECK = ("checked", "partly", "refuted")


Record = dict[str, Any]


class Verdict(NamedTuple):
    measured: float
    bound: float
    tolerance: float

    @property
    def sound(self) -> bool:
        return all(map(isfinite, self)) and self.tolerance > 0

    @property
    def holds(self) -> bool:
        return self.sound and self.measured <= self.bound + self.tolerance

    @property
    def broken(self) -> bool:  # not the negation of `holds`: NaN and infinity are neither
        return self.sound and self.measured > self.bound + self.tolerance

    @property
    def slack(self) -> float | None:
        """Bound over measured; None for identities and where nothing was measured."""
        return self.bound / self.measured if self.bound and self.measured else None


class Row(NamedTuple):
    """A statement: its key, its fields in statements.toml, the module or table that decides it."""

    paper: str
    key: str
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.paper}/{self.key}"

    @property
    def module(self) -> str:
        return f"paper_checks.{self.paper}.{self.fields.get('file', self.key)}"

    @property
    def checked(self) -> bool:
        return self.fields["status"] in NEEDS_CHECK


class UnknownStatement(ValueError):
    pass


def rounding(*terms: Any) -> float:
    """64 roundings of the largest term in double precision."""
    return 64 * 2.0**-52 * max(float(np.max(np.abs(x))) for x in terms)


def statements(path: Path = HERE / "statements.toml") -> tuple[list[Row], dict[str, str]]:
    """All rows in the order of the file, and the aliases."""
    with open(path, "rb") as file:
        papers = tomllib.load(file)
    aliases = papers.pop("alias", {})
    return [
        Row(paper, key, fields) for paper, rows in papers.items() for key, fields in rows.items()
    ], aliases


def chosen(rows: list[Row], aliases: dict[str, str], names: list[str]) -> list[Row]:
    """The rows that `names` speak of: a paper, a statement, or an alias of one."""
    if not names:
        return rows
    wanted = {aliases.get(name, name) for name in names}
    known = {row.name for row in rows} | {row.paper for row in rows}
    for name in wanted - known:
        close = difflib.get_close_matches(name, known | set(aliases), 3, 0.4)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UnknownStatement(
            f"no statement named {name!r}{hint} (python -m paper_checks --list names them all)"
        )
    return [row for row in rows if row.name in wanted or row.paper in wanted]


# Judging


def judge(module: Any, cases: list[Any]) -> list[Verdict]:
    """A verdict for each case; together, in compiled batches of one shape, where the module allows it."""
    if not getattr(module, "COMPILED", False):
        return [Verdict(*map(float, sides(module, case))) for case in cases]
    verdicts: list[Any] = [None] * len(cases)
    shapes: dict[Any, list[int]] = {}
    for place, case in enumerate(cases):
        leaves, tree = jax.tree.flatten(case)
        shapes.setdefault((tree, tuple(np.shape(x) for x in leaves)), []).append(place)
    size = getattr(module, "BATCH", BATCH)
    for places in shapes.values():
        for first in range(0, len(places), size):
            batch = places[first : first + size]
            padded = batch + batch[:1] * (size - len(batch))  # one shape, one compilation
            stacked = jax.tree.map(lambda *x: np.stack(x), *(cases[i] for i in padded))
            for place, *numbers in zip(batch, *map(np.asarray, compiled(module)(stacked)), strict=False):
                verdicts[place] = Verdict(*map(float, numbers))
    return verdicts


def sides(module: Any, case: Any) -> tuple[Any, Any, Any]:
    measured, bound = module.measured(case), module.bound(case)
    tolerance = module.tolerance(case) if hasattr(module, "tolerance") else 1e-9 * abs(bound)
    return measured, bound, tolerance


programs: dict[str, Any] = {}


def compiled(module: Any) -> Any:
    """One program for a module: jit keeps those of its shapes."""
    if module.__name__ not in programs:
        programs[module.__name__] = thoroughly(jax.vmap(partial(sides, module)))
    return programs[module.__name__]


class Search:
    """For the smallest factor from 1.01 to 1e8 that is caught: by squaring, then bisection of logarithms."""

    def __init__(self, make: Callable[[float], Any]) -> None:
        self.make, self.held = make, 1.0
        self.factor: float | None = FIRST_FACTOR  # to be tried next; None when done
        self.caught: tuple[Verdict, float] | None = None
        self.last = Verdict(nan, nan, nan)
        self.beyond: float | None = None  # the smallest factor seen at which nothing is sound

    def learn(self, tried: float, verdict: Verdict) -> None:
        self.last = verdict
        if verdict.broken:
            self.caught = (verdict, tried)
        elif verdict.sound:
            self.held = tried
        else:
            self.beyond = tried
        top = min((x for x in (self.caught and self.caught[1], self.beyond) if x), default=None)
        if top is None:
            following = min(tried**2, LARGEST_FACTOR)
            self.factor = following if following > tried else None
        elif top <= FIRST_FACTOR or top / self.held < 1.05:
            self.factor = None
        else:
            self.factor = sqrt(top * self.held)


def run_controls(module: Any, cases: list[Any]) -> list[dict[str, Record]]:
    """For each case: name of control -> its record. Searches advance together, so that batches stay full."""
    records: list[dict[str, Record]] = [{} for _ in cases]
    fixed: list[tuple[int, str, Any]] = []
    searches: list[tuple[int, str, Search]] = []
    for place, case in enumerate(cases):
        for name, control in module.controls(case).items():
            if callable(control):
                searches.append((place, name, Search(control)))
            else:
                fixed.append((place, name, control))
    for (place, name, _), verdict in zip(fixed, judge(module, [case for *_, case in fixed]), strict=True):
        records[place][name] = control_record(verdict, None)
    while going := [(search, search.factor) for *_, search in searches if search.factor]:
        verdicts = judge(module, [search.make(factor) for search, factor in going])
        for (search, factor), verdict in zip(going, verdicts, strict=True):
            search.learn(factor, verdict)
    for place, name, search in searches:
        records[place][name] = control_record(*(search.caught or (search.last, None)))
    return records


def control_record(verdict: Verdict, factor: float | None) -> Record:
    return {"measured": verdict.measured, "bound": verdict.bound, "caught": verdict.broken, "factor": factor}


# Records


def record(row: Row, case: str | None = None, why: str | None = None, **found: Any) -> Record:
    fields = row.fields
    out = {
        "paper": row.paper,
        "statement": row.key,
        **{name: fields.get(name) for name in ("title", "place", "kind", "evidence", "source", "status")},
        "why": why or fields.get("why"),
        "case": case,
        **dict.fromkeys(
            (
                "hypotheses",
                "holds",
                "measured",
                "bound",
                "tolerance",
                "slack",
                "controls",
                "caught",
                "class_worst",
            )
        ),
        "command": f"python -m paper_checks {row.name}",
        "seconds": None,
    }
    return out | found


def decided(
    row: Row,
    case: str,
    hypotheses: Record,
    verdict: Verdict,
    controls: dict[str, Record],
    seconds: float | None,
) -> Record:
    """The record of one case; a hypothesis that is false or NaN does not hold."""
    met = {name: bool(value) and not np.isnan(value) for name, value in hypotheses.items()}  # NaN is not met
    return record(
        row,
        case,
        hypotheses=met,
        holds=verdict.holds and all(met.values()),
        measured=verdict.measured,
        bound=verdict.bound,
        tolerance=verdict.tolerance,
        slack=verdict.slack,
        controls=controls,
        caught=bool(controls) and all(each["caught"] for each in controls.values()),
        seconds=seconds,
    )


def failed(each: Record) -> bool:
    """A record that has a case and does not hold, or whose controls are not all caught."""
    return each["case"] is not None and not (each["holds"] and each["caught"])


def not_run(each: Record) -> bool:
    return each["case"] is None and (each["why"] or "").startswith("not run")


def run(
    rows: list[Row], everything: list[Row], say: Callable[[str], Any] = lambda text: None
) -> list[Record]:
    """The records of `rows`; `everything` is all rows, which tells whose a case is."""
    out: list[Record] = []
    modules: dict[str, list[Row]] = {}
    for row in rows:
        if not row.checked:
            out.append(record(row))
        elif "table" in row.fields:
            out += from_table(row)
        else:
            modules.setdefault(row.module, []).append(row)
    for name, wanted in modules.items():
        owners = {
            row.key: row
            for row in everything
            if row.checked and "table" not in row.fields and row.module == name
        }
        try:
            out += run_module(name, wanted, owners, say)
        except Exception as error:  # noqa: BLE001 - a check that breaks down fails, the others have their say
            traceback.print_exc()
            why = f"the check broke down: {type(error).__name__}: {error}"
            out += [
                record(row, "all", why, hypotheses={}, holds=False, controls={}, caught=False)
                for row in wanted
            ]
    worst = beside()
    for each in out:
        if each["case"] is not None:
            found = worst.get(f"{each['paper']}/{each['statement']}", [])
            each["class_worst"] = class_worst(each["case"], found)
    place = {row.name: k for k, row in enumerate(rows)}
    return sorted(out, key=lambda each: place[f"{each['paper']}/{each['statement']}"])


def run_module(
    name: str, wanted: list[Row], owners: dict[str, Row], say: Callable[[str], Any]
) -> list[Record]:
    """All records of a module's rows."""
    begun = time.perf_counter()
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] in ("paper_checks", "theory"):
            raise
        return [record(row, why=f"not run: needs {missing.name}") for row in wanted]
    keys = {row.key for row in wanted}
    named = {}
    for case_name, case in module.cases().items():
        slug, _, rest = case_name.partition(": ")
        owner = slug if rest and slug.isidentifier() else name.rsplit(".", 1)[1]
        if owner not in owners:
            raise ValueError(
                f"{name} has the case {case_name!r} of no row: statements.toml gives it {list(owners)}"
            )
        if owner in keys:
            named[case_name] = (owners[owner], rest if owner == slug else case_name, case)
    cases = [case for _, _, case in named.values()]
    verdicts, controls = judge(module, cases), run_controls(module, cases)
    seconds = time.perf_counter() - begun
    out = [
        decided(row, label, module.hypotheses(case), verdict, control, seconds)
        for (row, label, case), verdict, control in zip(named.values(), verdicts, controls, strict=True)
    ]
    for row in wanted:
        cases_of = [each for each in out if each["statement"] == row.key]
        if not cases_of:
            raise ValueError(f"{name} has no case for the row {row.name}: name one '{row.key}: ...'")
        say(line(row, cases_of, seconds))
    return out


def line(row: Row, records: list[Record], seconds: float) -> str:
    bad = sum(map(failed, records))
    state = "ok" if not bad else f"{bad} FAILED"
    return f"  {row.name:<34} {len(records):>4} cases  {state:<10} {seconds:6.1f} s"


def from_table(row: Row) -> list[Record]:
    """The verdicts that an experiment wrote beside its table; only a run with all defaults counts."""
    name = row.fields["table"]
    path = TABLES / f"{name}.json"
    if not path.exists():
        return [record(row, why=f"not run: needs the table {name} (make reproduce)")]
    try:
        table = json.loads(path.read_text())
        usable = table["defaults"] is True and len(table["verdicts"]) > 0
    except (ValueError, KeyError, TypeError):
        usable = False
    if not usable:
        why = f"not run: needs the table {name} whole and with all defaults (make reproduce)"
        return [record(row, why=why)]
    out = []
    for name, found in table["verdicts"].items():
        slug, _, rest = name.partition(": ")
        if rest and slug.isidentifier() and slug != row.key:
            continue
        case = rest if slug == row.key else name
        controls = {
            control: control_record(told(each, found), each.get("factor") if isinstance(each, dict) else None)
            for control, each in found.get("controls", {}).items()
        }
        hypotheses = found.get("hypotheses", {})
        out.append(decided(row, case, hypotheses, told(found, {}), controls, table.get("seconds")))
    if not out:
        why = f"the table {row.fields['table']} has no verdict for the row {row.name}"
        return [record(row, "all", why, hypotheses={}, holds=False, controls={}, caught=False)]
    return out


def beside() -> dict[str, list[Record]]:
    """For each statement the rows of the table own_beside; empty without it, or with other arguments."""
    try:
        if json.loads((TABLES / f"{BESIDE}.json").read_text())["defaults"] is not True:
            return {}
        table = pd.read_csv(TABLES / f"{BESIDE}.csv", keep_default_na=False, na_values=["nan"])
        rows = table[table.kind == "bound"].to_dict("records")
        out: dict[str, list[Record]] = {}
        for each in rows:
            out.setdefault(each["statement"], []).append(each)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}
    return out


SHARED = (
    "which",
    "size",
    "bound",
    "low",
    "high",
    "instance",
    "slack_theorem",
    "slack_most",
    "slack_instance",
)


def class_worst(case: str, rows: list[Record]) -> list[Record] | None:
    """The worst of its class beside a case: rows that name it, its end, or every case; None without any."""
    found = [each for each in rows if f", {case}".endswith(f", {each['case']}") or each["case"] == ""]
    return [{name: each[name] for name in SHARED} for each in found] or None


def told(found: Any, claim: Record) -> Verdict:
    """A verdict as JSON has it; a control may give what it measured alone, the rest is the claim's."""
    found = claim | (found if isinstance(found, dict) else {"measured": found})
    bound = number(found.get("bound"))
    return Verdict(number(found.get("measured")), bound, number(found.get("tolerance", 1e-9 * abs(bound))))


def number(value: float | None) -> float:
    """A number as JSON has it: null is NaN."""
    return float("nan") if value is None else float(value)


def write(records: list[Record], path: Path | str) -> None:
    """Strict JSON, null for NaN and infinity; written beside, then renamed."""
    path = Path(path)
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_text(json.dumps(strict(records), indent=1, allow_nan=False) + "\n")
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): strict(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(each) for each in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if isfinite(value) else None
    if isinstance(value, np.bool_):
        return bool(value)
    return value


def summary(records: list[Record]) -> list[str]:
    """A line for each paper."""
    out = []
    for paper in dict.fromkeys(each["paper"] for each in records):
        rows = [each for each in records if each["paper"] == paper]
        cases = [each for each in rows if each["case"] is not None]
        states = {each["statement"]: each["status"] for each in rows}
        counts = {
            state: sum(s == state for s in states.values())
            for state in ("checked", "partly", "refuted", "open", "out of reach")
        }
        controls = [c for each in cases for c in each["controls"].values()]
        parts = [
            ", ".join(f"{count} {state}" for state, count in counts.items() if count),
            f"{sum(bool(each['holds']) for each in cases)} of {len(cases)} cases hold",
            f"{sum(bool(c['caught']) for c in controls)} of {len(controls)} controls caught",
        ]
        if missing := sum(map(not_run, rows)):
            parts.append(f"{missing} not run")
        out.append(f"{paper:<6} " + "; ".join(parts if cases or missing else parts[:1]))
    return out
