"""Everything that can go wrong, one class for each thing that a caller can do something about.

    KlaviyoMcpError
    ├── SettingError             a setting is unusable: the operator corrects it
    ├── ArgumentError            an argument is wrong: nothing was sent
    ├── ConfirmationError        a person must agree first, has declined, or the code is not valid any more
    ├── KeyMissingError          no Maton API key is set
    ├── KeyRefusedError          Maton does not know the key
    ├── ConnectionMissingError   there is no Klaviyo connection, several and none is chosen, or an expired one
    ├── ScopeError               the connection lacks a permission
    ├── NotFoundError            the id names nothing in this account
    ├── ConflictError            the thing exists already, or its state forbids the call
    ├── RateLimitError           too many calls: says when to call again
    ├── RefusedError             Klaviyo refused the request: says which argument
    ├── UpstreamError            Klaviyo or the gateway failed, or answered with something unreadable
    ├── UnreachableError         no connection to the gateway: nothing was sent
    ├── DeadlineError            no answer in the time a call may take
    └── InDoubtError             a write may have been applied: says how to check

A model reads `str(error)`: what happened, to which argument, what to do next, in at most `MAX_BYTES`. The text holds no
header, HTML, traceback, repr or key: text from upstream goes in as `detail`, cleaned by `quote`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from klaviyo_mcp.untrusted import clean

MAX_BYTES = 600
"""The longest text of an error."""
_WHAT_BYTES = 320
_THEN_BYTES = 260
_LEAST_DETAIL_BYTES = 40
"""A shorter rest of a detail would say nothing."""
_QUOTED_CHARACTERS = 20_000
"""Text from upstream is cleaned no further: an error shows far less of it."""
KEY_PAGE = "https://maton.ai/settings"

_SCRIPT = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)", re.I | re.S)
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[a-zA-Z!?][^<>]*(?:>|\Z)", re.S)
_TRACEBACK = re.compile(r"Traceback \(most recent call last\).*", re.I | re.S)
_HEADER = re.compile(
    r"\b(?:proxy-)?(?:authorization|cookie|set-cookie|x-api-key|maton-connection)\s*[\"']?\s*[:=]\s*"
    r"[\"']?(?:(?:bearer|basic|klaviyo-api-key)\s+)?\S+|\bbearer\s+\S+",
    re.I,
)


def cut(text: str, max_bytes: int) -> str:
    """`text` in at most `max_bytes` of UTF-8, never cut inside a character; an ellipsis marks a cut."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= max_bytes:
        return raw.decode()
    return raw[: max(0, max_bytes - 3)].decode("utf-8", "ignore").rstrip() + "…"


def quote(text: str, secrets: Iterable[str] = ()) -> str:
    """Text from upstream, fit to be shown: one line without markup, invisible characters, headers or `secrets`."""
    text = _hide(text, secrets)[:_QUOTED_CHARACTERS]
    text = _TRACEBACK.sub("", _TAG.sub(" ", _SCRIPT.sub(" ", clean(text))))
    return " ".join(_HEADER.sub("[hidden]", _hide(text, secrets)).split())


def attribute(what: str, words: str, max_bytes: int = MAX_BYTES) -> str:
    """A sentence of ours, followed by words of Klaviyo or the gateway in quotes, as theirs: they take `max_bytes`.

    No text of an answer reaches a model outside such quotes or the marks of data; the words cannot close them.
    """
    words = quote(words).translate(_QUOTES)
    return f'{what.rstrip(".")}{_SAID}{cut(words, max_bytes - len(_SAID) - 1)}"'


_SAID = '. The answer said: "'
_QUOTES = str.maketrans(dict.fromkeys('"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02', "'"))


def _hide(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "[hidden]") if len(secret) > 3 else text
    return text


def duration(seconds: float) -> str:
    """A duration in words: `0.5 s`, `37 s`, `4 min`, `5 h 12 min`."""
    if seconds < 1:
        return f"{max(0.1, round(seconds, 1))} s"
    whole = int(seconds + 0.999)
    if whole < 120:
        return f"{whole} s"
    minutes = -(-whole // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def within(seconds: float | None) -> str:
    """`within 50 s`; None is the rest of a call's time."""
    return "in the time that was left of the call" if seconds is None else f"within {duration(seconds)}"


class KlaviyoMcpError(Exception):
    """The root of all errors.

    Args:
        what: What happened.
        detail: The words of Klaviyo or the gateway: they stand in quotes as theirs, cut to the room that is left.
        then: What to do next.
        suggestions: The operations that the text tells a model to call; the answer adds how to call an unlisted one.
    """

    def __init__(self, what: str, *, detail: str = "", then: str = "", suggestions: Sequence[str] = ()) -> None:
        self.suggestions = tuple(suggestions)
        what, then = cut(what, _WHAT_BYTES if then or detail else MAX_BYTES), cut(then, _THEN_BYTES)
        room = MAX_BYTES - len(f"{what}  {then}".encode()) - 3
        if detail and room > _LEAST_DETAIL_BYTES:
            what = attribute(what, detail, room)
        what = what if what.endswith((".", "!", "?", "…", '."')) else what + "."
        super().__init__(cut(f"{what} {then}".strip(), MAX_BYTES))


class SettingError(KlaviyoMcpError):
    """A setting cannot be used: `variable` names it."""

    def __init__(self, variable: str, problem: str, then: str = "") -> None:
        self.variable = variable
        super().__init__(f"{variable} {problem}.", then=then)


class ArgumentError(KlaviyoMcpError):
    """An argument of a call is wrong; nothing was sent. `argument` names it where one is to blame."""

    def __init__(self, what: str, *, argument: str = "", then: str = "") -> None:
        self.argument = argument
        super().__init__(what, then=then)


class ConfirmationError(KlaviyoMcpError):
    """A call that a person must confirm was declined, or its code is wrong, used or expired; nothing was changed."""


class KeyMissingError(KlaviyoMcpError):
    """No Maton API key is set; nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            "No Maton API key is set, so nothing was sent.",
            then=f"Sign in at https://maton.ai, copy the API key from {KEY_PAGE}, set MATON_API_KEY to it in this "
            "server's environment and restart it. Without a key, `klaviyo-mcp --sandbox` runs on an invented account.",
        )


class KeyRefusedError(KlaviyoMcpError):
    """Maton does not accept the API key (401); nothing was changed."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            "Maton refused the API key (401); nothing was changed",
            detail=detail,
            then=f"Copy the key again from {KEY_PAGE}, set MATON_API_KEY to it without quotes or spaces, and restart "
            "this server.",
        )


class ConnectionMissingError(KlaviyoMcpError):
    """No usable Klaviyo connection: there is none, there are several and none is chosen, or the one has expired.

    `gone`: the one that the server itself settled on for a call; `chosen`: the one that the settings name.
    """

    def __init__(
        self,
        kind: Literal["none", "several", "expired", "gone"],
        *,
        connections: Sequence[str] = (),
        chosen: bool = False,
        detail: str = "",
    ) -> None:
        self.kind, self.connections = kind, tuple(connections)
        suggestions = ["create_connection"]
        if kind == "several":
            suggestions = ["list_connections"]
            known = f": {', '.join(connections)}" if connections else ""
            what = f"The Maton account has several Klaviyo connections and none is chosen{known}."
            then = (
                "list_connections shows them; set MATON_CONNECTION to the id of the one meant and restart this server."
            )
        elif kind == "expired":
            suggestions = ["create_connection", "delete_connection"]
            what = "Klaviyo no longer accepts the connection: its authorization has expired or was withdrawn"
            then = (
                "Call create_connection and have a person open the URL it returns (or run `klaviyo-mcp connect`), "
                "then call again; delete_connection removes the old one."
            )
        elif kind == "gone":
            suggestions = ["list_connections"]
            what = "Maton has no active Klaviyo connection any more with the id that this call went to"
            then = "list_connections shows those there are; call again, and the call takes the one that is active."
        elif chosen:
            suggestions = ["list_connections", "create_connection"]
            what = "Maton has no active Klaviyo connection with the id set in MATON_CONNECTION"
            then = (
                "list_connections shows those there are: correct MATON_CONNECTION, or make one with create_connection."
            )
        else:
            what = "The Maton account has no active Klaviyo connection"
            then = (
                "Call create_connection and have a person open the URL it returns (or run `klaviyo-mcp connect`), "
                "then call again."
            )
        super().__init__(what, detail=detail, then=then, suggestions=suggestions)


class ScopeError(KlaviyoMcpError):
    """The connection may not do this (403); `scopes` are those that the operation needs."""

    def __init__(self, operation: str, scopes: Sequence[str], *, detail: str = "") -> None:
        self.operation, self.scopes = operation, tuple(scopes)
        needs = f" It needs the scope{'s' if len(scopes) > 1 else ''} {', '.join(scopes)}." if scopes else ""
        super().__init__(
            f"The connection is not allowed to run {operation} (403); nothing was changed.{needs}",
            detail=detail,
            then="Make a new connection with create_connection and grant what it asks for, as a user who may do this.",
            suggestions=["create_connection"],
        )


class NotFoundError(KlaviyoMcpError):
    """Klaviyo knows no record by that id (404)."""

    def __init__(
        self, operation: str, *, arguments: Sequence[str] = (), cause: str = "", detail: str = "", then: str = ""
    ) -> None:
        self.operation, self.arguments = operation, tuple(arguments)
        super().__init__(
            f"{operation} found nothing by that id (404){f': {cause}' if cause else ''}",
            detail=detail,
            then=then
            or "Take the id from a list or search in this account: ids of another account or type are unknown here.",
        )


class ConflictError(KlaviyoMcpError):
    """The thing exists already, or its state forbids the call (409); `duplicate_id` is the existing one's id."""

    def __init__(
        self, operation: str, *, duplicate_id: str = "", arguments: Sequence[str] = (), detail: str = ""
    ) -> None:
        self.operation, self.duplicate_id, self.arguments = operation, duplicate_id, tuple(arguments)
        then = (
            f"The one there is has id {cut(duplicate_id, 80)}: update that one instead."
            if duplicate_id
            else "Read the present state before you change it."
        )
        super().__init__(
            f"{operation} conflicts with what exists (409); nothing was changed",
            detail=detail,
            then=then,
        )


Limiter = Literal["Klaviyo", "Maton"]


class RateLimitError(KlaviyoMcpError):
    """Too many calls for now; `retry_in` is how many seconds to wait, None where that is unknown. `by`: whose limit."""

    def __init__(
        self, operation: str, retry_in: float | None, *, now: datetime | None = None, by: Limiter = "Klaviyo"
    ) -> None:
        self.operation, self.retry_in, self.by = operation, retry_in, by
        if retry_in is None:
            when = "Wait a minute, then call again."
        else:
            at = (now or datetime.now(UTC)) + timedelta(seconds=min(retry_in, 366 * 86_400))
            clock = f"{at:%H:%M:%S} UTC" if retry_in < 43_200 else f"{at:%Y-%m-%d %H:%M} UTC"
            when = f"Call again in {duration(retry_in)} (after {clock})."
        super().__init__(f"{operation} was held back by {by}'s rate limit; nothing was changed.", then=when)


class RefusedError(KlaviyoMcpError):
    """Klaviyo refused the request (another 4xx); `arguments` are those it blames."""

    def __init__(
        self,
        operation: str,
        status: int,
        *,
        arguments: Sequence[str] = (),
        detail: str = "",
        then: str = "",
        by: str = "Klaviyo",
        suggestions: Sequence[str] = (),
    ) -> None:
        self.operation, self.status, self.arguments = operation, status, tuple(arguments)
        super().__init__(
            f"{by} refused {operation} ({status}); nothing was changed",
            detail=detail,
            then=then or f"Correct the {'argument' if len(arguments) == 1 else 'arguments'} and call again.",
            suggestions=suggestions,
        )


class UpstreamError(KlaviyoMcpError):
    """Klaviyo or the gateway failed, or its answer cannot be used; for a write only where it surely was not applied."""

    def __init__(
        self,
        operation: str,
        cause: str,
        *,
        detail: str = "",
        then: str = "Try again in a minute.",
        suggestions: Sequence[str] = (),
    ) -> None:
        self.operation, self.cause = operation, cause
        super().__init__(f"{operation} failed: {cause}", detail=detail, then=then, suggestions=suggestions)


class UnreachableError(KlaviyoMcpError):
    """No connection to the gateway could be made; nothing was sent."""

    def __init__(self, operation: str, host: str, cause: str, *, attempts: int = 1) -> None:
        self.operation, self.attempts = operation, attempts
        tried = f" after {attempts} attempts" if attempts > 1 else ""
        super().__init__(
            f"{operation} was not sent: no connection to {cut(host, 100)}{tried} ({cause}).",
            then="Check the network and MATON_BASE_URL (`klaviyo-mcp doctor` tells more), then call again.",
        )


class DeadlineError(KlaviyoMcpError):
    """No answer within the time a call may take, and nothing was changed."""

    def __init__(self, operation: str, seconds: float | None, *, sent: bool, attempts: int = 1) -> None:
        self.operation, self.seconds, self.sent = operation, seconds, sent
        if sent:
            tried = f" ({attempts} attempts)" if attempts > 1 else ""
            what = f"{operation} got no answer {within(seconds)}{tried}; nothing was changed."
            then = "Ask for less (a narrower filter, fewer fields, a smaller max_results), or try again later."
        else:
            what = f"{operation} could not be sent {within(seconds)}; nothing was changed."
            then = "The gateway is slow or busy: try again later."
        super().__init__(what, then=then)


class InDoubtError(KlaviyoMcpError):
    """A write was sent and may have been applied. `verify_with` names the read that shows whether it was.

    The write was sent once, unless `sent_again`: Klaviyo applies some writes once however often they arrive.
    """

    def __init__(
        self, operation: str, cause: str, *, verify_with: str = "", detail: str = "", sent_again: bool = False
    ) -> None:
        self.operation, self.cause, self.verify_with = operation, cause, verify_with
        once = "" if sent_again else "It was not sent again. "
        where = f"with {verify_with}" if verify_with else "in Klaviyo"
        super().__init__(
            f"{operation} may or may not have been applied: {cause}",
            detail=detail,
            then=f"{once}Check {where} whether it was applied before you repeat it.",
        )
