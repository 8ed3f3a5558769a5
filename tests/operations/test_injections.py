"""What is put into a service of the image names parts of the program that are there."""

import ast
from importlib import import_module

import pytest

from tests.operations.machine import STUCK_LOOP, STUCK_WORKER


@pytest.mark.parametrize("code", [STUCK_LOOP, STUCK_WORKER])
def test_what_is_put_into_the_image_knows_the_program(code: str) -> None:
    tree = ast.parse(code)
    imported = {
        (each.module or "", name.name): getattr(import_module(each.module or ""), name.name)
        for each in ast.walk(tree) if isinstance(each, ast.ImportFrom) for name in each.names
    }  # fmt: skip
    owners = {name: owner for (_module, name), owner in imported.items()}
    changed = [each.targets[0] for each in ast.walk(tree) if isinstance(each, ast.Assign)]

    names = [(each.value.id, each.attr) for each in changed
             if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)]  # fmt: skip

    assert names
    assert [each for each in names if not hasattr(owners[each[0]], each[1])] == []
