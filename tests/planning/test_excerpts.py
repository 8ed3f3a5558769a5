"""A passage becomes a post that passes `check`, and an editor is told what to know of it."""

from __future__ import annotations

import json
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.app.content import prove_files, prove_stored
from bot.checks.checking import DeskCheck
from bot.cli.main import run
from bot.clock import FastClock
from bot.content.quoting import found_at
from bot.planning.excerpts import Excerpt, propose
from bot.rendering.blocks import sentences_of
from tests.fakes.campaign_tree import NOW, TRANSLATED, CampaignTree

Printed = tuple[int, str]


@pytest.fixture
def tree(tmp_path: Path) -> CampaignTree:
    return CampaignTree(tmp_path)


def say(tree: CampaignTree, capsys: pytest.CaptureFixture[str], *words: str) -> Printed:
    code = run(["excerpt", *words, *tree.places()])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def prove(tree: CampaignTree) -> Any:
    return prove_files(tree.schedule, tree.posts, clock=FastClock(NOW))


def proposed(tree: CampaignTree, start: int, end: int) -> Excerpt:
    content = prove(tree)
    campaign, clock = content.readable.campaign, FastClock(NOW)
    letter = campaign.sources["letter"]
    desk = DeskCheck(
        lambda: content.loaded.files, partial(prove_stored, store=None, clock=clock), tuple
    )
    return propose(
        found_at(letter, start, end), letter.text[start:end],
        desk=desk, campaign=campaign, outbox=None, now=NOW,
    )  # fmt: skip


def test_every_sentence_of_the_letter_and_some_pairs_pass_the_check(tmp_path: Path) -> None:
    tree = CampaignTree(tmp_path, shipped=True)
    for path in (*tree.posts.glob("excerpts/*"), tree.posts / "calendar.yaml"):
        path.unlink()
    letter = prove(tree).readable.campaign.sources["letter"]
    sentences = sentences_of(letter)

    pairs = [(start, end) for (start, _), (_, end) in pairwise(sentences)]
    spans = [*sentences, *pairs[::5]]
    made = {span: proposed(tree, *span) for span in spans}

    for number, ((start, end), each) in enumerate(made.items()):
        assert each.is_fine, each.problems
        assert each.checked is not None
        assert each.checked.quote is not None
        assert each.checked.quote.text == letter.text[start:end]
        named = each.yaml.replace(f"id: {each.post.id}", f"id: post-{number}")
        tree.put(f"posts/made-{number}.yaml", named)
    assert prove(tree).errors == ()


def test_what_it_prints_is_a_file_that_passes(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = say(tree, capsys, "They are … friends.", "--author", "edna")

    tree.put("posts/new.yaml", printed)
    read = prove(tree).rendered.campaign.post("they-are-our-mothers-and")
    assert code == 0
    assert read is not None
    assert read.author == "edna"
    assert "# masto: 115 of 500" in printed
    assert "# first quotes words of it: in the queue main" in printed


def test_a_graphic_passage_gets_the_warning_that_others_have_of_it(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "Even children have been taken."
    assert 'warning: "Content warning: graphic"' in say(tree, capsys, words)[1]
    quote = f"quote: {{source: letter, text: {words}}}"
    tree.put_post(quote, "queue: main", 'warning: "CW: children"', "variants:",
                  "  blue: {warning: CW}")  # fmt: skip

    printed = say(tree, capsys, words)[1]

    assert 'warning: "CW: children"' in printed
    assert 'blue: {warning: "CW"}' in printed
    assert "# p quotes the same passage" in printed


def test_an_account_that_it_does_not_fit_is_left_out(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    more = 'masto2: {platform: mastodon, server: "https://other.example"}'
    tree.change("schedule.yaml", "slots:\n",
                f"  {more}\n  ex: {{platform: x, max_length: 50}}\nslots:\n")  # fmt: skip

    code, printed = say(tree, capsys, "They are our mothers and fathers, and")

    assert code == 0
    assert "accounts: [masto, blue]" in printed
    assert "# ex is left out: " in printed
    assert "# masto2 is left out: masto says it on the same platform already" in printed
    assert "# ends within a sentence" in printed


def test_without_a_queue_it_has_a_time_to_come(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.change("schedule.yaml", "queues:\n  main: {slots: [morning]}\n", "")
    (tree.posts / "main.yaml").unlink()

    code, printed = say(tree, capsys, "We welcome any questions.")

    assert code == 0
    assert "    at: 20" in printed


def test_a_translation_asks_for_its_original(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Nous vous écrivons pour vous exhorter.\n"
    tree.put_source("fr", text, lang="fr", **TRANSLATED)

    words = "Nous vous écrivons … exhorter."
    assert "--original" in say(tree, capsys, words)[1]
    code, printed = say(tree, capsys, words, "--original", "We write to urge you.")

    assert (code, '      original: "We write to urge you."' in printed) == (0, True)


def test_absent_and_ambiguous_words_are_answered_as_quote_does(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(tree, capsys, "we wrote to urge you") == (
        1, "letter: nowhere; nearest (80% alike): We write to urge you.\n",
    )  # fmt: skip
    code, printed = say(tree, capsys, "our")
    assert (code, "2 places have these words; write more of them" in printed) == (1, True)


def test_json_has_the_counts_of_each_account(
    tree: CampaignTree, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = say(tree, capsys, "We welcome any questions.", "--json")

    value = json.loads(printed)
    assert code == 0
    assert {each["account"]: each["max_length"] for each in value["shown"]} == {
        "masto": 500, "blue": 300,
    }  # fmt: skip
    assert value["yaml"].count("We welcome any questions.") == 1
    assert value["earlier"] == []
