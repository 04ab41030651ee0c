"""Whatever an update names, the record differs in nothing else afterwards, and a text is what was written.

Each update runs over the records of the sandbox, with any selection of its arguments.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cache, partial
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.server.sandbox_server import SandboxServer, sandbox_server
from tests.unicode_texts import EMOJI, SCRIPTS

from klaviyo_mcp.sandbox.app import create_sandbox
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import Attribute, TextEdits, place_of
from klaviyo_tools.drift.examples import full_examples
from klaviyo_tools.nested_objects import nested_object
from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.slow

REPEATED = {"campaign-message": {"channel", "label", "content", "render_options"}}
"""Attributes in which the sandbox repeats others of the record."""
TIMES = {"updated", "updated_at"}
UPDATES = [
    operation
    for operation in registry().at_revision(OLDEST_REVISION)
    if operation.method == "PATCH" and operation.path.endswith("}") and operation.name != "cancel_campaign_send"
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(st.sampled_from("aé ⏎👩\u200d🍳"), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


@cache
def seeded() -> SandboxServer:
    """A server over the account that the sandbox begins with. Every campaign is a draft, so that it can be changed."""
    server = sandbox_server(confirm="never")
    store = create_sandbox(20).store
    server.sandbox.store = store
    for campaign in store.all("campaign"):
        campaign.attributes["status"] = "Draft"
    return server


def run(server: SandboxServer, name: str, arguments: Mapping[str, Any]) -> str:
    return anyio.run(partial(server.run, name, **arguments))


def records_of(operation: Operation) -> list[Record]:
    return sorted(seeded().sandbox.store.all(operation.resource), key=lambda record: record.id)


@contextmanager
def kept(record: Record) -> Iterator[dict[str, Any]]:
    """The attributes that a record begins with, and has again afterwards."""
    before = deepcopy(record.attributes)
    try:
        yield before
    finally:
        record.attributes.clear()
        record.attributes.update(before)


def optional_arguments(operation: Operation) -> list[str]:
    """The arguments that set attributes."""
    return [
        field.alias or name
        for name, field in operation.arguments.model_fields.items()
        if place_of(field) is None or isinstance(place_of(field), Attribute)
    ]


def leaves(value: Any, path: str) -> Iterator[str]:
    """The dotted paths of the values in an object."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    else:
        yield path


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The dotted paths at which two values differ; a missing value is null, and a null object is empty."""
    if isinstance(before, Mapping) != isinstance(after, Mapping):
        before, after = before or {}, after or {}
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {*before, *after}:
            yield from differences(before.get(name), after.get(name), f"{path}.{name}" if path else name)
    elif before != after:
        yield path


def may_differ(operation: Operation, sent: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """The paths that a call names; all of an object that becomes one of another kind."""
    yield from leaves(sent, "")

    def other_kinds(value: Any, stored: Any, path: str) -> Iterator[str]:
        if isinstance(value, Mapping) and isinstance(stored, Mapping):
            entry = nested_object(operation.resource, path) if path else None
            if entry and any(name in value and stored.get(name) not in (None, value[name]) for name in entry.kinds):
                yield path
            for name, inner in value.items():
                yield from other_kinds(inner, stored.get(name), f"{path}.{name}" if path else name)

    yield from other_kinds(sent, before, "")


@st.composite
def calls(draw: st.DrawFn) -> tuple[Operation, str, dict[str, Any]]:
    """An update of a record of the sandbox with some of its arguments."""
    operation = draw(st.sampled_from([one for one in UPDATES if records_of(one)]))
    record = draw(st.sampled_from(records_of(operation)))
    example = draw(st.sampled_from(list(full_examples(operation, OLDEST_REVISION))))
    offered = [name for name in optional_arguments(operation) if name in example]
    names = draw(st.sets(st.sampled_from(offered), min_size=1)) if offered else set()
    arguments = {name: deepcopy(example[name]) for name in sorted(names)}
    if isinstance(arguments.get("audiences"), dict):
        lists = [one.id for one in seeded().sandbox.store.all("list")]
        side = draw(st.sampled_from(["included", "excluded"]))
        arguments["audiences"] = {side: [draw(st.sampled_from(lists))]}
    if operation.name == "update_campaign_message":
        arguments["channel"] = record.attributes["definition"]["channel"]
    return operation, record.id, arguments


@QUICK
@given(calls())
def test_an_update_changes_what_it_names_and_nothing_else(call: tuple[Operation, str, dict[str, Any]]) -> None:
    operation, id_, arguments = call
    arguments = {operation.path_ids[-1]: id_, **arguments}
    try:
        checked = check_arguments(operation.arguments, arguments)
    except ArgumentsError:
        assume(False)
    server = seeded()
    record = server.sandbox.store.get(operation.resource, id_)
    assert record is not None
    with kept(record) as before:
        answer = run(server, operation.name, arguments)
        changed = set(differences(before, record.attributes))
    sent = operation.request(checked).body["data"].get("attributes", {})
    allowed = [*may_differ(operation, sent, before), *TIMES, *REPEATED.get(operation.resource, ())]
    if answer.startswith("ERROR"):
        assert changed == set()
        assume(False)
    lost = [path for path in changed if not any(path == one or path.startswith(f"{one}.") for one in allowed)]
    assert lost == [], (operation.name, arguments)


def stored_texts() -> list[tuple[Operation, Record, str, str]]:
    """Each text that replacements can change: operation, record, the name of the text, its path."""
    found = []
    for operation in UPDATES:
        for field in operation.arguments.model_fields.values():
            place = place_of(field)
            if isinstance(place, TextEdits):
                for record in records_of(operation):
                    for name, path in place.texts.items():
                        if isinstance(value_at(record.attributes, path), str) and value_at(record.attributes, path):
                            found.append((operation, record, name, path))
    return found


def value_at(value: Any, path: str) -> Any:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


@QUICK
@given(st.data())
def test_replacements_change_their_places_and_nothing_else(data: st.DataObject) -> None:
    operation, record, name, path = data.draw(st.sampled_from(stored_texts()))
    text = value_at(record.attributes, path)
    start = data.draw(st.integers(0, len(text) - 1))
    find = text[start : start + data.draw(st.integers(1, 30))]
    assume(find.strip())
    by = "".join(data.draw(st.lists(st.sampled_from([*"ab <>é", "👩\u200d🍳", "\n"]), max_size=8)))
    replacement = {"find": find, "replace": by, "count": text.count(find), "in": name}
    arguments = {operation.path_ids[-1]: record.id, "replacements": [replacement]}
    with kept(record) as before:
        answer = run(seeded(), operation.name, arguments)
        assert not answer.startswith("ERROR"), answer
        assert value_at(record.attributes, path) == text.replace(find, by)
        changed = set(differences(before, record.attributes))
    allowed = {path, *TIMES, *REPEATED.get(operation.resource, ())}
    assert {one for one in changed if one not in allowed and one.partition(".")[0] not in allowed} == set()


@QUICK
@given(
    st.dictionaries(st.sampled_from("abc"), JSON_VALUES, max_size=3),
    st.dictionaries(st.sampled_from("abc"), JSON_VALUES, min_size=1, max_size=2),
)
def test_an_open_object_keeps_the_members_that_a_call_does_not_name(
    stored: dict[str, Any], changes: dict[str, Any]
) -> None:
    server = sandbox_server(confirm="never")
    id_ = "$custom:::$default:::SKU"
    server.put("catalog-item", id_, title="T", custom_metadata=deepcopy(stored), images=[], price=None)
    answer = run(server, "update_catalog_item", {"catalog_item_id": id_, "custom_metadata": changes})
    assume(not answer.startswith("ERROR"))
    record = server.sandbox.store.get("catalog-item", id_)
    assert record is not None
    after = record.attributes["custom_metadata"]
    kept = {name: value for name, value in stored.items() if name not in changes}
    assert {name: value for name, value in after.items() if name not in changes} == kept
    assert record.attributes["title"] == "T"


TEXTS = [*EMOJI, *SCRIPTS.values()]


@QUICK
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=12))
def test_what_is_written_is_what_is_stored_and_shown(parts: list[str]) -> None:
    text = " ".join(parts)
    server = sandbox_server(confirm="never")
    answer = run(server, "create_template", {"name": text, "editor_type": "CODE", "html": f"<p>{text}</p>"})
    assert not answer.startswith("ERROR"), answer
    (template,) = server.sandbox.store.all("template")
    assert (template.attributes["name"], template.attributes["html"]) == (text, f"<p>{text}</p>")
    shown = run(server, "get_template", {"template_id": template.id})
    record = json.loads(shown)
    assert (record["name"], record["html"]) == (text, f"<p>{text}</p>")
    change = {"find": text, "replace": f"{text}!"}
    run(server, "update_template", {"template_id": template.id, "replacements": [change]})
    assert template.attributes["html"] == f"<p>{text}!</p>"


@pytest.mark.parametrize("start", range(0, len(TEXTS), 500))
def test_every_emoji_and_script_is_stored_and_shown_as_it_is(start: int) -> None:
    text = "\n".join(TEXTS[start : start + 500])
    server = sandbox_server(confirm="never")
    run(server, "create_template", {"name": "T", "editor_type": "CODE", "html": text})
    (template,) = server.sandbox.store.all("template")
    assert template.attributes["html"] == text
    assert json.loads(run(server, "get_template", {"template_id": template.id}))["html"] == text


def test_the_texts_are_of_twenty_scripts() -> None:
    assert len(SCRIPTS) >= 20
