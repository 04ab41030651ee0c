"""The argument vocabulary that all areas share: the model they derive from, places in the request, and value types."""

from __future__ import annotations

import difflib
import json
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from typing import cast as typing_cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo


class ArgumentsError(ValueError):
    """The arguments of a call do not fit its model. The message names each fault and its remedy; nothing was sent."""


# Places: where in the request a field's value goes. Without one it is a JSON:API attribute of the same name.


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute whose name in Klaviyo is not the argument's; a dotted path goes into objects."""

    name: str


@dataclass(frozen=True, slots=True)
class Relationship:
    """Ids under `data.relationships`, many where the field is a list. `name` defaults to the argument's, hyphenated."""

    type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Plain objects that Klaviyo wants as resources inside an attribute, under its `data`."""

    type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """`data.id`: what the operation acts on, where that is not in the path."""


@dataclass(frozen=True, slots=True)
class Meta:
    """A value under `data.meta`, at this dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class PathId:
    """An id in the operation's path."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter of this name; lists are comma-joined."""

    name: str


@dataclass(frozen=True, slots=True)
class Linkage:
    """The whole of `data`: resource identifiers of this type, a list or one."""

    type: str


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a multipart form."""

    name: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Shapes our answer (`detail`, `max_results` …) and is not sent as it stands."""


Place = Attribute | Relationship | Embedded | Target | Meta | PathId | Query | Linkage | Part | Reading
PLACES = get_args(Place)


@dataclass(frozen=True, slots=True)
class Since:
    """The revision of Klaviyo's API from which on this argument exists."""

    revision: str


@dataclass(frozen=True, slots=True)
class Brief:
    """How the list of tools tells an argument, where its whole schema (`describe_tool`) says more than most calls need.

    Its type with `text` for a description and no enumeration; names are listed as one text, comma-separated, which is
    taken as well. Not `listed`, it is left out.
    """

    text: str = ""
    listed: bool = True
    names: bool = False


UNLISTED = Brief(listed=False)


@dataclass(frozen=True, slots=True, eq=False)
class Varies:
    """Values of this argument that not every revision of Klaviyo's API takes."""

    since: Mapping[str, str]
    """Value -> the revision from which on it exists."""
    describe: Callable[[str], str] | None = None
    """The argument's description at a revision; empty where no value is left."""
    named: Callable[[str], Iterable[str]] | None = None
    """The values in a text, where that is more than one."""
    until: Mapping[str, str] = field(default_factory=dict)
    """Value -> the revision that no longer takes it."""

    def takes(self, value: str, revision: str) -> bool:
        """Whether a revision takes a value."""
        return self.since.get(value, "") <= revision < self.until.get(value, "~")

    def refuse(self, argument: str, given: object, revision: str) -> None:
        """Raises ArgumentsError for a value that the revision does not take."""
        values = self.named(given) if self.named and isinstance(given, str) else given
        for value in [values] if isinstance(values, str) else values if isinstance(values, Iterable) else ():
            if not self.takes(value, revision):
                when = self.since.get(value)
                span = f"from revision {when} on" if when else f"only before revision {self.until[value]}"
                raise ArgumentsError(f"{argument}: {value} exists {span} (KLAVIYO_REVISION)")


@dataclass(frozen=True, slots=True)
class _Clears:
    """Marks a field whose null is sent, to clear what Klaviyo holds."""


CLEARS = _Clears()


def place_of(field: FieldInfo) -> Place | None:
    """Where the field's value goes, or None for an attribute of the same name."""
    return next((typing_cast(Place, mark) for mark in _marks(field) if isinstance(mark, PLACES)), None)


def since_of(field: FieldInfo) -> str | None:
    """The revision from which on the field exists, where that is not the oldest we speak."""
    return next((mark.revision for mark in _marks(field) if isinstance(mark, Since)), None)


def brief_of(field: FieldInfo) -> Brief | None:
    """How the field is told in the list of tools, where that is not its whole schema."""
    return next((mark for mark in _marks(field) if isinstance(mark, Brief)), None)


def varies_of(field: FieldInfo) -> Varies | None:
    """What of the field's values depends on the revision."""
    return next((mark for mark in _marks(field) if isinstance(mark, Varies)), None)


def _marks(field: FieldInfo) -> Iterator[object]:
    """What is annotated to the field, or to the type beside None in it."""
    yield from field.metadata
    if get_origin(field.annotation) in (Union, types.UnionType):
        for member in get_args(field.annotation):
            if get_origin(member) is Annotated:
                yield from get_args(member)[1:]


class Arguments(BaseModel):
    """Arguments of an operation, or an object inside them. Forgiving in, strict out.

    JSON text is decoded where an object or array is expected, a lone value becomes a list of one, null means
    "not given" unless the field clears; anything unknown is refused.
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
    def _forgive(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        shapes = _shapes(cls)
        kept: dict[str, Any] = {}
        for name, value in given.items():
            shape = shapes.get(name)
            if value is None and shape is not None and not shape.clears:
                continue
            kept[name] = value if shape is None else shape.forgive(value)
        return kept


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a field expects, as far as forgiving needs it."""

    is_list: bool
    is_object: bool
    items_are_strings: bool
    clears: bool

    def forgive(self, value: Any) -> Any:
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
    kinds = list(_alternatives(field.annotation))
    lists = [kind for kind in kinds if get_origin(kind) is list or kind is list]
    return _Shape(
        is_list=bool(lists),
        is_object=any(get_origin(k) is dict or k is dict or _is_model(k) for k in kinds),
        items_are_strings=any(_is_text(item) for kind in lists for item in get_args(kind)),
        clears=CLEARS in _marks(field),
    )


def _alternatives(annotation: Any) -> Iterable[Any]:
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member)
    else:
        yield annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_text(annotation: Any) -> bool:
    return any(kind is str or get_origin(kind) is Literal for kind in _alternatives(annotation))


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


def _timestamp(given: object) -> object:
    if isinstance(given, datetime):
        return given.isoformat()
    if not isinstance(given, str):
        return given
    text = given.strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 time such as 2026-03-01T09:00:00Z") from None
    if len(text) <= 10:
        return f"{moment.date().isoformat()}T00:00:00Z"
    # Klaviyo wants the seconds as well.
    text = _MINUTES.sub(r"\1T\2:00", text.replace(" ", "T", 1))
    return text if moment.tzinfo else f"{text}Z"


def _day(given: object) -> object:
    if isinstance(given, (date, datetime)):
        return given.isoformat()[:10]
    if not isinstance(given, str):
        return given
    try:
        return date.fromisoformat(given.strip()).isoformat()
    except ValueError:
        raise ValueError(f"{given[:40]!r} is not a date such as 2026-03-01") from None


Text = Annotated[str, AfterValidator(_not_blank)]
"""A string that says something."""
Id = Annotated[str, StringConstraints(strip_whitespace=True, max_length=256), AfterValidator(_plain_id)]
"""An id of Klaviyo's: no path, URL or white space in it."""
CatalogId = Annotated[str, StringConstraints(strip_whitespace=True, max_length=512), AfterValidator(_catalog_id)]
"""A compound id (`$custom:::$default:::SKU-1`): whatever a shop calls its products."""
Timestamp = Annotated[str, BeforeValidator(_timestamp)]
"""ISO 8601; without an offset it is UTC, a date alone is its midnight."""
Day = Annotated[str, BeforeValidator(_day)]
"""A calendar date, `2026-03-01`."""
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+[1-9]\d{4,14}$")]
"""E.164: `+` and digits."""
Open = dict[str, Any]
"""An object whose keys are the account's own, or too many to list."""


def clearable(kind: Any) -> Any:
    """The type of an optional field whose null clears what Klaviyo holds."""
    return Annotated[kind | None, CLEARS]


def told(model: type[Arguments], text: str | None = None) -> WithJsonSchema:
    """Annotated to the type of an object: its schema is one line (by default the keys), not each key with its type."""
    return WithJsonSchema({"type": "object", "description": text or keys_of(model)})


def keys_of(model: type[Arguments], revision: str | None = None) -> str:
    """The keys of an object, as far as a revision has them."""
    fields = model.model_fields.items()
    return ", ".join(f.alias or name for name, f in fields if revision is None or (since_of(f) or "") <= revision)


_CLOSE = 0.18
"""How much less like what was given a name may be than the most similar one."""


def nearest(given: str, among: Iterable[str], most: int = 3) -> list[str]:
    """The most similar of some names, best first: those about as close as the closest, and those that contain it."""
    names = {name.lower(): name for name in among}
    asked = given.lower().replace("-", "_")
    plain = {name.replace("-", "_"): original for name, original in names.items()}
    found = difflib.get_close_matches(asked, plain, most, 0.5)
    likeness = [difflib.SequenceMatcher(None, name, asked).ratio() for name in found]
    found = [name for name, like in zip(found, likeness, strict=True) if like >= likeness[0] - _CLOSE]
    found += [name for name in plain if asked and asked in name and name not in found]
    return [plain[name] for name in found[:most]]


def one_of(given: str, allowed: Iterable[str], what: str = "") -> str:
    """`given` as Klaviyo writes it (hyphen or underscore alike); a ValueError names the nearest valid values.

    `what` it is, where the argument's name does not say so.
    """
    names = list(allowed)
    for name in names:
        if name == given or name.replace("-", "_") == given.replace("-", "_"):
            return name
    close = nearest(given, names)
    hint = f"did you mean {' or '.join(close)}?" if close else f"valid: {', '.join(names[:12])}"
    raise ValueError(f"{f'{what} ' if what else ''}{given[:60]!r} is unknown; {hint}")


# Checking a call.

Model = TypeVar("Model", bound=Arguments)


def check(model: type[Model], given: Mapping[str, Any], revision: str | None = None) -> Model:
    """Validate what a model wrote. Raises ArgumentsError with every fault in words, the nearest names included.

    With a revision, what Klaviyo does not take at it is refused, wherever it stands.
    """
    try:
        arguments = model.model_validate(given)
    except ValidationError as error:
        faults = [_fault(model, dict(detail)) for detail in error.errors(include_url=False)[:4]]
        raise ArgumentsError("; ".join(dict.fromkeys(faults))) from None
    if revision is not None:
        _refuse_other_revisions(arguments, revision)
    return arguments


def _refuse_other_revisions(arguments: Arguments, revision: str, at: str = "") -> None:
    for name, declared in type(arguments).model_fields.items():
        if name not in arguments.model_fields_set:
            continue
        path, value, since = f"{at}{declared.alias or name}", getattr(arguments, name), since_of(declared)
        if since and since > revision:
            raise ArgumentsError(f"{path} exists from revision {since} on (KLAVIYO_REVISION)")
        if varies := varies_of(declared):
            varies.refuse(path, value, revision)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, Arguments):
                _refuse_other_revisions(inner, revision, f"{path}.")


def _fault(model: type[Arguments], detail: dict[str, Any]) -> str:
    loc = tuple(part for part in detail["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    where = ".".join(str(part) for part in loc) or "arguments"
    kind = detail["type"]
    if kind == "extra_forbidden":
        names = _names_at(model, loc[:-1])
        close = nearest(str(loc[-1]), names)
        hint = f"did you mean {' or '.join(close)}?" if close else f"it takes {', '.join(sorted(names)[:14]) or 'none'}"
        return f"unknown argument {where[:80]!r}: {hint}"
    if kind == "missing":
        return f"{where} is required{_hint(_field_at(model, loc))}"
    if kind == "value_error":
        return f"{where}: {detail['ctx']['error']}"
    if kind == "string_pattern_mismatch":
        return f"{where}: {_shown(detail['input'])} {_expected(where, detail['ctx']['pattern'])}"
    return f"{where}: {_should(kind, detail)}"


_KINDS = {
    "bool": "true or false",
    "dataclass": "an object",
    "dict": "an object",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "mapping": "an object",
    "model": "an object",
    "string": "a text",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _should(kind: str, detail: dict[str, Any]) -> str:
    """What a value should have been, and what it is, in words that no one needs to know a library for."""
    given, facts = detail["input"], detail.get("ctx", {})
    match kind:
        case "too_long":
            most, count = facts["max_length"], facts.get("actual_length") or len(given)
            return f"at most {most:,}, not {count:,}: split the call in {-(-count // most)}"
        case "too_short" if not facts.get("actual_length"):
            return f"is empty: give at least {facts['min_length']}"
        case "too_short":
            return f"at least {facts['min_length']}, not {facts['actual_length']}"
        case "string_too_long":
            return f"at most {facts['max_length']} characters, not {len(str(given))}"
        case "string_too_short":
            return f"at least {facts['min_length']} characters, not {len(str(given))}"
        case "literal_error" | "enum":
            return f"should be {facts['expected']}, not {_shown(given)}"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        bound = int(facts[name]) if facts[name] == int(facts[name]) else facts[name]
        return f"should be {words} {bound}, not {_shown(given)}"
    what = _KINDS.get(kind.partition("_")[0])
    if what:
        return f"should be {what}, not {_shown(given)}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, not {_shown(given)}"


def _expected(where: str, pattern: str) -> str:
    if pattern.startswith(r"^\+"):
        return "is not a phone number in E.164 form such as +14155550123"
    if "@" in pattern:
        return "is not an e-mail address"
    return f"does not match {pattern}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _hint(field: FieldInfo | None) -> str:
    """What a missing argument looks like: an example, its description, or the keys that it takes."""
    if field is None:
        return ""
    if field.examples:
        example = field.examples[0]
        if isinstance(example, str):
            return f", such as {example}"
        short = example[:3] if isinstance(example, list) and len(example) > 5 else example
        return f", such as {json.dumps(short, ensure_ascii=False)}"
    simple = [mark.json_schema or {} for mark in _marks(field) if isinstance(mark, WithJsonSchema)]
    told = field.description or next((str(one["description"]) for one in simple if "description" in one), "")
    inner = next(models_in(field.annotation), None)
    if not told and inner is not None:
        told = f"{'objects' if get_origin(field.annotation) is list else 'an object'} of {keys_of(inner)}"
    if not told and get_origin(field.annotation) is Literal:
        told = " or ".join(map(str, get_args(field.annotation)))
    return f" ({told if len(told) <= 160 else f'{told[:159]}…'})" if told else ""


def _field_at(model: type[Arguments], path: tuple[int | str, ...]) -> FieldInfo | None:
    names = [part for part in path if not isinstance(part, int)]
    for part in names:
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        if field is None or part == names[-1]:
            return field
        inner = next(models_in(field.annotation), None)
        if inner is None:
            return None
        model = inner
    return None


def _names_at(model: type[Arguments], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        if isinstance(part, int):
            continue
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        inner = next(models_in(field.annotation), None) if field else None
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def models_in(annotation: Any) -> Iterator[type[Arguments]]:
    """The models of arguments that a type holds, those inside a list among them."""
    for kind in _alternatives(annotation):
        if _is_model(kind):
            yield kind
        for inner in get_args(kind):
            yield from models_in(inner)


# Arguments that every reading operation takes.

MAX_RESULTS = 1000
DEFAULT_RESULTS = 50

MaxResults = Annotated[int, Field(ge=1, le=MAX_RESULTS), Reading(), Brief()]
Cursor = Annotated[Text, Reading()]
CountBy = Annotated[Text, Reading()]
Detail = Annotated[Literal["summary", "full"], Reading(), Brief()]
FieldNames = Annotated[list[Text], Reading(), Brief(names=True)]
FieldsOfOne = Annotated[list[Text], Reading(), UNLISTED]
IdsOnly = Annotated[bool, Reading(), UNLISTED]
Wait = Annotated[bool, Reading(), Brief(), Field(description="until the job is done")]
