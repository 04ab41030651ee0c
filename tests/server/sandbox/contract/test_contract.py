"""The shipped contracts."""

from __future__ import annotations

from klaviyo_mcp.sandbox.contract.contract import load_contract


def test_intermediate_revisions_know_the_operations_of_their_time() -> None:
    older, between, newer = (load_contract(revision) for revision in ("2026-01-15", "2026-04-15", "2026-07-15"))
    assert older is not None
    assert between is not None
    assert newer is not None
    assert "delete_flow_action" not in older.operations
    assert "delete_flow_action" in between.operations
    assert "get_object_types" not in between.operations
    assert len(newer.operations) == 333
    assert load_contract("2020-01-01") is None
