"""The log: one JSON object a line on stderr. Never arguments, never content, never a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from klaviyo_mcp.edge import Redactor

_THIRD_PARTIES = ("mcp", "httpx", "httpcore", "uvicorn", "sse_starlette", "asyncio", "starlette")
"""Below a warning they log frames and headers, which hold content; only the level debug lets them through."""


MAX_TRACEBACK_LINES = 100
REPEATS = 5
"""Lines of one place in the code within `REPEAT_SECONDS`; more are held back, so that a flood cannot fill a disk."""
REPEAT_SECONDS = 60.0


class JsonLines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, event, and the `facts` of its `extra`, with secrets redacted.

    Args:
        secrets: What no line may show.
        with_content: Show the texts of exceptions and of libraries, which may quote what a client or Klaviyo sent.
    """

    def __init__(self, secrets: Iterable[str] = (), *, with_content: bool = False) -> None:
        super().__init__()
        self._redact = Redactor(secrets)
        self._with_content = with_content

    def format(self, record: logging.LogRecord) -> str:
        """One line for one record."""
        own = record.name.partition(".")[0] == "klaviyo_mcp"
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if own or self._with_content else _event_without_content(record),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._redact(json.dumps(line, ensure_ascii=False, default=str))

    def formatException(self, ei: Any) -> str:
        """The frames and the type of an exception and of those that led to it; their texts are content."""
        if self._with_content or ei[1] is None:
            return super().formatException(ei)
        return "\n".join(_types_and_frames(ei[1]))


class RepeatFilter(logging.Filter):
    """Holds back warnings and errors that one place in the code repeats; the next line tells how many there were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[tuple[str, int, type[BaseException] | None], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        if record.levelno < logging.WARNING:
            return True
        key = (record.pathname, record.lineno, record.exc_info[0] if record.exc_info else None)
        now = self._clock()
        began, count = self._windows.get(key, (now, 0))
        if now - began < REPEAT_SECONDS:
            self._windows[key] = (began, count + 1)
            return count < REPEATS
        self._windows[key] = (now, 1)
        if count > REPEATS:
            record.facts = {**getattr(record, "facts", {}), "held_back": count - REPEATS}
        return True


def _event_without_content(record: logging.LogRecord) -> str:
    """The template of a library's log line, without the values in it."""
    template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    if record.name == "py.warnings":
        template = " ".join(re.findall(r"\w+Warning", record.getMessage())[:1]) or "warning"
    return re.sub(r"\b[0-9a-f-]{32,}\b", "…", template.split(":")[0].splitlines()[0] if template else "")


def _types_and_frames(error: BaseException) -> list[str]:
    lines: list[str] = []
    chain: BaseException | None = error
    while chain is not None and len(lines) < MAX_TRACEBACK_LINES:
        frames = traceback.extract_tb(chain.__traceback__)
        lines.append(f"{type(chain).__module__}.{type(chain).__qualname__}")
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        if isinstance(chain, BaseExceptionGroup):
            lines += [f"  | {line}" for part in chain.exceptions for line in _types_and_frames(part)]
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)
    return lines[:MAX_TRACEBACK_LINES]


def configure_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """Send this process's log to stderr, from `level` on: debug, info, warning or error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets, with_content=level == "debug"))
    if level != "debug":
        handler.addFilter(RepeatFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_crash
    for name in _THIRD_PARTIES:
        quiet = logging.NOTSET if level == "debug" else max(logging.WARNING, logging.getLevelName(level.upper()))
        logging.getLogger(name).setLevel(quiet)


def _log_crash(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Log the error that ends the process: its text may hold a secret, which the log redacts."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, frames)
    else:
        logging.getLogger(__name__).critical("crashed", exc_info=(kind, error, frames))
