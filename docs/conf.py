"""The companion: `python -m sphinx -W docs docs/_build/html` from the root, after ledger and figures."""

import os
import sys
import tomllib
from pathlib import Path

sys.path[:0] = [os.path.abspath(".."), os.path.abspath(".")]

import pages  # noqa: E402 - found by the line above

project = "samcheck"
author = "the samcheck authors"
copyright = "the samcheck authors, MIT licence"
release = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]["version"]

extensions = [
    "myst_parser",
    "sphinx_design",
    "sphinxcontrib.bibtex",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # its distribution is named so, hyphens and all
]
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
exclude_patterns = ["_build", "papers/overview.md"]

html_theme = "pydata_sphinx_theme"
html_title = "samcheck"
html_static_path = ["_static"]
html_css_files = ["samcheck.css"]
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_show_sphinx = False
html_copy_source = False
html_show_search_summary = False  # it would be fetched, which a page opened from a folder may not do
html_sidebars = {"index": [], "deep": [], "ledger": [], "notation": [], "reading": []}
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"index": [], "ledger": [], "**": ["page-toc"]},
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def setup(app):
    app.connect("builder-inited", lambda app: pages.write(Path(app.srcdir)))
