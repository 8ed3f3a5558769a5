"""Takes the pictures in docs/screens anew: every page, desktop and phone, light and dark.

Run it as ``.venv/bin/python -m tools.screens``; it needs Chromium and what the tests need.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page

from bot.authority.notices import Absence
from bot.errors import DecisionError
from bot.evidence.archive import Archive
from bot.evidence.fetching import Hop, PageFetcher
from bot.planning.corrections import Corrections
from bot.public.folder import write_folder
from bot.public.kit import deal, kit_files, passages_of
from bot.public.record import signed_record
from bot.public.site import site_files
from tests.browser.chromium import chromium, signed_in
from tests.browser.test_proposals import POST, SOURCE, WROTE, open_translated
from tests.conftest import ROOT
from tests.fakes.campaign_tree import NOW, spec
from tests.fakes.repositories import Repositories
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import open_engaged, open_played, serving
from tests.public.records import SigningKey, published, shipped
from tests.public.test_kit import all_released

TARGET = ROOT / "docs" / "screens"
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
#: Longer pages are cut: the picture shows how a page begins.
TALLEST = 1500
PAGES = {
    "today": "/",
    "calendar-month": "/calendar?day=2026-12-01",
    "calendar-week": "/calendar?view=week&day=2026-12-14",
    "calendar-list": "/calendar?view=list",
    "post": "/posts/passive-supplier-held-the-pen",
    "source": "/sources/letter?post=passive-supplier-held-the-pen#quoted",
    "picker": "/sources/letter?first=10&last=11#picked",
    "held": "/held",
    "log": "/log",
    "me": "/me",
    "sign-ins": "/sign-ins",
    "accounts": "/accounts",
    "corrections": "/corrections",
    "verify": "/verify",
    "evidence": "/evidence",
    "evidence-history": "/evidence/accounts/coalition-mastodon",
}
ENGAGED = {
    "engagement": "/engagement",
    "post-numbers": "/posts/post-01",
    "report": "/report?month=2027-01",
}
PUBLIC = {
    "site": "site/source-letter.html",
    "site-post": "site/post-open-air-prison.html",
    "partner-kit": "kit/partner/index.html",
}
WRONG = """\
posts:
  - id: our-mothers
    quote:
      source: letter
      text: "The people we speak of are our mothers and our fathers."
    theme: families
    queue: excerpts
    author: edna
  - id: our-neighbors
    quote:
      source: letter
      text: "our nieces and nephews, our neighbors and our friends."
    text: "Who they are:"
    theme: families
    queue: excerpts
    author: edna
"""


@contextmanager
def played() -> Iterator[RunningBot]:
    with tempfile.TemporaryDirectory() as folder, open_played(Path(folder)) as bot:
        service = Corrections(
            bot.store,
            bot.clock,
            lambda: bot.services.contents.rendered,
            bot.services.publisher.platform,
        )
        sent = sorted({row.post_id for row in bot.store.outbox.find() if row.sent_at})
        service.correct(sent[0], "The letter has four signatories.", by="anna",
                        why="The post named three signatories.")  # fmt: skip
        keep_evidence(bot)
        access, now = bot.dashboard.access, bot.clock.now()
        access.set_absence(Absence("anna", "ben", now, now + timedelta(days=9)), by="anna")
        later = now + timedelta(days=12), now + timedelta(days=20)
        access.set_absence(Absence("ben", "anna", *later), by="ben")
        access.set_address("ben", "mailto://mail.example", by="ben")
        yield bot


class MadeUpPages(PageFetcher):
    """Answers by itself; every fourth page is gone."""

    def fetch(self, address: str) -> tuple[Hop, ...]:
        status = 404 if len(address) % 4 == 0 else 200
        headers = (("Content-Type", "text/html"),)
        body = f"<title>{urlsplit(address).path}</title>{address}".encode()
        return (Hop(address, "192.0.2.1", self.clock.now(), status, "", headers, body),)


def keep_evidence(bot: RunningBot) -> None:
    """Keep pages and own posts, and look at links."""
    archive = Archive(bot.store, bot.clock, MadeUpPages(bot.clock, "Verbatim"))
    for each in bot.dashboard.campaign.investigations.values():
        if each.address:
            with suppress(DecisionError):
                archive.keep_page(each, by="command line")
            archive.look(each)
    archive.keep_posts("coalition-mastodon", by="command line")


@contextmanager
def engaged() -> Iterator[RunningBot]:
    folder = tempfile.TemporaryDirectory()
    with folder as name, open_engaged(Path(name)) as bot, serving(bot):
        yield bot


def take_translation(browser: Browser) -> None:
    """Take a translation beside its original: picked, proposed, and as an approver sees it."""
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark"):
            with (
                tempfile.TemporaryDirectory() as desk,
                tempfile.TemporaryDirectory() as folder,
                open_translated(Path(desk), Repositories(Path(folder))) as bot,
            ):
                viewport = {"width": width, "height": height}
                page = signed_in(browser, bot, "edna", color_scheme=scheme, viewport=viewport)
                page.goto(f"{bot.origin}/sources/{SOURCE}")
                take(page, f"translation-source-{size}-{scheme}")
                page.get_by_role("link", name=WROTE).click()
                page.get_by_label("What they translate").fill("We write to urge you.")
                page.get_by_role("button", name="Make a post").click()
                page.get_by_role("button", name="Propose this").click()
                take(page, f"proposal-{size}-{scheme}")
                page.goto(f"{bot.origin}/posts/{POST}")
                take(page, f"translation-{size}-{scheme}")
                page.context.close()


def take(page: Page, name: str) -> None:
    """Store a picture with a palette, cut where it gets long."""
    shot = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
    cut = shot.crop((0, 0, shot.width, min(shot.height, TALLEST)))
    small = cut.quantize(colors=256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(TARGET / f"{name}.png", optimize=True)


def take_all(browser: Browser, bot: RunningBot, pages: Mapping[str, str]) -> None:
    for scheme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            viewport = {"width": width, "height": height}
            page = signed_in(browser, bot, color_scheme=scheme, viewport=viewport)
            for name, address in pages.items():
                page.goto(bot.origin + address)
                take(page, f"{name}-{size}-{scheme}")
            if "today" in pages:
                _more(page, bot, f"{size}-{scheme}")
            page.context.close()


def _more(page: Page, bot: RunningBot, which: str) -> None:
    """Take what needs more than an address: an answer of the desk check, and signing in."""
    page.goto(f"{bot.origin}/check")
    page.get_by_label("YAML of a new file").fill(WRONG)
    page.get_by_role("button", name="Check it").click()
    take(page, f"check-{which}")
    page.get_by_role("button", name="Sign out").click()
    take(page, f"login-{which}")


def take_public(browser: Browser) -> None:
    """Take what people outside see, with all of the shipped campaign out and released."""
    key, passages = SigningKey(), passages_of(*all_released(), NOW)
    signed = signed_record(published(), key)
    site = site_files(published(), signed, key.public, shipped(), spec())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_folder(folder / "site", site)
        write_folder(folder / "kit", kit_files(deal(passages[:4], ["Partner"], 0.6), shipped()))
        for scheme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                viewport = {"width": width, "height": height}
                page = browser.new_page(color_scheme=scheme, viewport=viewport)  # type: ignore[arg-type] # light or dark
                for shot, file in PUBLIC.items():
                    page.goto((folder / file).as_uri())
                    take(page, f"{shot}-{size}-{scheme}")
                page.close()


def main() -> None:
    TARGET.mkdir(exist_ok=True)
    with chromium() as browser:
        take_public(browser)
        take_translation(browser)
        with played() as bot:
            take_all(browser, bot, PAGES)
        with engaged() as bot:
            take_all(browser, bot, ENGAGED)


if __name__ == "__main__":
    main()
