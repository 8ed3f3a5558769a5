"""The one place where errors become exit codes, and what people read then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import click
import pytest

from bot.cli.main import VERBS, run
from bot.errors import ContentError, DecisionError, Problem
from bot.masking import mask

Boom = Callable[[BaseException], int]


@pytest.fixture
def boom(monkeypatch: pytest.MonkeyPatch) -> Boom:
    """Add a verb that fails in a given way, and call it."""

    def call(error: BaseException) -> int:
        @click.command()
        def boom() -> None:
            raise error

        module = ModuleType("bot.cli.boom")
        vars(module)["boom"] = boom
        monkeypatch.setitem(sys.modules, "bot.cli.boom", module)
        monkeypatch.setitem(VERBS, "boom", ("boom", "Fail."))
        return run(["boom"])

    return call


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DecisionError("nothing waits"), 1),
        (ContentError([]), 1),
        (click.UsageError("no such thing"), 2),
        (RuntimeError("oops"), 3),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (EOFError(), 130),
        (FileNotFoundError(2, "No such file or directory", "x.ics"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_every_error_has_its_exit_code(boom: Boom, error: BaseException, code: int) -> None:
    assert boom(error) == code


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (DecisionError("nothing waits"), "error: nothing waits\n"),
        (ContentError([Problem("a.yaml", 3, 7, "text", "missing")]), "a.yaml:3:7: text: missing\n"),
        (FileNotFoundError(2, "No such file", "x.ics"), "error: x.ics: No such file\n"),
        (OSError("disk gone"), "error: disk gone\n"),
    ],
)
def test_what_a_person_must_mend_is_one_line_and_looks_like_a_compiler_s(
    boom: Boom, capsys: pytest.CaptureFixture[str], error: Exception, shown: str
) -> None:
    boom(error)

    assert capsys.readouterr() == ("", shown)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("chekc", "No such command 'chekc'. Did you mean 'check'?"),
        ("audit veryfy", "No such command 'veryfy'. Did you mean 'verify'?"),
        ("quote our friends", "(friends); what has spaces needs quotation marks around it"),
        ("init new --date 9.12.2022", "write 2022-12-09 or 2022-09-12"),
        ("schema posst", "Invalid value for 'NAME': 'posst' is not one of"),
    ],
)
def test_who_mistypes_is_told_what_is_near(
    words: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == 2

    assert shown in capsys.readouterr().err


def test_a_bug_is_told_with_its_traceback_and_no_secret(
    boom: Boom, capsys: pytest.CaptureFixture[str]
) -> None:
    mask("hunter2-hunter2")

    boom(RuntimeError("token hunter2-hunter2 refused"))

    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" in err
    assert "this is a bug" in err
    assert "hunter2" not in err


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_and_its_module(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0

    assert "Usage: python3 run_bot.py" in capsys.readouterr().out


def test_all_verbs_are_listed_without_loading_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0

    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in VERBS)


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["check", "--nonsense"],
        ["check", "extra"],
        ["plan", "--days", "0"],
        ["plan", "--days", "x"],
        ["rehearse", "--days", "801"],
        ["deliveries", "--state", "LOST"],
        ["approve"],
        ["approve", "one"],
        ["pause", "--as", "Ann"],
        ["resolve", "one", "--as", "Ann"],
        ["restore", "file"],
        ["restore", "file", "--mode", "other"],
        ["schema"],
        ["schema", "nonsense"],
        ["init"],
        ["quote"],
        ["preview", "one", "--all"],
        ["audit", "nonsense"],
        *(["a\x00b"], ["\udcff"], ["--\u202e"], ["a" * 10_000], [""]),
    ],
    ids=lambda words: repr(" ".join(words))[:40],
)
def test_wrong_use_says_how_and_exits_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: python3 run_bot.py" in err
    assert "Traceback" not in err


def test_no_verb_at_all_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2

    assert "rehearse" in "".join(capsys.readouterr())


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0

    assert "verbatim" in capsys.readouterr().out
