"""The vocabulary in which an area declares its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from klaviyo_tools.arguments.types import (
    Arguments,
    Id,
)
from klaviyo_tools.operation.models import _changing, _reading, _relating, _writing
from klaviyo_tools.operation.operation import Answer, Effect, Method, Operation, Rate

# Klaviyo's classes of rate limits: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
XS, S, M, L, XL = Rate(1, 15), Rate(3, 60), Rate(10, 150), Rate(75, 750), Rate(350, 3500)


class Area:
    """One area of Klaviyo's API: its operations in the order of their declaration."""

    def __init__(self, name: str, *, scope: str | None = None, words: str = "", id_type: Any = Id) -> None:
        self.name = name
        self.scope = scope or name.replace("_", "-")
        self.words = words
        self.id_type = id_type
        self.operations: dict[str, Operation] = {}

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations.values())

    def collection(
        self, name: str, path: str, type_: str, purpose: str, *, rate: Rate, paged: bool = True, **facts: Any
    ) -> Operation:
        """A GET that answers many: `filter`, `sort`, `include`, `additional_fields`, `page_size` are its facts."""
        paged = paged or "page_size" in facts
        return self._declare(
            name, "GET", path, type_, purpose, Answer.COLLECTION, _reading, rate=rate, paged=paged, **facts
        )

    def record(self, name: str, path: str, type_: str, purpose: str, *, rate: Rate, **facts: Any) -> Operation:
        """A GET that answers one."""
        return self._declare(name, "GET", path, type_, purpose, Answer.RECORD, _reading, rate=rate, **facts)

    def create(
        self,
        name: str,
        path: str,
        type_: str,
        attributes: type[Arguments],
        purpose: str,
        *,
        rate: Rate,
        answer: Answer = Answer.RECORD,
        **facts: Any,
    ) -> Operation:
        """A POST of a document. `body` names its type where that is not the answer's."""
        build = partial(_writing, attributes)
        facts.setdefault("body", type_)
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
        answer: Answer = Answer.RECORD,
        **facts: Any,
    ) -> Operation:
        """A PATCH of the record in the path; only what is given changes, and something must."""
        build = partial(_changing, attributes)
        return self._declare(name, "PATCH", path, type_, purpose, answer, build, rate=rate, body=type_, **facts)

    def delete(
        self,
        name: str,
        path: str,
        type_: str,
        purpose: str,
        *,
        rate: Rate,
        effect: Effect = Effect.DELETE,
        **facts: Any,
    ) -> Operation:
        """A DELETE of the record in the path."""
        build = partial(_writing, Arguments)
        return self._declare(
            name, "DELETE", path, type_, purpose, Answer.NOTHING, build, rate=rate, effect=effect, **facts
        )

    def relate(
        self,
        name: str,
        path: str,
        target: str,
        purpose: str,
        *,
        rate: Rate,
        most: int | None = None,
        method: Method = "POST",
        **facts: Any,
    ) -> Operation:
        """Adds (POST), takes away (DELETE) or replaces (PATCH) members of a to-many relationship."""
        build = partial(_relating, target)
        return self._declare(
            name, method, path, target, purpose, Answer.NOTHING, build, rate=rate, body=target, most=most, **facts
        )

    def job(
        self, name: str, path: str, type_: str, attributes: type[Arguments], purpose: str, *, rate: Rate, **facts: Any
    ) -> Operation:
        """A POST that starts work in the background; `job` names the read that follows it, where there is one."""
        facts.setdefault("answer", Answer.JOB if facts.get("job") else Answer.NOTHING)
        return self.create(name, path, type_, attributes, purpose, rate=rate, **facts)

    def query(
        self, name: str, path: str, type_: str, attributes: type[Arguments], purpose: str, *, rate: Rate, **facts: Any
    ) -> Operation:
        """A read by POST: a report, an aggregate, a rendering."""
        answer = facts.pop("answer", Answer.REPORT)
        return self.create(
            name, path, type_, attributes, purpose, rate=rate, answer=answer, effect=Effect.READ, **facts
        )

    def custom(self, name: str, method: Method, path: str, type_: str, purpose: str, **facts: Any) -> Operation:
        """An operation that no other word of this vocabulary fits; `attributes` is its own model."""
        build = partial(_writing, facts.pop("attributes", Arguments))
        return self._declare(name, method, path, type_, purpose, facts.pop("answer"), build, **facts)

    def _declare(
        self,
        name: str,
        method: Method,
        path: str,
        type_: str,
        purpose: str,
        answer: Answer,
        build: Callable[[Operation], type[Arguments]],
        *,
        effect: Effect | None = None,
        scopes: str | None = None,
        aliases: str = "",
        **facts: Any,
    ) -> Operation:
        effect = effect or (Effect.READ if method == "GET" else Effect.WRITE)
        right = "read" if effect is Effect.READ else "write"
        if name in self.operations:
            raise ValueError(f"{name} is declared twice")
        operation = Operation(
            name,
            self,
            method,
            path,
            type_,
            purpose,
            answer,
            effect,
            build=build,
            scopes=(f"{self.scope}:{right}",) if scopes is None else tuple(scopes.split()),
            aliases=tuple(aliases.split()),
            has_fields=facts.pop("has_fields", answer in (Answer.COLLECTION, Answer.RECORD) and method == "GET"),
            **facts,
        )
        self.operations[name] = operation
        return operation
