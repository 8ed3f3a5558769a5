"""Verbs for what people outside see: is it ours, the site, the partner kit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.app.content import SPECS, Paths
from bot.canonical import sha256_hex
from bot.cli.output import Output, in_corrections, in_workspace, prints
from bot.content.files import BOUNDS
from bot.delivery.links import looks
from bot.errors import DecisionError
from bot.planning.corrections import Corrections
from bot.public.folder import write_folder
from bot.public.record import MOST, PublicRecord, read_record, record_of, signed_record
from bot.public.verifying import RecordVerifier, Verified

if TYPE_CHECKING:
    from bot.app.workspace import Workspace

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.command()
@click.argument("text", required=False)
@click.option("--file", type=_FILE, help="A file with the text.")
@click.option("--record", type=_FILE, help="A record.json of `site`; then nothing else is read.")
@click.option("--key", type=_FILE, help="The public key that the record must be signed by.")
@prints
def verify(
    paths: Paths, text: str | None, file: Path | None, record: Path | None, key: Path | None
) -> Output:
    """Tell whether TEXT is ours: quoted exactly, published, altered, taken down, or nowhere.

    TEXT may be the address of one of our posts. Exit code 1 where it is not ours as it stands.
    With --record alone the record itself is verified.
    """
    if text and file:
        raise click.UsageError("give TEXT or --file, not both")
    if key and not record:
        raise click.UsageError("--key is the key of a --record")
    if file:
        text = _read(file, BOUNDS.text_bytes).decode(errors="replace")
    if not (text or record):
        raise click.UsageError("give a TEXT, a --file or a --record")
    known, signer = _known(paths, record, key)
    if not text:
        lines = [f"the record is whole: {len(known.statuses)} statuses, as of {known.at:%Y-%m-%d}"]
        return Output({"signed_by": signer}, [*lines, *_signer_lines(signer, key)])
    found = RecordVerifier(known).verify(text)
    lines = [*_lines(found), *_signer_lines(signer, key)]
    return Output({"verified": found, "signed_by": signer}, lines, code=0 if found.is_fine else 1)


def _known(paths: Paths, record: Path | None, key: Path | None) -> tuple[PublicRecord, str]:
    if record:
        wanted = _read(key, 1000).decode(errors="replace").strip() if key else ""
        return read_record(_read(record, MOST), wanted)
    from bot.app.workspace import open_corrections  # takes long to load

    with open_corrections(paths, only_reads=True) as desk:
        campaign, now = desk.rendered().campaign, desk.clock.now()
        return record_of(desk.store, campaign, desk.listed(), now, with_every_source=True), ""


def _read(file: Path, most: int) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise DecisionError(f"{file} has more than {most:,} bytes")
    return content


def _signer_lines(signer: str, key: Path | None) -> Iterator[str]:
    if signer and not key:
        yield f"signed by {signer}: compare it with the key that the campaign gives elsewhere"


def _lines(found: Verified) -> Iterator[str]:
    yield str(found.answer)
    for name in found.sources:
        yield f"  in the source: {name}"
    for each in found.statuses:
        yield f"  {each.state} on {each.platform}, {each.at:%Y-%m-%d %H:%M} UTC: {each.url}"
    if found.right:
        yield f"  as it is right ({found.right_from or 'at this address'}): {found.right}"
    if any(found.marked):
        yield f"  in this text:  {found.marked[0]}"
        yield f"  what is right: {found.marked[1]}"
    yield from (f"  {each}" for each in found.details)
    for one in found.corrections:
        yield f"  {one.kind} of {one.at:%Y-%m-%d}: {one.why} {one.text}".rstrip()


@click.command()
@_FOLDER
@click.option("--address", default="", metavar="URL",
              help="Where it will stand; makes previews on other sites whole.")  # fmt: skip
@in_corrections
def site(desk: Corrections, folder: Path, address: str) -> Output:
    """Write what is published into DIR as static pages, with a signed record of it.

    DIR is new, empty or an earlier site, which it replaces as a whole.
    """
    from bot.public.site import site_files

    if address and not address.startswith(("https://", "http://")):
        raise click.UsageError("--address begins with https://")
    store, campaign, now = desk.store, desk.rendered().campaign, desk.clock.now()
    record = record_of(store, campaign, desk.listed(), now)
    signed = signed_record(record, store.audit.sign)
    key = store.audit.public_key()
    seen = looks(store)
    files = site_files(record, signed, key, campaign, SPECS, address=address, looks=seen)
    write_folder(folder, files)
    detail = {"record_sha256": sha256_hex(signed), "statuses": len(record.statuses)}
    store.audit.write("command line", "site", "record", detail=detail, now=now)
    lines = [f"{folder}: {len(files)} files, {len(record.statuses)} statuses", f"key: {key}"]
    return Output({"files": sorted(files), "key": key, **detail}, lines)


@click.command()
@_FOLDER
@click.option("--partner", "partners", multiple=True, required=True, metavar="NAME",
              help="Who gets a kit; give it once for each.")  # fmt: skip
@in_workspace
def kit(workspace: Workspace, folder: Path, partners: tuple[str, ...]) -> Output:
    """Write a kit for each partner into DIR: what is released for them, each other passages.

    Released is a post with `partners_from` that is approved as it is now.
    """
    from bot.public.kit import deal, kit_files, passages_of, released

    whole, now = workspace.rendered, workspace.clock.now()
    passages = passages_of(whole, released(whole, workspace.store), now)
    dealt = deal(passages, partners, whole.campaign.schedule.similarity)
    write_folder(folder, kit_files(dealt, whole.campaign))
    named = {name: [each.post.id for each in own] for name, own in dealt.items()}
    workspace.store.audit.write("command line", "kit", "partners", detail=named, now=now)
    lines = (f"{name}: {', '.join(ids)}" for name, ids in named.items())
    return Output(named, [*lines, f"written to {folder}; send each partner their own zip"])
