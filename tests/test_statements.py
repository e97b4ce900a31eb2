"""The list of statements: complete rows, known values, and a file or a table for each check."""

import re
import tomllib
from pathlib import Path

CHECKS = Path(__file__).parents[1] / "paper_checks"
PAPERS = tomllib.loads((CHECKS / "statements.toml").read_text(encoding="utf-8"))
ALIAS = PAPERS.pop("alias")
ROWS = {f"{paper}/{slug}": row for paper, rows in PAPERS.items() for slug, row in rows.items()}

REQUIRED = {"title", "says", "place", "kind", "evidence", "source", "status"}
OPTIONAL = {"formula", "why", "read", "file", "table", "figure"}
CHECKED = {"checked", "partly", "refuted"}
ALLOWED = {
    "kind": {
        "inequality",
        "identity",
        "limit or rate",
        "small enough",
        "high probability",
        "implicit bias",
        "empirical",
        "conjecture",
    },
    "evidence": {"symbolic", "rigorous", "exact", "worst case", "statistical", "published", "illustrated"},
    "source": {"seen", "rebuilt", "own"},
    "status": CHECKED | {"open", "out of reach"},
}


def check_file(key):
    paper, slug = key.split("/")
    return CHECKS / paper / f"{ROWS[key].get('file', slug)}.py"


def test_the_papers_are_the_four_and_our_own():
    assert list(PAPERS) == ["f21", "af22", "wml23", "ol25", "own"]


def test_every_row_has_the_required_fields_and_no_unknown_one():
    wrong = {key: REQUIRED ^ (set(row) - OPTIONAL) for key, row in ROWS.items()}
    assert {key: fields for key, fields in wrong.items() if fields} == {}


def test_every_field_is_one_line_of_text():
    for key, row in ROWS.items():
        for field, text in row.items():
            assert isinstance(text, str) and text and text == text.strip() and "\n" not in text, (key, field)


def test_every_choice_is_an_allowed_one():
    wrong = [
        (key, row[field])
        for key, row in ROWS.items()
        for field in ALLOWED
        if row[field] not in ALLOWED[field]
    ]
    assert wrong == []


def test_empirical_rows_have_empirical_evidence():
    wrong = [
        key
        for key, row in ROWS.items()
        if row["kind"] == "empirical" and row["evidence"] not in {"statistical", "published", "illustrated"}
    ]
    assert wrong == []


def test_a_row_says_why_unless_it_is_checked_or_open():
    wrong = [
        key
        for key, row in ROWS.items()
        if "why" not in row and (row["status"] not in {"checked", "open"} or row["kind"] == "conjecture")
    ]
    assert wrong == []


def test_what_is_ours_is_under_own_or_beside_a_paper():
    assert [key for key, row in ROWS.items() if key.startswith("own/") and row["source"] != "own"] == []


def test_titles_differ_within_a_paper():
    for rows in PAPERS.values():
        titles = [row["title"] for row in rows.values()]
        assert sorted(titles) == sorted(set(titles))


def test_rows_with_a_check_have_a_table_or_a_file_that_exists():
    checked = [key for key, row in ROWS.items() if row["status"] in CHECKED]
    assert [key for key in checked if {"table", "file"} <= set(ROWS[key])] == []
    assert [key for key in checked if "table" not in ROWS[key] and not check_file(key).is_file()] == []


def test_every_check_file_is_claimed_by_a_row():
    claimed = {
        check_file(key) for key, row in ROWS.items() if row["status"] in CHECKED and "table" not in row
    }
    files = {file for paper in PAPERS for file in (CHECKS / paper).glob("*.py") if file.name != "__init__.py"}
    assert files - claimed == set()


def test_rows_without_a_check_have_no_file_and_no_table():
    for key, row in ROWS.items():
        if row["status"] not in CHECKED:
            assert "table" not in row and "file" not in row, key
            assert not check_file(key).exists(), key


def test_every_figure_named_is_one_that_is_drawn():
    drawings = {path.stem for path in (CHECKS.parent / "figures").glob("*.py")}
    assert {row["figure"] for row in ROWS.values() if "figure" in row} <= drawings
    assert [key for key, row in ROWS.items() if "figure" in row and row["status"] not in CHECKED] == []


def test_rows_with_a_check_have_a_formula():
    assert [key for key, row in ROWS.items() if row["status"] in CHECKED and "formula" not in row] == []


def test_braces_in_formulas_are_balanced():
    for key, row in ROWS.items():
        depth = 0
        for brace in row.get("formula", "").replace(r"\{", "").replace(r"\}", ""):
            depth += (brace == "{") - (brace == "}")
            assert depth >= 0, key
        assert depth == 0, key


def test_every_alias_leads_to_a_row_and_is_none_itself():
    assert [alias for alias, key in ALIAS.items() if key not in ROWS] == []
    assert [alias for alias in ALIAS if alias in ROWS] == []
    assert [alias for alias, key in ALIAS.items() if alias.split("/")[0] != key.split("/")[0]] == []


def test_the_readme_counts_what_is_listed_and_checked():
    text = (CHECKS.parent / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` .+\| (\d+ \| \d+) \|$", text, re.MULTILINE))
    states = {paper: [row["status"] in CHECKED for row in rows.values()] for paper, rows in PAPERS.items()}
    assert told == {paper: f"{len(each)} | {sum(each)}" for paper, each in states.items()}
