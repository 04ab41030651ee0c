"""What is at stake where the status of a flow changes, or one of its actions."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.account.reads import AccountReads, attribute_of, included_record
from klaviyo_mcp.answers.wording import describe, label_of, quote
from klaviyo_mcp.safety.flow_definitions import action_status
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_mcp.safety.stake import Stake
from klaviyo_mcp.safety.triggers import is_live


async def assess_status(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such flow, KlaviyoMcpError where it cannot be read."""
    if arguments.status == "live":
        return Stake(("the flow messages people once it is live",))
    page = await reads.record("get_flow", "flow_id", "flow", flow_id=arguments.flow_id, fields=("status",))
    reasons = ("the flow is live: the people in it get nothing more from it",) if is_live(page.records[0]) else ()
    return Stake(reasons, {"status": attribute_of(page, "status")})


async def assess_action(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such action, KlaviyoMcpError where it cannot be read."""
    id_ = arguments.flow_action_id
    page = await reads.record(
        "get_flow_action",
        "flow_action_id",
        "flow action",
        flow_action_id=id_,
        include=["flow"],
        fields=("definition",),
    )
    flow = included_record(page, "flow", "get_flow_action")
    reasons = []
    status = str(flow.attributes.get("status") or "unknown").lower()
    if status != "draft":
        reasons.append(f"the flow {quote(label_of(flow) or flow.id)} is {describe(status)}")
    elif action_status(attribute_of(page, "definition")) == "live":
        reasons.append("the action is live")
    elif action_status(arguments.definition) == "live":
        reasons.append("the action becomes live")
    return Stake(tuple(reasons), {"flow": {flow.id: stable_attributes(flow)}})
