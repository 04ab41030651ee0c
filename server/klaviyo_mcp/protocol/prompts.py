"""The prompts of the server: jobs that a person starts in their client, as MCP lists and fills them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import mcp_types
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.protocol import prompt_texts
from klaviyo_mcp.protocol.prompt_texts import PromptArguments
from klaviyo_tools.arguments.spelling import nearest

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

MAX_ARGUMENT_CHARACTERS = 4_000
"""A brief fits; a book does not."""


class PromptArgument(NamedTuple):
    """An argument of a prompt.

    `kind` names the source of its completions, empty where there is none. `default` stands for an argument left out.
    """

    name: str
    description: str
    kind: str = ""
    default: str = ""
    required: bool = False


class Prompt(NamedTuple):
    """A prompt, and the function that writes its text.

    `changes_account`: its steps change the account, so that a read-only server does not list it.
    """

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...]
    write: Callable[[PromptArguments], str]
    changes_account: bool = False


_TIMEFRAME = PromptArgument("timeframe", "last_30_days, last_month …", "timeframe", "last_30_days")
_METRIC = PromptArgument("metric", "what counts as a conversion, by name", "metric", "Placed Order")

PROMPTS = {
    prompt.name: prompt
    for prompt in (
        Prompt(
            "campaign_review",
            "Review campaigns",
            "What worked in the campaigns of a time, or in one of them.",
            (
                PromptArgument("campaign", "one campaign, by name; all of the time where left out", "campaign"),
                _TIMEFRAME,
                _METRIC,
            ),
            prompt_texts.campaign_review,
        ),
        Prompt(
            "flow_health",
            "Examine flows",
            "Whether the automations do their work, and which are missing.",
            (PromptArgument("flow", "one flow, by name; all where left out", "flow"), _TIMEFRAME, _METRIC),
            prompt_texts.flow_health,
        ),
        Prompt(
            "audience_growth",
            "Explain how the audience grows",
            "Where people come from, where they are lost.",
            (PromptArgument("list", "a list to look at most, by name", "list"), _TIMEFRAME),
            prompt_texts.audience_growth,
        ),
        Prompt(
            "list_cleaning",
            "Clean a list",
            "Who should not be mailed any more, and how to part from them.",
            (
                PromptArgument("list", "a list, by name; everybody where left out", "list"),
                PromptArgument("days", "days without a sign of life", default="180"),
            ),
            prompt_texts.list_cleaning,
        ),
        Prompt(
            "campaign_from_brief",
            "Make a campaign from a brief",
            "From a few sentences to a campaign that waits for its time, with a person's yes before it is sent.",
            (
                PromptArgument("brief", "what it is about, for whom, why now", required=True),
                PromptArgument("audience", "a list or segment, by name", "audience"),
                PromptArgument("send_at", "when, in words or as a time"),
            ),
            prompt_texts.campaign_from_brief,
            changes_account=True,
        ),
        Prompt(
            "account_audit",
            "Audit the account",
            "The ten things in the account that matter most.",
            (_TIMEFRAME, _METRIC),
            prompt_texts.account_audit,
        ),
    )
}


def render_prompt(name: str, arguments: Mapping[str, str] | None) -> str:
    """The text of a prompt. Raises MCPError, INVALID_PARAMS, for an unknown prompt and for wrong arguments."""
    prompt = PROMPTS.get(name)
    if prompt is None:
        close = nearest(name, PROMPTS) or list(PROMPTS)
        raise _invalid(f"there is no prompt {name[:60]!r}; there are {', '.join(close)}")
    values = {key: value.strip() for key, value in (arguments or {}).items() if value.strip()}
    declared = {argument.name: argument for argument in prompt.arguments}
    for key, value in values.items():
        if key not in declared:
            raise _invalid(f"{name} takes {', '.join(declared)}, not {key[:60]!r}")
        if len(value) > MAX_ARGUMENT_CHARACTERS:
            raise _invalid(f"{key} is longer than {MAX_ARGUMENT_CHARACTERS} characters")
    missing = [key for key, argument in declared.items() if argument.required and key not in values]
    if missing:
        raise _invalid(f"{name} needs {', '.join(missing)}")
    try:
        text = prompt.write({key: values.get(key, argument.default) for key, argument in declared.items()})
    except ValueError as error:
        raise _invalid(str(error)) from None
    return f"{text}\n{prompt_texts.FOOTER}"


def _invalid(message: str) -> MCPError:
    return MCPError(mcp_types.INVALID_PARAMS, message)


class Prompts:
    """The handlers of prompts. A read-only server lists those that change nothing."""

    def __init__(self, *, read_only: bool = False) -> None:
        self._prompts = {name: prompt for name, prompt in PROMPTS.items() if not (read_only and prompt.changes_account)}

    async def list(
        self, ctx: ServerRequestContext[Any], params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListPromptsResult:
        """All prompts, on one page."""
        return mcp_types.ListPromptsResult(
            prompts=[
                mcp_types.Prompt(
                    name=prompt.name,
                    title=prompt.title,
                    description=prompt.description,
                    arguments=[
                        mcp_types.PromptArgument(
                            name=argument.name, description=argument.description, required=argument.required
                        )
                        for argument in prompt.arguments
                    ],
                )
                for prompt in self._prompts.values()
            ]
        )

    async def get(
        self, ctx: ServerRequestContext[Any], params: mcp_types.GetPromptRequestParams
    ) -> mcp_types.GetPromptResult:
        """A prompt, as a message of the person's. Raises MCPError as `render_prompt` does."""
        text = render_prompt(params.name, params.arguments)
        if params.name not in self._prompts:
            raise _invalid(f"{params.name} changes the account, and this server is read-only")
        message = mcp_types.PromptMessage(role="user", content=mcp_types.TextContent(text=text))
        return mcp_types.GetPromptResult(description=PROMPTS[params.name].description, messages=[message])
