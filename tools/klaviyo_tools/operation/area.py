"""The vocabulary in which an area declares its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from typing import Any, TypeVar, Unpack

from klaviyo_tools.arguments.types import Arguments, Id
from klaviyo_tools.operation import models
from klaviyo_tools.operation.facts import (
    AnswerKind,
    Effect,
    Job,
    Limits,
    Method,
    Paging,
    Rate,
    Reading,
    Revisions,
)
from klaviyo_tools.operation.keywords import (
    CollectionFacts,
    CreateFacts,
    CustomFacts,
    JobFacts,
    QueryFacts,
    RecordFacts,
    WriteFacts,
)
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.resource_types import ResourceType, TypeFacts, build_job_type, build_resource_type

# Klaviyo's classes of rate limits: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
XS, S, M, L, XL = Rate(1, 15), Rate(3, 60), Rate(10, 150), Rate(75, 750), Rate(350, 3500)

Group = TypeVar("Group")


class Area:
    """One area of Klaviyo's API: its resource types, and its operations in the order of their declaration."""

    def __init__(self, name: str, *, scope: str | None = None, id_type: Any = Id) -> None:
        self.name = name
        self.scope = scope or name.replace("_", "-")
        self.id_type = id_type
        self.operations: dict[str, Operation] = {}
        self.resource_types: dict[str, ResourceType] = {}

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations.values())

    def resource_type(self, type_: str, columns: str = "", fields: str = "", **facts: Unpack[TypeFacts]) -> None:
        """A resource type: the columns of its summary, its sparse fields (see `expand_paths`), its other facts."""
        self._declare_type(build_resource_type(type_, columns, fields, **facts))

    def job_type(
        self, type_: str, relationships: str, counts: str = "completed_count failed_count", more_fields: str = ""
    ) -> None:
        """The resource type of a job over many records."""
        self._declare_type(build_job_type(type_, relationships, counts, more_fields))

    def _declare_type(self, declared: ResourceType) -> None:
        if declared.type in self.resource_types:
            raise ValueError(f"{declared.type} is declared twice")
        self.resource_types[declared.type] = declared

    def collection(
        self,
        name: str,
        path: str,
        type_: str,
        purpose: str,
        *,
        rate: Rate,
        paged: bool = True,
        **facts: Unpack[CollectionFacts],
    ) -> Operation:
        """A GET that answers many records."""
        facts.setdefault("sparse_fieldsets", True)
        paged = paged or "max_page_size" in facts
        return self._declare(
            name, "GET", path, type_, purpose, AnswerKind.COLLECTION, models.read_model, rate=rate, paged=paged, **facts
        )

    def record(
        self, name: str, path: str, type_: str, purpose: str, *, rate: Rate, **facts: Unpack[RecordFacts]
    ) -> Operation:
        """A GET that answers one record."""
        facts.setdefault("sparse_fieldsets", True)
        return self._declare(
            name, "GET", path, type_, purpose, AnswerKind.RECORD, models.read_model, rate=rate, **facts
        )

    def create(
        self,
        name: str,
        path: str,
        type_: str,
        attributes: type[Arguments],
        purpose: str,
        *,
        rate: Rate,
        answer: AnswerKind = AnswerKind.RECORD,
        **facts: Unpack[CreateFacts],
    ) -> Operation:
        """A POST of a document. `body_type` names its type where that is not the answer's."""
        facts.setdefault("body_type", type_)
        build = partial(models.write_model, attributes)
        return self._declare(name, "POST", path, type_, purpose, answer, build, rate=rate, **facts)

    def update(
        self,
        name: str,
        path: str,
        type_: str,
        attributes: type[Arguments],
        purpose: str,
        *,
        rate: Rate,
        answer: AnswerKind = AnswerKind.RECORD,
        **facts: Unpack[WriteFacts],
    ) -> Operation:
        """A PATCH of the record in the path; a call must change at least one attribute."""
        build = partial(models.change_model, attributes)
        return self._declare(name, "PATCH", path, type_, purpose, answer, build, rate=rate, body_type=type_, **facts)

    def delete(
        self, name: str, path: str, type_: str, purpose: str, *, rate: Rate, **facts: Unpack[WriteFacts]
    ) -> Operation:
        """A DELETE of the record in the path."""
        facts.setdefault("effect", Effect.DELETE)
        build = partial(models.write_model, Arguments)
        return self._declare(name, "DELETE", path, type_, purpose, AnswerKind.NOTHING, build, rate=rate, **facts)

    def relate(
        self,
        name: str,
        path: str,
        target: str,
        purpose: str,
        *,
        rate: Rate,
        max_members: int | None = None,
        method: Method = "POST",
        **facts: Unpack[WriteFacts],
    ) -> Operation:
        """Adds (POST), removes (DELETE) or replaces (PATCH) members of a to-many relationship."""
        return self._declare(
            name,
            method,
            path,
            target,
            purpose,
            AnswerKind.NOTHING,
            partial(models.members_model, target),
            rate=rate,
            body_type=target,
            max_members=max_members,
            **facts,
        )

    def job(
        self,
        name: str,
        path: str,
        type_: str,
        attributes: type[Arguments],
        purpose: str,
        *,
        rate: Rate,
        answer: AnswerKind | None = None,
        **facts: Unpack[JobFacts],
    ) -> Operation:
        """A POST that starts work in the background; `job` names the read that follows it, where there is one."""
        answer = answer or (AnswerKind.JOB if "job" in facts else AnswerKind.NOTHING)
        facts.setdefault("body_type", type_)
        build = partial(models.write_model, attributes)
        return self._declare(name, "POST", path, type_, purpose, answer, build, rate=rate, **facts)

    def query(
        self,
        name: str,
        path: str,
        type_: str,
        attributes: type[Arguments],
        purpose: str,
        *,
        rate: Rate,
        answer: AnswerKind = AnswerKind.REPORT,
        paged: bool = False,
        **facts: Unpack[QueryFacts],
    ) -> Operation:
        """A read by POST: a report, an aggregate, a rendering."""
        build = partial(models.write_model, attributes)
        return self._declare(
            name,
            "POST",
            path,
            type_,
            purpose,
            answer,
            build,
            rate=rate,
            paged=paged,
            effect=Effect.READ,
            body_type=type_,
            **facts,
        )

    def custom(
        self,
        name: str,
        method: Method,
        path: str,
        type_: str,
        purpose: str,
        *,
        rate: Rate,
        answer: AnswerKind,
        **facts: Unpack[CustomFacts],
    ) -> Operation:
        """An operation that no other method declares; `attributes` is the model of its arguments."""
        build = partial(models.write_model, facts.pop("attributes", Arguments))
        return self._declare(name, method, path, type_, purpose, answer, build, rate=rate, **facts)

    def _declare(
        self,
        name: str,
        method: Method,
        path: str,
        type_: str,
        purpose: str,
        answer: AnswerKind,
        build: Callable[[Operation], type[Arguments]],
        *,
        rate: Rate,
        paged: bool = False,
        **facts: Unpack[CustomFacts],
    ) -> Operation:
        if name in self.operations:
            raise ValueError(f"{name} is declared twice")
        effect = facts.get("effect") or (Effect.READ if method == "GET" else Effect.WRITE)
        operation = Operation(
            name,
            self.name,
            method,
            path,
            type_,
            purpose,
            answer,
            effect,
            build,
            scopes=tuple(facts.get("scopes", self._scope(effect)).split()),
            aliases=tuple(facts.get("aliases", "").split()),
            id_type=facts.get("id_type", self.id_type),
            **_groups(facts, rate, paged),
            **_chosen(_UNGROUPED, facts),
        )
        self.operations[name] = operation
        return operation

    def _scope(self, effect: Effect) -> str:
        return f"{self.scope}:{'read' if effect is Effect.READ else 'write'}"


_UNGROUPED = (
    "address",
    "body_type",
    "fixed_parameters",
    "idempotent",
    "preview",
    "report",
    "service",
    "to_json_api",
    "verify_with",
)
"""Facts that stand in an operation itself, under the same name."""


def _groups(facts: CustomFacts, rate: Rate, paged: bool) -> Mapping[str, Any]:
    return {
        "reading": _group(Reading, facts),
        "paging": _group(Paging, facts, takes_cursor=paged),
        "job": Job(facts["job"], facts.get("job_errors"), facts.get("job_result")) if "job" in facts else None,
        "limits": _group(Limits, facts, rate=rate),
        "revisions": _group(Revisions, facts),
    }


def _group(group: type[Group], facts: Mapping[str, Any], **more: Any) -> Group:
    return group(**_chosen(_NAMES[group], facts), **more)


def _chosen(names: tuple[str, ...], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in names if name in facts}


_NAMES: Mapping[type, tuple[str, ...]] = {
    group: tuple(field.name for field in fields(group)) for group in (Reading, Paging, Limits, Revisions)
}
