"""All settings in one table: what each is, its environment variable, its flag. The environment first, flags over it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from klaviyo_mcp.errors import SettingError
from klaviyo_mcp.urls import gateway_url, is_loopback

OLDEST_REVISION = "2026-01-15"
SHORTEST_TOKEN = 16
"""Characters of a bearer token: below that, one can be guessed over the network."""


def _words(given: object) -> object:
    if isinstance(given, str):
        return tuple(word.strip() for word in given.split(",") if word.strip())
    return given


def _secrets(given: object) -> object:
    return (
        tuple(SecretStr(word) for word in map(str.strip, given.split(",")) if word) if isinstance(given, str) else given
    )


def _long_enough(tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(token.get_secret_value()) < SHORTEST_TOKEN for token in tokens):
        raise ValueError
    return tokens


def _dated(given: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(\.pre)?", given) or given < OLDEST_REVISION:
        raise ValueError
    date.fromisoformat(given.removesuffix(".pre"))
    return given


def _gateway(given: str) -> str:
    try:
        return gateway_url(given)
    except SettingError as error:
        raise ValueError(str(error)) from None


def _key(given: SecretStr | None) -> SecretStr | None:
    if given is not None:
        _sent_as_header(given.get_secret_value())
    return given


def _sent_as_header(given: str) -> str:
    if not re.fullmatch(r"[!-~]+", given):
        raise ValueError
    return given


def _url(given: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(given)
    if not parts.hostname or parts.scheme not in ("https", "http") or parts.query or parts.fragment:
        raise ValueError
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError
    return given


def _origin(given: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"https?://[^/\s]+", origin) for origin in given):
        raise ValueError
    return given


def _host(given: tuple[str, ...]) -> tuple[str, ...]:
    if not all(re.fullmatch(r"[A-Za-z0-9.-]+(:(\d+|\*))?|\[[0-9A-Fa-f:]+\](:(\d+|\*))?", host) for host in given):
        raise ValueError
    return given


class SettingsError(ValueError):
    """A setting that cannot be used. The message names its variable and what it takes."""


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Tokens = Annotated[tuple[SecretStr, ...], BeforeValidator(_secrets), AfterValidator(_long_enough)]
Visible = Annotated[str, AfterValidator(_sent_as_header)]
Url = Annotated[str, AfterValidator(_url)]
Part = Literal["server", "http"]


def setting(default: Any, variable: str, text: str, takes: str, **facts: Any) -> Any:
    """A setting: its default, its environment variable, what it is for, and what it takes, as a refusal says it."""
    part = facts.pop("part", "server")
    extra = {"variable": variable, "takes": takes, "part": part, "secret": facts.pop("secret", False)}
    return Field(default, description=text, json_schema_extra=extra, **facts)


class Settings(BaseModel):
    """How this server runs. Secrets never show in its repr."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[SecretStr | None, AfterValidator(_key)] = setting(
        None,
        "MATON_API_KEY",
        "Key of the Maton account whose Klaviyo connection is used.",
        "the key as Maton shows it",
        secret=True,
    )
    base_url: Annotated[str, AfterValidator(_gateway)] = setting(
        "https://api.maton.ai", "MATON_BASE_URL", "Maton's gateway.", "an https URL; plain http only to loopback"
    )
    connection: Visible | None = setting(
        None, "MATON_CONNECTION", "Id of the Klaviyo connection, where there are several.", "the id of a connection"
    )
    revision: Annotated[str, AfterValidator(_dated)] = setting(
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
        "What a person must confirm: deletes, sends and what cannot be undone by default; every write; or nothing.",
        "never, default or writes",
    )
    sandbox: bool = setting(
        False, "KLAVIYO_MCP_SANDBOX", "Run against an embedded Klaviyo: no key, no network.", "1 or 0"
    )
    sandbox_profiles: int = setting(
        250, "KLAVIYO_MCP_SANDBOX_PROFILES", "Profiles in the sandbox.", "a number from 1 to 100000", ge=1, le=100_000
    )
    pacing: bool = setting(True, "KLAVIYO_MCP_PACING", "Keep Klaviyo's rate limits on this side.", "1 or 0")
    deadline: float = setting(
        60.0, "KLAVIYO_MCP_DEADLINE", "Seconds after which a call ends.", "seconds, from 1 to 3600", ge=1, le=3600
    )
    user_content: Literal["show", "hide"] = setting(
        "show",
        "KLAVIYO_MCP_USER_CONTENT",
        "Hide leaves out what people outside the account wrote.",
        "show or hide",
    )
    structured: bool = setting(
        False, "KLAVIYO_MCP_STRUCTURED", "Answer programs with structured content as well.", "1 or 0"
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
        f"tokens of at least {SHORTEST_TOKEN} characters, separated by commas",
        part="http",
        secret=True,
    )
    tokens_file: Path | None = setting(
        None, "KLAVIYO_MCP_TOKENS_FILE", "File with a bearer token on each line.", "a readable file", part="http"
    )
    oauth_issuer: Url | None = setting(
        None, "KLAVIYO_MCP_OAUTH_ISSUER", "Issuer whose access tokens (JWT) are accepted.", "an https URL", part="http"
    )
    oauth_audience: Url | None = setting(
        None,
        "KLAVIYO_MCP_OAUTH_AUDIENCE",
        "Audience that those tokens must have: this server's own URL, such as https://klaviyo.example.com/mcp.",
        "an https URL",
        part="http",
    )
    oauth_scopes: Words = setting(
        (), "KLAVIYO_MCP_OAUTH_SCOPES", "Scopes that those tokens must have.", "scopes separated by commas", part="http"
    )
    allowed_hosts: Annotated[Words, AfterValidator(_host)] = setting(
        (),
        "KLAVIYO_MCP_ALLOWED_HOSTS",
        "Host headers to accept beside loopback and the address listened on.",
        "host names separated by commas, without a scheme",
        part="http",
    )
    allowed_origins: Annotated[Words, AfterValidator(_origin)] = setting(
        (),
        "KLAVIYO_MCP_ALLOWED_ORIGINS",
        "Web origins to accept beside loopback's.",
        "origins separated by commas, such as https://app.example.com",
        part="http",
    )
    max_body: int = setting(
        8_000_000, "KLAVIYO_MCP_MAX_BODY", "Largest request, in bytes.", "a number of bytes", part="http", ge=1_024
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
        """What must appear in no log: the key and the tokens."""
        return tuple(secret.get_secret_value() for secret in (self.key, *self.tokens) if secret is not None)


def facts_of(field: FieldInfo) -> dict[str, Any]:
    """What is known of a setting: `variable`, `takes`, `part` and `secret`."""
    assert isinstance(field.json_schema_extra, dict)
    return dict(field.json_schema_extra)


def variable_of(field: FieldInfo) -> str:
    """The environment variable of a setting."""
    return str(facts_of(field)["variable"])


def flag_of(name: str) -> str | None:
    """The command-line flag of a setting, such as `--read-only`; None for secrets, which a process list would show."""
    return None if facts_of(Settings.model_fields[name])["secret"] else "--" + name.replace("_", "-")


def load_settings(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings of an environment with flags over it; empty variables count as unset. Raises SettingsError."""
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if text := environment.get(variable_of(field), "").strip():
            values[name] = text.lower() if _takes_word(field) else text
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as error:
        name = str(error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"][0])
        raise _refusal(name, values[name]) from None


def _takes_word(field: FieldInfo) -> bool:
    """Whether case does not matter: switches and choices of words."""
    return field.annotation is bool or "Literal" in str(field.annotation)


def _refusal(name: str, value: object) -> SettingsError:
    known = facts_of(Settings.model_fields[name])
    flag = flag_of(name)
    called = known["variable"] + (f" ({flag})" if flag else "")
    shown = " what it is set to" if known["secret"] else f" {str(value)[:60]!r}"
    return SettingsError(f"{called} cannot be{shown}: it takes {known['takes']}")
