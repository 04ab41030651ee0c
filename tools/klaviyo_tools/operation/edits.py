"""Edits that lose nothing: what an update must send so that the record keeps all that the call does not name.

An update replaces some objects inside the attributes whole (`nested_objects`): the change is laid over the stored
object, and the result is sent. Replacements change a stored text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import NamedTuple

from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import Attribute, TextEdits, place_of
from klaviyo_tools.arguments.replacements import Replacement, TextChange, replace_in_texts
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.documents import JSON, argument_values, set_at_path
from klaviyo_tools.nested_objects import NestedObject, OnUpdate, nested_object
from klaviyo_tools.operation.operation import Operation

Attributes = Mapping[str, JSON]


class Edit(NamedTuple):
    """The attributes that an update sends, and what its replacements do to each text."""

    attributes: Attributes
    text_changes: Sequence[TextChange]


def needs_record(operation: Operation, arguments: Arguments) -> bool:
    """Whether an update must read the record first: it replaces text, or gives a nested object in part."""
    if operation.method != "PATCH":
        return False
    if _text_edits(arguments) is not None:
        return True
    given = _given_attributes(operation, arguments)
    return any(_is_partial(operation.resource, name, value) for name, value in given.items())


def settable_attributes(operation: Operation) -> tuple[str, ...]:
    """The attributes that an update can set, and those that decide what it can do."""
    names: dict[str, None] = {}
    for name, field in operation.arguments.model_fields.items():
        place = place_of(field)
        if isinstance(place, TextEdits):
            names |= dict.fromkeys(place.facts)
        elif place is None or isinstance(place, Attribute):
            names[(place.name if place else name).partition(".")[0]] = None
    return tuple(names)


class StoredQuery(NamedTuple):
    """What an update reads of its record: the attributes, and those among them that answers add on request."""

    fields: Sequence[str]
    additional_fields: Sequence[str]


def stored_query(operation: Operation, read: Operation, arguments: Arguments, revision: str) -> StoredQuery:
    """What to read of a record before an update with these arguments; `read` is the read of one record."""
    settable = settable_attributes(operation)
    given = {name.partition(".")[0] for name in arguments.model_fields_set}
    offered = read.values_at(read.reading.additional_fields, revision)
    additional = [name for name in offered if name in settable and name in given]
    unread = set(read.reading.additional_fields) - set(additional)
    return StoredQuery([name for name in settable if name not in unread], additional)


def edit_record(operation: Operation, arguments: Arguments, stored: Attributes) -> Edit:
    """What an update of a record must send.

    Args:
        operation: The update.
        arguments: Its checked arguments.
        stored: The attributes of the record as it is now.

    Raises:
        ArgumentsError: A replacement does not fit the stored text; the message says what to change.
    """
    given = _given_attributes(operation, arguments)
    edits = _text_edits(arguments)
    changes: Sequence[TextChange] = ()
    if edits is not None:
        given, changes = _with_replacements(*edits, given, stored)
    attributes = {name: _lay_over(operation.resource, name, stored.get(name), value) for name, value in given.items()}
    return Edit(attributes, changes)


def _given_attributes(operation: Operation, arguments: Arguments) -> Attributes:
    body = operation.request(arguments).body
    data = body.get("data") if isinstance(body, dict) else None
    attributes: Attributes = (data.get("attributes") or {}) if isinstance(data, dict) else {}
    return attributes


# Nested objects.


def _is_partial(type_: str, name: str, value: JSON) -> bool:
    entry = nested_object(type_, name)
    if entry is None or entry.on_update is OnUpdate.MERGED or not isinstance(value, Mapping):
        return False
    return not entry.members or not set(entry.members) <= set(value)


def _lay_over(type_: str, path: str, stored: JSON, given: JSON) -> JSON:
    """A given value, with the members of the stored object that it does not name."""
    entry = nested_object(type_, path)
    if entry is None or entry.on_update is OnUpdate.MERGED:
        return given
    if not isinstance(given, Mapping) or not isinstance(stored, Mapping) or _is_other_kind(entry, stored, given):
        return given
    kept = {name: value for name, value in stored.items() if not _is_answer_only(entry, f"{path}.{name}")}
    return {
        **kept,
        **{name: _lay_over(type_, f"{path}.{name}", kept.get(name), value) for name, value in given.items()},
    }


def _is_other_kind(entry: NestedObject, stored: Attributes, given: Attributes) -> bool:
    return any(name in given and stored.get(name) not in (None, given[name]) for name in entry.kinds)


def _is_answer_only(entry: NestedObject, path: str) -> bool:
    return any(path.endswith(f".{name}") for name in entry.answer_only)


# Replacements.


def _text_edits(arguments: Arguments) -> tuple[TextEdits, Sequence[Replacement]] | None:
    """The texts that replacements may be made in, and the replacements of a call; None where it has none."""
    for _, value, place in argument_values(arguments):
        if isinstance(place, TextEdits) and value:
            return place, value
    return None


def _with_replacements(
    edits: TextEdits, replacements: Sequence[Replacement], given: Attributes, stored: Attributes
) -> tuple[Attributes, Sequence[TextChange]]:
    """The attributes to send with the texts that replacements change, and each change."""
    texts = {name: text for name, path in edits.texts.items() if isinstance(text := _value_at(stored, path), str)}
    attributes, changes = deepcopy(dict(given)), []
    for index, replacement in enumerate(replacements):
        label = f"replacements.{index}"
        names = _names_of_texts(label, edits, replacement, given, stored)
        if not any(name in texts for name in names):
            raise ArgumentsError(f"{label}: the record has no {' and no '.join(names)}")
        found = {name: texts[name] for name in names if name in texts}
        for change in replace_in_texts(label, replacement, found):
            changes.append(change)
            texts[change.name] = change.text
            set_at_path(attributes, edits.texts[change.name], change.text)
    return attributes, changes


def _names_of_texts(
    label: str, edits: TextEdits, replacement: Replacement, given: Attributes, stored: Attributes
) -> Sequence[str]:
    """The texts that one replacement is made in. Raises ArgumentsError where it cannot be made there."""
    if replacement.text is not None and replacement.text not in edits.texts:
        raise ArgumentsError(f"{label}.in takes {', '.join(edits.texts)}")
    name = replacement.text or edits.default
    if not name:
        return [name for name, path in edits.texts.items() if _value_at(given, path) is None]
    if _value_at(given, edits.texts[name]) is not None:
        raise ArgumentsError(f"{label}: {name} is given whole in the same call: give one of the two")
    if edits.refusal is not None and (reason := edits.refusal(stored, name)):
        raise ArgumentsError(f"{label}: {reason}")
    return [name]


def _value_at(attributes: JSON, path: str) -> JSON:
    for name in path.split("."):
        attributes = attributes.get(name) if isinstance(attributes, Mapping) else None
    return attributes
