"""Previews as operations declare them: the record that a call changes, the records joined to it, and the arguments.

Names come from the account or from strangers: each is cleaned, kept to one line and quoted, so that none can pass for
words of ours. A value that cannot be read is shown as unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from klaviyo_mcp.account.reads import AccountReads, require_record, run_together
from klaviyo_mcp.answers.values import value_at
from klaviyo_mcp.answers.view import is_untrusted
from klaviyo_mcp.answers.wording import (
    count_noun,
    describe,
    describe_record,
    label_of,
    list_names,
    quote,
    singular,
    trusted_label_of,
)
from klaviyo_mcp.errors import ArgumentError
from klaviyo_mcp.safety.previews import changes
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.previews.sentences import Placeholder, argument_words, parts_of, placeholders
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import Attribute, TextEdits, place_of
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.operation import edits
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.preview import Preview
from klaviyo_tools.registry import resource_type

RECORD = "record"
"""The placeholder of the record."""
UNKNOWN = "unknown"


async def preview_record(reads: AccountReads, operation: Operation, arguments: Any) -> CallPreview:
    """The preview of a call from its declaration. Raises MissingRecord where the record is not there."""
    declared = operation.preview if isinstance(operation.preview, Preview) else Preview()
    source = record_source(reads, operation, declared)
    sentences = declared.sentences or _usual_sentences(operation, source)
    parts = [part for part in placeholders(sentences) if part.of not in type(arguments).model_fields]
    record, lines = None, []
    facts: dict[str, Any] = {}
    is_update = source is not None and operation.method == "PATCH" and source.read.resource == operation.resource
    changed: list[str] = []
    if source is not None and (parts or is_update or _shows_record(declared)):
        id_ = str(getattr(arguments, source.argument))
        stored = edits.stored_query(operation, source.read, arguments, reads.revision) if is_update else None
        page, *counts, contents = await run_together(
            partial(_read_record, reads, source, id_, declared, parts, stored),
            *(partial(reads.count_linked, source.read.name, id_, name) for name in declared.linked),
            partial(_read_contents, reads, declared.contents, id_),
        )
        record = ShownRecord(source.kind, id_, page, reads.hide)
        lines = [*_facts_line(record, declared), *_joined_lines(record, declared)]
        lines += [_linked_line(declared.linked, counts)] if declared.linked else []
        if declared.contents:
            lines.append(_contents_line(reads.registry[declared.contents], contents, hide=reads.hide))
        facts = record.facts(declared)
        if is_update and record.stored_record is not None:
            changed, facts["changes"] = _changes(operation, arguments, record)
        if contents is not None:
            facts["contents"] = sorted(record.id for record in contents.records)
    first, *others = (_filled(sentence, arguments, record) for sentence in sentences)
    values = (
        _values_line(operation, arguments, changes_shown=bool(changed)) if changed or not declared.sentences else []
    )
    return CallPreview((first, *changed, *lines, *others, *values), facts)


def _changes(operation: Operation, arguments: Any, record: ShownRecord) -> tuple[list[str], dict[str, Any]]:
    """The changes of an update in words, and the stored values of the attributes that it sends."""
    assert record.stored_record is not None
    stored = record.stored_record.attributes
    try:
        sent, text_changes = edits.edit_record(operation, arguments, stored)
    except ArgumentsError as fault:
        raise ArgumentError(f"{operation.name} was not sent: {fault}") from None
    lines = changes.change_lines(
        record.stored_record.type, changes.find_changes(record.stored_record.type, stored, sent), hide=record.hide
    )
    # The change of a short text shows its one place already.
    places = [one for one in text_changes if one.times > 1 or len(one.text) > changes.VALUE_CHARACTERS]
    lines += changes.replacement_lines(places)
    if sent and not lines:
        lines = ["All attributes that it sends have these values already."]
    return lines, {name: stored.get(name) for name in sent}


class RecordSource(NamedTuple):
    """The read of the record that a call changes, and the argument of the call that holds its id."""

    read: Operation
    argument: str

    @property
    def kind(self) -> str:
        """The everyday word for such a record: `list`, `flow action`."""
        return singular(self.read.resource)


def record_source(reads: AccountReads, operation: Operation, declared: Preview) -> RecordSource | None:
    """Where the record of a call is read from; None where the call changes none that can be read."""
    if declared.record:
        type_, argument = declared.record
        return RecordSource(reads.registry.record_reads[type_], argument)
    read = reads.registry.read_in_path(operation)
    return RecordSource(read, operation.path_ids[-1]) if read else None


class ShownRecord(NamedTuple):
    """A record as it was read: `page` is None where that failed. `hide` leaves out what strangers wrote."""

    kind: str
    id: str
    page: Page | None
    hide: bool

    @property
    def name(self) -> str:
        """`list "Newsletter" (id Y6nRLr)`."""
        if self.stored_record is not None and label_of(self.stored_record) and not self.joined_name(self.stored_record):
            return f"{self.kind} with id {describe(self.id)}"
        return describe_record(self.kind, self.page, self.id)

    @property
    def stored_record(self) -> Record | None:
        return self.page.records[0] if self.page is not None and self.page.records else None

    def attribute(self, path: str) -> Any:
        """An attribute, None where it is unknown."""
        return value_at(self.stored_record.attributes, path.split(".")) if self.stored_record is not None else None

    def shown_attribute(self, path: str) -> Any:
        """An attribute, None where it is unknown or hidden."""
        is_hidden = (
            self.hide and self.stored_record is not None and is_untrusted(resource_type(self.stored_record.type), path)
        )
        return None if is_hidden else self.attribute(path)

    def joined(self, relationship: str) -> list[Record]:
        """The records that a relationship leads to; one that was not included has nothing but its id."""
        related = self.stored_record.related.get(relationship) if self.stored_record is not None else None
        if self.page is None or related is None:
            return []
        return [self.page.included.get((related.type, id_)) or Record(related.type, id_, {}, {}) for id_ in related.ids]

    def joined_name(self, record: Record) -> str:
        """The name of a joined record, empty where it has none that may be shown."""
        return label_of(record) if not self.hide else trusted_label_of(record)

    def facts(self, declared: Preview) -> dict[str, Any]:
        """The facts that the preview rests on, empty where the record could not be read."""
        if self.stored_record is None:
            return {}
        attributes = {name: self.attribute(name) for name in declared.facts}
        joined = {
            name: {record.id: stable_attributes(record) for record in self.joined(name)} for name in declared.joined
        }
        return {
            "id": self.id,
            "name": label_of(self.stored_record),
            **stable_attributes(self.stored_record),
            **attributes,
            **joined,
        }


def _usual_sentences(operation: Operation, source: RecordSource | None) -> tuple[str, ...]:
    if operation.effect is Effect.DELETE and source is not None:
        return ("delete the {record}.",)
    title = operation.title.lower()
    if operation.path_ids:
        return (f"{title}: {{record}}." if source else f"{title}: id {{{operation.path_ids[-1]}}}.",)
    return (f"{title}.",)


def _values_line(operation: Operation, arguments: Any, *, changes_shown: bool = False) -> list[str]:
    """The arguments; without the attributes where their changes are shown."""
    left_out = set(operation.path_ids)
    if changes_shown:
        fields = type(arguments).model_fields
        left_out |= {name for name in fields if isinstance(place_of(fields[name]), Attribute | TextEdits | None)}
    values = arguments.model_dump(exclude_unset=True, exclude=left_out)
    return [f"Values: {describe(values)}"] if values else []


def _shows_record(declared: Preview) -> bool:
    return bool(
        declared.record
        or declared.facts
        or declared.profile_count
        or declared.joined
        or declared.linked
        or declared.contents
    )


async def _read_record(
    reads: AccountReads,
    source: RecordSource,
    id_: str,
    declared: Preview,
    parts: Sequence[Placeholder],
    stored: edits.StoredQuery | None,
) -> Page | None:
    include = dict.fromkeys([*declared.joined, *(part.of for part in parts if part.of != RECORD)])
    fields = [*declared.facts, *resource_type(source.read.resource).stable_attributes]
    fields += (".".join(part.path) for part in parts if part.of == RECORD and part.path)
    query: dict[str, Any] = {"include": list(include)} if include else {}
    if stored is not None:
        fields += (name for name in stored.fields if resource_type(source.read.resource).declares(name))
        if stored.additional_fields:
            query["additional_fields"] = list(stored.additional_fields)
    if declared.profile_count and reads.counts:
        query["additional_fields"], fields = ["profile_count"], [*fields, "profile_count"]
    page = await reads.page_or_none(source.read.name, fields=fields, **{source.read.path_ids[-1]: id_}, **query)
    return require_record(page, source.argument, source.kind)


async def _read_contents(reads: AccountReads, contents: str, id_: str) -> Page | None:
    if not contents:
        return None
    return await reads.page_or_none(contents, **{reads.registry[contents].path_ids[-1]: id_})


def _facts_line(record: ShownRecord, declared: Preview) -> list[str]:
    """The line of the attributes, and that of the profiles."""
    words = [
        f"{name.replace('_', ' ')}: {describe(value)}"
        for name in declared.facts
        if (value := record.shown_attribute(name))
    ]
    lines = [f"{', '.join(words)}."] if words else []
    lines = [f"{line[0].upper()}{line[1:]}" for line in lines]
    if declared.profile_count:
        count = record.attribute("profile_count")
        stay = "stays" if count == 1 else "stay"
        lines.append(f"It holds {count_noun(count, 'profile')}, which {stay} in the account.")
    return lines


def _joined_lines(record: ShownRecord, declared: Preview) -> list[str]:
    lines = []
    for relationship, verb in declared.joined.items():
        if joined := record.joined(relationship):
            names = [name for one in joined if (name := record.joined_name(one))]
            count = count_noun(len(joined), singular(joined[0].type))
            lines.append(f"It {verb} {count}{f': {list_names(names)}' if names else ''}.")
    return lines


def _linked_line(relationships: Sequence[str], counts: Sequence[int | None]) -> str:
    on = [count_noun(count, name[:-1]) for name, count in zip(relationships, counts, strict=True) if count != 0]
    return f"It is on {', '.join(on)}." if on else "It is on nothing."


def _contents_line(read: Operation, page: Page | None, *, hide: bool) -> str:
    is_whole = page is not None and page.next_cursor is None
    records = page.records if page is not None else ()
    count = count_noun(len(records) if is_whole else None, singular(read.resource))
    names = [(trusted_label_of(record) if hide else label_of(record)) or record.id for record in records]
    return f"It contains {count}{f': {list_names(names)}' if names else ''}."


def _filled(sentence: str, arguments: Any, record: ShownRecord | None) -> str:
    return "".join(part if isinstance(part, str) else _words(part, arguments, record) for part in parts_of(sentence))


def _words(part: Placeholder, arguments: Any, record: ShownRecord | None) -> str:
    if part.of in type(arguments).model_fields:
        return argument_words(getattr(arguments, part.of), part)
    if record is None:
        return UNKNOWN
    if part.of == RECORD:
        return describe(record.shown_attribute(".".join(part.path)) or UNKNOWN) if part.path else record.name
    joined = record.joined(part.of)
    if part.path:
        return describe((value_at(joined[0].attributes, part.path) if joined else None) or UNKNOWN)
    if not joined:
        return f"an unknown {part.of}" if record.stored_record is None else f"no {part.of}"
    return f"{singular(joined[0].type)} {quote(record.joined_name(joined[0]) or joined[0].id)}"
