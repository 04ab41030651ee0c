"""The sparse fieldsets that an operation takes: `fields[type]` for its own type and each type that it can include."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import resource_type


@cache
def accepted_fields(operation: Operation, revision: str = OLDEST_REVISION) -> Mapping[str, frozenset[str]]:
    """Resource type -> the fields that the operation answers at a revision; empty where it takes no fieldsets."""
    reading = operation.reading
    if not reading.sparse_fieldsets:
        return {}
    primary = resource_type(operation.resource)
    included = {primary.relationships[name] for name in operation.values_at(reading.include, revision)}
    offered = {*operation.values_at(reading.additional_fields, revision), *reading.extra_fields}
    accepted = {}
    for type_ in {primary.type, *included}:
        declared = resource_type(type_)
        hidden = set(declared.additional_fields) - (offered if type_ == primary.type else set())
        if fields := declared.fields_at(revision):
            accepted[type_] = frozenset(path for path in fields if path.split(".")[0] not in hidden)
    return accepted
