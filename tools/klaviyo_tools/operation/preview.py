"""How a call is shown to a person before they agree to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PreviewKind(StrEnum):
    """Previews that read more than one record. The server has a function for each."""

    CAMPAIGN_CHANGE = "campaign change"
    CAMPAIGN_SEND = "campaign send"
    CAMPAIGN_STOP = "campaign stop"
    FLOW_STATUS = "flow status"
    LIST_MEMBERS = "list members"
    PROFILE_ERASURE = "profile erasure"
    PROFILE_IMPORT = "profile import"
    PROFILE_MERGE = "profile merge"
    SUBSCRIPTION = "subscription"
    UNSUBSCRIPTION = "unsubscription"
    SUPPRESSION = "suppression"
    UNSUPPRESSION = "unsuppression"


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview from the arguments of a call and the record that it changes.

    Sentences hold placeholders, of which each becomes a few words:

    - `{record}`: the record by its kind, name and id; `{record.status}`: an attribute of it.
    - `{flow}`, `{flow.status}`: likewise of the record that the relationship `flow` leads to.
    - `{platform}`: an argument; `{definition.type}`: a member of it; `{body:300}`: its first 300 characters, quoted.
    - `{profile_ids:profile}`: how many members a list argument has, as `2 profiles`.
    """

    sentences: tuple[str, ...] = ()
    """The first says what the call does. Without any, a delete says so, and another call shows its arguments."""
    record: tuple[str, str] | None = None
    """The type of the record and the argument with its id, where that is not the record in the path."""
    facts: tuple[str, ...] = ()
    """Attributes of the record that are shown with their values, where they have any."""
    profile_count: bool = False
    """Whether the number of profiles in the record is shown."""
    joined: Mapping[str, str] = field(default_factory=dict)
    """Relationship whose records are shown -> the verb before their number: `It triggers 1 flow: "Welcome".`"""
    linked: tuple[str, ...] = ()
    """Relationships whose members are counted: `It is on 3 campaigns.`"""
    contents: str = ""
    """The read of the records inside this one: `It contains 3 tags: …`"""
    consequence: str | None = None
    """The last line; None for the line that the effect of the operation has."""
