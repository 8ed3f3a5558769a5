"""Verbs for evidence: pages and own posts that are kept, and the state of links."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from bot.app.content import SPECS
from bot.authority.users import Right
from bot.cli.output import Output, in_workspace
from bot.cli.proof import decides
from bot.content.model import Investigation, Mode
from bot.delivery.links import looks
from bot.errors import DecisionError
from bot.evidence.archive import Archive, KeptFile, kept, link_to_copy, paced
from bot.public.folder import write_folder

if TYPE_CHECKING:
    from bot.app.workspace import Workspace
    from bot.platforms.base import KeepsDocuments

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
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
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


@click.command()
@click.argument("account")
@click.argument("source")
@decides(Right.CORRECT)
def publish_source(workspace: Workspace, account: str, source: str, by: str, why: str) -> Output:
    """Publish the whole SOURCE as a record of ACCOUNT, where its platform keeps such.

    Link cards of posts that quote it refer to the record from then on; its content hash proves the
    text. A corrected source makes another record, and the old one stays.
    """
    from bot.delivery.documents import publish_source as publish

    campaign = workspace.campaign
    posted, text = campaign.schedule.accounts.get(account), campaign.sources.get(source)
    if posted is None or text is None:
        raise DecisionError(f"no account is called {account}, or no source {source}")
    if not SPECS[posted.platform].keeps_documents:
        raise DecisionError(f"{SPECS[posted.platform].label} keeps statuses and no documents")
    if workspace.mode is Mode.REHEARSAL:
        raise DecisionError("in a rehearsal nothing is published")
    with closing(workspace.connections()) as connections:
        platform = cast("KeepsDocuments", connections.platform(account))
        ref = publish(workspace.store, workspace.clock, posted, text, platform, by=by, why=why)
    return Output({"uri": ref.id, "cid": ref.cid}, [f"{source} is {ref.id}", f"hash: {ref.cid}"])


def _archive(workspace: Workspace) -> Archive:
    from bot.app.jobs import archive_of
    from bot.app.storage import settings

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
