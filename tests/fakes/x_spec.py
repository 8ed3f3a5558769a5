"""Checks what goes in and out of the X stand-in against X's own description of its API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

#: The paths that the stand-in serves; the rest of the description is 850 KB of others.
PATHS = (
    "/2/tweets",
    "/2/tweets/{id}",
    "/2/tweets/{tweet_id}/hidden",
    "/2/users/{id}/tweets",
    "/2/users/me",
    "/2/media/upload",
    "/2/media/metadata",
)
_PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request, as far as the description speaks of it."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Spec:
    """X's description, cut to what is served.

    openapi-core reads it; its check of the description itself is off, as X's has a doubled enum
    value, and so is its check of security, which knows no OAuth 1.0a (`x_oauth` does that).
    """

    def __init__(self, file: Path) -> None:
        raw = json.loads(file.read_text("utf-8"))
        raw["paths"] = {path: _open(raw["paths"][path]) for path in PATHS}
        self.raw = raw
        self._queries = {
            (method, path): _query_names(raw, operation)
            for path, item in raw["paths"].items()
            for method, operation in item.items()
        }
        self._api = OpenAPI.from_dict(
            raw,
            config=Config(
                spec_validator_cls=None, extra_media_type_deserializers={_PROBLEM: json.loads}
            ),
        )

    def schema_of_answer(self, asked: ApiRequest, status: int) -> Mapping[str, Any]:
        """Return what is said of a good answer."""
        told = self.raw["paths"][_route(asked.path)[0]][asked.method.lower()]["responses"]
        schema: Mapping[str, Any] = told[str(status)]["content"]["application/json"]["schema"]
        return schema

    def complaint_about_request(self, asked: ApiRequest) -> str | None:
        """Say what the description does not allow; None if all is well.

        X itself drops an unknown query parameter silently, which is worse than a complaint.
        """
        pattern, _ = _route(asked.path)
        allowed = self._queries.get((asked.method.lower(), pattern))
        if allowed is None:
            return f"no such operation: {asked.method} {asked.path}"
        if unknown := set(asked.query) - allowed:
            return f"unknown query parameters: {sorted(unknown)}"
        return _complaint(lambda: self._api.validate_request(_request(asked)))

    def complaint_about_answer(self, asked: ApiRequest, status: int, body: bytes) -> str | None:
        """Say how an answer of ours differs from the description."""
        kind = "application/json" if status < 400 else _PROBLEM
        answer = MockResponse(body, status_code=status, content_type=kind)
        return _complaint(lambda: self._api.validate_response(_request(asked), answer))


@cache
def read_spec(file: Path) -> Spec:
    """Read the description once; it takes a third of a second."""
    return Spec(file)


def _open(item: dict[str, Any]) -> dict[str, Any]:
    return {
        method: {key: value for key, value in operation.items() if key != "security"}
        for method, operation in item.items()
    }


def _query_names(raw: dict[str, Any], operation: dict[str, Any]) -> frozenset[str]:
    known = raw["components"]["parameters"]
    parameters = [
        known[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
        for parameter in operation.get("parameters", ())
    ]
    return frozenset(parameter["name"] for parameter in parameters if parameter["in"] == "query")


def _route(path: str) -> tuple[str, dict[str, str]]:
    parts = path.split("/")
    if path.startswith("/2/users/") and path.endswith("/tweets"):
        return "/2/users/{id}/tweets", {"id": parts[3]}
    if path.startswith("/2/tweets/") and path.endswith("/hidden"):
        return "/2/tweets/{tweet_id}/hidden", {"tweet_id": parts[3]}
    if path.startswith("/2/tweets/"):
        return "/2/tweets/{id}", {"id": parts[3]}
    return path, {}


def _request(asked: ApiRequest) -> MockRequest:
    pattern, values = _route(asked.path)
    return MockRequest(
        "https://api.x.com",
        asked.method.lower(),
        asked.path,
        path_pattern=pattern,
        view_args=values,
        args=dict(asked.query),
        data=asked.body or None,
        content_type="application/json",
    )


def _complaint(check: Any) -> str | None:
    try:
        check()
    except OpenAPIError as error:
        return f"{error!r}: {error.__cause__!r}"[:500]
    return None
