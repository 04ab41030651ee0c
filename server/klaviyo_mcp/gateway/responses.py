"""Interprets an answer, or the lack of one: the reply of a success, or the failure with its error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from klaviyo_mcp.errors import (
    ConflictError,
    ConnectionMissingError,
    DeadlineError,
    InDoubtError,
    KeyRefusedError,
    KlaviyoMcpError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ScopeError,
    UnreachableError,
    UpstreamError,
    duration,
    within,
)
from klaviyo_mcp.gateway.options import Reply, RequestContext
from klaviyo_mcp.gateway.pacing import longest_window_seconds
from klaviyo_mcp.gateway.problems import Problem
from klaviyo_mcp.gateway.request import parse_json
from klaviyo_mcp.gateway.retry import Failure, Step, leaves_doubt, step_after
from klaviyo_tools.operation.facts import Rate
from klaviyo_tools.operation.request import Service

_EXPIRED_WORDS = re.compile(
    r"invalid[_ ]grant|refresh[_ ]token|oauth"
    r"|(?:token|grant|authorization|connection)\b.{0,30}\b(?:expired|revoked|withdrawn)"
    r"|(?:expired|revoked)\b.{0,20}\b(?:token|grant|authorization|connection)|re-?authori[sz]e|re-?authenticate",
    re.I,
)
_SEVERAL_WORDS = re.compile(r"multiple|several|more than one|ambiguous|specify (?:a|which|the) connection", re.I)
_AVAILABLE_IN = re.compile(r"available in (\d{1,6}) seconds?", re.I)

_ANSWERED_REVISION = "x-klaviyo-api-revision"
"""The header in which Klaviyo names the revision of an answer. It is not documented, but its answers carry it."""
_REVISION_REFUSED = re.compile(r"\brevision\b", re.I)
_REVISION = re.compile(r"\d{4}-\d\d-\d\d(?:\.pre)?")

_PLAIN_JSON = "application/json"
_BODILESS = frozenset({202, 204, 205})
_CHECK_ADDRESS = "Try again in a minute; if it persists, check MATON_BASE_URL."
_NO_PATH = "Check MATON_BASE_URL: it is the address of Maton's gateway, without /klaviyo."
_CHECK_REVISION = "Set KLAVIYO_REVISION to a revision that Klaviyo supports, or update this server, and restart it."


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as it was received."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    fault: str = ""
    """Why `content` is not the whole body, empty where it is."""
    truncated: bool = False
    """The body stopped or broke off on its way; otherwise a fault lies in the body itself."""

    @property
    def success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt without success, the error that it ends the call with, and the seconds upstream asked to wait."""

    failure: Failure
    error: KlaviyoMcpError
    retry_after: float | None = None


def interpret(answer: HttpAnswer, context: RequestContext, attempts: int, waited_seconds: float) -> Reply | Outcome:
    """The reply that an answer is, or what is wrong with it."""
    if not answer.success:
        return refusal_outcome(context, answer.status, answer.headers, answer.content)
    if answer.fault:
        return _unusable_success(context, answer.status, answer.fault, truncated=answer.truncated)
    answered = answer.headers.get(_ANSWERED_REVISION)
    if answered and answered != context.revision and context.revision and _REVISION.fullmatch(answered):
        cause = f"its answer is in revision {answered} of Klaviyo's API, not in {context.revision}"
        return _unusable_success(context, answer.status, cause, then=_CHECK_REVISION)
    size, date = len(answer.content), answer.headers.get("date", "")
    if not answer.content.strip():
        if context.options.expects_body and answer.status not in _BODILESS:
            return _unusable_success(context, answer.status, "its answer is empty")
        return Reply(answer.status, None, size, attempts, waited_seconds, date)
    media = answer.headers.get("content-type", _PLAIN_JSON).partition(";")[0].strip().lower()
    if media != _PLAIN_JSON and not media.endswith("+json"):
        kind = "a web page" if "html" in media else "not JSON"
        return _unusable_success(context, answer.status, f"its answer is {kind}")
    try:
        document = parse_json(answer.content)
    except (ValueError, RecursionError):
        return _unusable_success(context, answer.status, "its answer is not valid JSON")
    if not isinstance(document, dict):
        return _unusable_success(context, answer.status, "its answer is not a JSON object")
    return Reply(answer.status, document, size, attempts, waited_seconds, date)


def refusal_outcome(context: RequestContext, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
    """The outcome of an answer whose status is not 2xx."""
    problem = Problem.read(body, context)
    if status == 429:
        return _rate_limited(context, headers, problem)
    if status >= 500 or status == 408:
        return _server_error(context, status, retry_after(headers), problem)
    if status < 400:
        return _redirect(context, status)
    return Outcome(Failure.REFUSED, _refusal(context, status, problem))


def _rate_limited(context: RequestContext, headers: Mapping[str, str], problem: Problem) -> Outcome:
    """The outcome of a 429: of Klaviyo's limit where the answer has Klaviyo's form or its RateLimit headers."""
    options = context.options
    wait = retry_after(headers)
    if wait is None and (available := _AVAILABLE_IN.search(problem.detail)):
        wait = float(available[1])
    by_klaviyo = problem.from_klaviyo or "ratelimit-remaining" in headers or "ratelimit-limit" in headers
    wait = _capped(wait, options.rate if by_klaviyo else None)
    error = RateLimitError(options.operation, wait, by="Klaviyo" if by_klaviyo else "Maton")
    return Outcome(Failure.RATE_LIMITED, error, wait)


def _capped(wait: float | None, rate: Rate | None) -> float | None:
    """The seconds to wait, no more than the longest window of the limit: an answer may ask for years."""
    return None if wait is None else min(wait, longest_window_seconds(rate))


def unreachable_outcome(context: RequestContext, host: str, cause: str, *, attempts: int, certificate: bool) -> Outcome:
    """The outcome of an attempt without a connection; `certificate` where that of the gateway is to blame."""
    error = UnreachableError(context.options.operation, host, cause, attempts=attempts)
    return Outcome(Failure.BAD_CERTIFICATE if certificate else Failure.UNREACHABLE, error)


def timeout_outcome(context: RequestContext, seconds: float | None, *, sent: bool, attempts: int) -> Outcome:
    """The outcome of an attempt that brought no answer in time; `sent` where the request may have arrived.

    `seconds` is None where the request had only the rest of a call's time, which says nothing about the gateway.
    """
    failure = Failure.TIMEOUT if sent else Failure.TIMEOUT_UNSENT
    if leaves_doubt(failure, context.options.kind):
        return Outcome(failure, _doubt(context, failure, f"no answer came {within(seconds)}"))
    return Outcome(failure, DeadlineError(context.options.operation, seconds, sent=sent, attempts=attempts))


def broken_outcome(context: RequestContext, *, sent: bool) -> Outcome:
    """The outcome of an attempt whose connection broke; `sent` where the request may have arrived."""
    failure = Failure.BROKEN if sent else Failure.BROKEN_UNSENT
    cause = "the connection broke before the answer came"
    if leaves_doubt(failure, context.options.kind):
        return Outcome(failure, _doubt(context, failure, cause))
    return Outcome(failure, UpstreamError(context.options.operation, f"{cause}; nothing was changed."))


def _doubt(context: RequestContext, failure: Failure, cause: str, detail: str = "") -> InDoubtError:
    options = context.options
    resent = step_after(failure, options.kind) is Step.RETRY_IN_DOUBT
    return InDoubtError(
        options.operation, cause, verify_with=options.verify_with or "", detail=detail, sent_again=resent
    )


def _unusable_success(
    context: RequestContext, status: int, cause: str, *, truncated: bool = False, then: str = _CHECK_ADDRESS
) -> Outcome:
    """The outcome of a success whose body cannot be used: a write has most likely been applied."""
    failure = Failure.TRUNCATED_SUCCESS if truncated else Failure.UNREADABLE_SUCCESS
    if leaves_doubt(failure, context.options.kind):
        return Outcome(failure, _doubt(context, failure, f"the gateway reported success ({status}), but {cause}"))
    return Outcome(failure, UpstreamError(context.options.operation, f"{cause} (status {status})", then=then))


def _server_error(context: RequestContext, status: int, wait: float | None, problem: Problem) -> Outcome:
    """The outcome of a failure of Klaviyo or the gateway.

    A 500 in the gateway's own words about a token is an authorization that has expired (source: Maton's documentation):
    the gateway could not even call Klaviyo.
    """
    if status == 500 and not problem.from_klaviyo and _EXPIRED_WORDS.search(problem.detail):
        return Outcome(Failure.REFUSED, ConnectionMissingError("expired", detail=problem.detail))
    wait = _capped(wait, None)  # no limit is at fault: a minute is enough before the next attempt
    cause = f"{'Klaviyo' if problem.from_klaviyo else 'the gateway'} answered with status {status}"
    failure = Failure.SERVER_ERROR
    if leaves_doubt(failure, context.options.kind):
        return Outcome(failure, _doubt(context, failure, cause, problem.detail), wait)
    then = f"Try again in {duration(wait)}." if wait else "Try again in a minute."
    suggestions = []
    if status == 500 and not problem.from_klaviyo:
        then += " If it persists, the Klaviyo authorization may have expired: make a new one with create_connection."
        suggestions = ["create_connection"]
    error = UpstreamError(context.options.operation, cause, detail=problem.detail, then=then, suggestions=suggestions)
    return Outcome(failure, error, wait)


def _redirect(context: RequestContext, status: int) -> Outcome:
    """The outcome of a redirect, which is never followed: key and customers' data go to the configured host only."""
    cause = f"the gateway answered with a redirect ({status}), which is not followed"
    failure = Failure.REDIRECT
    if leaves_doubt(failure, context.options.kind):
        return Outcome(failure, _doubt(context, failure, cause))
    return Outcome(failure, UpstreamError(context.options.operation, f"{cause}.", then="Check MATON_BASE_URL."))


def _refusal(context: RequestContext, status: int, problem: Problem) -> KlaviyoMcpError:
    """The error for a 4xx: the request was read and refused, so nothing was changed."""
    name, detail, arguments = context.options.operation, problem.detail, problem.arguments
    if status == 401:
        # The gateway's own 401 is about its key; one that carries Klaviyo's error document came through from Klaviyo.
        return ConnectionMissingError("expired", detail=detail) if problem.from_klaviyo else KeyRefusedError(detail)
    to_klaviyo = context.service is Service.KLAVIYO
    if status == 403:
        if problem.from_klaviyo:
            return ScopeError(name, context.options.scopes, detail=detail)
        then = "Try again; if it persists, ask whoever runs the network or the gateway."
        return RefusedError(name, status, detail=detail, then=then, by="The gateway, or a firewall before it,")
    if status in (414, 431):
        then = "The request is too long for it: name fewer values at once, in several calls."
        return RefusedError(name, status, detail=detail, then=then, by="The gateway, or a proxy before it,")
    if status == 410 or (status == 400 and problem.from_klaviyo and _REVISION_REFUSED.search(detail)):
        then = f"Klaviyo has retired revision {context.revision} or does not know it. {_CHECK_REVISION}"
        return RefusedError(name, status, detail=detail, then=then)
    if status == 400 and to_klaviyo and not problem.from_klaviyo and "connection" in detail.lower():
        return _missing_connection(context, detail)
    if status == 404:
        if problem.is_json and (to_klaviyo or "id" in context.options.argument_names):
            return NotFoundError(name, arguments=arguments, detail=detail)
        return UpstreamError(name, "the gateway knows no such path (404).", then=_NO_PATH)
    if status == 409:
        return ConflictError(name, duplicate_id=problem.duplicate_id, arguments=arguments, detail=detail)
    if not problem.is_json:
        hint = "If the call looks right, see whether the connection is there: list_connections."
        return RefusedError(name, status, then=hint, by="The gateway", suggestions=["list_connections"])
    by = "Klaviyo" if problem.from_klaviyo or to_klaviyo else "Maton"
    return RefusedError(name, status, arguments=arguments, detail=detail, by=by)


def _missing_connection(context: RequestContext, detail: str) -> ConnectionMissingError:
    if _EXPIRED_WORDS.search(detail):
        return ConnectionMissingError("expired", detail=detail)
    if _SEVERAL_WORDS.search(detail) and not context.names_connection:
        return ConnectionMissingError("several", detail=detail)
    kind: Literal["none", "gone"] = "gone" if context.names_connection and not context.connection_is_set else "none"
    return ConnectionMissingError(kind, chosen=context.names_connection, detail=detail)


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
