"""schedule.yaml becomes a typed value, or says at once all that is wrong with it."""

import re
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.content.model import Account, Consent, Mode, Pause, Place, Queue, Slot
from bot.content.slots import slot_times
from bot.content.zones import LocalTimeKind
from tests.fakes.campaign_tree import NOW, CampaignTree
from tests.fakes.mistakes import changes, mistakes

_SKIPPED = re.compile(r"(\d\d:\d\d) does not exist in ")
FULL = """\
campaign: decouple
timezone: Europe/Paris
mode: live
approvals_required: 3
not_after: 1h
coalition: ["@one@mastodon.social", two.example]
hashtags: [Uyghur, HumanRights]
themes: [families]
accounts:
  masto: {platform: mastodon, server: "https://mastodon.social/", owner: One, consent: {by: A, on: 2026-11-20}, visibility: unlisted, max_per_hour: 30, max_per_day: 100, min_gap: 20m, max_length: 1000}
  x-one: {platform: x, handle: "@one", links: never, threads: true, budget_usd_per_month: 5, on_unknown: hold, automated_label_confirmed: 2026-11-20, owner: One, consent: {by: A, on: 2026-11-20}}
x_prices: {post: 0.02}
slots:
  morning: {weekdays: [wed, mon], times: ["18:30", "09:30"], skip: [2026-12-25]}
queues:
  main: {slots: [morning], order: shuffled, repeat_after: 60d}
pauses:
  - {from: 2027-03-20, to: 2027-03-22, reason: Noruz}
quiet: [2027-01-01, {from: 2027-03-20, to: 2027-03-21}]
similarity: 0.5
similarity_days: 14
graphic_per_day: 2
"""  # noqa: E501 - one account a line, as in the documentation


def test_every_key_is_read(tree: CampaignTree) -> None:
    tree.put("schedule.yaml", FULL)
    file = str(tree.schedule)

    schedule = tree.campaign().schedule

    assert (schedule.campaign, schedule.timezone) == ("decouple", "Europe/Paris")
    assert (schedule.mode, schedule.approvals_required) == (Mode.LIVE, 3)
    assert schedule.not_after == timedelta(hours=1)
    assert schedule.coalition == ("one@mastodon.social", "two.example")
    assert schedule.hashtags == ("Uyghur", "HumanRights")
    assert schedule.prices == {"x": {"post": 0.02}}
    assert schedule.slots["morning"] == Slot(
        "morning", (2, 0), (time(18, 30), time(9, 30)), (date(2026, 12, 25),)
    )
    assert schedule.queues["main"] == Queue("main", ("morning",), "shuffled", timedelta(days=60))
    assert schedule.pauses == (Pause(date(2027, 3, 20), date(2027, 3, 22), "Noruz"),)
    days = (date(2027, month, day) for month, day in ((1, 1), (1, 2), (3, 19), (3, 20), (3, 21)))
    assert [schedule.is_quiet(day) for day in days] == [True, False, False, True, True]
    assert (schedule.similarity, schedule.similarity_days) == (0.5, 14)
    assert (schedule.graphic_per_day, schedule.place.file) == (2, file)


def test_every_key_of_an_account_is_read(tree: CampaignTree) -> None:
    tree.put("schedule.yaml", FULL)
    consent = Consent("A", date(2026, 11, 20))

    accounts = tree.campaign().schedule.accounts

    assert accounts["masto"] == Account(
        "masto",
        "mastodon",
        server="https://mastodon.social",
        owner="One",
        consent=consent,
        max_per_hour=30,
        max_per_day=100,
        min_gap=timedelta(minutes=20),
        max_length=1000,
        own={"visibility": "unlisted"},
        place=Place(str(tree.schedule), 10, 3),
    )
    assert accounts["x-one"] == Account(
        "x-one",
        "x",
        handle="one",
        owner="One",
        consent=consent,
        links="never",
        budget_usd_per_month=5.0,
        on_unknown="hold",
        own={"threads": True, "automated_label_confirmed": date(2026, 11, 20)},
        place=Place(str(tree.schedule), 11, 3),
    )


def test_what_is_left_out_is_careful(tree: CampaignTree) -> None:
    schedule = tree.campaign().schedule

    assert schedule.mode is Mode.REHEARSAL
    assert schedule.approvals_required == 2
    assert schedule.not_after == timedelta(minutes=15)
    assert schedule.coalition == ()


#: What stands there, what is typed instead, and what is told of it.
MISTAKES = """
campaign: test => campain: test
    1:1: campain: no such key 'campain'; did you mean 'campaign'?
America/New_York => Europe/Pari
    2:11: timezone: no such zone 'Europe/Pari'; did you mean 'Europe/Paris'?
platform: bluesky => platform: bluesk
    5:20: accounts.blue.platform: no platform 'bluesk'; did you mean 'bluesky'?
https://mastodon.social => http://mastodon.social
    4:39: accounts.masto.server: 'http://mastodon.social': secrets go over https only;
    write https://mastodon.social
platform: bluesky => platform: twitter
    5:20: accounts.blue.platform: no platform 'twitter'; write x
platform: bluesky => platform: bluesky, tokn: x
    5:29: accounts.blue.tokn: no such key 'tokn'; there are:
    platform, server, handle, owner, consent, links, max_per_hour, max_per_day, min_gap,
    budget_usd_per_month, on_unknown, max_length, replies, quotes
platform: bluesky => platform: bluesky, password: hunter2
    5:29: accounts.blue.password: no such key 'password';
    secrets never stand in YAML; they are settings
platform: bluesky => platform: bluesky, consent: {by: A}
    5:38: accounts.blue.consent.on: missing; the day of the agreement, such as 2026-11-20
campaign: test => campaign: test⏎similarity: 0
    2:13: similarity: '0' does not fit; write a number above 0, up to 1, such as 0.5
campaign: test => campaign: test⏎similarity: 0.000
    2:13: similarity: '0.000' does not fit; write a number above 0, up to 1, such as 0.5
mon, wed => mon, wednesday
    7:29: slots.morning.weekdays[1]: 'wednesday' is none of these; did you mean 'wed'?
mon, wed => mon, wed, mon
    7:34: slots.morning.weekdays[2]: 'mon' stands here twice; keep one
[mon, wed] => []
    7:23: slots.morning.weekdays: is empty; days such as [mon, wed]
slots: [morning] => slots: [evening]
    9:18: queues.main.slots[0]: no slot 'evening'; there are: morning
slots: [morning] => slots: morning
    9:17: queues.main.slots: is a single value; write [morning]
slots: [morning] => slots: [morning], order: random
    9:35: queues.main.order: 'random' is none of these; write shuffled
slots: [morning] => slots: [morning], repeat_after: 60
    9:42: queues.main.repeat_after: '60' is no duration; write 60m or 60h or 60d
campaign: test => campaign: test⏎x_prices: {pst: 1}
    2:12: x_prices.pst: no price 'pst'; did you mean 'post'?
campaign: test => campaign: test⏎x_prices: {post: dear}
    2:18: x_prices.post: 'dear' does not fit; write a number from 0 to 1000, such as 0.5
campaign: test => campaign: test⏎x_prices: [post]
    2:11: x_prices: is a list; write keys and values, such as `key: value`
platform: bluesky => platform: bluesky, visibility: public
    5:29: accounts.blue.visibility: Bluesky has no key 'visibility', only Mastodon; take it away
platform: bluesky => platform: mastodon, visibility: direct
    5:42: accounts.blue.visibility: 'direct' is none of these; there are: public, unlisted, private
platform: bluesky => platform: x, ownsapp: true
    5:23: accounts.blue.ownsapp: no such key 'ownsapp'; did you mean 'owns_app'?
campaign: test => campaign: test⏎pauses: [{from: 2027-02-02, to: 2027-02-01, reason: x}]
    2:33: pauses[0].to: ends on 2027-02-01, before it begins on 2027-02-02; swap from and to
campaign: test => campaign: test⏎mode:
    2:6: mode: has no value (what follows a # is a comment); write rehearsal or live
campaign: test => campaign: test⏎hashtags: [Uyghur, uyghur]
    2:20: hashtags[1]: 'uyghur' stands here twice; keep one
{platform: bluesky} => {platform: bluesky, handle: A.x}⏎  too: {platform: bluesky, handle: a.x}
    6:36: accounts.too.handle: another account has this handle already; list each one once
09:30 => 9:30
    7:43: slots.morning.times[0]: '9:30' is no time; write 09:30
[mon, wed], times: ["09:30"] => [sun], times: ["02:30", "01:30"]
    7:37: slots.morning.times: 2027-03-14 02:30 does not exist in America/New_York,
    where clocks go forward; write 03:30, or another time, or add that day to skip
"""


@pytest.mark.parametrize(("old", "new", "problem"), changes(MISTAKES))
def test_one_mistake_is_one_clear_line(
    tree: CampaignTree, old: str, new: str, problem: str
) -> None:
    tree.change("schedule.yaml", old, new)

    assert f"schedule.yaml:{problem}" in tree.errors()
    assert len([one for one in tree.errors() if not one.startswith("posts/")]) <= 2


NO_MAPPING = """
# later
    1:1: the file is empty; write `campaign:` at its beginning
null
    1:1: the file is a single value; write `campaign:` at its beginning
- a
    1:1: the file is a list; write `campaign:` at its beginning
[]
    1:1: the file is empty; write `campaign:` at its beginning
"""


@pytest.mark.parametrize(("content", "problem"), mistakes(NO_MAPPING))
def test_a_file_that_is_no_mapping_is_one_problem_and_spoils_no_other_file(
    tree: CampaignTree, content: str, problem: str
) -> None:
    tree.put("schedule.yaml", content)

    assert tree.problems() == [f"schedule.yaml:{problem}"]


def test_all_mistakes_are_told_at_once_in_their_order(tree: CampaignTree) -> None:
    tree.put("schedule.yaml", "timezone: X\naccounts: {}\nslots: {A: {weekdays: [x]}}\n")

    assert [one.partition(" ")[0] for one in tree.errors() if one.startswith("schedule")] == [
        "schedule.yaml:1:1:",
        "schedule.yaml:1:11:",
        "schedule.yaml:2:11:",
        "schedule.yaml:3:9:",
        "schedule.yaml:3:12:",
        "schedule.yaml:3:24:",
    ]


def test_live_without_approvals_is_a_warning(tree: CampaignTree) -> None:
    tree.change(
        "schedule.yaml", "campaign: test", "campaign: test\nmode: live\napprovals_required: 0"
    )

    assert tree.problems() == [
        "schedule.yaml:3:21: warning: approvals_required: 0 in live mode: posts go out without a "
        "second person's eyes"
    ]


def test_a_skipped_day_keeps_a_slot_out_of_the_gap(tree: CampaignTree) -> None:
    tree.change(
        "schedule.yaml",
        '[mon, wed], times: ["09:30"]',
        '[sun], times: ["02:30"], skip: [2027-03-14, 2028-03-12]',
    )

    assert tree.problems() == []


@pytest.mark.parametrize(
    "zone",
    ["America/New_York", "Africa/Casablanca", "Asia/Beirut", "America/Santiago", "America/Nuuk",
     "Antarctica/Troll", "Australia/Lord_Howe", "Europe/Paris", "Asia/Urumqi"],
)  # fmt: skip
def test_each_time_that_a_clock_change_skips_is_told_wherever_clocks_change(
    tree: CampaignTree, zone: str
) -> None:
    times = [f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "15", "30", "45")]
    tree.change("schedule.yaml", "timezone: America/New_York", f"timezone: {zone}")
    days = "mon, tue, wed, thu, fri, sat, sun"
    tree.change("schedule.yaml", '[mon, wed], times: ["09:30"]', f"[{days}], times: {times}")
    slot = Slot(
        name="s", weekdays=tuple(range(7)), times=tuple(map(time.fromisoformat, times)), skip=()
    )
    skipped = {
        f"{moment.local:%H:%M}"
        for moment in slot_times(
            slot, zone=ZoneInfo(zone), first=NOW.date(), last=NOW.date() + timedelta(days=731)
        )
        if moment.instant.kind is LocalTimeKind.GAP
    }

    told = [problem for problem in tree.problems() if "does not exist in" in problem]

    assert bool(skipped) is (zone != "Asia/Urumqi")
    assert {found[1] for each in told if (found := _SKIPPED.search(each))} == skipped
    assert len(told) == len(skipped)
