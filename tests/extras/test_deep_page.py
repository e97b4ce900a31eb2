"""The page on deep networks says what is so: flags, settings as in the published code, tests by name."""

import re
import shlex
from pathlib import Path

import pytest

from experiments.deep import settings, train

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deep.md").read_text(encoding="utf-8")
NOT_OF_TRAINING = {"--quick", "--torch", "--kills"}  # of experiments.deep.gpu, and of the test of killed runs
SECTION = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", PAGE, re.MULTILINE))


def flags(text):
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def chosen(line):
    """`Settings` of the flags typed."""
    given = vars(train.parser().parse_args(shlex.split(line)))
    found = {name: text for name in settings.FLAGS if (text := given[name]) is not None}
    if "switch" in found:
        found["switch"] = " ".join(found["switch"])
    return settings.from_texts(found)


def test_every_flag_of_a_rule_or_its_values_is_explained_and_every_flag_named_exists():
    known = {each for action in train.parser()._actions for each in action.option_strings}
    assert flags(PAGE) - NOT_OF_TRAINING <= known
    explained = flags(SECTION["The options of a step"] + SECTION["Networks"] + SECTION["Precision"])
    names = {*settings.Values._fields, *settings.RULES, "optimizer", "switch"}
    assert {settings.flag(name) for name in names} <= explained


PUBLISHED = SECTION["What the published code does"]
LINES = re.findall(r"^\| \w+ \| `(--net [^`]+)`", PUBLISHED, re.MULTILINE)


def test_settings_as_in_the_published_code_are_settings():
    assert len(LINES) == 5
    found = [chosen(line) for line in LINES]
    assert [each.rule.group for each in found] == [32, None, None, None, None]
    assert [each.rule.decay_inside for each in found] == [True, True, False, False, False]
    assert [each.rule.bn for each in found] == ["first", "first", "both", "first", "both"]
    assert found[2].lam == ("0", "0.5", "1", "1/t", "1-1/t")
    variants = re.findall(r"`(--(?:lam 0 --projected|other-batch|ascents 5 --projected))`", PUBLISHED)
    assert len(variants) == 3 and all(chosen(f"{LINES[1]} {each}") != found[1] for each in variants)


def test_commands_of_the_first_section_are_settings():
    commands = re.findall(r"^python -m experiments\.deep\.train (--net .*?)(?:\s+#.*)?$", PAGE, re.MULTILINE)
    assert len(commands) == 3 and all(chosen(each) for each in commands)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)(?:\.py)?`", PAGE))))
def test_a_test_that_the_page_names_exists(name):
    files = (ROOT / "tests" / "extras").glob("test_deep_*.py")
    texts = {path.stem: path.read_text(encoding="utf-8") for path in files}
    assert name in texts or any(f"def {name}(" in text for text in texts.values())


def test_every_pitfall_has_a_test_or_a_reason():
    rows = [line.split(" | ") for line in SECTION["Pitfalls"].splitlines() if line.startswith("| ")][1:]
    told = [row[1] for row in rows if set(row[0]) != set("| -")]
    reasons = ("`test_", "cannot occur: ", "`--group`")
    assert len(told) > 15 and all(any(each in text for each in reasons) for text in told)
