"""The entry point of the command."""

from __future__ import annotations

from klaviyo_mcp.cli.startup import without_garbage_collection


def main() -> None:
    """Run the command `klaviyo-mcp`."""
    with without_garbage_collection():
        from klaviyo_mcp.cli.commands import main as command
    command(prog_name="klaviyo-mcp")
