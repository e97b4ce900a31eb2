"""The generated pages: what a reader sees of a check that holds, fails, or was not run."""

import copy
import json
import re
import sys
from pathlib import Path

import pytest

from paper_checks import ledger

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import pages  # noqa: E402 - found by the line above

ROWS = {row.name: row for row in ledger.statements()[0]}
CYCLE = ROWS["ol25/limit_cycle"]


@pytest.fixture(scope="module")
def records():
    return ledger.run([CYCLE], list(ROWS.values()))


def page(row, records):
    return pages.statement(row, records, ledger.statements()[1], list(ROWS.values()))


def test_a_page_has_the_formula_the_sides_every_case_and_every_control(records):
    text = page(CYCLE, records)
    assert (
        r"\frac{\gamma L\rho\lambda}" in text
        and "def measured(case):" in text
        and "def controls(case):" in text
    )
    assert all(f"| {each['case']} |" in text for each in records)
    for name in records[0]["controls"]:
        assert f"| {name} | {sum(name in each['controls'] for each in records)} of " in text
    assert "12 of 12 cases hold" in text and "python -m paper_checks ol25/limit_cycle" in text
    assert "With full batches and" in text  # the finding that refers to it


def test_a_case_that_fails_is_said_to(records):
    broken = copy.deepcopy(records)
    broken[3]["holds"] = False
    broken[3]["controls"]["a little larger"]["caught"] = False
    text = page(CYCLE, broken)
    assert "**no**" in text and "11 of 12 cases hold" in text and "11 of 12 |" in text
    assert "**no**" not in page(CYCLE, records)


def test_a_statement_that_was_not_run_says_why():
    row = ROWS["ol25/real_data"]
    lacking = [ledger.record(row, why="not run: needs the table ol25_certificates (make reproduce)")]
    assert "Not run: needs the table ol25" in page(row, lacking).replace("\\", "")


def test_a_proof_shows_its_terms_the_certificate_and_what_is_read_not_checked():
    row = ROWS["own/function_value_factor"]
    text = page(row, ledger.run([row], list(ROWS.values())))
    assert "**Read, not checked:** That Q" in text and "def balanced(factor):" in text
    assert "R^2 f(x) - f(x+) = R (1 - R) Q_*x" in text and "`theory/interpolation.py`" in text


def test_a_check_that_another_reads_shows_how_and_its_own_cases():
    text = page(ROWS["own/distance_horizon"], [])
    assert "def cases():" in text and "HORIZONS" in text and "def measured(case):" in text
    assert "The proof, as `theory/programs.py` has it" in text


def test_the_worst_of_the_class_is_shown_where_it_is_known(records):
    assert "Beside the worst of the class" not in page(CYCLE, records)
    worst = {"which": "per gradient norm", "size": 2.0, "bound": 0.9, "low": 0.7, "high": 0.8}
    worst |= {"instance": None, "slack_theorem": 2.0, "slack_most": 3.0, "slack_instance": None}
    told = copy.deepcopy(records)
    told[0]["class_worst"] = [worst]
    text = page(CYCLE, told)
    assert "## Beside the worst of the class" in text
    assert f"| {told[0]['case']} | per gradient norm, 2 | 0.9 | 0.7 | 0.8 | – | 2 | 3 | – |" in text
    table = pages.ledger_table(list(ROWS.values()), {name: [] for name in ROWS} | {CYCLE.name: told})
    assert "class worst" in table


def test_long_formulas_have_a_line_for_each_part_and_short_ones_stay():
    assert pages.display(r"a \le b, \qquad c = d") == "$$\na \\le b, \\qquad c = d\n$$\n"
    long = r"\frac{a + b + c + d + e}{f + g + h + i + j} \le k, \qquad \Big\{l \quad m\Big\} = {n \qquad o}"
    found = pages.display(long)
    assert found.count(r"\\") == 1 and r"{n \qquad o}" in found and r"\begin{gathered}" in found
    for row in ROWS.values():
        text = pages.display(row.fields.get("formula", ""))
        assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
        assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))


def test_a_statement_is_found_by_its_number_its_alias_and_its_key():
    aliases = ledger.statements()[1]
    found = pages.entries(ROWS["ol25/theorem_3_2"], aliases)
    assert all(
        f"! {words}" in found for words in ("Theorem 3.2", "ol25 Theorem 3.2", "3.2", "ol25/theorem_3_2")
    )
    assert "! theorem 1," in pages.entries(ROWS["af22/implicit_bias"], aliases) + ","
    assert "! Theorem" not in pages.entries(ROWS["ol25/linear_rate"], aliases)  # it only refers to one


def test_text_means_nothing_to_markdown():
    assert pages.plain("a_b*c|d$e<f>") == r"a\_b\*c\|d\$e\<f\>"
    assert pages.shown(None) == "–" and pages.shown(1234567.0) == "1.235e+06"


def test_the_ledger_names_every_statement_and_those_that_fail(records):
    broken = [each | {"holds": False} for each in records[:2]] + records[2:]
    cases = {name: broken if name == CYCLE.name else [] for name in ROWS}
    table = pages.ledger_table(list(ROWS.values()), cases)
    assert all(json.dumps(name)[1:-1] in table for name in ROWS)
    assert "checked, 2 failing" in table and "failing" not in pages.ledger_table(
        list(ROWS.values()), cases | {CYCLE.name: records}
    )


def test_findings_say_what_is_claimed_true_and_how_to_see_it():
    found = [path for path in (ROOT / "docs" / "findings").glob("*.md") if path.stem != "index"]
    assert found
    for path in found:
        text = path.read_text(encoding="utf-8")
        for part in ("# ", "**Claimed.**", "**True.**", "```\npython -m "):
            assert part in text, (path.name, part)
        for paper, slug in re.findall(r"\(/statements/(\w+)/(\w+)\.md\)", text):
            assert ROWS[f"{paper}/{slug}"].checked, path.name
