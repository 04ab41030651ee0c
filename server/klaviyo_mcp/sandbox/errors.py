"""The errors with which Klaviyo and Maton refuse a request.

Source: the `ClientError` and `ServerError` responses of Klaviyo's OpenAPI document.
"""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5


class KlaviyoError(Exception):
    """A refusal in Klaviyo's words; `pointer` or `parameter` names the part of the request at fault.

    The text does not say "sandbox": that is the sandbox's key, so the server would hide the word in its answers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        pointer: str | None = None,
        parameter: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.pointer = pointer
        self.parameter = parameter
        self.meta = meta or {}
        self.headers: dict[str, str] = {}

    def document(self) -> dict[str, Any]:
        """The JSON:API error document. Its id is derived from its content, so that runs are repeatable."""
        source = {"pointer": self.pointer} if self.pointer else {"parameter": self.parameter} if self.parameter else {}
        error = {
            "id": str(uuid5(NAMESPACE_URL, f"{self.status} {self.code} {self.detail} {source}")),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": source,
            "links": {},
            "meta": self.meta,
        }
        return {"errors": [error]}


class MatonError(Exception):
    """A refusal by the gateway itself, before Klaviyo sees the request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    def document(self) -> dict[str, Any]:
        return {"error": self.message}


def invalid(detail: str, *, pointer: str | None = None, parameter: str | None = None) -> KlaviyoError:
    """400: Klaviyo does not accept this value at this place of the request."""
    return KlaviyoError(400, "invalid", "Invalid input.", detail, pointer, parameter)


def invalid_filter(detail: str, *, pointer: str | None = None, parameter: str | None = "filter") -> KlaviyoError:
    """400: Klaviyo does not accept this filter. A pointer takes the parameter's place."""
    text = f"Invalid filter provided: {detail}"
    return KlaviyoError(400, "invalid_filter", "Invalid input.", text, pointer, None if pointer else parameter)


def not_found(type_: str, id_: str, pointer: str | None = None) -> KlaviyoError:
    """404: no resource of this type has this id."""
    return KlaviyoError(
        404, "not_found", "Not found.", f"A {type_} with id {id_} does not exist.", pointer or "/data/id"
    )


def conflict(detail: str, pointer: str = "/data") -> KlaviyoError:
    """409: the request contradicts the state of the account."""
    return KlaviyoError(409, "conflict", "Conflict.", detail, pointer)
