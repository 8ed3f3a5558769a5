"""docs/operating.md knows every setting and secret, and no other."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.cli.main import VERBS
from bot.platforms.bluesky import SPEC as BLUESKY
from bot.platforms.mastodon import SPEC as MASTODON
from bot.platforms.spec import PlatformSpec
from bot.platforms.x import SPEC as X
from bot.settings.environment import Settings
from tests.docs.tree import files, read, table

SETTINGS = {f"VERBATIM_{name.upper()}": field for name, field in Settings.model_fields.items()}
PLATFORMS = [MASTODON, BLUESKY, X]
SECRETS = {secret for spec in PLATFORMS for secret in spec.secrets}


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    rows = table(read("docs/operating.md"), "## Settings")

    assert [row[0].strip("`") for row in rows] == list(SETTINGS)
    assert all(len(row) == 3 and row[2] for row in rows)


def test_documented_waits_are_the_real_ones() -> None:
    documented = {
        row[0].strip("`"): row[1] for row in table(read("docs/operating.md"), "## Settings")
    }
    waits = {
        name: f"{field.default.total_seconds():g}"
        for name, field in SETTINGS.items()
        if isinstance(field.default, timedelta)
    }

    assert {name: documented[name] for name in waits} == waits


@pytest.mark.parametrize("spec", PLATFORMS, ids=lambda spec: str(spec.name))
def test_every_platform_s_secrets_and_their_scope_are_documented(spec: PlatformSpec) -> None:
    rows = {row[0]: row for row in table(read("docs/operating.md"), "## Secrets")}

    row = rows[spec.label]

    assert tuple(re.findall(r"`(\w+)`", row[1])) == spec.secrets
    assert tuple(re.findall(r"`([^`]+)`", row[2])) == spec.scopes != ()


def test_scopes_are_stated_once() -> None:
    scopes = {scope for spec in PLATFORMS for scope in spec.scopes}
    stated = [
        (str(path), scope)
        for path in files(".md")
        for scope in sorted(scopes)
        for _ in range(read(path).count(f"`{scope}`"))
    ]

    assert stated == [("docs/operating.md", scope) for scope in sorted(scopes)]


def test_no_document_names_a_variable_that_does_not_exist() -> None:
    named = {
        (str(path), name)
        for path in files(".md", ".yaml")
        for name in re.findall(r"\bVERBATIM_[A-Z_]*[A-Z]", read(path))
    }

    wrong = [(path, name) for path, name in sorted(named) if not _exists(name)]

    assert wrong == []


def _exists(name: str) -> bool:
    bare = name.removesuffix("_FILE")
    return bare in SETTINGS or any(bare.endswith(f"_{secret}") for secret in SECRETS)


def test_every_verb_is_documented_as_its_help_says() -> None:
    rows = table(read("docs/operating.md"), "## Verbs")

    assert [(row[0].strip("`"), row[1]) for row in rows] == [
        (verb, line) for verb, (_module, line) in VERBS.items()
    ]
