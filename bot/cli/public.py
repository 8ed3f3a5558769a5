"""Verbs for what people outside see, and for evidence: is it ours, the site, kits; what is kept."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import click

from bot.app.content import SPECS, Paths
from bot.app.storage import settings
from bot.app.workspace import Workspace, open_corrections
from bot.authority.users import Right
from bot.canonical import sha256_hex
from bot.cli.output import READ, Output, in_corrections, in_workspace, prints
from bot.cli.proof import decides
from bot.content.files import BOUNDS
from bot.content.model import Investigation, Mode
from bot.delivery.links import looks
from bot.errors import DecisionError
from bot.evidence.archive import Archive, KeptFile, archive_of, kept, link_to_copy, paced
from bot.planning.corrections import Corrections
from bot.platforms.base import KeepsDocuments
from bot.public.folder import write_folder
from bot.public.record import MOST, PublicRecord, read_record, record_of, signed_record
from bot.public.verifying import RecordVerifier, Verified

_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))


@click.argument("text", required=False)
@click.option("--file", type=READ, help="A file with the text.")
@click.option("--record", type=READ, help="A record.json of `site`; then nothing else is read.")
@click.option("--key", type=READ, help="The public key that the record must be signed by.")
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
    signed = []
    if signer and not key:
        signed = [f"signed by {signer}: compare it with the key that the campaign gives elsewhere"]
    if not text:
        whole = f"the record is whole: {len(known.statuses)} statuses, as of {known.at:%Y-%m-%d}"
        return Output({"signed_by": signer}, [whole, *signed])
    found = RecordVerifier(known).verify(text)
    value = {"verified": found, "signed_by": signer}
    return Output(value, [*_lines(found), *signed], code=0 if found.is_fine else 1)


def _known(paths: Paths, record: Path | None, key: Path | None) -> tuple[PublicRecord, str]:
    if record:
        wanted = _read(key, 1000).decode(errors="replace").strip() if key else ""
        return read_record(_read(record, MOST), wanted)
    with open_corrections(paths, only_reads=True) as desk:
        campaign, now = desk.rendered().campaign, desk.clock.now()
        return record_of(desk.store, campaign, desk.listed(), now, with_every_source=True), ""


def _read(file: Path, most: int) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(most + 1)
    if len(content) > most:
        raise DecisionError(f"{file} has more than {most:,} bytes")
    return content


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
    files = site_files(record, signed, key, campaign, SPECS, address=address, looks=looks(store))
    write_folder(folder, files, is_public=True)
    detail = {"record_sha256": sha256_hex(signed), "statuses": len(record.statuses)}
    store.audit.write("command line", "site", "record", detail=detail, now=now)
    lines = [f"{folder}: {len(files)} files, {len(record.statuses)} statuses", f"key: {key}"]
    return Output({"files": sorted(files), "key": key, **detail}, lines)


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


_BY = "command line"
_ids = click.argument("ids", metavar="[ID]...", nargs=-1)


@click.group()
def archive() -> None:
    """Keep pages and own posts as evidence; look after links."""


@archive.command()
@_ids
@in_workspace
def pages(workspace: Workspace, ids: tuple[str, ...]) -> Output:
    """Fetch the pages of the investigations ID, or of all, and keep them with a time-stamp.

    A page that is as it was kept before is not kept again. Exit code 1 where one is not kept.
    """
    service, found, failed = _archive(workspace), [], []
    for each in paced(_chosen(workspace, ids), time.sleep):
        try:
            one, is_new = service.keep_page(each, by=_BY)
            found.append((one, is_new))
        except DecisionError as error:
            failed.append(str(error))
    value = {"kept": [{**_value(one), "new": is_new} for one, is_new in found], "failed": failed}
    lines = [f"{'kept' if is_new else 'as before'}: {_line(one)}" for one, is_new in found]
    return Output(value, [*lines, *(f"NOT kept: {each}" for each in failed)], code=bool(failed))


@archive.command()
@_ids
@in_workspace
def links(workspace: Workspace, ids: tuple[str, ...]) -> Output:
    """Look whether the pages of the investigations ID, or of all, are still there.

    A post whose link is gone is held from then on. Exit code 1 where something is not as it was.
    """
    service = _archive(workspace)
    found = {each.id: service.look(each) for each in paced(_chosen(workspace, ids), time.sleep)}
    lines = (f"{name}: {look}  {look.address}" for name, look in found.items())
    is_well = all(look.is_there for look in found.values())
    return Output(found, list(lines), code=0 if is_well else 1)


@archive.command()
@click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1)
@in_workspace
def posts(workspace: Workspace, accounts: tuple[str, ...]) -> Output:
    """Keep what is or was out on ACCOUNT, or on all: texts, alternative texts, receipts, pictures.

    An account on which nothing happened since is not kept again.
    """
    known = [state.name for state in workspace.store.accounts.all()]
    if unknown := sorted(set(accounts) - set(known)):
        raise DecisionError(f"no account was ever called {', '.join(unknown)}")
    service = _archive(workspace)
    made = [service.keep_posts(name, by=_BY) for name in accounts or known]
    found = [one for one in made if one]
    lines = [f"kept: {_line(one)}" for one in found] or ["nothing happened since"]
    return Output([_value(one) for one in found], lines)


@archive.command()
@in_workspace
def show(workspace: Workspace) -> Output:
    """List the links with their state, and what is kept."""
    seen, found = looks(workspace.store), kept(workspace.store)
    each = {one.id: seen.get(one.address) for one in workspace.campaign.investigations.values()}
    lines = [f"{name}: {look or 'not looked at'}" for name, look in each.items()]
    lines += [f"kept: {_line(one)}" for one in found]
    return Output({"links": each, "kept": [_value(one) for one in found]}, lines)


@archive.command()
@_FOLDER
@in_workspace
def export(workspace: Workspace, folder: Path) -> Output:
    """Write all that is kept into DIR: WARC files, time-stamps, and their SHA-256 sums."""
    media, files, found = workspace.store.media, dict[str, bytes](), kept(workspace.store)
    for one in found:
        files[one.name] = media.get(one.sha256)
        if one.time_stamp:
            files[f"{one.name}.tsr"] = media.get(one.time_stamp)
    sums = (f"{one.sha256}  {one.name}\n" for one in found)
    write_folder(folder, {**files, "SHA256SUMS": "".join(sums).encode()})
    now = workspace.clock.now()
    workspace.store.audit.write(_BY, "export", "evidence", detail={"files": [*files]}, now=now)
    return Output({"files": sorted(files)}, [f"{folder}: {len(files)} files"])


@archive.command()
@click.argument("id_", metavar="ID")
@decides(Right.CORRECT)
def link_copy(workspace: Workspace, id_: str, by: str, why: str) -> Output:
    """Let posts link to the public copy that `archived:` of the investigation ID names.

    Posts that link there are approved anew, as they say something else then.
    """
    (each,) = _chosen(workspace, (id_,))
    link_to_copy(workspace.store, workspace.clock, each, by=by, why=why)
    return Output({"id": id_, "link": each.archived}, [f"{id_}: posts link to {each.archived}"])


@click.argument("account")
@click.argument("source")
@decides(Right.CORRECT)
def publish_source(workspace: Workspace, account: str, source: str, by: str, why: str) -> Output:
    """Publish the whole SOURCE as a record of ACCOUNT, where its platform keeps such.

    Link cards of posts that quote it refer to the record from then on; its content hash proves the
    text. A corrected source makes another record, and the old one stays.
    """
    from bot.delivery.interactions import publish_source as publish

    campaign = workspace.campaign
    posted, text = campaign.schedule.accounts.get(account), campaign.sources.get(source)
    if posted is None or text is None:
        raise DecisionError(f"no account is called {account}, or no source {source}")
    if not SPECS[posted.platform].keeps_documents:
        raise DecisionError(f"{SPECS[posted.platform].label} keeps statuses and no documents")
    if workspace.mode is Mode.REHEARSAL:
        raise DecisionError("in a rehearsal nothing is published")
    with closing(workspace.connections()) as connections:
        platform = cast(KeepsDocuments, connections.platform(account))
        ref = publish(workspace.store, workspace.clock, posted, text, platform, by=by, why=why)
    return Output({"uri": ref.id, "cid": ref.cid}, [f"{source} is {ref.id}", f"hash: {ref.cid}"])


def _archive(workspace: Workspace) -> Archive:
    return archive_of(workspace.store, workspace.clock, settings(), workspace.campaign)


def _chosen(workspace: Workspace, ids: Iterable[str]) -> list[Investigation]:
    known = workspace.campaign.investigations
    if unknown := sorted(set(ids) - set(known)):
        there = ", ".join(known)
        raise DecisionError(f"no investigation is called {', '.join(unknown)}; there are: {there}")
    return [known[each] for each in ids] or [*known.values()]


def _value(one: KeptFile) -> dict[str, object]:
    return {name: getattr(one, name) for name in (*KeptFile.__slots__, "name")}


def _line(one: KeptFile) -> str:
    stamp = "time-stamped" if one.time_stamp else "no time-stamp"
    what = one.title or one.address or f"{one.statuses} statuses"
    return f"{one.name}, {one.size:,} bytes, {stamp}: {what}"
