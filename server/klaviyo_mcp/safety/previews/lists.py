"""Previews of calls that add profiles to lists: how many, to which lists, and the flows that this starts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple

from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record, run_together
from klaviyo_mcp.answers.wording import count_noun, describe_record, label_of, list_names
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.previews.sentences import identifiers
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_mcp.safety.triggers import TRIGGERS, is_live, joined_flows
from klaviyo_tools.jsonapi.records import Page, Record

MAX_LISTS = 25
"""Lists that are shown with their sizes and flows; of the others the names are."""
MAX_COUNTED = 10
"""Lists whose size is read: Klaviyo allows one such read a second, and a preview does not wait for more."""
MAX_NAMES = 30


async def preview_members(reads: AccountReads, arguments: Any) -> CallPreview:
    """Profiles added to one list. Raises MissingRecord where there is no such list."""
    id_ = arguments.list_id
    one = await _list_reader(reads, id_, "list_id")()
    count = count_noun(len(arguments.profile_ids), "profile")
    return CallPreview((f"add {count} to the {one.words}.", _triggers(one.page)), {id_: _list_facts(one.page)})


async def preview_import(reads: AccountReads, arguments: Any) -> CallPreview:
    """Profiles imported, and added to the lists of the call. Raises MissingRecord where one of these is not there."""
    people, ids = arguments.profiles, list(dict.fromkeys(arguments.list_ids or []))
    lists = await run_together(*(_list_reader(reads, id_, "list_ids", place) for place, id_ in enumerate(ids)))
    lines = [f"create or update {count_noun(len(people), 'profile')}: {identifiers(people)}."]
    lines += _joining_lines(lists)
    if not ids:
        lines.append("They join no list. Their consent does not change.")
    return CallPreview(tuple(lines), {one.id: _list_facts(one.page) for one in lists})


class JoinedList(NamedTuple):
    """A list that profiles join: its document, None where it cannot be read, and its size, None where it is unknown."""

    id: str
    page: Page | None
    size: int | None

    @property
    def name(self) -> str:
        return (label_of(self.page.records[0]) if self.page is not None else "") or self.id

    @property
    def words(self) -> str:
        """`list "Newsletter" (id Y6nRLr), which holds 250 profiles`."""
        return f"{describe_record('list', self.page, self.id)}, which holds {count_noun(self.size, 'profile')}"

    @property
    def is_quiet(self) -> bool:
        """Whether it surely starts no live flow."""
        return self.page is not None and not any(
            is_live(flow) for flow in joined_flows(self.page, self.page.records[0])
        )


def _joining_lines(lists: Sequence[JoinedList]) -> list[str]:
    """The lists: those that start a live flow first, or may start one, then the others from the largest on."""
    order = sorted(lists, key=lambda one: (one.is_quiet, -(float("inf") if one.size is None else one.size)))
    shown, rest = order[:MAX_LISTS], order[MAX_LISTS:]
    lines = [f"Add them to the {one.words}. {_triggers(one.page)}" for one in shown]
    if rest:
        loud = sum(not one.is_quiet for one in rest)
        starting = f"{loud} of which start a live flow or may" if loud else "none of which starts a live flow"
        names = list_names([one.name for one in rest], MAX_NAMES)
        lines.append(f"Add them to {count_noun(len(rest), 'more list')}, {starting}: {names}.")
    return lines


def _list_reader(
    reads: AccountReads, id_: str, argument: str, place: int = 0
) -> Callable[[], Coroutine[Any, Any, JoinedList]]:
    """Reads a list. Its size is read apart: Klaviyo allows few of these reads, and the flows must not wait for them."""

    async def read_page() -> Page | None:
        page = await reads.page_or_none("get_list", list_id=id_, include=[TRIGGERS])
        return require_record(page, argument, "list")

    async def read_size() -> int | None:
        if not reads.counts or place >= MAX_COUNTED:
            return None
        page = await reads.page_or_none(
            "get_list", list_id=id_, fields=("profile_count",), additional_fields=["profile_count"]
        )
        size = attribute_of(page, "profile_count")
        return size if isinstance(size, int) else None

    async def read() -> JoinedList:
        page, size = await run_together(read_page, read_size)
        return JoinedList(id_, page, size)

    return read


def _list_facts(page: Page | None) -> Mapping[str, Any]:
    if page is None or not page.records:
        return {}
    flows = joined_flows(page, page.records[0])
    return {"name": label_of(page.records[0]), "flows": {record.id: stable_attributes(record) for record in flows}}


def _triggers(page: Page | None) -> str:
    """The flows that a new member of a list starts."""
    if page is None or not page.records:
        return "Whether this starts a flow that messages them is unknown."
    flows = joined_flows(page, page.records[0])
    live = [record for record in flows if is_live(record)]
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


def _names(flats: Sequence[Record]) -> str:
    return list_names([label_of(record) or record.id for record in flats])
