"""The log: one JSON object a line on stderr. Never arguments, never content, never a secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

_THIRD_PARTIES = ("mcp", "httpx", "httpcore", "uvicorn", "sse_starlette", "asyncio", "starlette")
"""Below a warning they tell of frames and headers, which hold content; only debug lets them through."""


class JsonLines(logging.Formatter):
    """Formats a record as JSON: time, level, logger, event, and the `facts` of its `extra`; secrets are blotted out."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if secret)

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
        text = json.dumps(line, ensure_ascii=False, default=str)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def configure(level: str, secrets: Iterable[str] = ()) -> None:
    """Send the log of this process to stderr from `level` on: debug, info, warning or error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in _THIRD_PARTIES:
        quiet = logging.NOTSET if level == "debug" else max(logging.WARNING, logging.getLevelName(level.upper()))
        logging.getLogger(name).setLevel(quiet)
