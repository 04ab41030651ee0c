"""Assesses what is at stake in a call, by the rule of its operation.

What cannot be read counts as at stake. A record that is not there ends the call: nobody is asked about a call that
cannot succeed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, MissingRecord
from klaviyo_mcp.errors import KlaviyoMcpError, NotFoundError
from klaviyo_mcp.safety.stake import Question, Rule, Stake, rule_of
from klaviyo_mcp.safety.stakes import arguments as by_arguments
from klaviyo_mcp.safety.stakes import campaigns, events, flows, groups, profiles, templates
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.operation import Operation

logger = logging.getLogger(__name__)

Assessment = Callable[[AccountReads, Any], Awaitable[Stake]]
"""Assesses a call from the reads of the account and the checked arguments. Raises MissingRecord."""
ASSESSMENTS: Mapping[Question, Assessment] = {
    Question.CAMPAIGN: campaigns.assess_campaign,
    Question.CAMPAIGN_MESSAGE: campaigns.assess_message,
    Question.CAMPAIGN_STOP: by_arguments.assess_campaign_stop,
    Question.COUPON_CODE: profiles.assess_coupon_code,
    Question.EVENTS: events.assess_events,
    Question.FLOW_ACTION: flows.assess_action,
    Question.FLOW_STATUS: flows.assess_status,
    Question.FORM: by_arguments.assess_form,
    Question.IDENTIFIERS: profiles.assess_identifiers,
    Question.IMPORT: groups.assess_import,
    Question.LIST_JOINED: groups.assess_joined_list,
    Question.LIST_LEFT: groups.assess_left_list,
    Question.OPT_IN: groups.assess_opt_in,
    Question.SEGMENT: groups.assess_segment,
    Question.TEMPLATE: templates.assess_template,
    Question.UNIVERSAL_CONTENT: by_arguments.assess_universal_content,
    Question.WEB_FEED: by_arguments.assess_web_feed,
    Question.WEBHOOK: by_arguments.assess_webhook,
}


async def read_stake(reads: AccountReads, operation: Operation, arguments: Arguments) -> Stake:
    """What is at stake in a call.

    Args:
        reads: Read the account; counts are not needed.
        operation: The operation that is called.
        arguments: Its checked arguments.

    Raises:
        NotFoundError: A record that the call acts on is not there.
    """
    rule = rule_of(operation)
    if rule.question is None:
        return Stake((rule.at_stake,) if rule.at_stake else ())
    try:
        return await ASSESSMENTS[rule.question](reads, arguments)
    except MissingRecord as missing:
        cause = f"{missing.argument}: {missing}; nothing was changed"
        raise NotFoundError(operation.name, arguments=(missing.argument,), cause=cause) from None
    except KlaviyoMcpError:
        return _unreadable(rule)
    except Exception:  # an answer whose shape nobody expected
        logger.exception("no assessment of %s", operation.name)
        return _unreadable(rule)


def _unreadable(rule: Rule) -> Stake:
    return Stake((f"it could not be read whether {rule.at_stake}",))
