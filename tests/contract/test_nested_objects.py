"""The table of what updates do with nested objects, against the bodies that Klaviyo takes, and against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from klaviyo_mcp.sandbox.api.patches import MERGED
from klaviyo_mcp.sandbox.contract.contract import CONTRACT_REVISIONS, Contract, read_contract
from klaviyo_tools.nested_objects import NESTED_OBJECTS, NestedObject, OnUpdate, nested_object

OPEN = frozenset({"object", "any"})


@cache
def contract(revision: str) -> Contract:
    return Contract(read_contract(revision), revision)


def objects_of(contract: Contract, shape: Any, path: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    """The dotted path and the members of each object in a shape; an open object has none that are known."""
    shape, _ = contract.resolve(shape)
    if isinstance(shape, str):
        if shape == "object":
            yield path, frozenset()
        return
    for branch in shape.get("anyOf", ()):
        yield from objects_of(contract, branch, path)
    if "props" in shape:
        yield path, frozenset(shape["props"])
        for name, inner in shape["props"].items():
            yield from objects_of(contract, inner, f"{path}.{name}" if path else name)


def nested_objects(contract: Contract) -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Operation, resource type, path and members of each object below the attributes of each update."""
    for operation in contract.operations.values():
        if operation.method != "PATCH" or "relationships" in operation.segments:
            continue
        body = dict(contract.resolve(operation.body)[0]["props"])["data"]
        data = contract.resolve(body)[0]["props"]
        for path, members in objects_of(contract, data.get("attributes", "string")):
            if path:
                yield operation.name, contract.resolve(data["type"])[0]["enum"][0], path, members


@pytest.mark.parametrize("revision", CONTRACT_REVISIONS)
def test_every_object_that_an_update_can_hold_has_an_entry(revision: str) -> None:
    objects = list(nested_objects(contract(revision)))
    assert len(objects) >= 40
    missing = [f"{name}: {type_} {path}" for name, type_, path, _ in objects if nested_object(type_, path) is None]
    assert missing == []


def test_every_entry_is_an_object_that_an_update_can_hold() -> None:
    newest = contract(CONTRACT_REVISIONS[-1])
    known = {(type_, path) for _, type_, path, _ in nested_objects(newest)}
    assert {(type_, path) for type_, objects in NESTED_OBJECTS.items() for path in objects} - known == set()


def test_an_object_of_which_all_members_are_named_has_no_others() -> None:
    newest = contract(CONTRACT_REVISIONS[-1])
    members: dict[tuple[str, str], set[str]] = {}
    for _, type_, path, names in nested_objects(newest):
        members.setdefault((type_, path), set()).update(names)
    for type_, objects in NESTED_OBJECTS.items():
        for path, entry in objects.items():
            if entry.members:
                assert set(entry.members) == members[type_, path], (type_, path)


def test_an_inner_object_goes_with_the_one_around_it() -> None:
    assert nested_object("campaign-message", "definition.content") is nested_object("campaign-message", "definition")
    assert nested_object("campaign-message", "definition.kv_pairs.page") is not nested_object(
        "campaign-message", "definition"
    )
    assert nested_object("campaign", "name") is None
    assert nested_object("tag", "name") is None


@pytest.mark.parametrize(
    ("type_", "path", "entry"),
    [(type_, path, entry) for type_, objects in NESTED_OBJECTS.items() for path, entry in objects.items()],
)
def test_the_sandbox_merges_what_the_table_calls_merged_and_nothing_else(
    type_: str, path: str, entry: NestedObject
) -> None:
    assert ((type_, *path.split(".")) in MERGED) == (entry.on_update is OnUpdate.MERGED)
    assert entry.source


def test_the_sandbox_merges_nothing_that_has_no_entry() -> None:
    assert all(".".join(path) in NESTED_OBJECTS[type_] for type_, *path in MERGED)


@pytest.mark.parametrize(("type_", "objects"), NESTED_OBJECTS.items())
def test_what_klaviyo_answers_and_does_not_take_is_named(type_: str, objects: dict[str, NestedObject]) -> None:
    """Members that the answer has and the update does not, in Klaviyo's document of the newest shipped revision."""
    newest = contract(CONTRACT_REVISIONS[-1])
    answered = dict(_answered_objects(newest, type_))
    taken: dict[str, set[str]] = {}
    for _, kind, path, members in nested_objects(newest):
        if kind == type_:
            taken.setdefault(path, set()).update(members)
    for path, names in taken.items():
        entry = nested_object(type_, path)
        head = next(one for one in objects if path == one or path.startswith(f"{one}."))
        prefix = path.removeprefix(head).removeprefix(".")
        extra = {f"{prefix}.{name}" if prefix else name for name in answered.get(path, set()) - names if names}
        assert entry is not None
        assert extra == {one for one in entry.answer_only if one.rpartition(".")[0] == prefix}, path


def _answered_objects(contract: Contract, type_: str) -> Iterator[tuple[str, set[str]]]:
    objects: dict[str, set[str]] = {}
    for name, shape in contract.resource_type(type_).attributes.items():
        for path, names in objects_of(contract, shape, name):
            objects.setdefault(path, set()).update(names)
    yield from objects.items()
