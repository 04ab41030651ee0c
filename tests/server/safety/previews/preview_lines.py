"""The lines of a preview, as a call that cannot ask anybody answers with them."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.server.sandbox_server import CONNECTION_ID, SandboxServer

from klaviyo_mcp.safety.previews import preview
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_tools.registry import registry

HEAD = 'Klaviyo account "Fjord Outdoor": '
FINAL = "This cannot be undone."


async def preview_lines(server: SandboxServer, name: str, /, **arguments: Any) -> list[str]:
    """The lines of the preview of a call, without the sentences around them, and without why it asks."""
    first, *lines, last = (await server.run(name, **arguments)).split("\n")
    assert first == f"Nothing has been changed yet: {name} needs a confirmation."
    assert last.startswith("To go ahead, show this to the person")
    assert server.writes() == []
    return [line for line in lines if not line.startswith("Asks because ")]


async def read_preview(server: SandboxServer, name: str, /, **arguments: Any) -> CallPreview:
    """The preview of a call as a value."""
    operation = registry()[name]
    checked = operation.arguments.model_validate(arguments)
    account_name = partial(server.calls.accounts.read_name, CONNECTION_ID)
    return await preview.read_preview(server.calls.reads, operation, checked, account_name)
