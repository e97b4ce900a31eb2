"""Verdicts, the search for factors, records and commands of the ledger, on checks made up for the purpose."""

import json
import sys
from math import inf, nan
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import paper_checks
from paper_checks import __main__ as command
from paper_checks import ledger, verdict
from paper_checks.ledger import Row, Verdict

KEYS = {
    "paper",
    "statement",
    "title",
    "place",
    "kind",
    "evidence",
    "source",
    "status",
    "why",
    "case",
    "hypotheses",
}
KEYS |= {"holds", "measured", "bound", "tolerance", "slack", "controls", "caught", "command", "seconds"}
KEYS |= {"class_worst"}
TABLE = "ol25_certificates"  # what the row ol25/real_data reads


def row(key, status="checked", **fields):
    common = {
        "title": key,
        "says": key,
        "place": "nowhere",
        "kind": "inequality",
        "evidence": "exact",
        "source": "own",
    }
    return Row("fake", key, common | {"status": status} | fields)


def check(cases=None, controls=None, **functions):
    """A check whose cases are (measured, bound); by default one that holds, with a control that is caught."""
    given = {
        "cases": lambda: {"one": (1.0, 2.0)} if cases is None else cases,
        "hypotheses": lambda case: {"given": True},
        "measured": lambda case: case[0],
        "bound": lambda case: case[1],
        "controls": lambda case: {"too large": (case[1] + 1, case[1])} if controls is None else controls,
    }
    return SimpleNamespace(**given | functions)


@pytest.fixture
def planted(monkeypatch):
    """planted(check, row, ...): the rows of statements.toml are these, decided by that check."""

    def plant(module, *rows, aliases=None):
        rows = rows or (row("sharp"),)
        name = rows[0].module
        module.__name__ = name
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(ledger, "statements", lambda: (list(rows), aliases or {}))
        return list(rows)

    return plant


def searched(measured, bound):
    """The record of a control whose left side is `measured` of its factor."""
    module = check(controls={"dial": lambda factor: (measured(factor), bound)})
    return ledger.run_controls(module, [(0.5, bound)])[0]["dial"]


def loaded(path):
    """Strict JSON: NaN and Infinity are no numbers of it."""
    return json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} in {path}"))


# Verdicts


def test_a_verdict_holds_up_to_its_tolerance_and_is_broken_beyond():
    assert Verdict(1.0, 1.0, 0.1).holds and Verdict(1.125, 1.0, 0.125).holds and Verdict(-3.0, 1.0, 0.1).holds
    assert Verdict(1.25, 1.0, 0.125).broken and not Verdict(1.25, 1.0, 0.125).holds
    assert not Verdict(1.0, 1.0, 0.1).broken


def test_nan_infinity_and_a_tolerance_of_zero_neither_hold_nor_are_broken():
    unsound = [(x, 1.0, 0.1) for x in (nan, inf, -inf)] + [(1.0, x, 0.1) for x in (nan, inf, -inf)]
    unsound += [(1.0, 2.0, x) for x in (nan, inf, 0.0, -0.1)] + [(3.0, 2.0, 0.0)]
    for numbers in unsound:
        each = Verdict(*numbers)
        assert not each.sound and not each.holds and not each.broken, numbers


def test_slack_is_bound_over_measured_and_none_for_identities():
    assert Verdict(2.0, 3.0, 0.1).slack == 1.5
    assert Verdict(1e-16, 0.0, 0.1).slack is None and Verdict(0.0, 1.0, 0.1).slack is None


def test_rounding_is_64_roundings_of_the_largest_term():
    assert ledger.rounding(1.0, np.array([-8.0, 2.0])) == 2.0**-43
    assert ledger.rounding(0.25) == 2.0**-48


# Searches


def test_a_control_caught_from_a_factor_on_is_found_within_5_percent():
    for factor in (3.7, 1.015, 812.0, 9e7):
        found = searched(lambda x: x, factor)
        assert found["caught"] and factor < found["factor"] <= 1.05 * factor
        assert found["measured"] == found["factor"] and found["bound"] == factor


def test_a_control_caught_at_once_has_the_first_factor():
    assert searched(lambda x: x, 1.0)["factor"] == 1.01


def test_a_control_that_leaves_the_numbers_is_caught_in_between():
    for lost in (nan, inf):
        found = searched(lambda x, lost=lost: x if x < 5 else lost, 3.7)
        assert found["caught"] and 3.7 < found["factor"] <= 3.7 * 1.05


def test_a_control_that_is_never_broken_is_not_caught():
    for measured in (lambda x: 0.0, lambda x: nan, lambda x: inf, lambda x: 0.0 if x < 2 else nan):
        found = searched(measured, 3.7)
        assert not found["caught"] and found["factor"] is None
    assert not searched(lambda x: x, 1.1e8)["caught"]


def test_a_control_without_a_dial_has_no_factor():
    found = ledger.run_controls(check(), [(1.0, 2.0), (1.0, 5.0)])
    assert [each["too large"] for each in found] == [
        {"measured": bound + 1, "bound": bound, "caught": True, "factor": None} for bound in (2.0, 5.0)
    ]


# Judging


def test_compiled_judging_is_judging_one_by_one():
    """More cases than a batch, of three shapes, in turns; maxima are exact in any order."""
    rng = np.random.default_rng(0)
    cases = [(rng.normal(size=(1, 2, 5)[k % 3]), float(k)) for k in range(3 * ledger.BATCH + 10)]
    functions = {
        "measured": lambda case: jnp.max(case[0]) + case[1],
        "bound": lambda case: case[1],
        "tolerance": lambda case: 1e-9 + 0 * case[1],
    }
    together = ledger.judge(SimpleNamespace(__name__="together", COMPILED=True, **functions), cases)
    assert together == ledger.judge(SimpleNamespace(__name__="alone", **functions), cases)
    small = SimpleNamespace(__name__="small", COMPILED=True, BATCH=2, **functions)
    assert ledger.judge(small, cases[:7]) == together[:7]
    assert together[4].measured == cases[4][0].max() + 4 and together[4].bound == 4


def test_the_default_tolerance_is_a_billionth_of_the_bound():
    assert ledger.judge(check(), [(1.0, -2.0)]) == [Verdict(1.0, -2.0, 2e-9)]


# Records and exit status


def verdict_of(planted, module, tmp_path):
    """Exit status and records of a run of one check."""
    planted(module)
    path = tmp_path / "ledger.json"
    return command.main(["--json", str(path)]), loaded(path)


def test_a_check_that_holds_and_whose_controls_are_caught_passes(planted, tmp_path):
    status, (found,) = verdict_of(planted, check(), tmp_path)
    assert status == 0 and found["holds"] and found["caught"] and found["slack"] == 2
    assert set(found) >= KEYS and found["case"] == "one" and found["hypotheses"] == {"given": True}
    assert found["controls"] == {"too large": {"measured": 3, "bound": 2, "caught": True, "factor": None}}
    assert found["command"] == "python -m paper_checks fake/sharp" and found["seconds"] >= 0


FAILING = {
    "the bound is exceeded": check({"one": (3.0, 2.0)}),
    "the left side is NaN": check({"one": (nan, 2.0)}),
    "the right side is infinite": check({"one": (1.0, inf)}, {"too large": (3.0, 2.0)}),
    "a control is not caught": check(controls={"harmless": (1.0, 2.0), "too large": (3.0, 2.0)}),
    "a dial is never caught": check(controls={"dial": lambda factor: (1.0, 2.0)}),
    "a control is NaN": check(controls={"lost": (nan, 2.0)}),
    "there is no control": check(controls={}),
    "a hypothesis is false": check(hypotheses=lambda case: {"given": True, "small": False}),
    "a hypothesis is NaN": check(hypotheses=lambda case: {"small": nan}),
    "a hypothesis compares with NaN": check(hypotheses=lambda case: {"small": np.float64(nan) < 1}),
    "an identity states no tolerance": check({"one": (0.0, 0.0)}, {"off": (1.0, 1e-3)}),
    "a tolerance is 0": check(tolerance=lambda case: 0.0, controls={"too large": (3.0, 2.0)}),
}


@pytest.mark.parametrize("why", FAILING)
def test_a_check_fails_if(why, planted, tmp_path):
    status, (found,) = verdict_of(planted, FAILING[why], tmp_path)
    assert status == 1 and not (found["holds"] and found["caught"])


def test_an_identity_holds_once_it_states_a_tolerance(planted, tmp_path):
    module = check({"one": (0.0, 0.0)}, {"off": (1e-3, 0.0)}, tolerance=lambda case: 1e-12)
    status, (found,) = verdict_of(planted, module, tmp_path)
    assert status == 0 and found["bound"] == 0 and found["slack"] is None


def test_nan_and_infinity_are_null_in_strict_json(planted, tmp_path):
    module = check({"one": (nan, 2.0), "two": (1.0, inf)}, {"lost": (-inf, nan)})
    _, records = verdict_of(planted, module, tmp_path)
    assert [(each["measured"], each["bound"]) for each in records] == [(None, 2), (1, None)]
    assert records[0]["controls"]["lost"] == {
        "measured": None,
        "bound": None,
        "caught": False,
        "factor": None,
    }


def test_the_ledger_is_written_by_renaming_whatever_the_verdict(planted, tmp_path, monkeypatch):
    status, _ = verdict_of(planted, FAILING["the bound is exceeded"], tmp_path)
    assert status == 1 and [path.name for path in tmp_path.iterdir()] == ["ledger.json"]
    before = (tmp_path / "ledger.json").read_text()

    def killed(beside, text):
        with open(beside, "w") as file:
            file.write(text[:9])
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger.Path, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        command.main(["--json", str(tmp_path / "ledger.json")])
    assert (tmp_path / "ledger.json").read_text() == before


def test_a_ledger_that_cannot_be_written_is_one_sentence(planted, tmp_path, capsys):
    planted(check())
    path = tmp_path / "absent" / "ledger.json"
    status = command.main(["--json", str(path)])
    last = capsys.readouterr().err.splitlines()[-1]
    assert status not in (0, 1) and str(path) in last


def test_rows_without_a_check_have_one_record_and_no_say(planted, tmp_path):
    planted(check(), row("sharp"), row("later", "open"), row("never", "out of reach", why="too long"))
    path = tmp_path / "ledger.json"
    assert command.main(["--json", str(path)]) == 0
    _, later, never = loaded(path)
    for each in (later, never):
        assert (
            set(each) >= KEYS and each["case"] is None and each["holds"] is None and each["controls"] is None
        )
    assert later["why"] is None and never["why"] == "too long"


# Names


def test_a_sibling_has_the_cases_that_carry_its_name(planted, capsys):
    cases = {
        "one": (1.0, 2.0),
        "near: two": (1.0, 3.0),
        "n=8: three": (1.0, 4.0),
        "near: n=8: four": (1.0, 5.0),
    }
    rows = planted(check(cases), row("sharp"), row("near", file="sharp"))
    found = [(each["statement"], each["case"], each["bound"]) for each in ledger.run(rows, rows)]
    own, siblings = (
        [("sharp", "one", 2), ("sharp", "n=8: three", 4)],
        [("near", "two", 3), ("near", "n=8: four", 5)],
    )
    assert found == own + siblings
    assert [each["case"] for each in ledger.run(rows[1:], rows)] == ["two", "n=8: four"]
    assert ledger.run(rows[1:], rows)[0]["command"] == "python -m paper_checks fake/near"


def broken_down(found):
    assert all(ledger.failed(each) and each["holds"] is False for each in found)
    (why,) = {each["why"] for each in found}
    return why


def test_a_row_without_a_case_fails(planted):
    rows = planted(check(), row("sharp"), row("near", file="sharp"))
    assert "name one 'near: ...'" in broken_down(ledger.run(rows, rows))


def test_a_case_of_no_row_fails(planted):
    rows = planted(
        check({"one": (1.0, 2.0), "neer: two": (1.0, 3.0)}), row("sharp"), row("near", file="sharp")
    )
    assert "'neer: two' of no row" in broken_down(ledger.run(rows, rows))


def test_a_paper_a_statement_and_an_alias_choose_rows():
    rows, aliases = ledger.statements()
    assert ledger.chosen(rows, aliases, []) == rows
    assert {each.paper for each in ledger.chosen(rows, aliases, ["wml23"])} == {"wml23"}
    alias = "ol25/theorem_3_2_form_b"
    assert [each.name for each in ledger.chosen(rows, aliases, [alias])] == ["ol25/form_b"]
    both = ledger.chosen(rows, aliases, ["ol25/limit_cycle", "ol25/form_b", alias])
    assert [each.name for each in both] == ["ol25/form_b", "ol25/limit_cycle"]


def test_an_unknown_statement_is_one_sentence_with_near_names(capsys):
    assert command.main(["ol25/theorem_3_1"]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert "'ol25/theorem_3_1'" in said.err and "ol25/theorem_3_2" in said.err
    assert command.main(["ol25/limit_cycle", "#"]) == 2


def test_the_list_names_statements_and_runs_nothing(capsys):
    assert command.main(["--list", "ol25"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("ol25/real_data ") and " checked " in line for line in lines)
    assert all(line.startswith("ol25/") for line in lines) and len(lines) > 40


# Tables and libraries that may be missing


def write_table(folder, **changes):
    """A table's JSON with one case that holds and one control that is caught."""
    found = {"measured": 1.0, "bound": 2.0, "tolerance": 1e-9, "hypotheses": {"given": True}}
    found["controls"] = {"halved": {"bound": 0.5, "factor": 4.0}}
    story = {"defaults": True, "seconds": 3.0, "verdicts": {"one": found | changes}}
    (folder / f"{TABLE}.json").write_text(json.dumps(story))


def real_data(*flags):
    return command.main(["ol25/real_data", *flags])


def test_a_missing_table_is_not_run_and_fails_but_for_the_core(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    path = tmp_path / "ledger.json"
    assert real_data("--json", str(path)) == 1 and real_data("--core") == 0
    (found,) = loaded(path)
    assert set(found) >= KEYS and found["case"] is None
    assert found["why"].startswith("not run: needs") and TABLE in found["why"]
    assert found["why"] in capsys.readouterr().out
    assert verdict.main([str(path)]) == 1


def test_a_table_decides_its_row(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    write_table(tmp_path)
    assert real_data("--json", str(tmp_path / "ledger.json")) == 0
    (found,) = loaded(tmp_path / "ledger.json")
    assert found["holds"] and found["slack"] == 2 and found["case"] == "one" and found["seconds"] == 3
    assert found["controls"] == {"halved": {"measured": 1, "bound": 0.5, "caught": True, "factor": 4}}


def test_verdicts_named_after_a_row_are_its_own_and_others_are_everybodys(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    found = {"measured": 1.0, "bound": 2.0, "controls": {"halved": {"bound": 0.5}}}
    names = ("first: one", "second: two", "lam=1: both")
    story = {"defaults": True, "verdicts": dict.fromkeys(names, found)}
    (tmp_path / "shared.json").write_text(json.dumps(story))
    fields = {"title": "t", "status": "checked", "table": "shared"}

    def cases(key):
        return [(each["case"], each["holds"]) for each in ledger.from_table(ledger.Row("own", key, fields))]

    assert cases("first") == [("one", True), ("lam=1: both", True)]
    assert cases("second") == [("two", True), ("lam=1: both", True)]
    story["verdicts"].pop("lam=1: both")
    (tmp_path / "shared.json").write_text(json.dumps(story))
    (lost,) = ledger.from_table(ledger.Row("own", "third", fields))
    assert ledger.failed(lost) and "no verdict for the row own/third" in lost["why"]


def test_a_table_that_does_not_convince_fails(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    bad = [
        {"measured": 3.0},
        {"measured": None},
        {"tolerance": None},
        {"hypotheses": {"given": False}},
        {"hypotheses": {"given": None}},
        {"controls": {}},
        {"controls": {"harmless": {"bound": 1.5, "caught": True}}},
        {"controls": {"lost": {"measured": None}}},
    ]
    for changes in bad:
        write_table(tmp_path, **changes)
        assert real_data("--core") == 1, changes


BESIDE = """statement,case,kind,which,size,bound,low,high,instance,slack_theorem,slack_most,slack_instance
fake/sharp,one,bound,bracket,nan,0.9,0.7,0.8,0.6,2.0,3.0,1.5
fake/sharp,,bound,exact,nan,0.1,0.2,0.2,nan,2.0,2.0,nan
fake/sharp,one,curve,bracket,nan,0.9,0.7,0.8,0.6,2.0,3.0,1.5
fake/sharp,none,bound,bracket,nan,0.9,0.7,0.8,0.6,2.0,3.0,1.5
"""


def write_beside(folder, text=BESIDE, defaults=True):
    (folder / "own_beside.csv").write_text(text)
    (folder / "own_beside.json").write_text(json.dumps({"defaults": defaults}))


def test_the_worst_of_the_class_stands_beside_a_case_that_the_table_names(planted, monkeypatch, tmp_path):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    write_beside(tmp_path)
    cases = {"one": (1.0, 2.0), "noisy, one": (1.0, 2.0), "alone": (1.0, 2.0), "near: one": (1.0, 2.0)}
    planted(check(cases), row("sharp"), row("near", file="sharp"))
    path = tmp_path / "ledger.json"
    assert command.main(["--json", str(path)]) == 0
    found = {(each["statement"], each["case"]): each["class_worst"] for each in loaded(path)}
    assert [each["which"] for each in found["sharp", "one"]] == ["bracket", "exact"]
    assert found["sharp", "noisy, one"] == found["sharp", "one"]
    assert [each["which"] for each in found["sharp", "alone"]] == ["exact"]
    assert found["near", "one"] is None
    (first, second) = found["sharp", "one"]
    assert (first["low"], first["high"], first["slack_theorem"], first["size"]) == (0.7, 0.8, 2, None)
    assert second["instance"] is None


def test_without_the_table_beside_or_with_another_the_worst_of_the_class_is_null(
    planted, monkeypatch, tmp_path
):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    rows = planted(check())
    assert [each["class_worst"] for each in ledger.run(rows, rows)] == [None]
    for text, defaults in ((BESIDE, False), ("", True), ("a,b\n1,2\n", True)):
        write_beside(tmp_path, text, defaults)
        assert [each["class_worst"] for each in ledger.run(rows, rows)] == [None], (text, defaults)
    write_beside(tmp_path)
    assert ledger.run(rows, rows)[0]["class_worst"]


def test_a_table_from_other_arguments_is_not_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    write_table(tmp_path)
    path = tmp_path / f"{TABLE}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"defaults": False}))
    assert real_data() == 1 and real_data("--core", "--json", str(tmp_path / "ledger.json")) == 0
    (found,) = loaded(tmp_path / "ledger.json")
    assert found["case"] is None and found["why"].startswith("not run: needs")


def test_a_truncated_or_foreign_table_is_not_run_and_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ledger, "TABLES", tmp_path)
    for text in ('{"defaults": tr', "[1, 2]", "null", '{"defaults": true}'):
        (tmp_path / f"{TABLE}.json").write_text(text)
        assert real_data() == 1, text
        assert TABLE in capsys.readouterr().out, text


def folder_of_checks(monkeypatch, tmp_path, paper, source):
    (tmp_path / paper).mkdir()
    (tmp_path / paper / "__init__.py").touch()
    (tmp_path / paper / "needy.py").write_text(source)
    monkeypatch.setattr(paper_checks, "__path__", [*paper_checks.__path__, str(tmp_path)])
    rows = [Row(paper, "needy", row("needy").fields)]
    monkeypatch.setattr(ledger, "statements", lambda: (rows, {}))


def test_a_missing_library_is_not_run_and_named(monkeypatch, tmp_path):
    folder_of_checks(monkeypatch, tmp_path, "lacking", "import no_such_library.part")
    path = tmp_path / "ledger.json"
    assert command.main(["--json", str(path)]) == 1 and command.main(["--core"]) == 0
    (found,) = loaded(path)
    assert found["why"] == "not run: needs no_such_library" and found["case"] is None


def test_a_missing_module_of_our_own_is_an_error(monkeypatch, tmp_path):
    folder_of_checks(monkeypatch, tmp_path, "broken", "import theory.no_such_module")
    assert command.main(["--core"]) == 1


# The verdict on a written ledger


def written(planted, tmp_path, module, *rows):
    planted(module, *rows)
    command.main(["--json", str(tmp_path / "ledger.json")])
    return [str(tmp_path / "ledger.json")]


def test_the_verdict_is_0_where_everything_holds(planted, tmp_path, capsys):
    path = written(planted, tmp_path, check(), row("sharp"), row("later", "open"))
    capsys.readouterr()
    assert verdict.main(path) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "1 of 1 cases hold" in said and "1 checked, 1 open" in said


def test_the_verdict_names_what_failed_every_time(planted, tmp_path, capsys):
    reasons = {
        "the bound is exceeded": "measured 3.0, bound 2.0",
        "a control is not caught": "controls not caught: harmless",
        "there is no control": "controls not caught: there is none",
        "a hypothesis is false": "hypotheses not met: small",
    }
    for why, reason in reasons.items():
        path = written(planted, tmp_path, FAILING[why])
        capsys.readouterr()
        for _ in range(2):
            assert verdict.main(path) == 1
            assert f"FAILED fake/sharp [one]: {reason}\n" in capsys.readouterr().out


def test_ledgers_are_written_as_one_whatever_the_verdict(planted, tmp_path, capsys):
    for name, module in (("first", check()), ("second", FAILING["the bound is exceeded"])):
        planted(module, row("sharp"), row("later", "open"))
        command.main(["--json", str(tmp_path / f"{name}.json")])
    parts, both = [str(tmp_path / f"{name}.json") for name in ("first", "second")], tmp_path / "both.json"
    assert verdict.main([*parts, "--json", str(both)]) == 1
    assert json.loads(both.read_text()) == verdict.read(parts[0]) + verdict.read(parts[1])
    capsys.readouterr()
    assert verdict.main([*parts, "--json", str(tmp_path / "nowhere" / "both.json")]) == 2
    assert "name another file" in capsys.readouterr().err


def test_a_missing_or_foreign_ledger_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        verdict.main([])
    assert capsys.readouterr().err.startswith("usage:")
    path = tmp_path / "ledger.json"
    for text in (None, '[{"paper": "ol', '[{"paper": NaN', "{}", "[]", "[1]", "null"):
        if text is not None:
            path.write_text(text)
        assert verdict.main([str(path)]) != 0, text
        said = capsys.readouterr()
        assert said.err.count("\n") == 1 and str(path) in said.err, text
