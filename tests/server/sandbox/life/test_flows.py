"""The seeded flows."""

from __future__ import annotations

from tests.server.sandbox.life.seeded import properties_of

from klaviyo_mcp.sandbox.state.store import Store, linked_ids


def test_only_live_flows_sent_messages(account: Store) -> None:
    live = {one.id for one in account.all("flow") if one.attributes["status"] == "live"}
    sending = {properties_of(event)["$flow"] for event in account.all("event") if "$flow" in properties_of(event)}
    assert sending == live
    assert {one.attributes["status"] for one in account.all("flow")} == {"live", "manual", "draft"}


def test_flow_definitions_are_their_actions(account: Store) -> None:
    for flow in account.all("flow"):
        actions = [account.get("flow-action", id_) for id_ in linked_ids(flow.links["flow-actions"])]
        definitions = [action.attributes["definition"] for action in actions if action]
        assert flow.attributes["definition"]["actions"] == definitions
        assert flow.attributes["definition"]["entry_action_id"] == definitions[0]["id"]
        assert [one["links"]["next"] for one in definitions] == [*(one["id"] for one in definitions[1:]), None]
