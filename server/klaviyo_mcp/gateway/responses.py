"""From an answer that is no success to the error a caller sees, and whether the request may be sent again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.errors import (
    ConflictError,
    ConnectionMissingError,
    InDoubtError,
    KeyRefusedError,
    KlaviyoMcpError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ScopeError,
    UpstreamError,
    cut,
    quote,
    span,
)
from klaviyo_mcp.gateway.options import SentRequest
from klaviyo_tools.operation.request import Service

_EXPIRED = re.compile(
    r"invalid[_ ]grant|refresh[_ ]token|oauth"
    r"|(?:token|grant|authorization|connection)\b.{0,30}\b(?:expired|revoked|withdrawn)"
    r"|(?:expired|revoked)\b.{0,20}\b(?:token|grant|authorization|connection)|re-?authori[sz]e|re-?authenticate",
    re.I,
)
_SEVERAL = re.compile(r"multiple|several|more than one|ambiguous|specify (?:a|which|the) connection", re.I)
_AVAILABLE_IN = re.compile(r"available in (\d{1,6}) seconds?", re.I)
_RELATION = re.compile(r"(?:^|/)relationships/([^/]+)/data(?:/(\d+))?(?:/(?:id|type))?$")
_MEMBER = re.compile(r"/?data/(\d+)(?:/(?:id|type))?")
_ENVELOPE = frozenset({"", "data", "attributes", "relationships", "meta"})
_READABLE = 65_536
"""Bytes of an error's body that are looked at."""

_PARAMETERS = {"page": "max_results", "page[size]": "max_results", "page[cursor]": "cursor", "page_cursor": "cursor"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to: the error, whether the request may go again, and the seconds upstream asked to wait."""

    error: KlaviyoMcpError
    again: bool = False
    wait: float | None = None
    limited: bool = False


def failure_outcome(asked: SentRequest, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The verdict on an answer whose status is not 2xx."""
    problem = _Problem.read(asked, body)
    if status == 429:
        wait = retry_after(headers)
        if wait is None and (found := _AVAILABLE_IN.search(problem.detail)):
            wait = float(found[1])
        return Outcome(RateLimitError(asked.call.operation, wait), again=True, wait=wait, limited=True)
    if status >= 500 or status == 408:
        return _failed(asked, status, headers, problem)
    if status < 400:
        return _redirected(asked, status)
    return Outcome(_refused(asked, status, problem))


def unreadable_outcome(asked: SentRequest, status: int, cause: str, *, again: bool = False, then: str = "") -> Outcome:
    """The verdict on a success whose body cannot be used: a write has most likely been applied."""
    if asked.call.safe:
        then = then or "Try again in a minute; if it persists, check MATON_BASE_URL."
        return Outcome(UpstreamError(asked.call.operation, f"{cause} (status {status})", then=then), again=again)
    reported = f"the gateway reported success ({status}), but {cause}"
    return Outcome(InDoubtError(asked.call.operation, reported, verify_with=asked.call.verify_with or ""))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `Retry-After`: a number, or an HTTP date against the answer's own `Date`; or None."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    try:
        now = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, TypeError):
        now = datetime.now(UTC) if moment.tzinfo else datetime.now(UTC).replace(tzinfo=None)
        return max(0.0, (moment - now).total_seconds())


def argument_of(source: Mapping[str, Any], names: Mapping[str, str] | None = None, secrets: Sequence[str] = ()) -> str:
    """The flat argument that Klaviyo's `source` speaks of: `/data/attributes/email` is `email`; empty when none."""
    if isinstance(parameter := source.get("parameter"), str) and parameter:
        name = _PARAMETERS.get(parameter, parameter.split("[")[0])
    elif isinstance(pointer := source.get("pointer"), str) and pointer:
        name = _flat(pointer)
    else:
        return ""
    name = cut(quote(name, secrets), 80).replace("-", "_")
    base = re.split(r"[.\[]", name, maxsplit=1)[0]
    return (names or {}).get(base, base) + name[len(base) :]


def _flat(pointer: str) -> str:
    """Our argument for a pointer into the body: attributes by name, relationships as `<name>_id` or `<name>_ids`."""
    if found := _RELATION.search(pointer):
        name, index = found[1], found[2]
        if index is None:
            return f"{_singular(name)}_ids" if name.endswith("s") else f"{name}_id"
        return f"{_singular(name)}_ids[{index}]"
    if found := _MEMBER.fullmatch(pointer):
        return f"ids[{found[1]}]"
    parts = [part for part in pointer.split("/") if part not in _ENVELOPE]
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts).lstrip(".")


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


@dataclass(frozen=True, slots=True)
class _Problem:
    """What an error's body says, fit to be shown: Klaviyo's `errors`, or the gateway's one message."""

    detail: str = ""
    arguments: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    duplicate_id: str = ""
    klaviyo: bool = False
    json: bool = False

    @classmethod
    def read(cls, asked: SentRequest, body: bytes) -> _Problem:
        try:
            document = json.loads(body[:_READABLE])
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(document, dict):
            return cls()
        errors = document.get("errors")
        found = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
        if not found:
            return cls(detail=quote(_message(document), asked.secrets), json=True)
        blamed, lines, codes = [], [], []
        for error in found:
            source = error.get("source")
            name = argument_of(source, asked.call.argument_names, asked.secrets) if isinstance(source, dict) else ""
            text = quote(str(error.get("detail") or error.get("title") or ""), asked.secrets)
            codes.append(str(error.get("code") or "")[:60])
            lines.append(f"{name}: {text}" if name and text else name or text)
            if name and name not in blamed:
                blamed.append(name)
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        shown = "; ".join(dict.fromkeys(line for line in lines[:3] if line)) + more
        meta = found[0].get("meta")
        duplicate = meta.get("duplicate_profile_id") if isinstance(meta, dict) else None
        return cls(
            detail=shown,
            arguments=tuple(blamed),
            codes=tuple(codes),
            duplicate_id=quote(duplicate, asked.secrets) if isinstance(duplicate, str) else "",
            klaviyo=True,
            json=True,
        )


def _message(document: Mapping[str, Any]) -> str:
    """The gateway's own words, wherever it put them; its documentation shows no shape of an error."""
    for name in ("message", "detail", "error", "error_description", "title"):
        value = document.get(name)
        if isinstance(value, dict):
            value = value.get("message") or value.get("detail")
        if isinstance(value, str) and value:
            return value
    return ""


def _refused(asked: SentRequest, status: int, problem: _Problem) -> KlaviyoMcpError:
    """The error for a 4xx: the request was looked at and refused, so nothing was changed."""
    name, detail, blamed = asked.call.operation, problem.detail, problem.arguments
    if status == 401:
        # The gateway's 401 is about its key; one that carries Klaviyo's error document came through from Klaviyo.
        return ConnectionMissingError("expired", detail=detail) if problem.klaviyo else KeyRefusedError(detail)
    if status == 403:
        return ScopeError(name, asked.call.scopes, detail=detail)
    if status == 400 and not problem.klaviyo and "connection" in detail.lower() and asked.service is Service.KLAVIYO:
        return _no_connection(asked, detail)
    if status == 404:
        if problem.json:
            return NotFoundError(name, arguments=blamed, detail=detail)
        return UpstreamError(name, "the gateway knows no such path (404).", then="Check MATON_BASE_URL.")
    if status == 409:
        return ConflictError(name, duplicate_id=problem.duplicate_id, arguments=blamed, detail=detail)
    if not problem.json:
        hint = "If the call looks right, see whether the connection is there: list_connections."
        return RefusedError(name, status, then=hint, by="The gateway")
    by = "Klaviyo" if problem.klaviyo or asked.service is Service.KLAVIYO else "Maton"
    return RefusedError(name, status, arguments=blamed, detail=detail, by=by)


def _no_connection(asked: SentRequest, detail: str) -> ConnectionMissingError:
    if _EXPIRED.search(detail):
        return ConnectionMissingError("expired", detail=detail)
    if _SEVERAL.search(detail) and not asked.chosen:
        return ConnectionMissingError("several", detail=detail)
    return ConnectionMissingError("none", chosen=asked.chosen, detail=detail)


def _failed(asked: SentRequest, status: int, headers: Mapping[str, str], problem: _Problem) -> Outcome:
    """A failure of Klaviyo or the gateway: a read may go again, a write may have been applied.

    A 500 in the gateway's own words about a token is an authorization that has expired (source: Maton's documentation):
    the gateway could not even call Klaviyo.
    """
    if status == 500 and not problem.klaviyo and _EXPIRED.search(problem.detail):
        return Outcome(ConnectionMissingError("expired", detail=problem.detail))
    who = "Klaviyo" if problem.klaviyo else "the gateway"
    cause = f"{who} answered with status {status}"
    if not asked.call.safe:
        doubt = InDoubtError(
            asked.call.operation,
            cause,
            verify_with=asked.call.verify_with or "",
            detail=problem.detail,
            repeatable=asked.call.repeatable,
        )
        return Outcome(doubt, again=asked.call.repeatable, wait=retry_after(headers))
    wait = retry_after(headers)
    then = f"Try again in {span(wait)}." if wait else "Try again in a minute."
    if status == 500 and not problem.klaviyo:
        then += " If it persists, the Klaviyo authorization may have expired: make a new one with create_connection."
    return Outcome(UpstreamError(asked.call.operation, cause, detail=problem.detail, then=then), again=True, wait=wait)


def _redirected(asked: SentRequest, status: int) -> Outcome:
    """Redirects are never followed: the key and the customers' data go to the configured host only."""
    cause = f"the gateway answered with a redirect ({status}), which is not followed"
    if asked.call.safe:
        return Outcome(UpstreamError(asked.call.operation, f"{cause}.", then="Check MATON_BASE_URL."))
    return Outcome(InDoubtError(asked.call.operation, cause, verify_with=asked.call.verify_with or ""))
