"""Jobs that do the same for every resource in their body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.jobs import start_job
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.state.store import Record


def bulk_job(work: Callable[[ApiRequest, Mapping[str, Any]], Record], max_resources: int) -> Handler:
    """A handler that does the work for each resource in the body, and answers with a job.

    The job links to the records that were done and keeps the errors of those that failed.
    """

    def handle(request: ApiRequest) -> Answer:
        name, value = next((name, value) for name, value in request.attributes.items() if isinstance(value, dict))
        resources = value["data"]
        pointer = f"/data/attributes/{name}/data"
        if not 0 < len(resources) <= max_resources:
            raise invalid(f"Between 1 and {max_resources} resources at once.", pointer=pointer)
        ids: list[str] = []
        errors: list[dict[str, Any]] = []
        for index, resource in enumerate(resources):
            try:
                ids.append(work(request, resource).id)
            except KlaviyoError as error:
                errors.append(_job_error(error, f"{pointer}/{index}"))
        job = start_job(request, failed=errors, total_count=len(resources))
        relationship = next(iter(request.contract.resource_type(job.type).relationships), name)
        request.store.link(job, relationship, ids)
        return request.answer_record(job)

    return handle


def _job_error(error: KlaviyoError, pointer: str) -> dict[str, Any]:
    document = error.document()["errors"][0]
    return {key: document[key] for key in ("id", "code", "title", "detail")} | {"source": {"pointer": pointer}}
