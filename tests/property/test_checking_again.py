"""A check that remembers the one before finds just what one finds that remembers nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app.content import SPECS
from bot.checks.checking import CheckCache, CheckedContent, check_content
from bot.content.files import StoredTree
from bot.content.loading import load
from tests.conftest import ROOT
from tests.fakes.campaign_tree import inspect, picture

START = datetime(2026, 11, 30, tzinfo=UTC)
SOURCES = {
    f"posts/sources/{file.name}": file.read_bytes() for file in (ROOT / "posts/sources").iterdir()
}
SCHEDULE = (ROOT / "schedule.yaml").read_text()
#: What may be changed of what all posts are read against.
OTHERS = (
    ("schedule.yaml", "", ""),
    ("schedule.yaml", "timezone: America/New_York", "timezone: Asia/Tokyo"),
    ("schedule.yaml", "campaign:", "similarity: 0.3\ncampaign:"),
    ("schedule.yaml", "accounts:", "accountz:"),
    ("posts/sources/letter.yaml", "title:", "lang: fr\ntitle:"),
    ("posts/sources/letter.yaml", "title:", "titel:"),
)
WORDS = (
    "A camera sees everyone who walks by it on that street today.",
    "A camera sees everyone who walks by it on that street tonight.",
    "Ask your city council which cameras it buys, and from whom it buys them.",
    "“They never said so” is no quotation of ours.",
    "See https://example.org/page and #Unlisted of @nobody@example.org",
    "Long. " * 120,
)
WHENS = (
    "queue: excerpts", "queue: nowhere", "at: 2026-12-01 09:00", "at: 2026-12-09 09:00",
    "at: 2026-11-01 09:00", 'every_year: {on: 12-09, at: "09:00"}', "",
)  # fmt: skip
MORE = (
    "", "status: draft", "thread: true", "accounts: [coalition-x]", "lang: ug", "author: Ann",
    "accounts: [coalition-mastodon, coalition-bluesky]", "link: mit-technology-review",
    'media: [{file: media/card.png, alt: "A card"}]', "variants: {x: {text: Shorter.}}",
    'quote: {source: letter, text: "our mothers and fathers"}',
    'quote: {source: letter, text: "our mothers and uncles"}',
)  # fmt: skip

entries = st.tuples(
    st.sampled_from(["one", "two", "three", "four", "UPPER"]), st.sampled_from(WORDS),
    st.sampled_from(WHENS), st.sampled_from(MORE),
)  # fmt: skip
names = st.sampled_from(["posts/a.yaml", "posts/b.yaml", "posts/c/d.yaml"])
edits = st.one_of(
    st.tuples(names, st.lists(entries, max_size=3)),
    st.tuples(names, st.lists(entries, min_size=1, max_size=3)),
    st.sampled_from(OTHERS),
    st.sampled_from([timedelta(days=days) for days in (1, 12, 400)]),
)


def _written(posts: list[tuple[str, str, str, str]]) -> bytes:
    lines = ["posts:"]
    for name, words, when, more in posts:
        lines.append(f"  - id: {name}")
        lines += [f"    {line}" for line in (f'text: "{words.strip()}"', when, more) if line]
    return "\n".join(lines).encode()


def _checked(files: dict[str, bytes], now: datetime, cache: CheckCache | None) -> CheckedContent:
    kept = cache.files if cache else None
    loaded = load(StoredTree(files), specs=SPECS, inspect=inspect, now=now, kept=kept)
    return check_content(
        loaded, specs=SPECS, limits={}, now=now, pictured=lambda _post: False, cache=cache
    )


@settings(max_examples=15)
@given(st.lists(edits, min_size=2, max_size=8))
def test_whatever_is_edited_the_answer_is_that_of_a_full_check(edits: list[object]) -> None:
    cache, now = CheckCache(), START
    files = {"schedule.yaml": SCHEDULE.encode(), "posts/media/card.png": picture(), **SOURCES}
    base = dict(files)
    for edit in edits:
        match edit:
            case timedelta():
                now += edit
            case (str(name), list(posts)):
                files[name] = _written(posts)
            case (str(name), str(old), str(new)):
                files[name] = base[name].replace(old.encode(), new.encode(), 1)

        again, full = _checked(files, now, cache), _checked(files, now, None)

        assert again.problems == full.problems
        assert again.tree_sha256 == full.tree_sha256
        assert again.loaded.readable == full.loaded.readable
        if again.readable and full.readable:
            assert again.readable.texts == full.readable.texts
            assert again.readable._shares == full.readable._shares


def test_a_post_that_is_as_it_was_is_not_read_or_rendered_anew() -> None:
    cache, files = CheckCache(), {"schedule.yaml": SCHEDULE.encode(), **SOURCES}
    files["posts/a.yaml"] = _written([("one", WORDS[0], WHENS[0], "")])
    files["posts/b.yaml"] = _written([("two", WORDS[2], WHENS[2], "")])
    first = _checked(files, START, cache)
    files["posts/b.yaml"] = _written([("two", WORDS[2], WHENS[3], "")])

    second = _checked(files, START, cache)

    assert first.readable
    assert second.readable
    before, after = first.readable.texts, second.readable.texts
    assert after["one", "coalition-x"] is before["one", "coalition-x"]
    assert after["two", "coalition-x"] is not before["two", "coalition-x"]
