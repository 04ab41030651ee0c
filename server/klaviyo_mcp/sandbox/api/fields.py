"""The values that records have in the fields by which filters and sorts name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Record

Reader = Callable[[Relationships, Record], Any]


class Fields:
    """Reads fields of a store's records: attributes, dotted paths into them, and ids of related records."""

    def __init__(self, relationships: Relationships) -> None:
        self.relationships = relationships

    def value(self, record: Record, field: str, joined: Mapping[str, str]) -> Any:
        """A field's value. `joined` says when each profile joined the group that is being read."""
        attributes = record.attributes
        if field in attributes:
            value = attributes[field]
            # A review's status is an object, but filters compare its value.
            return value.get("value") if field == "status" and isinstance(value, dict) else value
        if field in ("id", "ids"):
            return record.id
        if field == "joined_group_at":
            return joined.get(record.id)
        reader = _READERS.get((record.type, field))
        if reader is not None:
            return reader(self.relationships, record)
        if field.endswith((".id", "_id")):
            return self._related_ids(record, field[:-3])
        return _at_path(attributes, field.split("."))

    def _related_ids(self, record: Record, name: str) -> list[str]:
        if name == record.type:
            return [record.id]
        declared = self.relationships.contract.resource_type(record.type).relationships
        if name in record.links or name in declared:
            return self.relationships.ids(record, name)
        return self.relationships.ids(record, "categories" if name == "category" else f"{name}s")


def _at_path(value: Any, path: Sequence[str]) -> Any:
    """The value at a path into nested objects; of a list, the values in its items."""
    for depth, name in enumerate(path):
        if isinstance(value, list):
            return [_at_path(item, path[depth:]) for item in value]
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _channels_of_messages(relationships: Relationships, campaign: Record) -> list[Any]:
    return [
        (message.attributes.get("definition") or {}).get("channel") or message.attributes.get("channel")
        for message in relationships.records(campaign, "campaign-messages")
    ]


def _push_tokens(relationships: Relationships, profile: Record) -> list[Any]:
    return [token.attributes.get("token") for token in relationships.records(profile, "push-tokens")]


def _link(name: str) -> Reader:
    return lambda _, record: record.links.get(name)


def _definition(*path: str) -> Reader:
    return lambda _, record: _at_path(record.attributes.get("definition"), path)


_READERS: Mapping[tuple[str, str], Reader] = {
    ("campaign", "messages.channel"): _channels_of_messages,
    ("profile", "push_token"): _push_tokens,
    ("event", "profile"): _link("profile"),
    ("event", "metric_id"): _link("metric"),
    ("event", "profile_id"): _link("profile"),
    ("flow-action", "action_type"): _definition("type"),
    ("flow-action", "status"): _definition("data", "status"),
    ("flow-message", "name"): _definition("name"),
}
"""Fields that are neither an attribute nor a related record's id."""
