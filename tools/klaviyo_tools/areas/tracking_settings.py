"""Tracking settings: the UTM parameters that Klaviyo adds to the links in messages."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from klaviyo_tools.arguments.spelling import resolve_name
from klaviyo_tools.arguments.types import Arguments, Text, one_line_schema
from klaviyo_tools.operation.area import Area, M

area = Area("tracking_settings")

SHARED_DYNAMIC_VALUES = ("email_subject", "link_alt_text", "message_type", "profile_external_id", "profile_id")
FLOW_DYNAMIC_VALUES = ("flow_id", "flow_name", "message_name", "message_name_id", *SHARED_DYNAMIC_VALUES)
CAMPAIGN_DYNAMIC_VALUES = (
    "campaign_id",
    "campaign_name",
    "campaign_name_id",
    "campaign_name_send_day",
    "group_id",
    "group_name",
    "group_name_id",
    *SHARED_DYNAMIC_VALUES,
)


class ParameterValue(Arguments):
    """A fixed text, or the name of a value that Klaviyo fills in."""

    DYNAMIC: ClassVar[tuple[str, ...]] = ()

    type: Literal["dynamic", "static"]
    value: Text

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        if self.type == "dynamic":
            self.value = resolve_name(self.value, self.DYNAMIC, "dynamic value")
        return self


class FlowValue(ParameterValue):
    DYNAMIC = FLOW_DYNAMIC_VALUES
    EXAMPLES: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "static", "value": "klaviyo"},
        *({"type": "dynamic", "value": value} for value in FLOW_DYNAMIC_VALUES),
    )


class CampaignValue(ParameterValue):
    DYNAMIC = CAMPAIGN_DYNAMIC_VALUES
    EXAMPLES: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "static", "value": "klaviyo"},
        *({"type": "dynamic", "value": value} for value in CAMPAIGN_DYNAMIC_VALUES),
    )


class UtmParameter(Arguments):
    """One parameter: its value in the links of flows and in the links of campaigns."""

    flow: FlowValue | None = None
    campaign: CampaignValue | None = None


class CustomParameter(UtmParameter):
    name: Text


PARAMETER_TEXT = "{flow, campaign}: each {type: static or dynamic, value}"
UtmParameterArgument = Annotated[UtmParameter, one_line_schema(UtmParameter, "as utm_source")]


class TrackingChanges(Arguments):
    auto_add_parameters: bool | None = None
    utm_source: Annotated[UtmParameter, one_line_schema(UtmParameter, PARAMETER_TEXT)] | None = None
    utm_medium: UtmParameterArgument | None = None
    utm_campaign: UtmParameterArgument | None = None
    utm_id: UtmParameterArgument | None = None
    utm_term: UtmParameterArgument | None = None
    custom_parameters: (
        list[Annotated[CustomParameter, one_line_schema(CustomParameter, "name, flow, campaign")]] | None
    ) = None


area.resource_type(
    "tracking-setting",
    "auto_add_parameters utm_source.campaign.value utm_medium.campaign.value utm_campaign.campaign.value"
    " utm_source.flow.value utm_medium.flow.value utm_campaign.flow.value custom_parameters",
    """auto_add_parameters custom_parameters
    utm_campaign|utm_id|utm_medium|utm_source|utm_term(campaign|flow(type value))""",
)
area.collection(
    "get_tracking_settings",
    "/api/tracking-settings",
    "tracking-setting",
    "The account's UTM parameters, in one record with the account's id.",
    rate=M,
    max_page_size=1,
)
area.record(
    "get_tracking_setting",
    "/api/tracking-settings/{tracking_setting_id}",
    "tracking-setting",
    "The UTM parameters of an account, by account id.",
    rate=M,
)
area.update(
    "update_tracking_setting",
    "/api/tracking-settings/{tracking_setting_id}",
    "tracking-setting",
    TrackingChanges,
    "Change the UTM parameters of the links in all messages of the account.",
    rate=M,
)
