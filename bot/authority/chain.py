"""What the audit log confirms: approvals and users that it does not know are somebody's forgery."""

from __future__ import annotations

from collections.abc import Iterable

from bot.authority.approvals import Approval
from bot.authority.audit import AuditRow
from bot.authority.user_table import User
from bot.canonical import JsonObject, sha256_hex


def unconfirmed_approvals(
    rows: Iterable[AuditRow], approvals: Iterable[Approval]
) -> tuple[Approval, ...]:
    """Return the standing approvals that nobody gave just so, or that were taken back since."""
    given: dict[tuple[str, str], tuple[str, JsonObject]] = {}
    for row in rows:
        for fingerprint in row.detail.get("fingerprints", ()):
            if row.verb == "approve":
                given[fingerprint, row.who] = row.subject, row.detail.get("sources", {})
            elif row.verb == "void":
                given.pop((fingerprint, str(row.detail.get("by"))), None)
    return tuple(
        each
        for each in approvals
        if given.get((each.fingerprint, each.by)) != (each.post_id, each.sources)
    )


def unconfirmed_users(rows: Iterable[AuditRow], users: Iterable[User]) -> tuple[User, ...]:
    """Return the users that nobody made, or with other roles or another password than given."""
    known: dict[str, dict[str, object]] = {}
    for row in rows:
        if row.verb == "user remove":
            known.pop(row.subject, None)
        elif row.verb in {"user add", "user roles", "user password"}:
            known[row.subject] = {**known.get(row.subject, {}), **row.detail}
    return tuple(
        each
        for each in users
        if known.get(each.name)
        != {"roles": sorted(each.roles), "password_sha256": sha256_hex(each.password_hash)}
    )
