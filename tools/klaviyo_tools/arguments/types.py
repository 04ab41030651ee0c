"""The model that all arguments derive from, and the value types that the areas share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo

from klaviyo_tools.arguments.annotations import alternatives, is_model, marks_of, takes_text
from klaviyo_tools.arguments.marks import CLEARS, UNLISTED, Brief, since_of
from klaviyo_tools.arguments.places import AnswerOption


class Arguments(BaseModel):
    """Arguments of an operation, or an object inside them: forgiving about form, strict about names and values.

    JSON text is decoded where an object or array is expected, a single value becomes a list of one, and null means
    "not given" unless the field is `clearable`. An unknown name is refused.
    """

    model_config = ConfigDict(
        extra="forbid",
        defer_build=True,
        coerce_numbers_to_str=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )

    @model_validator(mode="before")
    @classmethod
    def _normalize(cls, source: Any) -> Any:
        if not isinstance(source, Mapping):
            return source
        shapes = _shapes(cls)
        values: dict[str, Any] = {}
        for name, value in source.items():
            shape = shapes.get(name)
            if value is None and shape is not None and not shape.clears:
                continue
            values[name] = value if shape is None else shape.normalize(value)
        return values


@dataclass(frozen=True, slots=True)
class _Shape:
    """The kinds of value that a field takes."""

    is_list: bool
    is_object: bool
    items_are_strings: bool
    clears: bool

    def normalize(self, value: Any) -> Any:
        if isinstance(value, str) and (self.is_list or self.is_object):
            text = value.strip()
            if text[:1] in ("[", "{"):
                try:
                    return json.loads(text)
                except (ValueError, RecursionError):
                    return value
            if self.items_are_strings:
                return [part.strip() for part in text.split(",") if part.strip()]
        if self.is_list and isinstance(value, (str, int, float, dict)):
            return [value]
        return value


@cache
def _shapes(model: type[Arguments]) -> Mapping[str, _Shape]:
    return {field.alias or name: _shape(field) for name, field in model.model_fields.items()}


def _shape(field: FieldInfo) -> _Shape:
    kinds = list(alternatives(field.annotation))
    lists = [kind for kind in kinds if get_origin(kind) is list or kind is list]
    return _Shape(
        is_list=bool(lists),
        is_object=any(get_origin(k) is dict or k is dict or is_model(k) for k in kinds),
        items_are_strings=any(takes_text(item) for kind in lists for item in get_args(kind)),
        clears=CLEARS in marks_of(field),
    )


# Value types.


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text


def _plain_id(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: give the id, as a list call shows it")
    if text in (".", "..") or any(c in "/\\?#%&" or c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"{text[:60]!r} is not an id: give the id alone, not a path, URL or name")
    return text


def _catalog_id(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty: catalog ids look like $custom:::$default:::SKU-1")
    if text in (".", "..") or not text.isprintable():
        raise ValueError(f"{text[:60]!r} is not a catalog id: they look like $custom:::$default:::SKU-1")
    return text


_MINUTES = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?=$|Z|[+-])")


def _timestamp(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 time such as 2026-03-01T09:00:00Z") from None
    if len(text) <= 10:
        return f"{moment.date().isoformat()}T00:00:00Z"
    # Klaviyo refuses a time without seconds.
    text = _MINUTES.sub(r"\1T\2:00", text.replace(" ", "T", 1))
    return text if moment.tzinfo else f"{text}Z"


def _day(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()[:10]
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        raise ValueError(f"{value[:40]!r} is not a date such as 2026-03-01") from None


Text = Annotated[str, AfterValidator(_not_blank)]
"""A string that is not blank."""
Id = Annotated[str, StringConstraints(strip_whitespace=True, max_length=256), AfterValidator(_plain_id)]
"""A Klaviyo id, without a path, URL or white space."""
CatalogId = Annotated[str, StringConstraints(strip_whitespace=True, max_length=512), AfterValidator(_catalog_id)]
"""A compound id (`$custom:::$default:::SKU-1`), which ends in the shop's own id of a product."""
Timestamp = Annotated[str, BeforeValidator(_timestamp)]
"""ISO 8601. A time without an offset is UTC, a date alone is midnight UTC."""
Day = Annotated[str, BeforeValidator(_day)]
"""A calendar date, `2026-03-01`."""
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+[1-9]\d{4,14}$")]
"""E.164: `+` and digits."""
OpenObject = dict[str, Any]
"""An object with keys of the account's own, or with too many to list."""


def clearable(kind: Any) -> Any:
    """The type of an optional field whose null clears the value in Klaviyo."""
    return Annotated[kind | None, CLEARS]


def one_line_schema(model: type[Arguments], text: str | None = None) -> WithJsonSchema:
    """A mark on the type of an object: its schema is one line, by default its keys, without their types."""
    return WithJsonSchema({"type": "object", "description": text or argument_names(model)})


def models_in(annotation: Any) -> Iterator[type[Arguments]]:
    """The models of arguments in a type, also those inside its lists."""
    for kind in alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, Arguments):
            yield kind
        for inner in get_args(kind):
            yield from models_in(inner)


def argument_names(model: type[Arguments], revision: str | None = None) -> str:
    """The keys of an object that a revision takes, joined by commas."""
    fields = model.model_fields.items()
    return ", ".join(f.alias or name for name, f in fields if revision is None or (since_of(f) or "") <= revision)


# Arguments of reads.

MAX_RESULTS = 1000
DEFAULT_RESULTS = 50

MaxResults = Annotated[int, Field(ge=1, le=MAX_RESULTS), AnswerOption(), Brief()]
Cursor = Annotated[Text, AnswerOption()]
CountBy = Annotated[Text, AnswerOption()]
Detail = Annotated[Literal["summary", "full"], AnswerOption(), Brief()]
FieldNames = Annotated[list[Text], AnswerOption(), Brief(names=True)]
FieldsOfOne = Annotated[list[Text], AnswerOption(), UNLISTED]
Offset = Annotated[
    int, Field(ge=0, description="with one field: its text from this character on"), AnswerOption(), UNLISTED
]
IdsOnly = Annotated[bool, AnswerOption(), UNLISTED]
Wait = Annotated[bool, AnswerOption(), Brief(), Field(description="until the job is done")]
