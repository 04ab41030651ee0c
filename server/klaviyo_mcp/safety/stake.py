"""What is at stake in a call: a call is confirmed where something is live, scheduled, sent, consented to or lost by it.

`RULES` is the whole table: for each operation that changes something, what would be at stake, and what is read to
assess it. An operation without a row is assessed by its effect, as `DEFAULTS` says: a new write is confirmed until a
row says that it touches nobody. The functions that assess calls are in `stakes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation

CANNOT_BE_UNDONE = "it cannot be undone"


class Question(StrEnum):
    """What is assessed when a call is made. The server has a function for each."""

    CAMPAIGN = "campaign"
    CAMPAIGN_MESSAGE = "campaign message"
    CAMPAIGN_STOP = "campaign stop"
    COUPON_CODE = "coupon code"
    EVENTS = "events"
    FLOW_ACTION = "flow action"
    FLOW_STATUS = "flow status"
    FORM = "form"
    IDENTIFIERS = "identifiers"
    IMPORT = "import"
    LIST_JOINED = "list joined"
    LIST_LEFT = "list left"
    OPT_IN = "opt-in"
    SEGMENT = "segment"
    TEMPLATE = "template"
    UNIVERSAL_CONTENT = "universal content"
    WEB_FEED = "web feed"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is at stake in some operations.

    Attributes:
        operations: Their names; none in a default.
        at_stake: The end of `Asks because …`; empty where nothing is ever at stake.
        question: What decides whether it is at stake; None where it always is.
        reads: The operations whose answers are read to decide.
    """

    operations: tuple[str, ...]
    at_stake: str = ""
    question: Question | None = None
    reads: tuple[str, ...] = ()

    @property
    def may_ask(self) -> bool:
        """Whether some call of these operations is confirmed."""
        return bool(self.at_stake)


def _always(at_stake: str, operations: str = "") -> Rule:
    return Rule(tuple(operations.split()), at_stake)


def _where(at_stake: str, question: Question, operations: str, reads: str = "") -> Rule:
    return Rule(tuple(operations.split()), at_stake, question, tuple(reads.split()))


def _never(operations: str) -> Rule:
    return Rule(tuple(operations.split()))


# fmt: off
RULES: tuple[Rule, ...] = (
    # Always: what goes out to people, changes their consent, leaves the account or changes everything that goes out.
    _always("it sends to people", "send_campaign"),
    _always("it messages people", "create_back_in_stock_subscription create_conversation_message"),
    _always("it changes the consent of people",
            "bulk_subscribe_profiles bulk_unsubscribe_profiles bulk_suppress_profiles bulk_unsuppress_profiles "
            "create_push_token delete_push_token"),
    _always("data of people leaves the account", "create_webhook"),
    _always("it changes the links of all messages that go out", "update_tracking_setting"),
    _always(CANNOT_BE_UNDONE, "merge_profiles request_profile_deletion"),
    # Where something is live or scheduled.
    _where("a live flow starts with the metric, and the event is no backfill", Question.EVENTS,
           "create_event bulk_create_events", "get_metrics"),
    _where("the list starts a live flow, or is an audience of a campaign that is scheduled or being sent",
           Question.LIST_JOINED, "add_profiles_to_list", "get_list get_campaigns"),
    _where("it overwrites many profiles, or a list of it starts a live flow or is an audience of a campaign that is "
           "scheduled or being sent", Question.IMPORT,
           "bulk_import_profiles", "get_list get_campaigns"),
    _where("a campaign that is scheduled or being sent excludes the list", Question.LIST_LEFT,
           "remove_profiles_from_list", "get_campaigns"),
    _where("its definition changes, and it starts a live flow or is an audience of a campaign that is scheduled or "
           "being sent", Question.SEGMENT, "update_segment", "get_segment get_campaigns"),
    _where("the campaign is scheduled or being sent", Question.CAMPAIGN, "update_campaign", "get_campaign"),
    _where("the campaign of the message is scheduled or being sent", Question.CAMPAIGN_MESSAGE,
           "update_campaign_message assign_template_to_campaign_message update_image_for_campaign_message",
           "get_campaign_message"),
    _where("the campaign is cancelled for good; to make it a draft again only stops it", Question.CAMPAIGN_STOP,
           "cancel_campaign_send"),
    _where("the flow becomes live, or was live and stops", Question.FLOW_STATUS, "update_flow", "get_flow"),
    _where("the action or its flow is not a draft, or becomes live", Question.FLOW_ACTION,
           "update_flow_action", "get_flow_action"),
    _where("its content changes, and a live flow or a scheduled campaign uses it", Question.TEMPLATE,
           "update_template", "get_flows get_campaigns get_campaign_message"),
    _where("its content changes: which messages show it cannot be read", Question.UNIVERSAL_CONTENT,
           "update_universal_content"),
    _where("its content changes: which messages show it cannot be read", Question.WEB_FEED, "update_web_feed"),
    _where("visitors of the site see it at once", Question.FORM, "create_form"),
    # Where consent, data or what a person holds changes.
    _where("people are subscribed without a confirming click", Question.OPT_IN, "create_list update_list", "get_list"),
    _where("data of people leaves the account; a new name, or to turn it off, does not", Question.WEBHOOK,
           "update_webhook"),
    _where("it removes the last identifier of a profile", Question.IDENTIFIERS,
           "update_profile create_or_update_profile", "get_profile"),
    _where("a person holds the code", Question.COUPON_CODE, "update_coupon_code", "get_coupon_code"),
    # Never: profiles, drafts, labels and data that reach nobody by themselves, and what is only added.
    _never("create_profile create_segment create_campaign create_campaign_clone create_flow"),
    _never("create_custom_metric update_custom_metric update_mapped_metric"),
    _never("create_template clone_template create_universal_content create_web_feed"),
    _never("upload_image_from_url upload_image_from_file update_image update_review"),
    _never("create_catalog_item update_catalog_item create_catalog_category update_catalog_category "
           "create_catalog_variant update_catalog_variant add_categories_to_catalog_item "
           "remove_categories_from_catalog_item update_categories_for_catalog_item add_items_to_catalog_category "
           "remove_items_from_catalog_category update_items_for_catalog_category bulk_create_catalog_items "
           "bulk_update_catalog_items bulk_create_catalog_variants bulk_update_catalog_variants "
           "bulk_create_catalog_categories bulk_update_catalog_categories"),
    _never("create_coupon update_coupon create_coupon_code bulk_create_coupon_codes"),
    _never("create_tag update_tag create_tag_group update_tag_group tag_campaigns tag_flows tag_lists tag_segments "
           "remove_tag_from_campaigns remove_tag_from_flows remove_tag_from_lists remove_tag_from_segments"),
    _never("create_data_source create_data_source_record bulk_create_data_source_records create_object_type "
           "create_object_schema update_object_schema update_source_mapping create_object_schema_relationship "
           "update_object_schema_relationship create_profile_schema_relationship update_profile_schema_relationship"),
    _never("create_connection"),
)
# fmt: on

DEFAULTS: Mapping[Effect, Rule] = {
    Effect.READ: _never(""),
    Effect.WRITE: _always("nobody has judged yet what it touches"),
    Effect.DELETE: _always(CANNOT_BE_UNDONE),
    Effect.REACHES_PEOPLE: _always("it reaches people"),
    Effect.IRREVERSIBLE: _always(CANNOT_BE_UNDONE),
}
"""The rules of operations that have no row, by their effect."""

_RULES = {name: rule for rule in RULES for name in rule.operations}


def rule_of(operation: Operation) -> Rule:
    """The rule by which calls of an operation are assessed."""
    return _RULES.get(operation.name) or DEFAULTS[operation.effect]


@dataclass(frozen=True, slots=True)
class Stake:
    """What is at stake in one call.

    Attributes:
        reasons: What is at stake, each the end of `Asks because …`; none where nothing is.
        facts: Name -> value that was read in the account to assess it, as in `CallPreview`.
    """

    reasons: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.reasons)

    @property
    def line(self) -> str:
        """Why a person is asked, in one line; empty where nothing but the setting asks."""
        return f"Asks because {'; '.join(self.reasons)}." if self.reasons else ""


NOTHING_AT_STAKE = Stake()
