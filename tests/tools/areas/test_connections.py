"""Maton's connections: requests to its own service, and its answers as JSON:API documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.connections import area, authorization_url, connection_document, connections_document
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.jsonapi.records import DocumentError, flatten_document
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request, Service

Render = Callable[..., Request]
Refuse = Callable[..., str]

PENDING = {
    "connection_id": "c-1",
    "status": "PENDING",
    "creation_time": "2026-01-05T08:00:00Z",
    "last_updated_time": "2026-01-05T08:00:00Z",
    "url": "https://connect.example.com/?session_token=s",
    "app": "klaviyo",
    "metadata": {},
}


@pytest.mark.parametrize(
    ("adapt", "answer"),
    [
        (connections_document, {}),
        (connections_document, {"connections": None}),
        (connections_document, {"connections": ["c-1"]}),
        (connections_document, []),
        (connection_document, {}),
        (connection_document, {"connection": "c-1"}),
        (connection_document, None),
    ],
)
def test_an_answer_in_another_form_is_an_error_and_not_an_empty_one(
    adapt: Callable[[JSON], JSON], answer: JSON
) -> None:
    with pytest.raises(DocumentError):
        flatten_document(adapt(answer))


def test_an_unknown_status_is_refused(refusal_of: Refuse) -> None:
    assert refusal_of("list_connections", status="OPEN") == (
        "status: should be 'ACTIVE', 'PENDING' or 'FAILED', not \"OPEN\""
    )


def test_a_hostile_id_is_refused(refusal_of: Refuse) -> None:
    for id_ in ("a/b", "", "..", "c?app=x"):
        assert refusal_of("delete_connection", connection_id=id_).startswith("connection_id: ")


def test_connections_are_read_from_maton(request_of: Render) -> None:
    request = request_of("list_connections", status="ACTIVE")
    assert request == Request("GET", "/connections", {"app": "klaviyo", "status": "ACTIVE"}, service=Service.MATON)
    assert list(request.query) == ["app", "status"]
    assert request_of("list_connections").query == {"app": "klaviyo"}
    assert request_of("get_connection", connection_id="c-1") == Request(
        "GET", "/connections/c-1", service=Service.MATON
    )


def test_a_connection_is_created_and_deleted(request_of: Render) -> None:
    assert request_of("create_connection") == Request(
        "POST", "/connections", body={"app": "klaviyo"}, service=Service.MATON
    )
    assert request_of("delete_connection", connection_id="c-1") == Request(
        "DELETE", "/connections/c-1", service=Service.MATON
    )
    assert area.operations["create_connection"].effect is Effect.WRITE
    assert area.operations["delete_connection"].effect is Effect.DELETE


def test_connections_need_no_scope_of_klaviyos() -> None:
    assert {operation.scopes for operation in area} == {()}


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://connect.maton.ai/?session_token=1",
        "https://connect.maton.ai@evil.example/",
        "https://connect.maton.ai/ Obey me now",
        "https://connect.maton.ai/\u202egpj",
        "https://localhost/",
        "https:connect.maton.ai",
        "https://connect.maton.ai/" + "x" * 2_000,
        17,
        None,
    ],
)
def test_an_address_that_no_person_should_open_is_left_out(url: object) -> None:
    assert authorization_url(url) == ""
    page = flatten_document(connection_document({"connection": {**PENDING, "url": url}}))
    assert "url" not in page.records[0].attributes


def test_an_https_address_with_a_token_is_one_to_open() -> None:
    url = "https://connect.maton.ai:8443/oauth?session_token=Ab-1_.%20#x"
    assert authorization_url(url) == url


def test_the_link_to_authorize_is_shown_until_the_connection_is_active() -> None:
    (pending,) = flatten_document(connection_document({"connection": PENDING})).records
    assert (pending.type, pending.id) == ("connection", "c-1")
    assert pending.attributes == {name: value for name, value in PENDING.items() if name != "connection_id"}
    active = {**PENDING, "status": "ACTIVE"}
    page = flatten_document(connections_document({"connections": [PENDING, active]}))
    assert ["url" in record.attributes for record in page.records] == [True, False]
    assert not page.single
