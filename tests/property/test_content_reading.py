"""Laws of reading: nothing crashes it, and what is accepted is exactly what was typed."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.content.characters import fault
from bot.content.files import StoredTree
from bot.content.loading import load, tree_sha256
from bot.content.slots import due
from bot.content.values import EMPTY
from bot.content.yamlfile import parse
from bot.content.zones import LocalTimeKind, resolve
from bot.errors import Severity
from tests.fakes.campaign_tree import NOW, POSTS, SCHEDULE, inspect, spec

ZONES = [
    ZoneInfo(name)
    for name in (
        *("America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Urumqi"),
        *("America/St_Johns", "Africa/Casablanca", "Asia/Beirut", "UTC"),
    )
]

#: Pieces that YAML gives a meaning to, so that random joins of them reach far into the parser.
PIECES = st.sampled_from(
    [
        *(
            *("a", "b: ", "- ", "[", "]", "{", "}", ",", ": ", "? ", "\n", "\n  ", "\n    "),
            *("&a ", "*a"),
        ),
        *(
            *("<<: ", "!t ", "!!str ", "|\n", ">-\n", "'", '"', "#", "---\n", "...\n"),
            *("%YAML 1.2\n", "\t"),
        ),
        *(
            *("posts:", "id: ", "text: ", "\\u202e", "é", "\u0301", "\u200d", "\ufeff", "\r\n"),
            *("\x00", "~"),
        ),
    ]
)


@given(st.binary(max_size=300) | st.lists(PIECES, max_size=60).map(lambda p: "".join(p).encode()))
@settings(max_examples=200)
def test_any_bytes_are_a_document_or_problems_with_places(raw: bytes) -> None:
    lines = raw.count(b"\n") + 1

    node, problems = parse(raw, file="f.yaml")

    assert node is None or node.place.line >= 1
    assert all(1 <= one.line <= lines + 1 and one.column >= 1 for one in problems)
    assert all(one.message for one in problems)


@given(st.lists(PIECES, max_size=60).map("".join), st.sampled_from(["main", "sources/letter"]))
@settings(max_examples=200)
def test_any_file_in_a_campaign_gives_a_campaign_or_problems(text: str, name: str) -> None:
    files = {
        "schedule.yaml": SCHEDULE.encode(),
        "posts/main.yaml": POSTS.encode(),
        f"posts/{name}.yaml": text.encode(),
    }

    loaded = load(StoredTree(files), specs=spec(), inspect=inspect, now=NOW)

    failed = any(one.severity is Severity.ERROR for one in loaded.problems)
    assert (loaded.campaign is None) == failed


@given(st.text(max_size=60))
def test_text_in_quotation_marks_is_read_as_typed_or_refused_for_its_characters(text: str) -> None:
    typed = unicodedata.normalize("NFC", text)
    assume("\r" not in typed)

    node, problems = parse(
        f"key: {json.dumps(typed, ensure_ascii=False)}\n".encode(), file="f.yaml"
    )

    if problems:
        assert fault(typed) is not None
    else:
        assert node
        assert node.plain() == {"key": typed}


@given(st.text("0123456789:._-+eExXoO~", min_size=1, max_size=12))
def test_plain_text_that_looks_like_a_number_or_a_time_stays_as_it_is(typed: str) -> None:
    assume(typed[0] not in "-:" and ": " not in typed and not typed.endswith(":"))

    node, problems = parse(f"key: {typed}\n".encode(), file="f.yaml")

    assert not problems
    assert node
    assert node.plain() == {"key": typed or EMPTY}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


@given(st.datetimes(local("1990-01-01"), local("2090-01-01")), st.sampled_from(ZONES))
def test_a_local_time_that_exists_reads_the_same_on_the_wall(at: datetime, zone: ZoneInfo) -> None:
    instant = resolve(at, zone)

    wall = instant.utc.astimezone(zone).replace(tzinfo=None, fold=0)
    if instant.kind is LocalTimeKind.GAP:
        assert wall > at
    else:
        assert wall == at


@given(
    st.datetimes(local("2026-01-01"), local("2028-01-01")),
    st.sampled_from(ZONES),
    st.integers(-12 * 60, 14 * 60),
)
def test_an_own_offset_always_gives_exactly_its_instant(
    at: datetime, zone: ZoneInfo, minutes: int
) -> None:
    offset = timedelta(minutes=minutes)
    at = at.replace(microsecond=0)

    utc, _ = due(at.replace(tzinfo=timezone(offset)), zone=zone, now=NOW, confirmed=True)

    assert utc == (at - offset).replace(tzinfo=UTC)


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=8), max_size=6), st.randoms())
def test_the_hash_of_a_tree_does_not_depend_on_the_order_of_its_files(
    files: dict[str, bytes], random: object
) -> None:
    shuffled = list(files.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random

    assert tree_sha256(dict(shuffled)) == tree_sha256(files)
