"""Writes the pages that are made from statements.toml, the ledger, the checks and the figures.

statements/PAPER/SLUG.md   a page for every statement that has a check
papers/PAPER.md            every statement of a paper, with its formula and status
papers/overview.md         a line for each paper, included by the home page
papers/ledger.html         the ledger as a table that sorts and filters, included by ledger.md
"""

import ast
import html
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
from itables import to_html_datatable
from itables.javascript import generate_init_offline_itables_html
from itables.options import dt_bundle

from experiments import record
from paper_checks import ledger

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "figures" / "out"
PAPERS = {
    "f21": "F21 and ASAM",
    "af22": "AF22",
    "wml23": "WML23",
    "ol25": "OL25",
    "own": "Our own theorems",
}
ABOUT = {
    "f21": "{cite:t}`f21`, with its scale-invariant form ASAM {cite:p}`asam`: the SAM objective, its "
    "first-order rule, a PAC-Bayes bound, m-sharpness.",
    "af22": "{cite:t}`af22`: implicit bias on diagonal linear networks, convergence under bounded variance.",
    "wml23": "{cite:t}`wml23`: which sharpness SAM minimises, alignment with the top eigenvector.",
    "ol25": "{cite:t}`ol25`: Unified SAM, rates under arbitrary sampling, PL and non-convex.",
    "own": "Exact worst cases of the rule over whole classes of functions, with proofs that run.",
}
SOURCE = {
    "seen": "statement seen",
    "rebuilt": "re-derived; the printed form was not seen",
    "own": "ours",
}
NUMBER = re.compile(
    "(?:Theorem|Lemma|Definition|Corollary|Proposition|Assumption|Equation|Table|Figure|Section|Appendix"
    r"|Algorithm) [A-Z]?[\d.]*\d"
)
PARTS = ("hypotheses", "measured", "bound", "tolerance", "controls")


def write(folder):
    """All generated pages, in folders of their own that are emptied first."""
    path = ROOT / "paper_checks" / "ledger.json"
    if not path.is_file():
        raise FileNotFoundError(f"no ledger at {path.relative_to(ROOT)}: make ledger makes it")
    records = json.loads(path.read_text(encoding="utf-8"))
    rows, aliases = ledger.statements()
    cases = {row.name: [] for row in rows}
    for each in records:
        cases[f"{each['paper']}/{each['statement']}"].append(each)
    for name in ("statements", "papers"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()
    for row in rows:
        if row.checked:
            page = folder / "statements" / row.paper / f"{row.key}.md"
            page.parent.mkdir(exist_ok=True)
            page.write_text(statement(row, cases[row.name], aliases, rows), encoding="utf-8")
    for paper in PAPERS:
        own = [row for row in rows if row.paper == paper]
        (folder / "papers" / f"{paper}.md").write_text(listing(paper, own, cases), encoding="utf-8")
    (folder / "papers" / "overview.md").write_text(overview(rows, cases), encoding="utf-8")
    (folder / "papers" / "ledger.html").write_text(ledger_table(rows, cases), encoding="utf-8")


# Text


def shown(number):
    """Four digits; a dash where there is no number."""
    return "–" if number is None else f"{number:.4g}"


def plain(text):
    """`text` without meaning to Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|$#~^])", r"\\\1", str(text))


def sentence(text):
    text = plain(text).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def title(row):
    """With its number in front where the place begins with one."""
    text = plain(row.fields["title"])
    number = NUMBER.match(row.fields["place"])
    return f"{number[0]}: {text}" if number else text[:1].upper() + text[1:]


def link(row, text):
    return f"[{text}](/statements/{row.paper}/{row.key}.md)" if row.checked else text


def grid(header, rows):
    """A plain table; cells are Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def folded(name, body):
    return f"::::{{dropdown}} {name}\n{body}\n::::\n"


def code(text, language="python"):
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.strip()}\n{fence}\n"


def display(formula):
    """A displayed formula; a long one has a line for each of its parts, or no phone would show it whole."""
    parts, depth, last = [], 0, 0
    for found in re.finditer(
        r"\\[{}]|[{}]|\\left\b|\\right\b|\\begin\b|\\end\b|\\qquad|\\quad|\\;\\Rightarrow", formula
    ):
        token = found[0]
        if token in ("{", r"\{", r"\left", r"\begin"):
            depth += 1
        elif token in ("}", r"\}", r"\right", r"\end"):
            depth -= 1
        elif depth == 0 and token in (r"\qquad", r"\quad", r"\;\Rightarrow"):
            parts.append(formula[last : found.start()])
            last = found.start() if "Rightarrow" in token else found.end()
    parts = [part.strip() for part in [*parts, formula[last:]] if part.strip()]
    if len(formula) > 60 and len(parts) > 1:
        formula = "\\begin{gathered}\n" + " \\\\[0.3em]\n".join(parts) + "\n\\end{gathered}"
    return f"$$\n{formula}\n$$\n"


def badge(status):
    colour = {"checked": "success", "partly": "warning", "refuted": "danger"}
    return f"{{bdg-{colour.get(status, 'muted')}}}`{status}`"


# A statement


def statement(row, records, aliases, rows):
    """The page of one statement."""
    fields = row.fields
    path = source(row)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [each for each in records if each["case"] is not None]
    parts = [
        entries(row, aliases),
        f"# {title(row)}\n",
        f"{badge(fields['status'])} [{PAPERS[row.paper]}](/papers/{row.paper}.md) · `{row.name}`\n",
        f":::{{admonition}} Statement\n:class: statement\n{sentence(fields['says'])}\n\n"
        f"{display(fields['formula'])}:::\n",
        grid(
            ["place", "kind", "evidence", "source"],
            [[plain(fields["place"]), fields["kind"], fields["evidence"], SOURCE[fields["source"]]]],
        ),
    ]
    if "why" in fields:
        parts.append(f"**{fields['status'].capitalize()}:** {sentence(fields['why'])}\n")
    if told := findings(row):
        parts.append("**Finding:** " + ", ".join(told) + ".\n")
    parts += [
        "## What was run\n",
        verdict(found, records),
        f"```\npython -m paper_checks {row.name}\n```\n",
        *hypotheses(found),
        *unchecked(fields),
        "## The check\n",
        *reading(row, path, tree),
        *figure(row),
    ]
    if found:
        parts += ["## Cases\n", cases_table(found), "## Controls\n", *controls_tables(found)]
        parts += worst_of_class(found)
    if siblings := [each for each in rows if each.checked and each is not row and source(each) == path]:
        parts.append(
            "Decided by the same file: " + ", ".join(link(each, title(each)) for each in siblings) + ".\n"
        )
    return "\n".join(parts)


def entries(row, aliases):
    """What a reader may search for: the number, alone and with the paper, and every alias."""
    place = row.fields["place"]
    numbers = NUMBER.findall(place)
    numbers += [name.split("/")[1].replace("_", " ") for name, of in aliases.items() if of == row.name]
    found = {row.name: "! "}
    for number in numbers:
        # "!" ranks an entry above all that mention its words; a place begins with its statement's number
        rank = "! " if place.startswith(number) or number not in place else ""
        for words in (number, f"{row.paper} {number}", number.split()[-1]):
            found.setdefault(words, rank)
    return "```{index} " + ", ".join(rank + words for words, rank in found.items()) + "\n```\n"


def source(row):
    """The file that decides a statement."""
    if "table" in row.fields:
        return record.paths()[row.fields["table"]]
    return ROOT / (row.module.replace(".", "/") + ".py")


def verdict(found, records):
    if not found:
        return sentence((records[0]["why"] if records else None) or "not run") + "\n"
    holding = sum(bool(each["holds"]) for each in found)
    controls = [each for record in found for each in record["controls"].values()]
    caught = sum(bool(each["caught"]) for each in controls)
    slacks = sorted(each["slack"] for each in found if each["slack"] is not None)
    text = f"**{holding} of {len(found)} cases hold, {caught} of {len(controls)} controls are caught.**"
    if slacks:
        text += f" Bound over measured: from {shown(slacks[0])} to {shown(slacks[-1])}."
    return text + "\n"


def hypotheses(found):
    names = Counter(name for each in found for name in each["hypotheses"])
    if not names:
        return []
    met = Counter(name for each in found for name, holds in each["hypotheses"].items() if holds)
    rows = [[plain(name), f"{met[name]} of {names[name]} cases"] for name in names]
    return ["Hypotheses, tested in every case to which they belong:\n", grid(["hypothesis", "met in"], rows)]


def unchecked(fields):
    """The steps of a proof that no program takes."""
    return [f"**Read, not checked:** {sentence(fields['read'])}\n"] if "read" in fields else []


def reading(row, path, tree):
    """The docstring of the check, the lines that matter, the proofs that it refers to."""
    where = path.relative_to(ROOT)
    text = path.read_text(encoding="utf-8")
    functions = segments(text, tree)
    wanted = ["verdicts"] if "table" in row.fields else PARTS
    if any(name in shared(tree) for name in wanted):  # read by another check: the cases are its own
        functions, wanted = shared(tree) | functions, ["cases", *wanted]
    if not any(name in functions for name in wanted):  # a symbolic check: its terms decide
        wanted = list(functions)
    lines = [functions[name] for name in wanted if name in functions]
    out = [f"`{where}`:\n", code(ast.get_docstring(tree) or "", "text")]
    out.append(folded("The lines that decide", code("\n\n\n".join(lines))))
    for name in bounds(tree):
        about = ast.get_docstring(ast.parse((ROOT / name).read_text(encoding="utf-8"))) or ""
        out.append(folded(f"The proof, as `{name}` has it", code(about, "text")))
    return out


def segments(text, tree):
    """The source of every function of a file."""
    return {
        each.name: ast.get_source_segment(text, each)
        for each in tree.body
        if isinstance(each, ast.FunctionDef)
    }


def shared(tree):
    """Functions that a check takes from another one."""
    out = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").count(".") == 2:
            path = ROOT / (node.module.replace(".", "/") + ".py")
            if node.module.startswith("paper_checks.") and path.is_file():
                text = path.read_text(encoding="utf-8")
                known = segments(text, ast.parse(text))
                out |= {each.name: known[each.name] for each in node.names if each.name in known}
    return out


def bounds(tree):
    """The files of theory/bounds that a check imports, and what certificates and programs are made of."""
    out = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "theory":
            out += [f"theory/{each.name}.py" for each in node.names if each.name == "programs"]
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("theory.bounds"):
            names = (
                [node.module.split(".")[2]]
                if node.module.count(".") > 1
                else [each.name for each in node.names]
            )
            out += [f"theory/bounds/{name}.py" for name in names]
    if "theory/bounds/own_certificates.py" in out:
        out.append("theory/interpolation.py")
    return [name for name in dict.fromkeys(out) if (ROOT / name).is_file()]


def figure(row):
    name = row.fields.get("figure", row.fields.get("table"))
    if name is None or not (FIGURES / f"{name}.svg").is_file():
        return []
    about = ast.get_docstring(ast.parse((ROOT / "figures" / f"{name}.py").read_text(encoding="utf-8"))) or ""
    first = sentence(about.split("\n\n")[0].replace("\n", " "))
    return [
        "## Figure\n",
        f":::{{figure}} ../../../figures/out/{name}.svg\n:alt: {first}\n\n{first}\n:::\n",
        f"```\npython -m experiments {name}\npython -m figures {name}\n```\n",
    ]


def findings(row):
    """Links to the findings that refer to a statement."""
    out = []
    for path in sorted((ROOT / "docs" / "findings").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if f"/statements/{row.paper}/{row.key}.md" in text:
            out.append(f"[{text.splitlines()[0].lstrip('# ')}](/findings/{path.name})")
    return out


def cases_table(found):
    rows = []
    for each in found:
        numbers = [shown(each[name]) for name in ("measured", "bound", "tolerance", "slack")]
        rows.append([plain(each["case"]), *numbers, "yes" if each["holds"] else "**no**"])
    return grid(["case", "measured", "bound", "tolerance", "slack", "holds"], rows)


def worst_of_class(found):
    """What of the slack is the theorem's, and what the instance's; nothing where no case has it."""
    rows = []
    for each in found:
        for worst in each.get("class_worst") or []:
            which = worst["which"] + ("" if worst["size"] is None else f", {shown(worst['size'])}")
            numbers = [shown(worst[name]) for name in ("bound", "low", "high", "instance")]
            slacks = [shown(worst[name]) for name in ("slack_theorem", "slack_most", "slack_instance")]
            rows.append([plain(each["case"]), which, *numbers, *slacks])
    if not rows:
        return []
    header = ["case", "which", "bound", "class from", "class to", "instance"]
    header += ["theorem's slack", "at most", "instance's slack"]
    about = (
        r"In one step: the factor of $f-f^\star$ that the theorem promises (where exact: the fall of $f$ "
        r"over $\|g\|^2$), the worst of its class, and that of the function that was run; from "
        "`experiments/own_beside.py`."
    )
    return ["## Beside the worst of the class\n", about + "\n", grid(header, rows)]


def controls_tables(found):
    """One line for each control, then every case of each."""
    names = dict.fromkeys(name for each in found for name in each["controls"])
    short, long = [], []
    for name in names:
        own = [(each["case"], each["controls"][name]) for each in found if name in each["controls"]]
        factors = sorted(control["factor"] for _, control in own if control["factor"] is not None)
        reach = f"{shown(factors[0])} to {shown(factors[-1])}" if factors else "–"
        short.append([plain(name), f"{sum(bool(c['caught']) for _, c in own)} of {len(own)}", reach])
        long += [
            [plain(name), plain(case), shown(c["measured"]), shown(c["bound"]), shown(c["factor"])]
            for case, c in own
        ]
    return [
        "Falsified claims, which must fail; the factor is the smallest at which one is caught.\n",
        grid(["control", "caught", "from a factor of"], short),
        folded(
            f"All {len(long)} controls",
            grid(["control", "case", "measured", "bound", "smallest factor caught"], long),
        ),
    ]


# Papers and the ledger


def listing(paper, rows, cases):
    """Every statement of a paper."""
    states = Counter(row.fields["status"] for row in rows)
    parts = [
        f"# {PAPERS[paper]}\n",
        ABOUT[paper] + "\n",
        f"{len(rows)} statements: "
        + ", ".join(f"{count} {state}" for state, count in states.items())
        + ".\n",
    ]
    for row in rows:
        fields = row.fields
        parts += [entries(row, {}) if not row.checked else "", f"## {title(row)}\n"]
        parts.append(f"{badge(fields['status'])} `{row.name}` {plain(fields['place'])}\n")
        parts.append(sentence(fields["says"]) + "\n")
        if "formula" in fields:
            parts.append(display(fields["formula"]))
        if "why" in fields:
            parts.append(f"*{sentence(fields['why'])}*\n")
        if row.checked:
            parts.append(f"{counts(cases[row.name])}: {link(row, 'the check')}\n")
    checked = [f"/statements/{paper}/{row.key}" for row in rows if row.checked]
    if checked:
        parts.append("```{toctree}\n:hidden:\n\n" + "\n".join(checked) + "\n```\n")
    return "\n".join(parts)


def counts(records):
    found = [each for each in records if each["case"] is not None]
    return f"{sum(bool(each['holds']) for each in found)} of {len(found)} cases hold"


def overview(rows, cases):
    lines = []
    for paper, name in PAPERS.items():
        own = [row for row in rows if row.paper == paper]
        found = [each for row in own for each in cases[row.name] if each["case"] is not None]
        controls = [each for record in found for each in record["controls"].values()]
        lines.append(
            [
                f"[{name}](/papers/{paper}.md)",
                len(own),
                sum(row.checked for row in own),
                f"{sum(bool(each['holds']) for each in found)} of {len(found)}" if found else "–",
                f"{sum(bool(each['caught']) for each in controls)} of {len(controls)}" if controls else "–",
            ]
        )
    return grid(["paper", "statements", "with a check", "cases that hold", "controls caught"], lines)


def ledger_table(rows, cases):
    """One line for each statement."""
    lines = []
    for row in rows:
        fields = row.fields
        found = [each for each in cases[row.name] if each["case"] is not None]
        slacks = [each["slack"] for each in found if each["slack"] is not None]
        theorem = [worst["slack_theorem"] for each in found for worst in each.get("class_worst") or []]
        failing = sum(map(ledger.failed, found))
        name = html.escape(fields["title"])
        page = f"statements/{row.paper}/{row.key}.html"
        number = NUMBER.match(fields["place"])
        lines.append(
            {
                "paper": row.paper,
                "number": number[0] if number else "",
                "statement": f'<a href="{page}">{name}</a>' if row.checked else name,
                "status": fields["status"] if not failing else f"{fields['status']}, {failing} failing",
                "kind": fields["kind"],
                "evidence": fields["evidence"],
                "source": fields["source"],
                "cases": len(found) or "",
                "least slack": float(f"{min(slacks):.3g}") if slacks else "",
                "class worst": float(f"{min(theorem):.3g}") if theorem else "",
                "key": row.name,
            }
        )
    table = to_html_datatable(
        pd.DataFrame(lines),
        connected=False,
        allow_html=True,
        maxBytes=0,
        showIndex=False,
        table_id="ledger",
        classes="display compact",
        style="width:100%",
        scrollX=True,
        lengthMenu=[25, 50, 100, 500],
        columnDefs=[{"targets": 2, "width": "24em"}],
        columnControl=["order", ["searchList"]],
        ordering={"indicators": False, "handler": False},
        display_logo_when_loading=False,
    )
    return generate_init_offline_itables_html(dt_bundle) + table
