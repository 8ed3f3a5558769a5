"""Whether a text is ours: published texts are recognised, every alteration is found."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from bot.canonical import canonical_json
from bot.cli.main import run
from bot.errors import DecisionError
from bot.planning.corrections import PublicCorrection
from bot.public.record import read_record, signed_record, squeezed
from bot.public.verifying import FINE, Provenance, RecordVerifier
from tests.fakes.campaign_tree import NOW
from tests.public.records import SigningKey, published, with_state

OUT = "We write to urge that you decouple from Dahua."
LETTER = "https://campaignforuyghurs.org/open-letter-to-dahua-and-lorex-partners/"
#: In the letter, and in no post.
ONLY_IN_LETTER = "We thank you in advance for your consideration"


@cache
def verifier() -> RecordVerifier:
    return RecordVerifier(published())


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (OUT, Provenance.PUBLISHED),
        (f"“{OUT}”\n— Open letter from four Uyghur organizations, December 9, 2022",
         Provenance.PUBLISHED),
        (f"“{OUT}”\n— Open letter from four Uyghur organizations, December 9, 2022\n"
         f"{LETTER}#:~:text=We", Provenance.PUBLISHED),
        (f"“{OUT}”\nhttps://elsewhere.example/", Provenance.AMONG_OTHERS),
        ("We write to urge\n  that you decouple from Dahua.", Provenance.PUBLISHED),
        (ONLY_IN_LETTER, Provenance.EXACT),
        (f"As they say: “{OUT}” We agree with all of that.", Provenance.AMONG_OTHERS),
        (f"“{OUT}”\n— Open letter from five Uyghur organizations", Provenance.ALTERED),
        ("Dahua is not passive a supplier that ‘does not control how its technology is used’",
         Provenance.ALTERED),
        (OUT.replace("Dahua", "Lorex"), Provenance.ALTERED),
        (OUT.replace("a", "а"), Provenance.ALTERED),  # Cyrillic
        (OUT.replace("urge", "ur\u200bge"), Provenance.ALTERED),
        ("As they say: “We write to urge that you support Dahua.”", Provenance.ALTERED),
        ("Dahua bears responsibility […] of evidence shows that Dahua,", Provenance.EXACT),
        ("Uyghur Human Rights Project", Provenance.ALTERED),  # signed it, and is none of its words
        ("Tomorrow it will rain in the mountains and by the sea", Provenance.NOWHERE),
        ("Dahua", Provenance.NOWHERE),
        ("", Provenance.NOWHERE),
        ("https://mastodon.example/@us/letter-day-0", Provenance.PUBLISHED),
        ("https://Mastodon.example/@us/letter-day-0/?utm_source=a#b", Provenance.PUBLISHED),
        ("https://x.example/@us/nothing", Provenance.NOWHERE),
    ],
)  # fmt: skip
def test_what_a_text_is(text: str, answer: Provenance) -> None:
    assert verifier().verify(text).answer is answer


def test_both_sides_of_an_alteration_are_marked() -> None:
    found = verifier().verify("As they say: “We write to urge that you support Dahua.”")

    assert found.right == OUT
    assert found.marked == ("⟦support⟧", "⟦decouple from⟧")


def test_look_alikes_are_named_sign_by_sign() -> None:
    found = verifier().verify("We write to urge that you dеcouple from Dahua.")

    assert any("CYRILLIC SMALL LETTER IE" in detail for detail in found.details)


def test_a_text_that_would_take_long_is_refused() -> None:
    with pytest.raises(DecisionError, match="at most 15,000 characters"):
        verifier().verify("“a" * 25_000)


def test_an_exact_quotation_under_another_attribution_is_altered() -> None:
    other = replace(
        published().sources[0], id="other", attribution="— Somebody else, 2020", text="", sha256=""
    )
    record = replace(published(), sources=(*published().sources, other))

    found = RecordVerifier(record).verify(f"“{OUT}”\n— Somebody else, 2020")

    assert found.answer is Provenance.ALTERED
    assert found.details == ("the words are of 'letter'; the attribution is of 'other'",)


def test_every_published_text_is_recognised() -> None:
    texts = {each.status.text for each in published().statuses}
    as_copied = {*texts, *(f"  {text}\n" for text in texts)}
    as_copied |= {text.replace("\n", "\r\n") for text in texts}

    assert len(texts) > 40
    assert {verifier().verify(text).answer for text in as_copied} == {Provenance.PUBLISHED}


def test_a_whole_thread_is_recognised() -> None:
    threads: dict[str, list[str]] = defaultdict(list)
    for each in published().statuses:
        threads[each.publication].append(each.status.text)
    wholes = ["\n\n".join(parts) for parts in threads.values() if len(parts) > 1]

    assert wholes
    assert {verifier().verify(whole).answer for whole in wholes} == {Provenance.PUBLISHED}


def test_what_was_taken_down_or_corrected_is_told() -> None:
    taken_down = with_state(published(), "letter-day", "retracted")
    address = "https://mastodon.example/@us/letter-day-0"
    why = PublicCorrection(NOW, "correction", "letter-day", "Wrong year.", "2022.", (address,), ())
    corrected = replace(published(), corrections=(why,))

    assert RecordVerifier(taken_down).verify(address).answer is Provenance.RETRACTED
    assert RecordVerifier(taken_down).verify(OUT).answer is Provenance.PUBLISHED  # by other posts
    assert RecordVerifier(corrected).verify(address).answer is Provenance.CORRECTED
    assert RecordVerifier(corrected).verify(address).corrections == (why,)


def alterations(count: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield texts of ours that were altered; none is by chance the sources' own again."""
    texts = sorted({each.status.text for each in published().statuses})
    letter = squeezed(published().sources[0].text)
    passages = [
        squeezed(each) for each in published().sources[0].text.split(". ") if len(each.split()) > 5
    ]
    known = {squeezed(text) for text in texts}
    while count:
        text = squeezed(chance.choice(texts if count % 2 else passages))
        kind = chance.choice(sorted(CHANGES))
        words = text.split(" ")
        at = chance.randrange(1, len(words) - 1)
        altered = " ".join(CHANGES[kind](words, at, chance))
        bare = altered.strip("“”…")
        if altered not in known and bare not in letter and altered != text:
            count -= 1
            yield kind, altered


CHANGES: dict[str, Callable[[list[str], int, random.Random], list[str]]] = {
    "a word is dropped": lambda words, at, _: words[:at] + words[at + 1 :],
    "a word is added": lambda words, at, _: [*words[:at], "not", *words[at:]],
    "two words change places": lambda words, at, _: [
        *words[: at - 1], words[at], words[at - 1], *words[at + 1 :],
    ],
    "another word": lambda words, at, chance: [
        *words[:at], chance.choice(("peace", "Lorex", "hundreds", "rightly")), *words[at + 1 :],
    ],
    "one letter": lambda words, at, chance: [
        *words[:at], chance.choice("abcdefgh") + words[at][1:], *words[at + 1 :],
    ],
    "a letter of another script": lambda words, at, _: [
        *words[:at], words[at].translate(str.maketrans("aeopc", "аеорс")), *words[at + 1 :],
    ],
    "an unseen sign": lambda words, at, _: [*words[:at], words[at] + "\u200b", *words[at + 1 :]],
    "capitals": lambda words, at, _: [*words[:at], words[at].swapcase(), *words[at + 1 :]],
    "a comma": lambda words, at, _: [*words[:at], words[at] + ",", *words[at + 1 :]],
    "the end is another": lambda words, _, __: [*words[:-1], "peace."],
    "half of it, and more": lambda words, at, _: [*words[: max(at, 4)], "and", "that", "is."],
}  # fmt: skip


def test_each_of_a_thousand_alterations_is_found() -> None:
    chance = random.Random(19)  # noqa: S311 - the same alterations each time
    found = [(kind, text, verifier().verify(text)) for kind, text in alterations(1000, chance)]

    missed = [(kind, text) for kind, text, answer in found if answer.answer in FINE]
    counts = Counter(answer.answer for _, _, answer in found)

    assert missed == []
    assert counts[Provenance.ALTERED] > 950, counts


KEY = SigningKey()


@cache
def signed() -> bytes:
    return signed_record(published(), KEY)


def test_a_record_is_read_as_it_was_written() -> None:
    assert read_record(signed(), KEY.public) == (published(), KEY.public)


def test_a_changed_byte_is_found_wherever_it_is() -> None:
    content, chance = signed(), random.Random(7)  # noqa: S311 - no secret
    places = {0, 7, 12, len(content) - 1, len(content) - 3, len(content) - 20}
    places |= {chance.randrange(len(content)) for _ in range(40)}

    for at in places:
        with pytest.raises(DecisionError):
            read_record(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b'":', b'": ', 1),
        lambda content: content + b" ",
        lambda content: content.replace(b'{"key"', b'{"k":1,"key"', 1),
        lambda content: json.dumps(json.loads(content)).encode(),
        lambda content: content[:0],
        lambda content: b"[" * len(content),
        lambda content: b"\xff" + content,
    ],
)
def test_the_same_record_written_otherwise_is_none(change: object) -> None:
    with pytest.raises(DecisionError):
        read_record(change(signed()))  # type: ignore[operator] # of a table of changes


def test_another_key_than_the_known_one_is_refused() -> None:
    forged = signed_record(published(), SigningKey())

    with pytest.raises(DecisionError, match="not by"):
        read_record(forged, KEY.public)


def test_a_text_that_is_not_its_hash_is_refused() -> None:
    source = replace(published().sources[0], text="Buy from Dahua.", never=())
    forged = signed_record(replace(published(), sources=(source,)), KEY)

    with pytest.raises(DecisionError, match="SHA-256"):
        read_record(forged)


def test_a_stranger_verifies_from_a_clean_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("record.json").write_bytes(signed())
    Path("record.key").write_text(f"{KEY.public}\n", encoding="utf-8")
    Path("text").write_text(OUT.replace("Dahua", "Lorex"), encoding="utf-8")
    words = ["verify", "--record", "record.json", "--key", "record.key", "--data", "none"]

    assert run([*words, OUT]) == 0
    assert "quoted exactly, and published" in capsys.readouterr().out
    assert run([*words, "--file", "text"]) == 1
    assert "in this text:  ⟦Lorex.⟧" in capsys.readouterr().out
    assert run(words) == 0
    assert run([*words, "--json", OUT]) == 0
    assert json.loads(capsys.readouterr().out.partition("\n")[2])["signed_by"] == KEY.public
    Path("record.json").write_bytes(signed().replace(b"Lorex", b"LOREX", 1))
    assert run([*words, OUT]) == 1
    assert "changed" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["record.json", "record.key", "text"]


def test_the_record_is_canonical_json() -> None:
    assert signed().decode() == canonical_json(json.loads(signed())) + "\n"
