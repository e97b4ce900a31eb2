"""Figures from quick tables: files, the same bytes twice, and refusals in one sentence."""

import pytest
from test_experiments import CORE

from experiments import record
from figures import __main__ as command

DRAWN = sorted(set(CORE) & set(command.names()))


def draw(tables, out, *names):
    return command.main([*names, "--tables", str(tables), "--out", str(out)])


def refused(capsys, *arguments):
    """What a refused command says: one sentence on standard error."""
    assert draw(*arguments) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "Traceback" not in said.err, said.err
    return said.err


def test_every_figure_is_named_like_an_experiment():
    assert set(DRAWN) <= set(command.names()) <= set(record.names()) and len(DRAWN) > 20


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_alike_twice(name, quick, tmp_path):
    for folder in ("first", "second"):
        assert draw(quick, tmp_path / folder, name) == 0
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == [f"{name}.png", f"{name}.svg"]
    first, second = ((tmp_path / folder / f"{name}.svg").read_bytes() for folder in ("first", "second"))
    assert first == second and b"<svg" in first and first.rstrip().endswith(b"</svg>")
    assert (tmp_path / "first" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_table_is_refused_with_what_makes_it(tmp_path, capsys):
    said = refused(capsys, tmp_path, tmp_path / "out", "ol25_lambda")
    assert str(tmp_path / "ol25_lambda.csv") in said and "python -m experiments ol25_lambda" in said
    assert not (tmp_path / "out").exists()


def test_an_unknown_figure_is_refused_with_those_there_are(tmp_path, capsys):
    said = refused(capsys, tmp_path, tmp_path / "out", "ol25_lamda")
    assert "'ol25_lamda'" in said and all(name in said for name in command.names())


def test_a_truncated_or_foreign_table_is_refused(tmp_path, capsys):
    for text in ("", "a,b\n1,2\n", "lam,step\n0.0,1\n", "lam\n0.0,1,2\n1,2,3,4\n"):
        (tmp_path / "ol25_lambda.csv").write_text(text)
        assert "ol25_lambda" in refused(capsys, tmp_path, tmp_path / "out", "ol25_lambda")
        assert not list((tmp_path / "out").glob("ol25_lambda.*g"))


def test_a_folder_that_cannot_be_made_is_refused(quick, tmp_path, capsys):
    (tmp_path / "taken").touch()
    assert str(tmp_path / "taken") in refused(capsys, quick, tmp_path / "taken", "ol25_lambda")
