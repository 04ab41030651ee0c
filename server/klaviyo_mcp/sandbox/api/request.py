"""A request to one operation, and the answers that a handler can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from klaviyo_mcp.sandbox.api.paging import Collection, Collections
from klaviyo_mcp.sandbox.api.query import Query
from klaviyo_mcp.sandbox.api.render import Renderer
from klaviyo_mcp.sandbox.api.revision import Revision
from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.errors import not_found
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Record, Store

JSON = Any


class Answer(NamedTuple):
    """A success. `document` is None where the answer has no body."""

    status: int
    document: JSON


@dataclass
class ApiRequest:
    """A request to one operation, its parameters and body checked against the contract.

    `id` is the id in the path, `parameters` are the query parameters as they came, `query` what they ask for. Links in
    the answer begin with `origin`, the scheme and host under which Klaviyo is asked.
    """

    revision: Revision
    operation: Operation
    path: str
    id: str
    parameters: Mapping[str, str]
    query: Query
    body: JSON
    origin: str

    @property
    def contract(self) -> Contract:
        return self.revision.contract

    @property
    def store(self) -> Store:
        return self.revision.store

    @property
    def relationships(self) -> Relationships:
        return self.revision.relationships

    @property
    def collections(self) -> Collections:
        return self.revision.collections

    @property
    def data(self) -> dict[str, Any]:
        """The resource in the body."""
        data: dict[str, Any] = self.body["data"]
        return data

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the resource in the body."""
        attributes: dict[str, Any] = self.data.get("attributes") or {}
        return attributes

    def related_ids(self, name: str) -> list[str]:
        """The ids that a relationship of the resource in the body names."""
        return related_ids(self.data, name)

    @cached_property
    def renderer(self) -> Renderer:
        return Renderer(self.contract, self.operation, self.relationships, self.query, self.origin)

    def record(self, type_: str, id_: str | None = None) -> Record:
        """The record with this id, or with the id in the path. Raises KlaviyoError (404)."""
        id_ = self.id if id_ is None else id_
        record = self.store.get(type_, id_)
        if record is None:
            raise not_found(type_, id_)
        return record

    def answer_record(self, record: Record, status: int | None = None) -> Answer:
        """Answer with one record, or without a body where the operation answers so."""
        document = self.renderer.one(record) if self.operation.has_answer else None
        return Answer(status or self.operation.status[0], document)

    def answer_nothing(self) -> Answer:
        return Answer(self.operation.status[0], None)

    def answer_collection(self, collection: Collection) -> Answer:
        """Answer with the page of a collection that the query asks for."""
        page = self.collections.page(collection, self.query)
        self.renderer.joined = collection.joined
        render = self.renderer.identifiers if self.operation.answers_identifiers else self.renderer.many
        return Answer(self.operation.status[0], render(page, self.path, self.parameters))


Handler = Callable[[ApiRequest], Answer]


def related_ids(resource: Mapping[str, Any], name: str) -> list[str]:
    """The ids under `relationships.<name>.data` of a resource in a body."""
    data = ((resource.get("relationships") or {}).get(name) or {}).get("data")
    return [identifier["id"] for identifier in (data if isinstance(data, list) else [data] if data else [])]
