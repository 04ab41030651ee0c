"""Request bodies are checked against the contract, and refused with the place of the fault."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_mcp.sandbox.contract.bodies import check_body
from klaviyo_mcp.sandbox.contract.contract import load_contract
from klaviyo_mcp.sandbox.errors import KlaviyoError


def check(operation: str, body: Any, id_: str = "") -> None:
    contract = load_contract("2026-01-15")
    assert contract is not None
    check_body(contract, contract.operations[operation], body, id_)


def campaign(**definition: Any) -> dict[str, Any]:
    message = {"type": "campaign-message", "attributes": {"definition": definition}}
    attributes = {"name": "C", "audiences": {"included": ["L"]}, "campaign-messages": {"data": [message]}}
    return {"data": {"type": "campaign", "attributes": attributes}}


PROFILE = {"type": "profile", "id": "P"}
MESSAGE = "/data/attributes/campaign-messages/data/0/attributes/definition"


@pytest.mark.parametrize(
    ("operation", "body", "pointer"),
    [
        ("create_list", [], "/"),
        ("create_list", {"data": {"type": "list", "attributes": {}}}, "/data/attributes/name"),
        ("create_list", {"data": {"type": "list", "attributes": {"name": None}}}, "/data/attributes/name"),
        ("create_list", {"data": {"type": "list", "attributes": {"name": ["A"]}}}, "/data/attributes/name"),
        ("create_list", {"data": {"type": "list", "attributes": {"name": "A", "x": 1}}}, "/data/attributes/x"),
        (
            "create_list",
            {"data": {"type": "list", "attributes": {"name": "A", "opt_in_process": "triple"}}},
            "/data/attributes/opt_in_process",
        ),
        ("add_profiles_to_list", {"data": PROFILE}, "/data"),
        (
            "add_profiles_to_list",
            {"data": [PROFILE, {"type": "list", "id": "L"}]},
            "/data/1/type",
        ),
        ("create_campaign", campaign(channel="fax"), f"{MESSAGE}/channel"),
        ("create_campaign", campaign(channel="sms", content={"subject": "S"}), f"{MESSAGE}/content/subject"),
        ("create_campaign", campaign(channel="email", content={"body": "B"}), f"{MESSAGE}/content/body"),
    ],
)
def test_a_fault_is_refused_where_it_stands(operation: str, body: Any, pointer: str) -> None:
    with pytest.raises(KlaviyoError) as raised:
        check(operation, body)
    assert (raised.value.status, raised.value.pointer) == (400, pointer)


def test_the_fault_of_a_union_is_that_of_the_branch_that_its_discriminator_names() -> None:
    check("create_campaign", campaign(channel="email", content={"subject": "S"}))
    check("create_campaign", campaign(channel="sms", content={"body": "B"}))


def test_null_is_refused_but_where_the_document_allows_it() -> None:
    profile = {"type": "profile", "id": "P", "attributes": {"title": None, "location": None}}
    check("update_profile", {"data": profile}, "P")
    with pytest.raises(KlaviyoError):
        check("update_profile", {"data": {**profile, "attributes": None}}, "P")


def test_an_update_names_the_id_of_its_path() -> None:
    with pytest.raises(KlaviyoError, match="not the id in the path"):
        check("update_profile", {"data": {"type": "profile", "id": "P", "attributes": {}}}, "Q")
