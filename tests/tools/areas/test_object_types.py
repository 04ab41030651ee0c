"""Types of custom objects and conversations: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_tools.operation.request import Request

Requests = Callable[..., Request]
Refusals = Callable[..., str]

SIMPLE = {"id": 1, "type": "simple", "source": {"source_id": "S1", "id_path": "$.id", "data_path": "$.name"}}


@pytest.mark.parametrize(
    ("tool", "arguments", "refusal"),
    [
        ("create_object_schema", {"title": "Pet", "properties": []}, "properties: is empty: give at least 1"),
        (
            "update_source_mapping",
            {"source_mapping_id": "M1", "property_mappings": [{"id": 1, "type": "constant"}]},
            "property_mappings.0: a constant mapping needs value",
        ),
        (
            "update_source_mapping",
            {"source_mapping_id": "M1", "property_mappings": [{**SIMPLE, "value": 3}]},
            "property_mappings.0: give source (simple) or value (constant), not both",
        ),
        (
            "get_object_record",
            {"object_record_id": "order-1"},
            "object_record_id: 'order-1' is not a record's id: such as {object_type_id}:::{id}",
        ),
        (
            "bulk_delete_object_records",
            {"object_record_ids": [f"T:::{n}" for n in range(501)]},
            "object_record_ids: at most 500, not 501: split the call in 2",
        ),
        (
            "create_conversation_message",
            {"conversation_id": "C1", "body": "Hi", "message_hierarchy": [{"message": "a"}, {"message_format": "RCS"}]},
            'message_hierarchy: give two: {"message_format": "RCS", "message": …} and then '
            '{"message_format": "SMS", …}',
        ),
    ],
)
def test_arguments_that_klaviyo_would_refuse_are_not_sent(
    refusal_of: Refusals, tool: str, arguments: dict[str, Any], refusal: str
) -> None:
    assert refusal_of(tool, **arguments) == refusal


def test_a_type_is_created_with_its_schema_and_mapping(request_of: Requests) -> None:
    request = request_of(
        "create_object_type",
        title="Pet",
        object_schema={
            "properties": [{"id": 1, "name": "name", "type": "string"}],
            "required": ["name"],
            "status": "active",
            "source_mapping": {"property_mappings": [SIMPLE]},
        },
    )
    assert (request.method, request.path) == ("POST", "/api/object-types")
    assert request.body == {
        "data": {
            "type": "object-type",
            "attributes": {
                "title": "Pet",
                "object-schema": {
                    "data": {
                        "type": "object-schema",
                        "attributes": {
                            "properties": [{"id": 1, "name": "name", "type": "string"}],
                            "required": ["name"],
                            "status": "active",
                            "source-mapping": {
                                "data": {"type": "source-mapping", "attributes": {"property_mappings": [SIMPLE]}}
                            },
                        },
                    }
                },
            },
        }
    }


@pytest.mark.parametrize(
    ("tool", "arguments", "method", "kind", "data"),
    [
        (
            "create_object_schema_relationship",
            {"relationships": [{"schema_id": "S2", "name": "owner"}]},
            "POST",
            "object-schema",
            [{"id": "S2", "meta": {"name": "owner"}}],
        ),
        (
            "create_profile_schema_relationship",
            {"relationships": {"name": "keeper"}},
            "POST",
            "profile-object-schema",
            [{"id": "profile", "meta": {"name": "keeper"}}],
        ),
        (
            "update_object_schema_relationship",
            {"schema_id": "S2", "relationship_id": "R1", "name": "buyer"},
            "PATCH",
            "object-schema",
            {"id": "S2", "meta": {"relationship_id": "R1", "name": "buyer"}},
        ),
        (
            "update_profile_schema_relationship",
            {"relationship_id": "R1", "description": "who feeds it"},
            "PATCH",
            "profile-object-schema",
            {"id": "profile", "meta": {"relationship_id": "R1", "description": "who feeds it"}},
        ),
        (
            "delete_profile_schema_relationship",
            {"relationships": [{"relationship_id": "R1"}]},
            "DELETE",
            "profile-object-schema",
            [{"id": "profile", "meta": {"relationship_id": "R1"}}],
        ),
    ],
)
def test_schemas_are_related_by_name_to_others_and_to_profiles(
    request_of: Requests, tool: str, arguments: dict[str, Any], method: str, kind: str, data: Any
) -> None:
    request = request_of(tool, object_schema_id="S1", **arguments)
    assert (request.method, request.path) == (method, f"/api/object-schemas/S1/relationships/{kind}s")
    typed = [{"type": kind, **one} for one in data] if isinstance(data, list) else {"type": kind, **data}
    assert request.body == {"data": typed}


def test_records_are_read_and_deleted_by_type_and_id(request_of: Requests) -> None:
    assert request_of("get_object_record", object_record_id="T1:::order 1").path == (
        "/api/object-records/T1%3A%3A%3Aorder%201"
    )
    assert request_of("bulk_delete_object_records", object_record_ids=["T1:::1"]).body == {
        "data": {
            "type": "object-record-bulk-delete-job",
            "relationships": {"object-records": {"data": [{"type": "object-record", "id": "T1:::1"}]}},
        }
    }


def test_a_message_goes_to_a_conversation(request_of: Requests) -> None:
    request = request_of("create_conversation_message", conversation_id="C1", body="On its way!")
    assert (request.method, request.path) == ("POST", "/api/conversation-messages")
    assert request.body == {
        "data": {
            "type": "conversation-message",
            "attributes": {"body": "On its way!"},
            "relationships": {"conversation": {"data": {"type": "conversation", "id": "C1"}}},
        }
    }
