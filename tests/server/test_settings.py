"""Settings come from the environment, flags win over it, and a wrong value is refused in one line."""

from __future__ import annotations

import pytest

from klaviyo_mcp.settings import Settings, StartupError, facts_of, flag_of, load_settings


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("KLAVIYO_MCP_CONFIRM", "sometimes", "(--confirm) cannot be 'sometimes': it takes never, default or writes"),
        ("KLAVIYO_MCP_READ_ONLY", "perhaps", "(--read-only) cannot be 'perhaps': it takes 1 or 0"),
        ("KLAVIYO_REVISION", "2024-10-15", "cannot be '2024-10-15': it takes a date, 2026-01-15 or later"),
        ("KLAVIYO_REVISION", "2026-99-15", "cannot be '2026-99-15'"),
        ("KLAVIYO_REVISION", "latest", "cannot be 'latest'"),
        ("MATON_BASE_URL", "http://gateway.example.com", "it takes an https URL; plain http only to loopback"),
        ("MATON_BASE_URL", "ftp://127.0.0.1", "it takes an https URL"),
        ("MATON_CONNECTION", "a b", "it takes the id of a connection"),
        ("KLAVIYO_MCP_DEADLINE", "0", "it takes seconds, from 1 to 3600"),
        ("KLAVIYO_MCP_DEADLINE", "nan", "it takes seconds, from 1 to 3600"),
        ("KLAVIYO_MCP_SANDBOX_PROFILES", "1000000", "it takes a number from 1 to 100000"),
        ("KLAVIYO_MCP_LOG_LEVEL", "loud", "it takes debug, info, warning or error"),
        ("KLAVIYO_MCP_USER_CONTENT", "some", "it takes show or hide"),
        ("KLAVIYO_MCP_ALLOWED_ORIGINS", "app.example.com", "it takes origins separated by commas"),
        ("KLAVIYO_MCP_ALLOWED_HOSTS", "https://app.example.com", "it takes host names separated by commas"),
        ("KLAVIYO_MCP_OAUTH_ISSUER", "https://a.example.com,http://b.example.com", "it takes https URLs"),
        ("KLAVIYO_MCP_PUBLIC_URL", "http://klaviyo.example.com", "it takes an https URL"),
        ("KLAVIYO_MCP_PUBLIC_URL", "https://ann@klaviyo.example.com", "it takes an https URL"),
        ("KLAVIYO_MCP_PORT", "70000", "it takes 0 to 65535"),
        ("KLAVIYO_MCP_MAX_BODY", "lots", "it takes a number of bytes"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_with_its_variable_and_what_it_takes(
    variable: str, value: str, message: str
) -> None:
    with pytest.raises(StartupError) as caught:
        load_settings({}, {variable: value})
    assert str(caught.value).startswith(variable)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("variable", "value"), [("MATON_API_KEY", "se cret"), ("KLAVIYO_MCP_TOKENS", "too-short")])
def test_a_wrong_secret_is_refused_without_being_shown(variable: str, value: str) -> None:
    with pytest.raises(StartupError) as caught:
        load_settings({}, {variable: value})
    assert variable in str(caught.value)
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", [",", " , ,", ",,"])
def test_a_value_that_holds_no_token_stops_the_start(value: str) -> None:
    with pytest.raises(StartupError, match="KLAVIYO_MCP_TOKENS cannot be what it is set to"):
        load_settings({}, {"KLAVIYO_MCP_TOKENS": value})


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = load_settings({}, {})
    assert settings == Settings()
    assert settings.key is None
    assert (settings.base_url, settings.revision, settings.deadline) == ("https://api.maton.ai", "2026-01-15", 50.0)
    assert (settings.toolsets, settings.confirm, settings.user_content) == (("standard",), "default", "show")
    assert settings.pacing is True
    assert settings.read_only is False
    assert settings.sandbox is False


def test_empty_and_blank_variables_count_as_unset() -> None:
    blank = {facts_of(field)["variable"]: "  " for field in Settings.model_fields.values()}
    assert load_settings({}, blank) == Settings()


def test_flags_win_over_the_environment() -> None:
    environment = {"KLAVIYO_MCP_CONFIRM": "never", "KLAVIYO_MCP_READ_ONLY": "1", "KLAVIYO_MCP_DEADLINE": "30"}
    settings = load_settings({"confirm": "writes", "read_only": False, "deadline": None}, environment)
    assert (settings.confirm, settings.read_only, settings.deadline) == ("writes", False, 30.0)


def test_words_are_split_at_commas_and_choices_take_any_case() -> None:
    environment = {"KLAVIYO_MCP_TOOLSETS": "core, flows,,", "KLAVIYO_MCP_PACING": "OFF", "KLAVIYO_MCP_CONFIRM": "Never"}
    settings = load_settings({}, environment)
    assert settings.toolsets == ("core", "flows")
    assert settings.pacing is False
    assert settings.confirm == "never"


def test_secrets_show_in_no_repr_and_have_no_flag() -> None:
    settings = load_settings({}, {"MATON_API_KEY": "very-secret-key", "KLAVIYO_MCP_TOKENS": "a-token-of-some-length"})
    assert "very-secret-key" not in f"{settings!r} {settings}"
    assert "a-token-of-some-length" not in f"{settings!r} {settings}"
    assert settings.secrets() == ("very-secret-key", "a-token-of-some-length")
    assert [name for name in Settings.model_fields if flag_of(name) is None] == ["key", "tokens"]


def test_every_setting_has_its_own_variable() -> None:
    variables = [facts_of(field)["variable"] for field in Settings.model_fields.values()]
    assert len(set(variables)) == len(variables)
    assert all(name.startswith(("MATON_", "KLAVIYO_")) for name in variables)


@pytest.mark.parametrize("text", ["mtn_abc", '"mtn_abc"', "'mtn_abc'", ' "mtn_abc" '])
def test_a_key_is_taken_with_and_without_quotes(text: str) -> None:
    key = load_settings({}, {"MATON_API_KEY": text}).key
    assert key is not None
    assert key.get_secret_value() == "mtn_abc"


@pytest.mark.parametrize(
    "text", ["${MATON_API_KEY}", "${input:maton}", '"${env:KEY}"', "{{key}}", "<your key>", "$MATON_API_KEY", "%KEY%"]
)
def test_a_placeholder_that_a_client_did_not_replace_is_named_as_such(text: str) -> None:
    with pytest.raises(StartupError) as caught:
        load_settings({}, {"MATON_API_KEY": text})
    assert str(caught.value) == (
        "MATON_API_KEY holds a placeholder that the client did not replace: write the key itself there"
    )


@pytest.mark.parametrize("text", ["Bearer mtn_abc", '"bearer mtn_abc"'])
def test_a_key_with_the_word_of_its_header_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(StartupError) as caught:
        load_settings({}, {"MATON_API_KEY": text})
    assert str(caught.value) == "MATON_API_KEY begins with Bearer: give the key alone"


@pytest.mark.parametrize("url", ["https://api.maton.ai/klaviyo", "https://api.maton.ai/klaviyo/"])
def test_a_base_address_that_ends_in_klaviyo_is_named_as_the_fault(url: str) -> None:
    with pytest.raises(StartupError) as caught:
        load_settings({}, {"MATON_BASE_URL": url})
    assert str(caught.value).startswith("MATON_BASE_URL must not end in /klaviyo, which this server adds itself")
