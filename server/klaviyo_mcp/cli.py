"""The command `klaviyo-mcp`: serves over stdio unless told otherwise."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from . import __version__
from .settings import Settings, SettingsError, flag_of, load, variable_of

if TYPE_CHECKING:
    from .calls import Calls

Command = TypeVar("Command", bound=Callable[..., Any])

_HIDDEN = ("key", "tokens")
"""Secrets come from the environment alone: flags show in the list of processes."""


def with_settings(command: Command) -> Command:
    """Gives a command a flag for each setting."""
    for name, field in reversed(Settings.model_fields.items()):
        if name in _HIDDEN:
            continue
        text = f"{field.description} [{variable_of(field)}]"
        if field.annotation is bool:
            flag = f"{flag_of(name)}/--no-{flag_of(name)[2:]}"
            command = click.option(flag, name, default=None, help=text)(command)
        else:
            command = click.option(flag_of(name), name, default=None, metavar="VALUE", help=text)(command)
    return command


def resolve(context: click.Context, /, given: dict[str, Any]) -> Settings:
    """The settings of a command: the environment, the flags before it, its own flags. Ends the command on a bad one."""
    before = context.parent.obj if context.parent else {}
    flags = {**(before or {}), **{name: value for name, value in given.items() if value is not None}}
    try:
        settings = load(flags, os.environ)
        _check_address(settings)
    except SettingsError as error:
        _stop(str(error))
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    return settings


def _check_address(settings: Settings) -> None:
    from .address import base_url
    from .errors import SettingError

    try:
        base_url(settings.base_url)
    except SettingError as error:
        raise SettingsError(str(error)) from None


def _stop(text: str) -> Any:
    click.echo(f"klaviyo-mcp: {text}", err=True)
    raise SystemExit(2)


def calls_of(settings: Settings) -> Calls:
    """The tools of these settings. Ends the command where a toolset is unknown."""
    from klaviyo_tools.catalog import UnknownName

    from .calls import Calls

    try:
        return Calls(settings)
    except UnknownName as error:
        return _stop(f"KLAVIYO_MCP_TOOLSETS (--toolsets): {error.args[0]}")


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="klaviyo-mcp %(version)s")
@with_settings
@click.pass_context
def main(context: click.Context, /, **given: Any) -> None:
    """An MCP server through which an AI agent runs a Klaviyo account, over Maton's managed OAuth.

    Without a command it serves one client over stdio.
    """
    context.obj = {name: value for name, value in given.items() if value is not None}
    if context.invoked_subcommand is None:
        from . import stdio

        stdio.run(calls_of(resolve(context, given)))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to bind.")
@with_settings
@click.pass_context
def http(context: click.Context, /, host: str, port: int, **given: Any) -> None:
    """Serve Streamable HTTP at /mcp, HTTP+SSE at /sse, health at /healthz."""
    from . import http as server

    settings = resolve(context, given)
    try:
        server.verifier(settings, host)
    except SettingsError as error:
        _stop(str(error))
    click.echo(server.describe(host, port), err=True)
    server.run(calls_of(settings), host, port)


@main.command()
@with_settings
@click.pass_context
def demo(context: click.Context, /, **given: Any) -> None:
    """Show a tour of an invented account, as a model would see it. Needs no key and no network."""
    from . import demo as tour

    given = {**given, "sandbox": True, "log_level": given.get("log_level") or "error"}
    raise SystemExit(tour.run(calls_of(resolve(context, given)), click.echo))


@main.command(name="call")
@click.argument("tool")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "as_json", metavar="OBJECT", help="The arguments as one JSON object.")
@with_settings
@click.pass_context
def call_(context: click.Context, /, tool: str, arguments: tuple[str, ...], as_json: str | None, **given: Any) -> None:
    """Call one tool, and print what a model would read. Values that are JSON are read as such."""
    from . import single

    settings = resolve(context, {**given, "toolsets": given.get("toolsets") or "all"})
    try:
        parsed = single.arguments_of(arguments, as_json)
    except ValueError as error:
        _stop(str(error))
    raise SystemExit(single.run(calls_of(settings), tool, parsed, click.echo))


@main.command()
@click.argument("area", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with each tool's input schema.")
@with_settings
@click.pass_context
def tools(context: click.Context, /, area: str | None, as_json: bool, **given: Any) -> None:
    """List every operation: toolset, effect, since, description."""
    from . import listing

    settings = resolve(context, given)
    try:
        rows = listing.rows(settings.revision, area)
    except LookupError as error:
        _stop(str(error.args[0]))
    click.echo(json.dumps(listing.as_json(rows, settings.revision), indent=1) if as_json else listing.as_text(rows))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind; loopback only.")
@click.option("--port", default=8100, show_default=True, type=click.IntRange(0, 65535), help="Port to bind.")
@with_settings
@click.pass_context
def sandbox(context: click.Context, /, host: str, port: int, **given: Any) -> None:
    """Serve the embedded Klaviyo and Maton to others: MATON_BASE_URL=http://127.0.0.1:PORT, MATON_API_KEY=sandbox."""
    import uvicorn

    from . import sandbox as embedded
    from .calls import SANDBOX_KEY
    from .http import is_loopback

    settings = resolve(context, given)
    if not is_loopback(host):
        _stop("the sandbox binds to loopback only")
    application = embedded.create(profiles=settings.sandbox_profiles, key=SANDBOX_KEY)
    click.echo(f"MATON_BASE_URL=http://{host}:{port} MATON_API_KEY={SANDBOX_KEY}", err=True)
    uvicorn.run(application, host=host, port=port, log_config=None, access_log=False, lifespan="off")


@main.command()
@with_settings
@click.pass_context
def doctor(context: click.Context, /, **given: Any) -> None:
    """Check key, gateway, connection, account, revision and clock; each line says what to do."""
    from . import doctor as check

    raise SystemExit(check.run(calls_of(resolve(context, {"log_level": "error", **given})), click.echo))


@main.command()
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait until it is authorized.")
@click.option("--browser/--no-browser", default=True, help="Open the address in a browser.")
@with_settings
@click.pass_context
def connect(context: click.Context, /, timeout: float, browser: bool, **given: Any) -> None:
    """Connect a Klaviyo account: make a Maton connection, open its address, wait until it is authorized."""
    from . import connect as connecting

    calls = calls_of(resolve(context, {"log_level": "error", **given}))
    raise SystemExit(connecting.run(calls, click.echo, timeout=timeout, browser=browser))
