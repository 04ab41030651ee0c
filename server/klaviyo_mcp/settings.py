"""All settings in one table: what each is, its environment variable, its flag. A flag wins over the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo

from klaviyo_mcp.errors import SettingError
from klaviyo_mcp.urls import MATON_URL, gateway_url, is_loopback
from klaviyo_tools.operation.facts import OLDEST_REVISION

_PLACEHOLDER = re.compile(r"\$\{|\{\{|^<.*>$|^\$[A-Za-z_]+$|^%\w+%$")
"""A placeholder that a client did not fill in: `${MATON_API_KEY}`, `${input:maton}`, `$KEY`."""
MIN_TOKEN_CHARACTERS = 16
"""A shorter bearer token can be guessed over the network."""


class StartupError(ValueError):
    """The server cannot start: a setting, an address or a stream cannot be used. The message is one line."""


class _UnusableValueError(ValueError):
    """A value cannot be used for a reason that the operator must see; the message completes "MATON_API_KEY …"."""


# Functions below take a value as the environment or a flag gives it, or as pydantic has parsed it. They raise
# ValueError; what the setting takes instead is said by `_refusal`.


def _split_words(value: object) -> object:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


def _split_secrets(value: object) -> object:
    if isinstance(value, str):
        return tuple(SecretStr(word) for word in map(str.strip, value.split(",")) if word)
    return value


def _check_tokens(tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    # A value without any token is a mistake: it must not serve without authentication.
    if not tokens or any(len(token.get_secret_value()) < MIN_TOKEN_CHARACTERS for token in tokens):
        raise ValueError
    return tokens


def _check_revision(revision: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(\.pre)?", revision) or revision < OLDEST_REVISION:
        raise ValueError
    date.fromisoformat(revision.removesuffix(".pre"))
    return revision


def _check_gateway_url(url: str) -> str:
    try:
        return gateway_url(url)
    except SettingError as error:
        if "/klaviyo" in str(error):
            raise _UnusableValueError(str(error).removeprefix("MATON_BASE_URL ")) from None
        raise ValueError(str(error)) from None


def _check_key(key: SecretStr | None) -> SecretStr | None:
    if key is None:
        return None
    text = key.get_secret_value().strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    if _PLACEHOLDER.search(text):
        raise _UnusableValueError("holds a placeholder that the client did not replace: write the key itself there")
    if text.lower().startswith("bearer"):
        raise _UnusableValueError("begins with Bearer: give the key alone")
    _check_header_value(text)
    return SecretStr(text)


def _check_header_value(value: str) -> str:
    if not re.fullmatch(r"[!-~]+", value):
        raise ValueError
    return value


def _check_url(url: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("https", "http") or parts.query or parts.fragment:
        raise ValueError
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError
    return url


def _check_urls(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_check_url(url) for url in urls)


def _check_public_url(url: str) -> str:
    """A public URL without its last slash, and without the path of the endpoint."""
    from urllib.parse import urlsplit

    if urlsplit(url).username is not None:
        raise ValueError
    return _check_url(url).rstrip("/").removesuffix("/mcp")


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"https?://[^/\s]+", origin) for origin in origins):
        raise ValueError
    return origins


def _check_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[A-Za-z0-9.-]+(:(\d+|\*))?|\[[0-9A-Fa-f:]+\](:(\d+|\*))?", host) for host in hosts):
        raise ValueError
    return hosts


Words = Annotated[tuple[str, ...], BeforeValidator(_split_words)]
Tokens = Annotated[tuple[SecretStr, ...], BeforeValidator(_split_secrets), AfterValidator(_check_tokens)]
HeaderValue = Annotated[str, AfterValidator(_check_header_value)]
Urls = Annotated[tuple[str, ...], BeforeValidator(_split_words), AfterValidator(_check_urls)]
PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
Part = Literal["server", "http"]


def setting(
    default: Any,
    variable: str,
    text: str,
    takes: str,
    *,
    part: Part = "server",
    secret: bool = False,
    **constraints: Any,
) -> Any:
    """Declare a setting.

    Args:
        default: Its value where neither environment nor flag give one.
        variable: Its environment variable.
        text: What it is for, shown by --help.
        takes: What values it takes, as a refusal says it.
        part: The commands that have it: all of them, or only `http`.
        secret: Its value is never shown and has no flag.
        constraints: Bounds of a number, as pydantic names them (`ge`, `le`, `gt`).
    """
    extra: dict[str, JsonValue] = {"variable": variable, "takes": takes, "part": part, "secret": secret}
    return Field(default, description=text, json_schema_extra=extra, **constraints)


class Settings(BaseModel):
    """How this server runs. Secrets never show in its repr."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[SecretStr | None, AfterValidator(_check_key)] = setting(
        None,
        "MATON_API_KEY",
        "Key of the Maton account whose Klaviyo connection is used.",
        "the key as Maton shows it",
        secret=True,
    )
    base_url: Annotated[str, AfterValidator(_check_gateway_url)] = setting(
        MATON_URL, "MATON_BASE_URL", "Maton's gateway.", "an https URL; plain http only to loopback"
    )
    connection: HeaderValue | None = setting(
        None, "MATON_CONNECTION", "Id of the Klaviyo connection, where there are several.", "the id of a connection"
    )
    revision: Annotated[str, AfterValidator(_check_revision)] = setting(
        OLDEST_REVISION, "KLAVIYO_REVISION", "Revision of Klaviyo's API.", f"a date, {OLDEST_REVISION} or later"
    )
    toolsets: Words = setting(
        ("standard",),
        "KLAVIYO_MCP_TOOLSETS",
        "Tools to list: core, standard, all, none, or areas such as profiles,campaigns.",
        "names separated by commas",
    )
    read_only: bool = setting(False, "KLAVIYO_MCP_READ_ONLY", "List and run reads only.", "1 or 0")
    confirm: Literal["never", "default", "writes"] = setting(
        "default",
        "KLAVIYO_MCP_CONFIRM",
        "What a person must confirm: by default where something is at stake; every write; or nothing.",
        "never, default or writes",
    )
    confirm_by: Literal["person", "code"] = setting(
        "person",
        "KLAVIYO_MCP_CONFIRM_BY",
        "How: by a question to the person where the client can ask, else by a code; or always by a code.",
        "person or code",
    )
    confirm_patience: float = setting(
        45.0,
        "KLAVIYO_MCP_CONFIRM_PATIENCE",
        "Seconds that a question waits for its answer; then the call gives a code.",
        "seconds, from 1 to 600",
        ge=1,
        le=600,
    )
    state_dir: Path | None = setting(
        None,
        "KLAVIYO_MCP_STATE_DIR",
        "Directory for codes that wait for their call; unless set, the user's own for state.",
        "a directory",
    )
    sandbox: bool = setting(
        False, "KLAVIYO_MCP_SANDBOX", "Run against an embedded Klaviyo: no key, no network.", "1 or 0"
    )
    sandbox_profiles: int = setting(
        250, "KLAVIYO_MCP_SANDBOX_PROFILES", "Profiles in the sandbox.", "a number from 1 to 100000", ge=1, le=100_000
    )
    pacing: bool = setting(True, "KLAVIYO_MCP_PACING", "Keep Klaviyo's and Maton's rate limits on this side.", "1 or 0")
    deadline: float = setting(
        50.0, "KLAVIYO_MCP_DEADLINE", "Seconds after which a call ends.", "seconds, from 1 to 3600", ge=1, le=3600
    )
    user_content: Literal["show", "hide"] = setting(
        "show",
        "KLAVIYO_MCP_USER_CONTENT",
        "Hide leaves out what people outside the account wrote.",
        "show or hide",
    )
    upload_dir: Path | None = setting(
        None, "KLAVIYO_MCP_UPLOAD_DIR", "Directory from which images may be uploaded; none unless set.", "a directory"
    )
    log_level: Literal["debug", "info", "warning", "error"] | None = setting(
        None,
        "KLAVIYO_MCP_LOG_LEVEL",
        "Least level of the log on stderr: info where the server runs, warning elsewhere.",
        "debug, info, warning or error",
    )
    host: str = setting(
        "127.0.0.1", "KLAVIYO_MCP_HOST", "Address to listen on.", "an address or a host name", part="http"
    )
    port: int = setting(
        8000, "KLAVIYO_MCP_PORT", "Port to listen on; 0 takes a free one.", "0 to 65535", part="http", ge=0, le=65_535
    )
    tokens: Tokens = setting(
        (),
        "KLAVIYO_MCP_TOKENS",
        "Bearer tokens, separated by commas, one of which a client must send.",
        f"tokens of at least {MIN_TOKEN_CHARACTERS} characters, separated by commas",
        part="http",
        secret=True,
    )
    tokens_file: Path | None = setting(
        None, "KLAVIYO_MCP_TOKENS_FILE", "File with a bearer token on each line.", "a readable file", part="http"
    )
    public_url: PublicUrl | None = setting(
        None,
        "KLAVIYO_MCP_PUBLIC_URL",
        "URL under which clients reach this server through a proxy, such as https://klaviyo.example.com.",
        "an https URL",
        part="http",
    )
    oauth_issuer: Urls = setting(
        (),
        "KLAVIYO_MCP_OAUTH_ISSUER",
        "Issuers whose access tokens (JWT) are accepted, separated by commas.",
        "https URLs separated by commas",
        part="http",
    )
    oauth_audience: Words = setting(
        (),
        "KLAVIYO_MCP_OAUTH_AUDIENCE",
        "Audiences, one of which those tokens must have; the public URL with /mcp and /sse unless set.",
        "audiences separated by commas",
        part="http",
    )
    oauth_scopes: Words = setting(
        (), "KLAVIYO_MCP_OAUTH_SCOPES", "Scopes that those tokens must have.", "scopes separated by commas", part="http"
    )
    allowed_hosts: Annotated[Words, AfterValidator(_check_hosts)] = setting(
        (),
        "KLAVIYO_MCP_ALLOWED_HOSTS",
        "Host headers to accept beside loopback and the address listened on.",
        "host names separated by commas, without a scheme",
        part="http",
    )
    allowed_origins: Annotated[Words, AfterValidator(_check_origins)] = setting(
        (),
        "KLAVIYO_MCP_ALLOWED_ORIGINS",
        "Web origins to accept beside loopback's.",
        "origins separated by commas, such as https://app.example.com",
        part="http",
    )
    max_body: int = setting(
        8_000_000, "KLAVIYO_MCP_MAX_BODY", "Largest request, in bytes.", "a number of bytes", part="http", ge=1_024
    )
    max_connections: int = setting(
        1_000,
        "KLAVIYO_MCP_MAX_CONNECTIONS",
        "Connections open at once; fewer where the process may open fewer files.",
        "a number from 1",
        part="http",
        ge=1,
    )
    keep_alive: int = setting(
        120,
        "KLAVIYO_MCP_KEEP_ALIVE",
        "Seconds for which a connection without a request stays open; longer than a proxy in front keeps its own.",
        "seconds, from 1 to 3600",
        part="http",
        ge=1,
        le=3600,
    )
    stateless: bool = setting(
        False,
        "KLAVIYO_MCP_STATELESS",
        "Keep no sessions, for several servers behind a balancer; a person confirms by code then.",
        "1 or 0",
        part="http",
    )
    max_sessions: int = setting(
        1_000, "KLAVIYO_MCP_MAX_SESSIONS", "Sessions kept at once.", "a number from 1", part="http", ge=1
    )
    session_idle: float = setting(
        1_800.0, "KLAVIYO_MCP_SESSION_IDLE", "Seconds after which an idle session ends.", "seconds", part="http", gt=0
    )
    max_concurrent: int = setting(
        128, "KLAVIYO_MCP_MAX_CONCURRENT", "Requests served at once.", "a number from 1", part="http", ge=1
    )

    def secrets(self) -> tuple[str, ...]:
        """The key and the tokens, which no log may show."""
        return tuple(secret.get_secret_value() for secret in (self.key, *self.tokens) if secret is not None)


def facts_of(field: FieldInfo) -> dict[str, Any]:
    """The facts of a setting beside its type: `variable`, `takes`, `part` and `secret`."""
    assert isinstance(field.json_schema_extra, dict)
    return dict(field.json_schema_extra)


def variable_of(field: FieldInfo) -> str:
    """The environment variable of a setting."""
    return str(facts_of(field)["variable"])


def flag_of(name: str) -> str | None:
    """The command-line flag of a setting, such as `--read-only`; None for a secret: a process list would show it."""
    return None if facts_of(Settings.model_fields[name])["secret"] else "--" + name.replace("_", "-")


def load_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings of an environment with flags over it. Raises StartupError.

    A flag of None and an empty variable count as unset.
    """
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if text := environment.get(variable_of(field), "").strip():
            values[name] = text.lower() if _ignores_case(field) else text
    values.update({name: value for name, value in flags.items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name, reason = str(first["loc"][0]), first.get("ctx", {}).get("error")
        if isinstance(reason, _UnusableValueError):
            raise StartupError(f"{variable_of(Settings.model_fields[name])} {reason}") from None
        raise _refusal(name, values[name]) from None


def _ignores_case(field: FieldInfo) -> bool:
    """Whether case does not matter: in switches and choices of words."""
    return field.annotation is bool or "Literal" in str(field.annotation)


def _refusal(name: str, value: object) -> StartupError:
    facts = facts_of(Settings.model_fields[name])
    flag = flag_of(name)
    names = facts["variable"] + (f" ({flag})" if flag else "")
    shown_value = "what it is set to" if facts["secret"] else repr(str(value)[:60])
    return StartupError(f"{names} cannot be {shown_value}: it takes {facts['takes']}")
