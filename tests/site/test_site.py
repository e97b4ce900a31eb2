"""The built site as a reader opens it, from its folder: every page, the ledger, the search."""

import re
import tomllib
from pathlib import Path

import pytest

PAPERS = tomllib.loads(
    (Path(__file__).parents[2] / "paper_checks" / "statements.toml").read_text(encoding="utf-8")
)
PAPERS.pop("alias")
ROWS = {f"{paper}/{slug}": row for paper, rows in PAPERS.items() for slug, row in rows.items()}
CHECKED = [key for key, row in ROWS.items() if row["status"] in ("checked", "partly", "refuted")]

PLANTED = """<!doctype html><html><head>
<script>window.MathJax = {{}}; {script}</script>
<script defer src="{mathjax}"></script></head>
<body><div class="math">\\[ {formula} \\]</div>{body}</body></html>"""


def uri(site, page):
    return (site / page).as_uri()


def pages(site):
    return sorted(str(path.relative_to(site)) for path in site.rglob("*.html") if "_static" not in path.parts)


def test_every_page_typesets_its_mathematics_without_an_error_or_a_request_that_leaves_the_machine(
    site, visit
):
    found = {name: list(visit(uri(site, name))[1]) for name in pages(site)}
    assert len(found) > len(CHECKED)
    assert {name: complaints for name, complaints in found.items() if complaints} == {}


def test_there_is_a_page_for_every_statement_with_a_check(site):
    assert [key for key in CHECKED if not (site / "statements" / f"{key}.html").is_file()] == []


@pytest.mark.parametrize(
    ("planted", "complaint"),
    [
        ({}, None),
        ({"formula": r"\nosuchmacro"}, r"unknown command in \nosuchmacro"),
        ({"formula": r"\frac{1}"}, r"Missing argument for \frac in \frac{1}"),
        ({"mathjax": "nowhere.js"}, "formula not typeset"),
        ({"script": "console.error('planted')"}, "console: planted"),
        ({"script": "throw Error('planted')"}, "script: planted"),
        (
            {"body": '<img src="https://example.invalid/x.png">'},
            "leaves the machine: https://example.invalid/x.png",
        ),
    ],
)
def test_a_planted_defect_is_found(site, visit, tmp_path, planted, complaint):
    usual = {"script": "", "formula": "x^2", "body": "", "mathjax": uri(site, "_static/mathjax/tex-chtml.js")}
    (tmp_path / "page.html").write_text(PLANTED.format(**usual | planted))
    complaints = visit(uri(tmp_path, "page.html"))[1]
    if complaint is None:
        assert complaints == []
    else:
        assert any(each.startswith(complaint) for each in complaints), complaints


# The ledger


def column(page, name):
    """Its place and its header."""
    titles = page.locator(".dt-scroll-head .dt-column-title").all_inner_texts()
    return titles.index(name), page.locator(".dt-scroll-head th").nth(titles.index(name))


def cells(page, name):
    return page.locator(
        f".dt-scroll-body tbody tr td:nth-child({column(page, name)[0] + 1})"
    ).all_inner_texts()


def test_the_ledger_lists_every_statement_and_sorts_when_its_arrow_is_clicked(site, visit):
    page, _ = visit(uri(site, "ledger.html"))
    assert f"of {len(ROWS)} entries" in page.locator(".dt-info").inner_text()
    page.locator(".dt-length select").select_option("500")
    titles = cells(page, "paper")
    assert len(titles) == len(ROWS) and titles != sorted(titles)
    arrow = column(page, "paper")[1].locator(".dtcc-button_order")
    arrow.click()
    assert cells(page, "paper") == sorted(titles)
    arrow.click()
    assert cells(page, "paper") == sorted(titles, reverse=True)


def test_the_ledger_filters_when_a_value_of_a_column_is_clicked(site, visit):
    page, _ = visit(uri(site, "ledger.html"))
    page.locator(".dt-length select").select_option("500")
    for name, value in (("paper", "ol25"), ("status", "checked")):
        column(page, name)[1].locator(".dtcc-button_dropdown").click()
        page.locator(".dtcc-dropdown .dtcc-list-buttons button", has_text=value).first.click()
        page.keyboard.press("Escape")
        page.mouse.click(5, 5)
    wanted = [key for key, row in ROWS.items() if key.startswith("ol25/") and row["status"] == "checked"]
    assert sorted(cells(page, "key")) == sorted(wanted)


def test_the_ledger_searches_and_leads_to_the_page_of_a_statement(site, visit):
    page, complaints = visit(uri(site, "ledger.html"))
    page.locator(".dt-search input").fill("Theorem 3.2")
    assert all(number == "Theorem 3.2" for number in cells(page, "number")) and "ol25/theorem_3_2" in cells(
        page, "key"
    )
    page.locator(".dt-scroll-body a", has_text=ROWS["ol25/theorem_3_2"]["title"]).first.click()
    page.wait_for_url("**/statements/ol25/*.html")
    assert complaints == []


# The search


def found(visit, site, words):
    """The links in the order shown; the page adds one every few milliseconds and says when it is done."""
    shown, complaints = visit(uri(site, "search.html") + f"?q={words.replace(' ', '+')}")
    done = re.compile("Search finished|did not match")
    shown.locator("#search-results .search-summary", has_text=done).wait_for(timeout=60_000)
    return [each.get_attribute("href") for each in shown.locator("#search-results li > a").all()], complaints


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("Theorem 3.2", "statements/ol25/theorem_3_2.html"),
        ("ol25 theorem 3.2", "statements/ol25/theorem_3_2.html"),
        ("3.2", "statements/ol25/theorem_3_2.html"),
        ("Theorem 2", "statements/f21/theorem_2.html"),
        ("theorem 4.8", "wml23"),
        ("ol25/limit_cycle", "statements/ol25/limit_cycle.html"),
    ],
)
def test_the_search_finds_a_statement_by_its_number_among_the_first(site, visit, words, page):
    links, complaints = found(visit, site, words)
    assert any(page in link for link in links[:8]), links[:8]
    assert complaints == []


def test_nothing_is_found_for_a_number_that_no_statement_has(site, visit):
    links, _ = found(visit, site, "Theorem 77.123")
    assert not any("#index" in link for link in links)


# Its size, and a phone


def test_the_site_is_under_60_megabytes(site):
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 60e6


@pytest.mark.parametrize(
    "name", ["index.html", "ledger.html", "papers/ol25.html", "statements/ol25/theorem_3_2.html"]
)
def test_no_page_is_wider_than_a_phone(site, visit, name):
    page, _ = visit(uri(site, name))
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
