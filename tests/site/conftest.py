"""A headless browser on the built site. No test is skipped: what is missing ends the run in one sentence."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def site():
    if not (SITE / "index.html").is_file():
        pytest.exit("no site in docs/_build/html: make reproduce builds it", 1)
    return SITE


@pytest.fixture(scope="session")
def browser():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.exit(
            f"no browser: none of {', '.join(NAMES)} is on the PATH (on Debian: apt-get install chromium)", 1
        )
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=found)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """visit(url) -> (page, complaints): the page with its mathematics typeset, and what went wrong so far."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, complaints = context.new_page(), []
    page.on(
        "console", lambda told: complaints.append(f"console: {told.text}") if told.type == "error" else None
    )
    page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    page.on("requestfailed", lambda request: complaints.append(f"not loaded: {request.url}"))

    def pass_on(route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            return route.continue_()
        complaints.append(f"leaves the machine: {route.request.url}")
        return route.abort()

    context.route("**/*", pass_on)

    def go(url):
        complaints.clear()
        page.goto(url)
        page.evaluate("window.MathJax?.startup?.promise")
        complaints.extend(page.evaluate(UNTYPESET))
        return page, complaints

    yield go
    context.close()


# Every `math` element holds a formula of some size, none an error; MathJax prints unknown commands in red.
UNTYPESET = """() => {
    const found = [];
    const visible = [...document.querySelectorAll('.math')].filter(each => each.checkVisibility());
    for (const each of visible)
        if (!(each.querySelector('mjx-container')?.getBoundingClientRect().width > 0))
            found.push('formula not typeset: ' + each.textContent.trim());
    for (const item of window.MathJax?.startup?.document?.math ?? []) {
        const tex = item.math.trim();
        item.root.walkTree(node => {
            if (node.isKind('merror')) found.push(node.attributes.get('data-mjx-error') + ' in ' + tex);
            if (node.attributes?.get('mathcolor') === 'red') found.push('unknown command in ' + tex);
        });
    }
    return found;
}"""
