"""Sources that an account published as a whole, and the decision to do so."""

from bot.authority.store import AuthorityStore
from bot.clock import Clock
from bot.content.model import Account, Source
from bot.errors import DecisionError
from bot.platforms.base import DocumentVersion, KeepsDocuments, PublishedText
from bot.platforms.status import PostRef

#: Verb of the log.
PUBLISHED = "publish source"


def documents_of(store: AuthorityStore, account: str) -> dict[DocumentVersion, PostRef]:
    """Return what an account published, by its page and the SHA-256 of the text."""
    rows = store.audit.about(account, PUBLISHED)
    return {
        (row.detail["address"].partition("#")[0], row.detail["sha256"]): PostRef(
            row.detail["uri"], cid=row.detail["cid"]
        )
        for row in rows
    }


def publish_source(
    store: AuthorityStore, clock: Clock, account: Account, source: Source,
    platform: KeepsDocuments, *, by: str, why: str,
) -> PostRef:  # fmt: skip
    """Publish a source as it is now; another version stays beside it.

    Raises:
        DecisionError: readers have no address for it.
        PlatformError: it was not accepted, or its content hash is another one.
    """
    if not source.address:
        raise DecisionError(f"{source.id} has no `address:`, which readers would be sent to")
    document = PublishedText(
        source.title, source.attribution, source.signatories, source.address, source.text,
        source.date, source.sha256,
    )  # fmt: skip
    ref = platform.put_document(document)
    detail = {
        "source": source.id, "address": source.address, "sha256": source.sha256, "uri": ref.id,
        "cid": ref.cid,
    }  # fmt: skip
    store.audit.write(by, PUBLISHED, account.name, why=why, detail=detail, now=clock.now())
    return ref
