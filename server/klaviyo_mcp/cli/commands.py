"""The command `klaviyo-mcp`: serves over stdio unless a command says otherwise."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import IO, TYPE_CHECKING, Any, TypeVar, TypeVarTuple, Unpack

import click

from klaviyo_mcp import __version__
from klaviyo_mcp.cli import composition
from klaviyo_mcp.cli.startup import without_garbage_collection
from klaviyo_mcp.settings import Settings, StartupError, facts_of, flag_of, load_settings, variable_of
from klaviyo_mcp.telemetry import logs

if TYPE_CHECKING:
    from klaviyo_mcp.calls.service import CallService
    from klaviyo_mcp.protocol.tools import ServedTools

Command = TypeVar("Command", bound=Callable[..., Any])
Part = TypeVar("Part")
MainArguments = TypeVarTuple("MainArguments")


class Refusal(click.ClickException):
    """Stops a command before it has done anything: one line on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"klaviyo-mcp: {self.message}", file=file or sys.stderr)


def with_settings(*parts: str) -> Callable[[Command], Command]:
    """Give a command a flag for each setting of these parts. Secrets have none: a process list would show them."""

    def decorate(command: Command) -> Command:
        for name, field in reversed(Settings.model_fields.items()):
            flag = flag_of(name)
            if flag is None or facts_of(field)["part"] not in parts:
                continue
            text = f"{field.description}  [{variable_of(field)}]"
            if field.annotation is bool:
                option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=text)
            else:
                option = click.option(flag, name, default=None, metavar="VALUE", help=text)
            command = option(command)
        return command

    return decorate


def resolve_settings(
    context: click.Context, flags: dict[str, Any], *, level: str = "warning", **defaults: Any
) -> Settings:
    """The settings of a command; also sets up the log.

    A flag of the command wins over the same flag before the command, that over `defaults`, and those over the
    environment.

    Args:
        context: Click's context; its parent holds the flags before the command.
        flags: The command's own flags, None where they are not given.
        level: The level of the log where the settings name none.
        defaults: Settings of this command.

    Raises:
        Refusal: A setting cannot be used.
    """
    group_flags = context.parent.obj if context.parent else None
    merged = {**defaults, **(group_flags or {}), **_without_none(flags)}
    try:
        settings = load_settings(merged, os.environ)
    except StartupError as error:
        raise Refusal(str(error)) from None
    logs.configure_logging(settings.log_level or level, settings.secrets())
    return settings


def create_service(settings: Settings) -> CallService:
    """The service of these settings. Raises Refusal where a toolset is unknown."""
    return _create(composition.create_service, settings)


def create_tools(settings: Settings) -> ServedTools:
    """The tools of these settings, for a server. Raises Refusal where a toolset is unknown."""
    return _create(composition.create_tools, settings)


def _create(create: Callable[[Settings], Part], settings: Settings) -> Part:
    from klaviyo_tools.registry import UnknownName

    try:
        return create(settings)
    except UnknownName as error:
        raise Refusal(f"KLAVIYO_MCP_TOOLSETS (--toolsets): {error.args[0]}") from None


def _line_printer(settings: Settings) -> Callable[[str], None]:
    """Prints text on stdout, without secrets, control characters and what else cannot be seen."""
    from klaviyo_mcp.edge import Redactor
    from klaviyo_mcp.untrusted import clean

    redact = Redactor(settings.secrets(), "[hidden]")
    return lambda text: click.echo(redact(clean(text)))


def _without_none(flags: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None}


def write_any_text() -> None:
    """Let standard output take every text: a console that lacks a character shows its escape.

    Otherwise a command would fail while it prints, after a write was applied.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _run(
    context: click.Context, main: Callable[[Unpack[MainArguments]], Awaitable[int]], *arguments: *MainArguments
) -> None:
    """Run a command's coroutine, and exit with its code."""
    import anyio

    try:
        code = anyio.run(main, *arguments)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseExceptionGroup as group:
        if group.split(BrokenPipeError)[1] is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads our output any more
        code = 1
    context.exit(code)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="klaviyo-mcp %(version)s")
@with_settings("server")
@click.pass_context
def main(context: click.Context, /, **flags: Any) -> None:
    """An MCP server through which an AI agent runs a Klaviyo account, over Maton's managed OAuth.

    Without a command it serves one client over stdio. Settings are environment variables, with flags over them;
    flags may stand before or after the command.
    """
    context.obj = _without_none(flags)
    write_any_text()
    if context.invoked_subcommand is None:
        settings = resolve_settings(context, flags, level="info")
        with without_garbage_collection():
            tools = create_tools(settings)
            from klaviyo_mcp.transports import stdio

            tools.tools()

        try:
            stdio.run(tools)
        except StartupError as error:
            raise Refusal(str(error)) from None


@main.command()
@with_settings("http", "server")
@click.pass_context
def http(context: click.Context, /, **flags: Any) -> None:
    """Serve Streamable HTTP at /mcp, HTTP+SSE at /sse, health at /healthz."""
    settings = resolve_settings(context, flags, level="info")
    with without_garbage_collection():
        tools = create_tools(settings)
        from klaviyo_mcp.gateway.documents import fetch_document
        from klaviyo_mcp.transports import http as server

        tools.tools()

    try:
        server.run(tools, settings, fetch_document)
    except StartupError as error:
        raise Refusal(str(error)) from None


@main.command()
@with_settings("server")
@click.pass_context
def demo(context: click.Context, /, **flags: Any) -> None:
    """Show a tour of an invented account, as a model would see it. Needs no key and no network."""
    settings = resolve_settings(context, {**flags, "sandbox": True})
    from klaviyo_mcp.cli.demo import show_demo

    _run(context, show_demo, create_service(settings), _line_printer(settings))


@main.command(name="call")
@click.argument("tool")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--json", "as_json", metavar="OBJECT", help="The arguments as one JSON object.")
@with_settings("server")
@click.pass_context
def call_(context: click.Context, /, tool: str, arguments: tuple[str, ...], as_json: str | None, **flags: Any) -> None:
    """Call one tool, and print what a model would read. Any operation can be called, whatever the toolsets.

    A VALUE that is a JSON object, array or string, true, false or null is read as such.
    """
    settings = resolve_settings(context, flags, toolsets="all")
    from klaviyo_mcp.cli import call

    try:
        parsed = call.parse_arguments(arguments, as_json)
    except ValueError as error:
        raise Refusal(str(error)) from None
    _run(context, call.call_tool, create_service(settings), tool, parsed, _line_printer(settings))


@main.command()
@click.argument("area", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with each tool's input schema.")
@click.option("--search", metavar="WORDS", help="Only what fits these words best, as find_tools finds it.")
@with_settings("server")
@click.pass_context
def tools(context: click.Context, /, area: str | None, as_json: bool, search: str | None, **flags: Any) -> None:
    """List every operation: toolset, effect, since, description."""
    settings = resolve_settings(context, flags)
    from klaviyo_mcp.cli import tools as listing
    from klaviyo_mcp.safety import policy

    try:
        rows = listing.operations_of(settings.revision, area)
    except LookupError as error:
        raise Refusal(str(error.args[0])) from None
    if search is not None:
        rows = listing.search_operations(policy.allowed_operations(rows, read_only=settings.read_only), search)
    print_line = _line_printer(settings)
    print_line(listing.operations_json(rows, settings.revision) if as_json else listing.operations_text(rows))


@main.command()
@click.option("--port", default=8100, show_default=True, type=click.IntRange(0, 65_535), help="Port of loopback.")
@with_settings("server")
@click.pass_context
def sandbox(context: click.Context, /, port: int, **flags: Any) -> None:
    """Serve the embedded Klaviyo and Maton on loopback, for this server or any other client to be tried against."""
    settings = resolve_settings(context, flags, level="info")
    from klaviyo_mcp.sandbox.app import create_sandbox
    from klaviyo_mcp.transports import asgi_server

    def announce(bound: int) -> None:
        click.echo(f"MATON_BASE_URL=http://127.0.0.1:{bound} MATON_API_KEY={composition.SANDBOX_KEY}")

    application = create_sandbox(profiles=settings.sandbox_profiles, key=composition.SANDBOX_KEY)
    try:
        asgi_server.serve(application, "127.0.0.1", port, announce)
    except StartupError as error:
        raise Refusal(str(error)) from None


@main.command()
@with_settings("server")
@click.pass_context
def doctor(context: click.Context, /, **flags: Any) -> None:
    """Check key, gateway, connection, account, revision and clock; each line says what to do."""
    settings = resolve_settings(context, flags)
    from klaviyo_mcp.cli.doctor import run_checks

    _run(context, run_checks, settings, _line_printer(settings))


@main.command()
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait until it is authorized.")
@click.option("--browser/--no-browser", default=True, help="Open the address in a browser.")
@with_settings("server")
@click.pass_context
def connect(context: click.Context, /, timeout: float, browser: bool, **flags: Any) -> None:
    """Connect a Klaviyo account: make a Maton connection, open its address, wait until it is authorized."""
    settings = resolve_settings(context, flags)
    if settings.read_only:
        raise click.UsageError("connect makes a connection, which KLAVIYO_MCP_READ_ONLY (--read-only) forbids.")
    from klaviyo_mcp.cli.connect import connect_account

    _run(context, connect_account, settings, _line_printer(settings), timeout, browser)
