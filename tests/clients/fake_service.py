"""A service with invented tools, to test protocol and transports without Klaviyo.

Also a program: `python fake_service.py stdio|http` serves it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import anyio
import mcp_types

from klaviyo_mcp.calls.inventory import UnknownTool
from klaviyo_mcp.protocol.session import SessionContext
from klaviyo_mcp.safety.questions import QuestionFailedError

SECRET = "secret-of-the-traceback"


def text(text: str, *, is_error: bool = False) -> mcp_types.CallToolResult:
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(text=text)], is_error=is_error)


class FakeService:
    """Tools that echo, count, wait, fail, refuse, print and ask. What happened is in `events`."""

    features = None
    patience_seconds = 60.0
    secrets = ()

    def __init__(self) -> None:
        self.events: list[str] = []
        self.on_wait = anyio.Event()
        self.release = anyio.Event()
        self.warmed = anyio.Event()

    def tools(self) -> list[mcp_types.Tool]:
        names = ("echo", "count", "wait", "fail", "refuse", "print", "ask", "twice", "open", "events", "brief")
        schema = {"type": "object", "properties": {"word": {"type": "string"}}}
        return [mcp_types.Tool(name=name, description=f"{name}.", input_schema=schema) for name in names]

    async def call(self, name: str, arguments: Mapping[str, Any], context: SessionContext) -> mcp_types.CallToolResult:
        self.events.append(name)
        match name:
            case "echo":
                return text(str(arguments.get("word", "nothing")))
            case "count":
                return await self._count(context)
            case "events":
                return text(" ".join(self.events))
            case "wait":
                await context.report(1, None, "waiting")
                return await self._wait()
            case "brief":
                await context.report(1, None, "nearly done")
                await anyio.sleep(0.3)
                return text("done")
            case "fail":
                raise RuntimeError(SECRET)
            case "refuse":
                return text("that cannot be", is_error=True)
            case "print":
                print("astray")  # noqa: T201
                os.write(1, b"astray as well\n")
                return text("printed")
            case "ask":
                return await self._ask(context, "Delete the list?")
            case "twice":
                return text(f"{await context.ask('First?')} {await context.ask('Second?')}")
            case "open":
                return text(f"{context.can_open} {await context.open('Connect', 'https://connect.example.com/')}")
        raise UnknownTool(f"there is no tool {name!r}; did you mean echo?")

    async def _count(self, context: SessionContext) -> mcp_types.CallToolResult:
        for done in (1, 2, 3):
            await context.report(done, 3, f"page {done}")
        return text("counted")

    async def _wait(self) -> mcp_types.CallToolResult:
        self.on_wait.set()
        try:
            await self.release.wait()
        except anyio.get_cancelled_exc_class():
            self.events.append("cancelled")
            raise
        return text("waited")

    async def _ask(self, context: SessionContext, question: str) -> mcp_types.CallToolResult:
        if not context.can_ask:
            return text("nobody to ask")
        try:
            outcome = "agreed" if await context.ask(question) else "declined"
        except QuestionFailedError:
            outcome = "no answer"
        self.events.append(outcome)
        return text(outcome)

    async def warm(self) -> None:
        self.events.append("warm")
        self.warmed.set()

    async def aclose(self) -> None:
        self.events.append("closed")


def main() -> None:
    from klaviyo_mcp.settings import load_settings
    from klaviyo_mcp.telemetry import logs

    settings = load_settings({}, os.environ)
    logs.configure_logging(settings.log_level or "info", settings.secrets())
    if sys.argv[1] == "stdio":
        from klaviyo_mcp.transports import stdio

        stdio.run(FakeService())
    else:
        from klaviyo_mcp.gateway.documents import fetch_document
        from klaviyo_mcp.transports import http

        http.run(FakeService(), settings, fetch_document)


if __name__ == "__main__":
    main()
