"""The log: one JSON object a line on stderr. Never arguments, never content, never a secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType

from klaviyo_mcp.edge import Redactor

_THIRD_PARTIES = ("mcp", "httpx", "httpcore", "uvicorn", "sse_starlette", "asyncio", "starlette")
"""Below a warning they log frames and headers, which hold content; only the level debug lets them through."""


class JsonLines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, event, and the `facts` of its `extra`, with secrets redacted."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._redact = Redactor(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One line for one record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._redact(json.dumps(line, ensure_ascii=False, default=str))


def configure_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """Send this process's log to stderr, from `level` on: debug, info, warning or error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_crash
    for name in _THIRD_PARTIES:
        quiet = logging.NOTSET if level == "debug" else max(logging.WARNING, logging.getLevelName(level.upper()))
        logging.getLogger(name).setLevel(quiet)


def _log_crash(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Log the error that ends the process: its text may hold a secret, which the log redacts."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        logging.getLogger(__name__).critical("crashed", exc_info=(kind, error, traceback))
