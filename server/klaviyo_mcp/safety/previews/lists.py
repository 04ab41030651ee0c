"""Previews of calls that add profiles to lists: how many, to which lists, and the flows that this starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record, run_together
from klaviyo_mcp.answers.wording import count_noun, describe_record, label_of, list_names
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.previews.sentences import identifiers
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_tools.jsonapi.records import Page, Record

MAX_LISTS = 10
TRIGGERS = "flow-triggers"
"""The relationship of a list to the flows that start for a new member."""


async def preview_members(reads: AccountReads, arguments: Any) -> CallPreview:
    """Profiles added to one list. Raises MissingRecord where there is no such list."""
    id_ = arguments.list_id
    page = await _list_reader(reads, id_, "list_id")()
    count = count_noun(len(arguments.profile_ids), "profile")
    lines = (f"add {count} to the {_list_words(page, id_)}.", _triggers(page))
    return CallPreview(lines, {id_: _list_facts(page)})


async def preview_import(reads: AccountReads, arguments: Any) -> CallPreview:
    """Profiles imported, and added to the lists of the call. Raises MissingRecord where one of these is not there."""
    people, ids = arguments.profiles, arguments.list_ids or []
    # The facts are those of all lists; only those that are shown are counted.
    pages = await run_together(
        *(_list_reader(reads, id_, "list_ids", counts=place < MAX_LISTS) for place, id_ in enumerate(ids))
    )
    lines = [f"create or update {count_noun(len(people), 'profile')}: {identifiers(people)}."]
    lines += [
        f"Add them to the {_list_words(page, id_)}. {_triggers(page)}"
        for id_, page in zip(ids[:MAX_LISTS], pages, strict=False)
    ]
    if len(ids) > MAX_LISTS:
        lines.append(f"Add them to {len(ids) - MAX_LISTS} more lists.")
    if not ids:
        lines.append("They join no list. Their consent does not change.")
    return CallPreview(tuple(lines), {id_: _list_facts(page) for id_, page in zip(ids, pages, strict=True)})


def _list_reader(reads: AccountReads, id_: str, argument: str, *, counts: bool = True) -> Callable[[], Any]:
    count: dict[str, Any] = {"fields": ("profile_count",), "additional_fields": ["profile_count"]}

    async def read() -> Page | None:
        query = count if counts and reads.counts else {}
        page = await reads.page_or_none("get_list", list_id=id_, include=[TRIGGERS], **query)
        return require_record(page, argument, "list")

    return read


def _list_words(page: Page | None, id_: str) -> str:
    count = count_noun(attribute_of(page, "profile_count"), "profile")
    return f"{describe_record('list', page, id_)}, which holds {count}"


def _list_facts(page: Page | None) -> Mapping[str, Any]:
    if page is None or not page.records:
        return {}
    return {
        "name": label_of(page.records[0]),
        "flows": {record.id: stable_attributes(record) for record in _flows(page)},
    }


def _triggers(page: Page | None) -> str:
    """The flows that a new member of a list starts."""
    if page is None or not page.records:
        return "Whether this starts a flow that messages them is unknown."
    flows = _flows(page)
    live = [record for record in flows if record.attributes.get("status") == "live"]
    others = [record for record in flows if record not in live]
    if not flows:
        return "This starts no flow."
    sentences = []
    if live:
        sentences.append(f"This starts {count_noun(len(live), 'live flow')}, which may message them: {_names(live)}.")
    if others:
        verb = "is" if len(others) == 1 else "are"
        also = " also" if live else ""
        sentences.append(
            f"{count_noun(len(others), 'flow')} that {verb} not live yet would{also} start if set live: "
            f"{_names(others)}."
        )
    return " ".join(sentences)


def _flows(page: Page) -> list[Record]:
    """The flows that are joined. They were included, so that a record without any has none."""
    related = page.records[0].related.get(TRIGGERS)
    ids = related.ids if related is not None else ()
    return [page.included.get(("flow", id_)) or Record("flow", id_, {}, {}) for id_ in ids]


def _names(flats: Sequence[Record]) -> str:
    return list_names([label_of(record) or record.id for record in flats])
