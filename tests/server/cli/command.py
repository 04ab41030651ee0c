"""Runs the command as a shell would, in this process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from klaviyo_mcp.cli.commands import main


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, arguments, prog_name="klaviyo-mcp")
