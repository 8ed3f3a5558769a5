"""WARC files (ISO 28500) of pages and of own posts, and RFC 3161 time-stamps of them."""

import hashlib
import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from bot.canonical import canonical_json
from bot.delivery.model import Delivery
from bot.errors import DecisionError, StoreError
from bot.evidence.fetching import FetchError, Hop, PageFetcher


def page_warc(hops: Iterable[Hop], agent: str) -> bytes:
    """Return the answers on the way to a page, as they came."""
    from warcio.statusandheaders import StatusAndHeaders  # only who keeps evidence pays
    from warcio.warcwriter import WARCWriter

    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    writer.write_record(writer.create_warcinfo_record(None, {"software": agent}))
    for hop in hops:
        # The body is kept without its chunks, so this header would not be true of it.
        headers = [
            (f"X-Archive-Orig-{name}" if name.lower() == "transfer-encoding" else name, value)
            for name, value in hop.headers
        ]
        record = writer.create_warc_record(
            hop.address, "response", payload=io.BytesIO(hop.body), length=len(hop.body),
            http_headers=StatusAndHeaders(f"{hop.status} {hop.reason}", headers, "HTTP/1.1"),
            warc_headers_dict={"WARC-Date": _date(hop.at), "WARC-IP-Address": hop.ip},
        )  # fmt: skip
        writer.write_record(record)
    return out.getvalue()


def page_in(warc: bytes) -> Hop:
    """Return the page that `page_warc` kept.

    Raises:
        StoreError: there is none in it.
    """
    from warcio.archiveiterator import ArchiveIterator

    found = None
    for record in ArchiveIterator(io.BytesIO(warc)):
        if record.rec_type == "response":
            headers, body = record.http_headers, record.content_stream().read()
            at = datetime.fromisoformat(record.rec_headers.get_header("WARC-Date"))
            found = Hop(
                record.rec_headers.get_header("WARC-Target-URI"),
                record.rec_headers.get_header("WARC-IP-Address"),
                at, int(headers.get_statuscode()), "", tuple(headers.headers), body,
            )  # fmt: skip
    if found is None:
        raise StoreError("no page is in this WARC file")
    return found


def posts_warc(
    rows: Iterable[Delivery], picture: Callable[[str], bytes], agent: str, now: datetime
) -> bytes:
    """Return own posts: of each its text, alternative texts, receipt and pictures."""
    from warcio.warcwriter import WARCWriter

    out = io.BytesIO()
    writer = WARCWriter(out, gzip=True)
    writer.write_record(writer.create_warcinfo_record(None, {"software": agent}))

    def write(address: str, mime: str, content: bytes) -> None:
        record = writer.create_warc_record(
            address, "resource", payload=io.BytesIO(content), length=len(content),
            warc_content_type=mime, warc_headers_dict={"WARC-Date": _date(now)},
        )  # fmt: skip
        writer.write_record(record)

    written = set()
    for row in rows:
        at = row.sent_at or row.updated_at
        status = {
            "post": row.post_id, "account": row.account, "platform": row.platform,
            "state": row.state, "part": row.part, "sent_at": at.astimezone(UTC).isoformat(),
            "receipt": {"id": row.remote_id, "url": row.url, "cid": row.cid},
            "fingerprint": row.fingerprint, "status": row.status.to_json(),
        }  # fmt: skip
        address = row.url or f"urn:verbatim:{row.id}"
        write(address, "application/json", canonical_json(status).encode())
        for each in row.status.pictures:
            try:
                content = picture(each.sha256)
            except StoreError:  # pruned long ago; its hash and alternative text are in the status
                continue
            if each.sha256 not in written:
                write(f"urn:sha256:{each.sha256}", each.mime, content)
            written.add(each.sha256)
    return out.getvalue()


def time_stamp(content: bytes, authority: str, fetcher: PageFetcher) -> bytes:
    """Return the authority's whole reply; `openssl ts -verify` takes it with the authority's root.

    Raises:
        DecisionError: it gives none, or one of something else.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

    told = ""
    # The library refuses replies whose certificates are not in DER's order, as openssl writes
    # them; without them a reply is read, and whoever verifies it brings the certificate.
    for with_certificates in (True, False):
        asked = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256)
        request = asked.cert_request(cert_request=with_certificates).build()
        try:
            reply = fetcher.post(authority, request.as_bytes(), "application/timestamp-query")
            token = decode_timestamp_response(reply).tst_info
        except FetchError as error:
            raise DecisionError(f"no time-stamp: {error}") from error
        except ValueError as error:
            told = str(error)
            continue
        imprint = token.message_imprint.message
        if (token.nonce, imprint) != (request.nonce, hashlib.sha256(content).digest()):
            raise DecisionError(f"no time-stamp: {authority} stamped something else")
        return reply
    raise DecisionError(f"no time-stamp: what {authority} answers cannot be read: {told}")


def _date(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
