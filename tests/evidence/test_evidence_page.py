"""The desk's page of evidence: who sees, who takes files, and who lets posts link to a copy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.evidence.archive import kept
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import add_people, open_shipped, planned, serving
from tools.screens import keep_evidence

COPY = "https://archive.example/2022/always-watching"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with open_shipped(tmp_path_factory.mktemp("campaign"), plans=False) as bot:
        bot.tree.change(
            "posts/sources/investigations.yaml", "  - id: techcrunch-always-watching\n",
            f'  - id: techcrunch-always-watching\n    archived: "{COPY}"\n',
        )  # fmt: skip
        bot.watch()
        add_people(bot)
        keep_evidence(bot)
        with serving(bot):
            yield bot


def test_the_page_tells_each_link_and_gives_what_is_kept(desk: RunningBot) -> None:
    viewer, editor = desk.browser(), desk.browser()
    viewer.sign_in("vera")
    editor.sign_in("edna")
    page = viewer.get("/evidence").text
    one = kept(desk.store)[0]

    assert 'Gone</strong>: <bdi dir="auto">answered 404' in page
    assert page.count(".warc.gz") == len(kept(desk.store))
    assert "link-copy" not in page
    assert viewer.get(f"/evidence/kept/{one.sha256}").status == 403
    answer = editor.get(f"/evidence/kept/{one.sha256}")
    assert answer.headers["content-disposition"] == f'attachment; filename="{one.name}"'
    assert editor.get("/evidence/kept/" + "0" * 64).status == 404
    assert viewer.get("/evidence/accounts/coalition-x").status == 200
    assert viewer.get("/evidence/accounts/nobody").status == 404


def test_only_who_may_correct_lets_posts_link_to_the_copy(desk: RunningBot) -> None:
    form = {"id": "techcrunch-always-watching", "why": "it is gone"}
    editor, approver = desk.browser(), desk.browser()
    editor.sign_in("edna")
    approver.sign_in("anna")

    assert editor.post("/evidence/link-copy", form).status == 403
    assert approver.post("/evidence/link-copy", {**form, "id": "none"}).status == 404
    assert approver.post("/evidence/link-copy", form).status == 303
    desk.watch()

    assert "Posts link to the archived copy." in approver.get("/evidence").text
    links = {link for row in planned(desk) for link in row.status.links}
    assert COPY in links
