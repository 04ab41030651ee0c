"""Lines on standard input that are no message: each is mended or answered, so that no client waits for nothing."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from math import isfinite
from typing import Any, Protocol

import mcp_types
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from klaviyo_mcp.transports.messages import MessageReader, ReceivedMessages

logger = logging.getLogger(__name__)

MessageId = str | int | float | None
BYTE_ORDER_MARK = "\ufeff"

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_SURROGATE = re.compile(r"[\ud800-\udfff]")
MAX_BATCH = 100
"""Messages of a batch that are answered one by one."""


_ODD_ID = re.compile(r'"id"\s*:\s*(?!"|-?[0-9]+\s*[,}])')
"""An `id` that is neither a string nor a whole number, at any depth."""


class AnswerableLines:
    """Lines of a client. The library takes a request whose id it cannot use for a notification, and answers nothing.

    Such a request loses its method here, so that it is no message and is answered with an error.
    """

    def __init__(self, lines: AsyncIterable[str]) -> None:
        self._lines = lines

    async def __aiter__(self) -> AsyncIterator[str]:
        async for line in self._lines:
            yield answerable(line) if _ODD_ID.search(line) else line


def answerable(line: str) -> str:
    """A line; of a request whose id is neither a string nor a whole number, its id alone."""
    try:
        value = json.loads(line.lstrip(BYTE_ORDER_MARK))
    except (ValueError, RecursionError):
        return line
    if not isinstance(value, dict) or "method" not in value or "id" not in value or _is_usable(value["id"]):
        return line
    return json.dumps({"id": _id_of(value)})


def _is_usable(id_: object) -> bool:
    return isinstance(id_, str) or type(id_) is int or (isinstance(id_, float) and id_.is_integer())


class FractionalIdError(mcp_types.JSONRPCError):
    """An error for a request whose id has a fraction: JSON-RPC has such ids, MCP takes none."""

    id: str | int | float | None  # type: ignore[assignment]


class _Line(str):
    """A line that is no JSON."""


class MessageWriter(Protocol):
    """Writes messages to the client."""

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message."""


class MendedMessages(ReceivedMessages):
    """The messages of a client. A line that cannot be mended is answered with an error."""

    def __init__(self, reader: MessageReader, writer: MessageWriter) -> None:
        super().__init__(reader)
        self._writer = writer

    async def receive(self) -> SessionMessage | Exception:
        """The next message. Raises EndOfStream."""
        while True:
            message = await super().receive()
            if not isinstance(message, ValidationError):
                return message
            content = unparsed_content(message)
            if (mended := mend(content)) is not None:
                return SessionMessage(mended)
            for error in errors_for(content):
                logger.warning("a line is no message", extra={"facts": {"code": error.error.code}})
                await self._writer.send(SessionMessage(error))


def unparsed_content(error: ValidationError) -> Any:
    """The content that the library refused as a message: the line where it is no JSON, else its value."""
    causes = error.errors(include_url=False, include_context=False)
    if causes[0]["type"] == "json_invalid":
        return _Line(causes[0]["input"])
    # pydantic names the value of the faulty field, and the whole value where a field is missing.
    whole = [cause["input"] for cause in causes if cause["type"] in ("missing", "model_type")]
    return whole[0] if whole else None


def mend(content: Any) -> mcp_types.JSONRPCMessage | None:
    """The message of a line whose only faults are a byte order mark or halves of characters; else None."""
    if not isinstance(content, _Line):
        return None
    try:
        value = _replace_surrogates(json.loads(content.lstrip(BYTE_ORDER_MARK)))
        # What nests too deep for the library here would fail in it later.
        return mcp_types.jsonrpc_message_adapter.validate_json(json.dumps(value), by_name=False)
    except (ValueError, RecursionError):
        return None


def errors_for(content: Any) -> Iterator[mcp_types.JSONRPCError]:
    """The answers to what is no message: one for each message of a batch, none for an empty line."""
    if isinstance(content, _Line):
        if content.strip(BYTE_ORDER_MARK + " \t\r\n"):
            reason = "the line is not JSON that can be read: it is cut, malformed or nested more than 200 levels deep"
            yield _error(top_level_id(content), mcp_types.PARSE_ERROR, reason)
    elif isinstance(content, list) and content:
        reason = "batches are not served: send each message on a line of its own"
        ids = {_id_of(message): None for message in content[:MAX_BATCH]}
        yield from (_error(id_, mcp_types.INVALID_REQUEST, reason) for id_ in ids)
    else:
        reason = (
            "the line is no JSON-RPC message: a request has jsonrpc, method, an object as params, and as id a string "
            "or a whole number"
        )
        yield _error(_id_of(content), mcp_types.INVALID_REQUEST, reason)


def top_level_id(line: str) -> MessageId:
    """The id of the outermost object in a line, which need not be JSON to its end; None where none can be read."""
    depth = 0
    before: tuple[str, str] = ("", "")
    for token in _TOKEN.finditer(line):
        text = token[0]
        if text in "{[":
            depth += 1
        elif text in "}]":
            depth -= 1
        elif depth == 1 and before == ('"id"', ":"):
            return _scalar_id(text, is_whole=token.end() < len(line))
        before = (before[1], text)
    return None


def _scalar_id(text: str, *, is_whole: bool) -> MessageId:
    """The id of one token; a number at the very end of a line may have been cut."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return _replace_surrogates(value) if isinstance(value, str) or (is_whole and type(value) is int) else None


def _id_of(message: Any) -> MessageId:
    id_ = message.get("id") if isinstance(message, dict) else None
    return id_ if isinstance(id_, str) or type(id_) is int or (isinstance(id_, float) and isfinite(id_)) else None


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_replace_surrogates(name): _replace_surrogates(item) for name, item in value.items()}
    return value


def _error(id_: MessageId, code: int, message: str) -> mcp_types.JSONRPCError:
    error = mcp_types.ErrorData(code=code, message=message)
    if isinstance(id_, float):
        return FractionalIdError(jsonrpc="2.0", id=id_, error=error)
    return mcp_types.JSONRPCError(jsonrpc="2.0", id=id_, error=error)
