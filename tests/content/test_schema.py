"""The committed JSON Schemas are the models', and editors' real files fit them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # openapi-core brings it

from bot.content.model import Strict
from bot.content.shape import SCHEMA_NAMES, keys_of, schema_of
from bot.content.values import EMPTY
from bot.content.yamlfile import Plain, parse
from tests.conftest import ROOT
from tests.fakes.campaign_tree import spec

FOLDER = ROOT / "docs" / "schemas"
CAMPAIGN = {
    "schedule": [ROOT / "schedule.yaml"],
    "source": [ROOT / "posts/sources/letter.yaml"],
    "investigations": [ROOT / "posts/sources/investigations.yaml"],
    "posts": sorted(
        path for path in (ROOT / "posts").rglob("*.yaml") if path.parent.name != "sources"
    ),
}


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_the_committed_schema_is_the_one_of_the_models(name: str) -> None:
    committed = (FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")

    assert committed == json.dumps(schema_of(name, spec()), indent=2, ensure_ascii=False) + "\n", (
        "run `python3 run_bot.py schema --write docs/schemas`"
    )


def test_no_other_schema_is_committed() -> None:
    names = {path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.json")}

    assert names == set(SCHEMA_NAMES)


def as_yaml_1_2(value: Plain) -> Any:
    """Type plain values as the language server of editors does (YAML 1.2, core schema)."""
    match value:
        case dict():
            return {key: as_yaml_1_2(one) for key, one in value.items()}
        case list():
            return [as_yaml_1_2(one) for one in value]
    if value is EMPTY:
        return None
    if value in ("true", "false"):
        return value == "true"
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return float(value) if "." in value else int(value)
    return value


@pytest.mark.parametrize(
    ("name", "file"), [(name, file) for name, files in CAMPAIGN.items() for file in files]
)
def test_a_real_file_fits_its_schema(name: str, file: Path) -> None:
    node, _ = parse(file.read_bytes(), file=file.name)
    assert node

    errors = Draft202012Validator(schema_of(name, spec())).iter_errors(as_yaml_1_2(node.plain()))

    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_a_misspelt_key_does_not_fit() -> None:
    validator = Draft202012Validator(schema_of("posts", spec()))

    assert not validator.is_valid({"posts": [{"id": "p", "txet": "x"}]})


def models(root: type[Strict] = Strict) -> list[type[Strict]]:
    return [model for child in root.__subclasses__() for model in (child, *models(child))]


def test_every_key_says_what_it_is_for() -> None:
    silent = [
        f"{model.__name__}.{key}"
        for model in models()
        for key, _type, said in keys_of(model)
        if not said.description
    ]

    assert silent == []
