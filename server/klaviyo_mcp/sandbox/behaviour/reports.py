"""Reports and metric aggregates, answered as resources that are stored nowhere."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.state.store import Record

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
_REPORTS = (
    "campaign_values",
    "flow_values",
    "flow_series",
    "form_values",
    "form_series",
    "segment_values",
    "segment_series",
)


def _answer_computed(request: ApiRequest, attributes: dict[str, Any]) -> Answer:
    """Answer with computed attributes. The resource's id is derived from the request's, so that runs are repeatable."""
    id_ = str(uuid.uuid5(_NAMESPACE, repr(sorted(request.attributes.items()))))
    return request.answer_record(Record(request.operation.types[0], id_, attributes))


def _query_report(request: ApiRequest) -> Answer:
    from klaviyo_mcp.sandbox.reporting.reports import query_report

    attributes = query_report(request.store, request.operation.name, request.attributes, request.store.now())
    return _answer_computed(request, attributes)


def _query_aggregates(request: ApiRequest) -> Answer:
    from klaviyo_mcp.sandbox.reporting.aggregates import query_page

    attributes, next_cursor = query_page(request.store, request.attributes)
    answer = _answer_computed(request, attributes)
    if next_cursor:
        answer.document["links"]["next"] = f"{request.origin}/api/metric-aggregates?page_cursor={quote(next_cursor)}"
    return answer


HANDLERS: Mapping[str, Handler] = {
    "query_metric_aggregates": _query_aggregates,
    **{f"query_{report}": _query_report for report in _REPORTS},
}
