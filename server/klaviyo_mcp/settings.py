"""All settings in one table: what each is, its environment variable, its flag. The environment first, flags over it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

OLDEST_REVISION = "2026-01-15"


class SettingsError(ValueError):
    """A setting that cannot be used. The message names its variable and what it takes."""


def _words(given: object) -> object:
    if isinstance(given, str):
        return tuple(word.strip() for word in given.split(",") if word.strip())
    return given


def _secrets(given: object) -> object:
    words = _words(given)
    return tuple(SecretStr(word) for word in words if isinstance(word, str)) if isinstance(words, tuple) else given


def _dated(given: str) -> str:
    if not re.fullmatch(r"20\d\d-\d\d-\d\d(\.pre)?", given) or given < OLDEST_REVISION:
        raise ValueError(f"is a date, {OLDEST_REVISION} or later")
    return given


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_secrets)]


def setting(default: Any, variable: str, text: str, **facts: Any) -> Any:
    """A setting's default, its environment variable and what it is for."""
    return Field(default, description=text, json_schema_extra={"variable": variable}, **facts)


class Settings(BaseModel):
    """How this server runs. Secrets never show in its repr."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: SecretStr | None = setting(None, "MATON_API_KEY", "Key of the Maton account whose Klaviyo connection is used.")
    base_url: str = setting("https://api.maton.ai", "MATON_BASE_URL", "Maton's gateway; plain http only to loopback.")
    connection: str | None = setting(None, "MATON_CONNECTION", "Id of the Klaviyo connection, where there are several.")
    revision: Annotated[str, AfterValidator(_dated)] = setting(
        OLDEST_REVISION, "KLAVIYO_REVISION", "Revision of Klaviyo's API."
    )
    toolsets: Words = setting(
        ("standard",), "KLAVIYO_MCP_TOOLSETS", "Tools to list: core, standard, all, none or areas, comma-separated."
    )
    read_only: bool = setting(False, "KLAVIYO_MCP_READ_ONLY", "List and run reads only.")
    confirm: Literal["never", "default", "writes"] = setting(
        "default", "KLAVIYO_MCP_CONFIRM", "What a person must confirm: deletes and sends by default."
    )
    sandbox: bool = setting(False, "KLAVIYO_MCP_SANDBOX", "Run against an embedded Klaviyo: no key, no network.")
    sandbox_profiles: int = setting(250, "KLAVIYO_MCP_SANDBOX_PROFILES", "Profiles in the sandbox.", ge=1, le=100_000)
    pacing: bool = setting(True, "KLAVIYO_MCP_PACING", "Keep Klaviyo's rate limits on this side.")
    deadline: float = setting(60.0, "KLAVIYO_MCP_DEADLINE", "Seconds after which a call ends.", gt=0, le=3600)
    user_content: Literal["show", "hide"] = setting(
        "show", "KLAVIYO_MCP_USER_CONTENT", "Hide leaves out what people outside the account wrote."
    )
    structured: bool = setting(False, "KLAVIYO_MCP_STRUCTURED", "Answer programs with structured content as well.")
    upload_dir: Path | None = setting(
        None, "KLAVIYO_MCP_UPLOAD_DIR", "Directory from which images may be uploaded; none unless set."
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "KLAVIYO_MCP_LOG_LEVEL", "Least level of the log on stderr."
    )
    tokens: Secrets = setting((), "KLAVIYO_MCP_TOKENS", "Bearer tokens that clients of http must send one of.")
    tokens_file: Path | None = setting(None, "KLAVIYO_MCP_TOKENS_FILE", "File with a bearer token on each line.")
    oauth_issuer: str | None = setting(None, "KLAVIYO_MCP_OAUTH_ISSUER", "Issuer whose access tokens http accepts.")
    oauth_audience: str | None = setting(None, "KLAVIYO_MCP_OAUTH_AUDIENCE", "Audience that those tokens must have.")
    allowed_hosts: Words = setting((), "KLAVIYO_MCP_ALLOWED_HOSTS", "Host headers that http accepts beside its own.")
    allowed_origins: Words = setting((), "KLAVIYO_MCP_ALLOWED_ORIGINS", "Origins that http accepts.")
    max_body: int = setting(4_000_000, "KLAVIYO_MCP_MAX_BODY", "Bytes of a request that http accepts.", ge=1)
    max_sessions: int = setting(1_000, "KLAVIYO_MCP_MAX_SESSIONS", "Sessions that http keeps at once.", ge=1)
    session_idle: float = setting(
        1_800.0, "KLAVIYO_MCP_SESSION_IDLE", "Seconds after which an idle session ends.", gt=0
    )
    max_concurrent: int = setting(64, "KLAVIYO_MCP_MAX_CONCURRENT", "Requests that http serves at once.", ge=1)


def variable_of(field: FieldInfo) -> str:
    """The environment variable of a setting."""
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["variable"])


def flag_of(name: str) -> str:
    """The command-line flag of a setting: `--read-only`."""
    return "--" + name.replace("_", "-")


def load(given: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings of an environment with flags over it; empty variables count as unset. Raises SettingsError."""
    values: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if text := environment.get(variable_of(field), "").strip():
            values[name] = text
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        return Settings(**values)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = str(fault["loc"][0])
        told = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"]
        variable = variable_of(Settings.model_fields[name])
        raise SettingsError(f"{variable} ({flag_of(name)}): {told[:1].lower()}{told[1:]}") from None
