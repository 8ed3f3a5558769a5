"""Single values: what a typed text means, and what is said where it means nothing."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from bot.content import identifiers, values
from bot.content.addresses import address, optional_address, server
from bot.content.values import EMPTY
from tests.fakes.mistakes import mistakes

Reader = Callable[[object], object]


def refusal(reader: Reader, typed: object) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what tests look at
        reader(typed)
    return str(caught.value)


@pytest.mark.parametrize(
    ("reader", "typed", "value"),
    [
        (values.boolean, "true", True),
        (values.boolean, "false", False),
        (values.integer(0, 10), "0", 0),
        (values.integer(0, 300), "300", 300),
        (values.decimal(100), "0.015", 0.015),
        (values.decimal(100), "5", 5.0),
        (values.duration, "15m", timedelta(minutes=15)),
        (values.duration, "1h", timedelta(hours=1)),
        (values.duration, "60d", timedelta(days=60)),
        (values.duration, "90s", timedelta(seconds=90)),
        (values.duration, "1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        (values.duration, "0m", timedelta(0)),
        (values.day, "2028-02-29", date(2028, 2, 29)),
        (values.clock_time, "09:30", time(9, 30)),
        (values.clock_time, "23:59:59", time(23, 59, 59)),
        (values.month_day, "12-09", (12, 9)),
        (values.month_day, "02-29", (2, 29)),
        *((values.language, tag, tag) for tag in ("ug", "zh-Hans", "tw", "kr-Latn", "en-GB")),
        (values.handle, "@coalition@mastodon.social", "coalition@mastodon.social"),
        (values.handle, "coalition.example", "coalition.example"),
        (values.hashtag, "HumanRights", "HumanRights"),
        (values.hashtag, "ئۇيغۇر", "ئۇيغۇر"),
        (values.text, " words \n", "words"),
        (values.text, "🕊️", "🕊️"),
        (values.text_of, " words \n", " words \n"),
        (values.optional_text, EMPTY, ""),
        (identifiers.identifier, "a-1", "a-1"),
        (identifiers.identifier, "a" * 64, "a" * 64),
        (identifiers.link_or_none, "none", ""),
        (identifiers.link_or_none, EMPTY, ""),
        (identifiers.link_or_none, "letter", "letter"),
        (values.days, "2027-01-01", (date(2027, 1, 1), date(2027, 1, 1))),
        (
            values.days,
            {"from": "2027-01-01", "to": "2027-01-03"},
            (date(2027, 1, 1), date(2027, 1, 3)),
        ),
        (values.passage, "exact", ("exact", "")),
        (values.passage, {"from": "a", "to": "b"}, ("a", "b")),
        (address, "https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        (address, "http://xn--bcher-kva.example/%C3%A9", "http://xn--bcher-kva.example/%C3%A9"),
        (optional_address, EMPTY, ""),
        (server, "https://mastodon.social/", "https://mastodon.social"),
        (server, "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        (server, "http://localhost:1", "http://localhost:1"),
        (server, "http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_a_typed_text_is_read(reader: Reader, typed: object, value: object) -> None:
    assert reader(typed) == value


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("2026-12-09 09:00", datetime(2026, 12, 9, 9)),  # noqa: DTZ001 - local
        ("2026-12-09T09:00", datetime(2026, 12, 9, 9)),  # noqa: DTZ001 - local
        ("2026-12-09 09:00:30", datetime(2026, 12, 9, 9, 0, 30)),  # noqa: DTZ001 - local
        ("2026-12-09 09:00Z", datetime(2026, 12, 9, 9, tzinfo=UTC)),
        (
            "2026-12-09 09:00 -05:30",
            datetime(2026, 12, 9, 9, tzinfo=timezone(-timedelta(hours=5, minutes=30))),
        ),
    ],
)
def test_a_moment_is_local_or_has_its_own_offset(typed: str, value: datetime) -> None:
    assert values.moment(typed) == value


#: The reader, what is typed, and what to write instead.
WRONG = """
moment 2026-13-45 10:00
    '2026-13-45' is no date: month must be in 1..12; write a date such as 2026-12-09
moment 2027-02-29 10:00
    '2027-02-29' is no date: day is out of range for month; write a date such as 2026-12-09
moment 0001-01-01 10:00
    year 1 is not between 1900 and 2100; correct it
moment 9999-12-31 10:00
    year 9999 is not between 1900 and 2100; correct it
moment 2026-12-31 23:59:60
    '23:59:60' names a leap second; write one that each minute has
moment 2026-12-09 24:00
    '24:00': write 00:00 of the next day instead
moment 2026-12-09 09:61
    '09:61' is no time: minute must be in 0..59; write a time such as 09:30
moment 2026-12-09
    '2026-12-09' is no date and time; write 2026-12-09 09:00
moment 09.12.2026 18:00
    '09.12.2026 18:00' is no date and time; write 2026-12-09 18:00 or 2026-09-12 18:00
moment ٢٠٢٦-12-09 09:00
    '٢٠٢٦-12-09 09:00' is no date and time; it has U+0662 ARABIC-INDIC DIGIT TWO, which passes for
    another sign; write 2026-12-09 09:00
moment 2026-12-09 09:00+15:00
    +15:00 is no offset from UTC; write one such as +01:00 or -05:00
moment 2026-12-09 09:00+05:75
    +05:75 is no offset from UTC; write one such as +01:00 or -05:00
moment tomorrow
    'tomorrow' is no date and time; write a date and time such as 2026-12-09 09:00
moment 9.12.2026 9.30
    '9.12.2026 9.30' is no date and time; write 2026-12-09 09:30 or 2026-09-12 09:30
moment 9/12/26 9:00
    '9/12/26 9:00' is no date and time; write 2026-12-09 09:00 or 2026-09-12 09:00
moment 20261209T0900
    '20261209T0900' is no date and time; write 2026-12-09 09:00
moment 2026-12-9 9:00
    '2026-12-9 9:00' is no date and time; write 2026-12-09 09:00
moment 2026-12-09T09:00:00.000
    '2026-12-09T09:00:00.000' is no date and time; write 2026-12-09 09:00
moment 2026-12-09, 9
    '2026-12-09, 9' is no date and time; write 2026-12-09 09:00
moment 09:00 2026-12-09
    '09:00 2026-12-09' is no date and time; write 2026-12-09 09:00
moment “2026-12-09 09h30”
    '“2026-12-09 09h30”' is no date and time; write 2026-12-09 09:30
moment le 9 décembre 2026 à 9h00
    'le 9 décembre 2026 à 9h00' is no date and time; write 2026-12-09 09:00
moment 9. Dezember 2026 21 Uhr
    '9. Dezember 2026 21 Uhr' is no date and time; write 2026-12-09 21:00
moment 9 Aralık 26 09:00
    '9 Aralık 26 09:00' is no date and time; write 2026-12-09 09:00
moment 31.11.2026 09:00
    '31.11.2026 09:00' is no date and time; write a date and time such as 2026-12-09 09:00
moment 26-12-09 09:00
    '26-12-09 09:00' is no date and time; write 2009-12-26 09:00 or 2026-12-09 09:00
moment 2026-12-09 midnight
    '2026-12-09 midnight' is no date and time; write 2026-12-09 00:00
moment 2026-12-09 09:00+0530
    '2026-12-09 09:00+0530' is no date and time; write 2026-12-09 09:00 +05:30
moment 2027-07-09 09:00 EDT
    '2027-07-09 09:00 EDT' is no date and time; write 2027-07-09 09:00 -04:00
moment 2026-12-09 09:00 EDT
    '2026-12-09 09:00 EDT' is no date and time; write a date and time such as 2026-12-09 09:00
moment 2026-12-09 09:00 (New York)
    '2026-12-09 09:00 (New York)' is no date and time; write 2026-12-09 09:00 -05:00
moment 2026-12-09 09:00 EST
    '2026-12-09 09:00 EST' is no date and time; write 2026-12-09 09:00 -05:00
moment 2026-12-09 09:00 europe/berlin
    '2026-12-09 09:00 europe/berlin' is no date and time; write 2026-12-09 09:00 +01:00
moment 2026-12-09 09:00 Nowhere
    '2026-12-09 09:00 Nowhere' is no date and time;
    write a date and time such as 2026-12-09 09:00
language pt_BR
    'pt_BR' does not fit; write pt-BR
moment 2026-12-09 noon
    '2026-12-09 noon' is no date and time; write 2026-12-09 12:00
moment Wed, 9 Dec 2026 at 9am
    'Wed, 9 Dec 2026 at 9am' is no date and time; write 2026-12-09 09:00
boolean yes
    'yes' is neither; write true
boolean False
    'False' is neither; write false
boolean maybe
    'maybe' is neither; write true or false
duration 15
    '15' is no duration; write 15m or 15h or 15d
duration 2 weeks
    '2 weeks' is no duration; write 14d
duration 2 months
    '2 months' is no duration; write 60d
duration 15 min
    '15 min' is no duration; write 15m
duration 1 hour
    '1 hour' is no duration; write 1h
duration 1h30
    '1h30' is no duration; write 1h30m
duration 1,5 hours
    '1,5 hours' is no duration; write 1h30m
duration 1 day and 2 hours
    '1 day and 2 hours' is no duration; write 26h
duration 00:15
    '00:15' is no duration; write 15m
duration never
    'never' is no duration; write a duration such as 15m, 1h or 60d, or leave the key out
positive_duration 0
    is no time at all; write a duration such as 15m, 1h or 60d
clock_time 930
    '930' is no time; write 09:30
clock_time 9
    '9' is no time; write 09:00
month_day 2026-12-09
    '2026-12-09' is no day of the year; write 12-09
day 2022-12-09 09:00
    '2022-12-09 09:00' is no date; write 2022-12-09
language kr
    'kr' is no language's code; write ko
language xx
    'xx' is no language's code; write one such as en, ug or zh-Hans
language Uighur
    'Uighur' is no language's code; write ug
language zho
    'zho' is no language's code; write zh
language en-EN
    'en-EN' is no language's code; write en
language en US
    'en US' does not fit; write en-US
warning none
    'none' would be shown as the warning; write what readers are warned of, or leave the key out
weekday mon-fri
    'mon-fri' is more than one day; write mon, tue, wed, thu, fri
weekday sat to tue
    'sat to tue' is more than one day; write sat, sun, mon, tue
weekday weekend
    'weekend' is more than one day; write sat, sun
zone_name AEST
    no such zone 'AEST'; did you mean 'Australia/Sydney'?
zone_name XYZT
    no such zone 'XYZT'; write one such as Europe/Paris
zone_name Eastern Standard Time
    no such zone 'Eastern Standard Time'; did you mean 'America/New_York'?
zone_name London, UK
    no such zone 'London, UK'; did you mean 'Europe/London'?
zone_name UTC+5:30
    'UTC+5:30' is an offset from UTC and no zone: it knows no summer time; write a place with that
    time, such as Asia/Kolkata
zone_name UTC+25
    'UTC+25' is an offset from UTC and no zone: it knows no summer time; write a place
handle https://bsky.app/profile/doors.example
    'https://bsky.app/profile/doors.example' is no handle; write doors.example
hashtag Doors!
    'Doors!' is no hashtag; write Doors (letters, digits and _ only, and at least one letter)
duration soon
    'soon' is no duration; write a duration such as 15m, 1h or 60d
positive_duration 0m
    is no time at all; write a duration such as 15m, 1h or 60d
clock_time 9:30
    '9:30' is no time; write 09:30
month_day 02-30
    '02-30' comes in no year: day is out of range for month;
    write a month and a day such as 12-09
month_day Dec 9
    'Dec 9' is no day of the year; write 12-09
month_day 9.12.
    '9.12.' is no day of the year; write 12-09 or 09-12
month_day Christmas
    'Christmas' is no day of the year; write a month and a day such as 12-09
hashtag #Uyghur
    '#Uyghur': leave the # out; write Uyghur
hashtag Human-Rights
    'Human-Rights' is no hashtag; write HumanRights (letters, digits and _ only, and at least
    one letter)
hashtag 2022
    '2022' is no hashtag; letters, digits and _ only, and at least one letter
handle a b
    'a b' is no handle; write a handle such as coalition.example or coalition@social.example
text \u200d\u200c
    has nothing that can be seen; write text, or take the key out
text \u0301\u0301
    has nothing that can be seen; write text, or take the key out
"""


@pytest.mark.parametrize(("typed", "message"), mistakes(WRONG))
def test_a_text_that_means_nothing_says_what_to_write(typed: str, message: str) -> None:
    reader, _, text = typed.partition(" ")

    assert refusal(getattr(values, reader), text) == message


@pytest.mark.parametrize(
    ("reader", "typed", "message"),
    [
        (
            values.boolean,
            EMPTY,
            "has no value (what follows a # is a comment); write true or false",
        ),
        (values.boolean, ["true"], "is a list; write true or false"),
        (values.duration, "", "'' is no duration; write a duration such as 15m, 1h or 60d"),
        (values.passage, "", "is empty; write exact text of the source"),
        (values.integer(1, 300), "017", "write a whole number from 1 to 300, digits only"),
        (values.integer(1, 3000), "1_000", "write a whole number from 1 to 3,000, digits only"),
        (values.integer(1, 300), "0", "write a whole number from 1 to 300, digits only"),
        (values.decimal(5), "5€", "write 5"),
        (values.decimal(5), "USD 2,50", "write 2.50"),
        (values.decimal(5), "6 euros", "write a number from 0 to 5, such as 0.5"),
        (values.integer(1, 3000), "1,000", "write 1000"),
        (values.integer(1, 300), "1,000", "write a whole number from 1 to 300, digits only"),
        (values.integer(1, 300), "two", "write 2"),
        (values.integer(1, 300), "30 days", "write 30"),
        (values.integer(1, 300), "none", "1 to 300, digits only, or leave the key out"),
        (values.decimal(1), "60%", "write 0.6"),
        (values.choice("everyone", "nobody"), "none", "write nobody"),
        (values.choice("always", "never"), "no", "write never"),
        (values.decimal(5), ".inf", "write a number from 0 to 5, such as 0.5"),
        (values.decimal(5), "1e3", "write a number from 0 to 5, such as 0.5"),
        (values.decimal(5), "-1", "write a number from 0 to 5, such as 0.5"),
        (values.choice(*values.WEEKDAYS), "monday", "did you mean 'mon'?"),
        (values.choice("ready", "draft"), "live", "there are: ready, draft"),
        (
            values.days,
            {"from": "2027-01-02", "to": "2027-01-01"},
            "ends on 2027-01-01, before it begins on 2027-01-02; swap from and to",
        ),
        (
            values.days,
            {"from": "2027-01-01", "until": "2027-01-02"},
            "has the keys from, until; write from and to, nothing else",
        ),
        (
            values.days,
            {"from": "2027-01-01", "to": "2029-01-01"},
            "lasts from 2027-01-01 to 2029-01-01, more than a year; correct the dates",
        ),
        (values.passage, {"from": "a", "to": " "}, "from and to need exact text each"),
    ],
)
def test_a_value_out_of_bounds_says_what_to_write(
    reader: Reader, typed: object, message: str
) -> None:
    assert refusal(reader, typed).endswith(message)


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("javascript:alert(1)", "names no host"),
        ("data:text/html,x", "names no host"),
        ("ftp://example.org/", "only http and https are linked"),
        ("https://user@example.org/", "has a user name before the host; take it out"),
        ("https://user:pass@example.org/", "has a user name before the host"),
        ("https:///x", "names no host"),
        ("//example.org/x", "only http and https"),
        ("example.org/x", "names no host"),
        ("https://127.0.0.1/x", "names no public host"),
        ("https://2130706433/", "names no public host"),
        ("https://0x7f.1/", "names no public host"),
        ("https://[64:ff9b::7f00:1]/", "names no public host"),
        ("https://localhost/", "names no public host"),
        ("https://example.org:99999/", "is no address (Port out of range 0-65535)"),
        ("https://example.org/a b", "has spaces or letters that addresses cannot have"),
        ("https://bücher.example/", "copy it from the browser's address line"),
        ("https://example.org\\@evil.example/", "has a backslash"),
        ("https://[::1", "is no address (Invalid IPv6 URL)"),
        ("https://example.org/" + "a" * 2000, "has 2020 characters; 2000 are the most"),
    ],
)
def test_only_whole_addresses_of_public_pages_are_linked(typed: str, part: str) -> None:
    assert part in refusal(address, typed)


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("http://mastodon.social", "secrets go over https only"),
        ("https://mastodon.social/api", "has more than a host"),
        ("https://mastodon.social?x", "has more than a host"),
        ("https://me@mastodon.social", "has a user name before the host"),
        ("mastodon.social", "names no host"),
        ("https://mastodon", "names no public host"),
        ("ftp://localhost", "secrets go over https only"),
        ("http://127.0.0.1.evil.example", "secrets go over https only"),
        ("http://2130706433", "names no public host"),
        ("https://10.0.0.1", "names no public host"),
    ],
)
def test_secrets_go_to_https_servers_or_to_this_machine_only(typed: str, part: str) -> None:
    assert part in refusal(server, typed)


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("cn", "zh"), ("cn-Hans", "zh-Hans"), ("hk", "zh-Hant"), ("hk-Hans", "zh-Hans"),
        ("en-UK", "en-GB"), ("uig-Latn-CN", "ug-Latn-CN"),
    ],
)  # fmt: skip
def test_a_country_s_code_is_answered_with_the_whole_tag_to_write(typed: str, right: str) -> None:
    assert refusal(values.language, typed) == f"'{typed}' is no language's code; write {right}"
    assert values.language(right) == right
