"""What the audit log confirms: approvals and users that it does not know are somebody's forgery."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bot.authority.approvals import Approval
from bot.authority.audit import AuditRow
from bot.authority.objections import TAKING_BACK
from bot.authority.user_table import User
from bot.canonical import JsonObject, sha256_hex

#: Of a user in the table, in details of rows and in `_facts`.
_FACTS = frozenset({"roles", "password_sha256", "codes"})


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
            elif row.verb in TAKING_BACK:
                given.pop((fingerprint, row.who), None)
    return tuple(
        each
        for each in approvals
        if given.get((each.fingerprint, each.by)) != (each.post_id, each.sources)
    )


def unconfirmed_users(
    rows: Sequence[AuditRow], users: Sequence[User], keys: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[User, ...], tuple[str, ...]]:
    """Return the users who are not as the log says, and the names of those who are not there.

    Of each it knows roles, password, codes, passkeys and tokens.

    Args:
        keys: By user: the ids of their passkeys, with public keys, and of their tokens.
    """
    known, given = _known(rows), _given(rows)
    others = tuple(
        user
        for user in users
        if known.get(user.name) != _facts(user)
        or not keys[user.name].items() <= given[user.name].items()
    )
    return others, tuple(sorted(known.keys() - {user.name for user in users}))


def _known(rows: Iterable[AuditRow]) -> dict[str, dict[str, object]]:
    known: dict[str, dict[str, object]] = {}
    for row in rows:
        if row.verb == "user add":
            known[row.subject] = {"codes": False}
        elif row.verb == "user remove":
            known.pop(row.subject, None)
        for name in row.detail.get("users removed", ()) if row.verb == "recall" else ():
            known.pop(name, None)
        if row.subject in known and (row.verb.startswith("user ") or "one-time codes" in row.verb):
            # Not of other verbs about users, such as `user pin`: theirs is no fact of the table.
            facts = {name: value for name, value in row.detail.items() if name in _FACTS}
            known[row.subject] |= facts
    return known


def _given(rows: Iterable[AuditRow]) -> dict[str, dict[str, str]]:
    given: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.verb in {"user add", "user remove", "user reset"}:
            given.pop(row.subject, None)
        elif row.verb in {"passkey", "token"}:
            given[row.subject][row.detail["id"]] = row.detail.get("public_key", "")
        elif row.verb in {"passkey removed", "token revoked"}:
            given[row.subject].pop(row.detail["id"], None)
    return given


def _facts(user: User) -> dict[str, object]:
    return {
        "roles": sorted(user.roles),
        "password_sha256": sha256_hex(user.password_hash),
        "codes": user.totp_secret is not None,
    }
