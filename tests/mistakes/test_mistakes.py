"""Every mistake of the table gets its message, and what is right passes."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from bot.errors import Severity
from tests.conftest import ROOT
from tests.mistakes.table import Mistake, mistakes, page, problem_of, rules

#: What makes a problem, and how the name of a rule is written.
TELLS = re.compile(r"(^|[._])(Problem|problem_at|problem|tell|refuse|problems[.]add)$")
IS_RULE = re.compile(r"[a-z]+(-[a-z]+)+|file|mode|signature|character|value|yaml")
#: Nothing that `check` can see: what changed since, and who signed.
SAID_BY_RUN = {"cancels-much", "mode", "other-campaign", "signature"}
IDS = [f"{one.rule}-{number}" for number, one in enumerate(mistakes())]


@pytest.mark.parametrize("mistake", mistakes(), ids=IDS)
def test_a_mistake_is_named_with_what_to_write(mistake: Mistake) -> None:
    assert mistake.rule in {each.rule for each in mistake.problems}

    assert mistake.says in problem_of(mistake).message


@pytest.mark.parametrize("mistake", mistakes(), ids=IDS)
def test_what_is_right_passes(mistake: Mistake) -> None:
    found = mistake.problems_of_right

    assert [str(each) for each in found if each.severity is Severity.ERROR] == []
    assert mistake.rule not in {each.rule for each in found}


def test_a_line_that_is_told_ends_the_problem_where_it_is_pasted() -> None:
    of_files = [one for one in mistakes() if one.rule in ("yaml", "comment-swallowed")]
    pasted = {one.wrong: one.after_pasting() for one in of_files}

    told = {wrong: found for wrong, found in pasted.items() if found is not None}
    assert len(told) > 20
    assert {wrong: found for wrong, found in told.items() if found} == {}


def test_the_table_is_long_enough_and_says_why() -> None:
    assert len(mistakes()) >= 80
    assert all(rule["why"].endswith((".", "!")) for rule in rules().values())


def test_every_rule_of_the_code_is_in_the_table() -> None:
    """Rules are words with hyphens that `Problem` and what makes one are called with."""
    said = {
        word.value
        for path in (ROOT / "bot").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and TELLS.search(ast.unparse(call.func))
        for word in (*call.args, *(each.value for each in call.keywords if each.arg == "rule"))
        if isinstance(word, ast.Constant)
        and isinstance(word.value, str)
        and IS_RULE.fullmatch(word.value)
    }

    assert len(said) > 30
    assert said - set(rules()) == SAID_BY_RUN
    assert {"letter-kind", "letter-size", "letter-xml", "sheet-date", "sheet-long"} <= set(rules())


def test_no_message_speaks_as_libyaml_does() -> None:
    words = re.compile(
        r"while (?:parsing|scanning)|did not find expected|block mapping|flow sequence"
    )

    assert not [one for one in mistakes() if words.search(problem_of(one).message)]


def test_the_page_of_rules_is_what_check_says() -> None:
    path = Path(os.environ.get("RULES_PAGE", ROOT / "docs" / "rules.md"))
    if "RULES_PAGE" in os.environ:
        path.write_text(page(), encoding="utf-8")

    assert path.read_text(encoding="utf-8") == page()
