"""The UTM parameters of an account."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]


def test_an_unknown_dynamic_value_is_refused_with_the_valid_ones(refusal_of: Refuse) -> None:
    assert refusal_of(
        "update_tracking_setting",
        tracking_setting_id="A1",
        utm_campaign={"flow": {"type": "dynamic", "value": "campaign_name"}},
    ).startswith("utm_campaign.flow: dynamic value 'campaign_name' is unknown; did you mean ")


def test_a_parameter_of_its_own_has_a_name(refusal_of: Refuse) -> None:
    assert (
        refusal_of(
            "update_tracking_setting",
            tracking_setting_id="A1",
            custom_parameters=[{"flow": {"type": "static", "value": "x"}}],
        )
        == "custom_parameters.0.name is required"
    )


def test_parameters_are_set_for_flows_and_campaigns_apart(request_of: Render) -> None:
    source = {"flow": {"type": "static", "value": "klaviyo"}, "campaign": {"type": "dynamic", "value": "campaign_name"}}
    own = {"name": "ref", "campaign": {"type": "static", "value": "mail"}}
    assert request_of(
        "update_tracking_setting",
        tracking_setting_id="A1",
        auto_add_parameters=True,
        utm_source=source,
        custom_parameters=[own],
    ) == Request(
        "PATCH",
        "/api/tracking-settings/A1",
        body={
            "data": {
                "type": "tracking-setting",
                "id": "A1",
                "attributes": {"auto_add_parameters": True, "utm_source": source, "custom_parameters": [own]},
            }
        },
    )


def test_settings_are_read(request_of: Render) -> None:
    assert request_of("get_tracking_settings") == Request("GET", "/api/tracking-settings")
    assert request_of("get_tracking_setting", tracking_setting_id="A1").path == "/api/tracking-settings/A1"
