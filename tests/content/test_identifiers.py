"""Ids in any script: what is one, why something is none, and which two look alike."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content import identifiers
from bot.content.identifiers import ID_LIKE, differing, id_fault, identifier, skeleton
from tests.conftest import ROOT
from tests.fakes.campaign_tree import SCHEDULE, CampaignTree


@pytest.mark.parametrize(
    "name",
    [
        "our-mothers-2", "ئاتا-ئانىلىرىمىز", "我们的父母", "наши-матери", "o‘z-2".replace("‘", "ʻ"),
        "أمهاتنا", "אמהות", "お母さん-カメラ", "어머니", "मातृभूमि", "ค่ำ", "μητέρα", "1-письмо",
        "letter-ئانا", "letter-公开信", "رسالة-٢٠٢٢", "ა-ბ", "été",
    ],
)  # fmt: skip
def test_an_id_is_of_letters_marks_and_digits_of_any_script(name: str) -> None:
    assert id_fault(name) == ""
    assert identifier(name) == name
    assert re.fullmatch(ID_LIKE, name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mаin", "mixes letters of two scripts (Cyrillic and Latin)"),
        ("letter-наш", "mixes letters of two scripts"),
        ("наш-μ", "mixes letters of two scripts"),
        ("ئانا-אמא", "mixes letters of two scripts"),
        ("نوم\u200f", "has U+200F RIGHT-TO-LEFT MARK, which cannot be seen"),
        ("\u2067نوم\u2069", "has U+2067 RIGHT-TO-LEFT ISOLATE, which cannot be seen"),
        ("می\u200cروم", "has U+200C ZERO WIDTH NON-JOINER, which cannot be seen"),
        ("a\u3164b", "has U+3164 HANGUL FILLER, which cannot be seen"),
        ("a\u034fb", "has U+034F COMBINING GRAPHEME JOINER, which cannot be seen"),
        ("e\u0301te", "can be written in two ways"),
        ("\ufee0", "can be written in two ways"),
        ("ｆｕｌｌ", "can be written in two ways"),
        ("ئا\u0640نا", "does not fit"),
        ("Мама", "does not fit"),
        ("\u0301a", "does not fit"),
        ("a_b", "does not fit"),
        ("a/ب", "does not fit"),
        ("٢-2", "has digits of two scripts"),
        ("我" * 64, "is 192 bytes long"),
        *(
            (name, "small letters of one script, digits and hyphens, at most 64")
            for name in (
                "",
                "A",
                "../a",
                "-a",
                "a" * 65,
                "a" * 10_000,
                "a b",
                "É",
                "a\n",
                "ـ",
                "ǃx",
            )
        ),
    ],
)
def test_what_is_no_id_is_told_why(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)) as caught:
        identifier(name)

    assert len(str(caught.value)) < 350


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("Наши Матери", "наши-матери"),
        ("e\u0301te", "éte"),
        ("mаin", "main"),
        ("نوم\u200f", "نوم"),
        ("Our Mothers", "our-mothers"),
    ],
)
def test_what_was_meant_is_told(name: str, right: str) -> None:
    with pytest.raises(ValueError, match=f"; write {right} \\("):
        identifier(name)


@pytest.mark.parametrize(
    ("name", "other", "letter"),
    [
        ("соса", "coca", "с"),
        ("كىم", "کىم", "ك"),
        ("post-1", "post-l", "1"),
        ("post-0", "post-o", "0"),
        ("modern", "modem", "r"),
        ("ىي", "یي", "ى"),
        ("ніс", "hic", "н"),
    ],
)  # fmt: skip
def test_ids_that_are_drawn_alike_have_one_skeleton(name: str, other: str, letter: str) -> None:
    assert (skeleton(name) == skeleton(other)) is (name != "ніс")
    assert differing(name, other) == letter


def test_the_table_of_lookalikes_takes_one_step() -> None:
    table = json.loads((ROOT / "bot" / "content" / "lookalikes.json").read_text(encoding="utf-8"))
    letters = {char for alike in table.values() for char in alike}

    assert len(letters) > 1000
    assert not letters & {char for prototype in table for char in prototype}


@settings(max_examples=30)
@given(st.text(max_size=20))
def test_an_id_is_one_text_in_every_normal_form_but_for_what_nobody_sees(name: str) -> None:
    if id_fault(name):
        return

    assert unicodedata.normalize("NFC", name) == name
    assert skeleton(unicodedata.normalize("NFD", name)) == skeleton(name)
    assert re.fullmatch(ID_LIKE, name)


@given(st.from_regex(identifiers.ACCOUNT_ID, fullmatch=True))
def test_what_is_passed_at_a_glance_is_what_every_rule_passes(name: str) -> None:
    assert identifiers._fault(name) == ""
    assert id_fault(name) == ""


def test_an_account_is_ascii_as_settings_are_named_after_it(tree: CampaignTree) -> None:
    tree.put("schedule.yaml", SCHEDULE.replace("masto:", "دوست:"))

    (problem,) = [each for each in tree.errors() if "دوست" in each]

    assert problem.startswith("schedule.yaml:4:3: accounts.دوست: 'دوست' does not fit; write ")
    assert "settings are named after an account, such as VERBATIM_NAME_ACCESS_TOKEN" in problem


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("slots:\n", 'slots:\n  rnorning: {weekdays: [tue], times: ["09:30"]}\n', "slots.morning"),
        ("queues:\n", "queues:\n  rnain: {slots: [morning]}\n", "queues.main"),
        ("campaign: test\n", "campaign: test\nthemes: [соса, coca]\n", "themes[1]"),
        ("accounts:\n", "accounts:\n  rnasto: {platform: bluesky}\n", "accounts.masto"),
    ],
)
def test_names_of_the_schedule_that_look_alike_are_refused(
    tree: CampaignTree, old: str, new: str, where: str
) -> None:
    tree.change("schedule.yaml", old, new)

    (problem,) = [each for each in tree.errors() if "looks like" in each]

    assert f": {where}: " in problem
    assert problem.endswith("write that one, or call it otherwise")


def test_a_source_and_an_investigation_that_look_alike_are_refused(tree: CampaignTree) -> None:
    tree.change("posts/sources/investigations.yaml", "id: known", "id: 1etter")

    assert ["looks like 'letter'" in each for each in tree.errors()] == [True]


def test_free_themes_that_look_alike_are_refused(tree: CampaignTree) -> None:
    tree.change("posts/main.yaml", "queue: main", "queue: main\n    theme: coca")
    tree.put_post("text: One", "queue: main", "theme: соса")

    (problem,) = tree.errors()

    assert "'соса' looks like 'coca' (" in problem
    assert "main.yaml, line 5) and is not: it has U+0441 CYRILLIC SMALL LETTER ES" in problem


def test_the_limits_leave_room_for_what_is_made_of_an_id() -> None:
    longest = f"correction-99-of-{'我' * (identifiers._MOST_BYTES // 3)}.yaml.lock"

    assert len(longest.encode()) < 255
