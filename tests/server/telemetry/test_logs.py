"""The log shows what happened and where, without content, and is not filled by repetition."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

import pytest

from klaviyo_mcp.telemetry.logs import REPEAT_SECONDS, REPEATS, JsonLines, RepeatFilter

CONTENT = "ann@example.com bought a hat"


def record(
    message: str, *arguments: object, name: str = "klaviyo_mcp.test", level: int = logging.ERROR, **more: Any
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, "module.py", more.pop("line", 1), message, arguments, more.pop("error", None))
    made.__dict__.update(more)
    return made


def raised() -> Any:
    try:
        try:
            raise ValueError(CONTENT)
        except ValueError as error:
            raise ExceptionGroup(CONTENT, [KeyError(CONTENT), OSError(CONTENT)]) from error
    except ExceptionGroup:
        return sys.exc_info()


def test_an_exception_is_logged_by_its_type_and_frames_alone() -> None:
    line = JsonLines().format(record("unexpected failure", error=raised()))
    assert CONTENT not in line
    traceback = json.loads(line)["traceback"]
    for name in ("builtins.ExceptionGroup", "builtins.ValueError", "builtins.KeyError", "builtins.OSError"):
        assert name in traceback
    assert "test_logs.py:" in traceback


def test_at_the_level_debug_the_text_of_an_exception_is_logged() -> None:
    assert CONTENT in JsonLines(with_content=True).format(record("unexpected failure", error=raised()))


@pytest.mark.parametrize(
    ("message", "arguments", "event"),
    [
        (f"Invalid message: {CONTENT}", (), "Invalid message"),
        ("handler for %r raised", (CONTENT,), "handler for %r raised"),
        (f"Task exception was never retrieved\nfuture <{CONTENT}>", (), "Task exception was never retrieved"),
        ("Session 0123456789abcdef0123456789abcdef crashed", (), "Session … crashed"),
        ("", (), ""),
    ],
)
def test_what_a_library_logs_is_shown_without_values(message: str, arguments: tuple[str, ...], event: str) -> None:
    line = JsonLines().format(record(message, *arguments, name="mcp.server"))
    assert json.loads(line)["event"] == event


def test_a_captured_warning_is_logged_by_its_category() -> None:
    text = warnings.formatwarning(CONTENT, UserWarning, "model.py", 7)
    assert json.loads(JsonLines().format(record("%s", text, name="py.warnings")))["event"] == "UserWarning"


def test_a_repeated_warning_is_held_back_and_counted() -> None:
    now = [0.0]
    repeats = RepeatFilter(lambda: now[0])
    assert [repeats.filter(record("accept failed")) for _ in range(100)].count(True) == REPEATS
    now[0] = REPEAT_SECONDS
    after = record("accept failed", facts={"host": "a"})
    assert repeats.filter(after)
    assert json.loads(JsonLines().format(after)) | {"time": ""} == {
        "time": "",
        "level": "error",
        "logger": "klaviyo_mcp.test",
        "event": "accept failed",
        "host": "a",
        "held_back": 100 - REPEATS,
    }


def test_other_places_and_lines_below_a_warning_are_not_held_back() -> None:
    repeats = RepeatFilter(lambda: 0.0)
    for _ in range(100):
        repeats.filter(record("accept failed"))
    assert repeats.filter(record("other", line=2))
    assert all(repeats.filter(record("call", level=logging.INFO)) for _ in range(100))
