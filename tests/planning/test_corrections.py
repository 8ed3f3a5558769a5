"""Retracting and correcting: everywhere, dated, in the log, and never silently."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.content.model import Mode
from bot.delivery.model import Delivery, State
from bot.errors import DecisionError, UnavailableError
from bot.planning.corrections import Corrections
from bot.platforms.base import Platform
from bot.platforms.status import PostRef
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import APPROVERS, START, open_shipped, plan, planned
from tests.integration.store_rows import due


@dataclass
class Down:
    """A network that does not answer."""

    def delete(self, ref: PostRef) -> bool:
        raise UnavailableError("bluesky", f"no answer about {ref.id}")


@dataclass
class Scene:
    bot: RunningBot
    post: str
    broken: set[str] = field(default_factory=set)

    @property
    def service(self) -> Corrections:
        def platform(name: str) -> Platform:
            if name in self.broken:
                return Down()  # type: ignore[return-value]  # only `delete` is called
            return self.bot.services.publisher.platform(name)

        bot = self.bot.services
        return Corrections(self.bot.store, self.bot.clock, lambda: bot.contents.rendered, platform)

    def rows(self, post: str = "") -> tuple[Delivery, ...]:
        return self.bot.store.outbox.find(post_id=post or self.post)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_shipped(tmp_path) as bot:
        row = next(one for one in planned(bot) if one.publication.form == "quote")
        bot.approve(row.post_id, by=APPROVERS)
        bot.wait(due(row) + timedelta(minutes=1))
        yield Scene(bot, row.post_id)


def test_a_retraction_deletes_on_every_network(scene: Scene) -> None:
    out = [row for row in scene.rows() if row.state is State.SENT]

    outcomes = scene.service.retract(scene.post, by="ben", why="It named a person.")

    assert len(outcomes) == len(out) > 1
    assert all(one.deleted and one.told == "deleted" for one in outcomes)
    assert {row.state for row in scene.rows() if row.sent_at} == {State.RETRACTED}
    refs = [(row.account, row.ref) for row in out]
    assert not any(scene.bot.services.publisher.platform(name).exists(ref) for name, ref in refs)


@pytest.mark.parametrize("mode", Mode)
def test_people_are_told_of_a_deletion_unless_it_is_rehearsed(scene: Scene, mode: Mode) -> None:
    heard: list[str] = []
    rendered = scene.service.rendered()
    schedule = replace(rendered.campaign.schedule, mode=mode)
    changed = replace(rendered, campaign=replace(rendered.campaign, schedule=schedule))
    service = replace(scene.service, rendered=lambda: changed, announce=heard.append)

    assert service.retract(scene.post, by="ben", why="It named a person.")

    told = [f"{scene.post}: ben takes it down now: It named a person."]
    assert heard == (told if mode is Mode.LIVE else [])


def test_what_could_not_be_deleted_is_said_and_stays_to_be_tried_again(scene: Scene) -> None:
    scene.broken = {"coalition-bluesky"}

    outcomes = scene.service.retract(scene.post, by="ben", why="It named a person.")
    left = [one for one in outcomes if not one.deleted]
    scene.broken = set()
    again = scene.service.retract(scene.post, by="ben", why="Again.")

    assert {one.account for one in left} == {"coalition-bluesky"}
    assert "no answer" in left[0].told
    assert [one.account for one in again] == [one.account for one in left]
    assert all(one.deleted for one in again)


def test_what_was_deleted_elsewhere_is_told_so(scene: Scene) -> None:
    row = next(row for row in scene.rows() if row.state is State.SENT)
    scene.bot.services.publisher.platform(row.account).delete(row.ref)

    outcomes = scene.service.retract(scene.post, by="ben", why="It named a person.")

    assert {one.told for one in outcomes if one.account == row.account} == {"was gone already"}


def test_nothing_that_is_not_out_is_retracted_or_corrected(scene: Scene) -> None:
    post = planned(scene.bot)[0].post_id

    with pytest.raises(DecisionError, match="nothing of it is out"):
        scene.service.retract(post, by="ben", why="x")
    with pytest.raises(DecisionError, match="nothing can be corrected"):
        scene.service.correct(post, "x", by="ben", why="x")


@pytest.mark.parametrize(("text", "why"), [("", "x"), ("x", ""), ("  ", "x")])
def test_a_correction_says_what_was_wrong_and_what_is_right(
    scene: Scene, text: str, why: str
) -> None:
    with pytest.raises(DecisionError, match="say what"):
        scene.service.correct(scene.post, text, by="ben", why=why)


def test_a_correction_stands_on_its_own_and_answers_where_programs_may(scene: Scene) -> None:
    carried = {row.account for row in scene.rows() if row.state is State.SENT}

    rows = scene.service.correct(scene.post, "Four signed it.", by="ben", why="We said three.")

    assert {row.account for row in rows} == carried
    assert all(
        row.status.text.startswith("Correction (2 December 2026) to our post of 2") for row in rows
    )
    parents = {row.platform: row.parent_id for row in rows}
    assert parents["mastodon"] is not None
    assert parents["bluesky"] is not None
    assert parents.get("x") is None


def test_a_correction_needs_approvals_and_not_its_author_s(scene: Scene) -> None:
    rows = scene.service.correct(scene.post, "Four signed it.", by="ben", why="We said three.")
    post = rows[0].post_id

    with pytest.raises(DecisionError, match="somebody else"):
        scene.bot.approve(post, by=["ben"])
    scene.bot.wait(scene.bot.clock.now() + timedelta(minutes=1))
    assert {row.state for row in scene.rows(post)} == {State.HELD}

    scene.bot.approve(post, by=["anna", "olga"])
    assert scene.bot.store.outbox.find(states={State.HELD}, post_id=post)


def test_the_planner_leaves_corrections_alone(scene: Scene) -> None:
    rows = scene.service.correct(scene.post, "Four signed it.", by="ben", why="We said three.")

    plan(scene.bot)
    scene.bot.clock.advance(timedelta(hours=1))
    plan(scene.bot)

    assert {row.state for row in scene.rows(rows[0].post_id)} == {State.PLANNED}


def test_two_corrections_of_one_post_are_two(scene: Scene) -> None:
    first = scene.service.correct(scene.post, "Four signed it.", by="ben", why="We said three.")
    second = scene.service.correct(scene.post, "In 2022.", by="ben", why="We said 2021.")

    assert not {one.post_id for one in first} & {one.post_id for one in second}
    assert not {one.id for one in first} & {one.id for one in second}


def test_a_correction_may_take_the_original_down_first(scene: Scene) -> None:
    rows = scene.service.correct(
        scene.post, "Four signed it.", by="ben", why="We said three.", delete_original=True
    )

    assert {row.parent_id for row in rows} == {None}
    assert {row.state for row in scene.rows() if row.sent_at} == {State.RETRACTED}


@pytest.mark.parametrize(
    "text", ["x " * 400, "They said “never again”.", "Ask @dahua@social.example"]
)
def test_a_correction_keeps_to_the_rules_of_every_post(scene: Scene, text: str) -> None:
    before = len(scene.bot.store.outbox.find())

    with pytest.raises(DecisionError):
        scene.service.correct(scene.post, text, by="ben", why="x", delete_original=True)

    assert len(scene.bot.store.outbox.find()) == before
    assert State.RETRACTED not in {row.state for row in scene.rows()}


def test_the_public_list_tells_everything_but_who(scene: Scene) -> None:
    scene.broken = {"coalition-bluesky"}
    scene.service.retract(scene.post, by="benedict", why="It named a person.")
    scene.service.correct(scene.post, "Four signed it.", by="annabelle", why="We said three.")

    correction, retraction = scene.service.listed()

    assert (correction.kind, retraction.kind) == ("correction", "retraction")
    assert "Four signed it." in correction.text
    assert retraction.why == "It named a person."
    assert "no answer" in retraction.remaining[0]
    assert not {"benedict", "annabelle"} & set(f"{correction} {retraction}".split())
    assert correction.at >= START
