"""The log: one JSON object a line on stderr. Never arguments, never content, never a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import quote

_THIRD_PARTIES = ("mcp", "httpx", "httpcore", "uvicorn", "sse_starlette", "asyncio", "starlette")
"""Below a warning they tell of frames and headers, which hold content; only debug lets them through."""


class Redactor:
    """Replaces secrets in a text, as they stand and as JSON, Python, CSV and URLs escape them; longest first."""

    def __init__(self, secrets: Iterable[str], by: str = "***") -> None:
        found = {form for secret in secrets if secret for form in _forms(secret)}
        self._pattern = re.compile("|".join(map(re.escape, sorted(found, key=len, reverse=True)))) if found else None
        self._by = by

    def __call__(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(self._by, text) if self._pattern else text


def _forms(secret: str) -> set[str]:
    written = json.dumps(secret)[1:-1]
    return {secret, written, repr(secret)[1:-1], secret.replace('"', '""'), quote(secret), quote(secret, safe="")}


class JsonLines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, event, and the `facts` of its `extra`; secrets are blotted out."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._blot = Redactor(secrets)

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
        return self._blot(json.dumps(line, ensure_ascii=False, default=str))


def configure_logging(level: str, secrets: Iterable[str] = ()) -> None:
    """Send the log of this process to stderr from `level` on: debug, info, warning or error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _crashed
    for name in _THIRD_PARTIES:
        quiet = logging.NOTSET if level == "debug" else max(logging.WARNING, logging.getLevelName(level.upper()))
        logging.getLogger(name).setLevel(quiet)


def _crashed(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """What ends the process is told through the log as well: its words may hold a secret."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
    else:
        logging.getLogger(__name__).critical("crashed", exc_info=(kind, error, traceback))
