"""Asynchronous jobs. Each takes two reads to complete, whatever the clock says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from klaviyo_mcp.sandbox.api.records import fill_defaults
from klaviyo_mcp.sandbox.api.request import ApiRequest
from klaviyo_mcp.sandbox.state.store import Record, Store

JSON = Any
_OUTCOME = "_outcome"
"""The attribute, in no contract and hence in no answer, that holds what a job will say once it is complete."""


def start_job(request: ApiRequest, id_: str | None = None, *, failed: Iterable[JSON] = (), **attributes: Any) -> Record:
    """Store a queued job: its first read will say `processing`, its second `complete`.

    `failed` holds the errors, or the ids of the errors, of what the job could not do.
    """
    type_ = request.operation.types[0]
    errors = list(failed)
    record = Record(type_, id_ or request.store.new_id(type_), {"status": "queued", **attributes})
    fill_defaults(request.contract, request.store, record)
    declared = request.contract.resource_type(type_).attributes
    total = attributes.get("total_count", 0)
    outcome = {"completed_count": total - len(errors), "failed_count": len(errors), "skipped_count": 0}
    outcome |= {"completed_at": None, "errors": errors}
    record.attributes[_OUTCOME] = {name: value for name, value in outcome.items() if name in declared}
    counts = ("completed_count", "failed_count", "skipped_count")
    record.attributes |= {name: 0 for name in counts if name in declared}
    return request.store.add(record)


def advance_job(store: Store, record: Record) -> None:
    """Take a job's next step, as each read of it does. Other records, and finished jobs, stay as they are."""
    if _OUTCOME not in record.attributes:
        return
    if record.attributes["status"] == "queued":
        record.attributes["status"] = "processing"
        if "import" in record.type:
            record.attributes["started_at"] = store.timestamp()
    elif record.attributes["status"] == "processing":
        outcome = record.attributes.pop(_OUTCOME)
        record.attributes |= outcome | {"status": "complete"}
        if "completed_at" in outcome:
            record.attributes["completed_at"] = store.timestamp()
    store.touch(record)


def cancel_job(store: Store, record: Record) -> None:
    """End a job before it completes."""
    record.attributes.pop(_OUTCOME, None)
    record.attributes["status"] = "cancelled"
    store.touch(record)
