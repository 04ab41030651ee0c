"""A forgiving reader of Klaviyo's filter language: as Klaviyo writes it, and as models do.

Which fields and operators an operation takes is not known here: that is `filters`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from klaviyo_tools.filters.tree import (
    ABSENT,
    LIST_OPERATORS,
    MAX_NESTING,
    NAME,
    AbsentValue,
    And,
    Comparison,
    Filter,
    FilterError,
    Not,
    Or,
    Scalar,
    UnknownOperator,
    Value,
    render_literal,
    value_text,
)

_SYNONYMS = {
    "equals": "= == === : eq equal equals equal-to equals-to is is-equal-to",
    "any": "in any any-of is-in one-of is-any-of is-one-of",
    "contains": "contains contain includes",
    "contains-any": "contains-any contains-any-of",
    "contains-all": "contains-all contains-all-of",
    "starts-with": "starts-with start-with begins-with",
    "ends-with": "ends-with end-with",
    "greater-than": "> gt greater greater-than is-greater-than more-than after is-after",
    "greater-or-equal": ">= ≥ gte ge greater-or-equal greater-or-equal-to greater-than-or-equal"
    " greater-than-or-equal-to greater-than-equal at-least since on-or-after",
    "less-than": "< lt less less-than is-less-than before is-before",
    "less-or-equal": "<= ≤ lte le less-or-equal less-or-equal-to less-than-or-equal less-than-or-equal-to"
    " less-than-equal at-most on-or-before",
    "has": "has exists",
}
_NEGATED = {
    "equals": "!= <> ≠ ne neq not-equal not-equals not-equal-to is-not does-not-equal",
    "any": "not-in nin not-any is-not-in",
    "contains": "not-contains does-not-contain",
}


def _squash(name: str) -> str:
    return re.sub(r"[-_\s$]", "", name).lower()


_MEANINGS: dict[str, tuple[str, bool]] = {
    _squash(word): (operator, negated)
    for table, negated in ((_SYNONYMS, False), (_NEGATED, True))
    for operator, words in table.items()
    for word in words.split()
}
_WORDS = sorted(
    {word for table in (_SYNONYMS, _NEGATED) for words in table.values() for word in words.split()},
    key=lambda word: (-len(word), word),
)
_INFIX = re.compile(
    "|".join(r"[-_\s]*".join(w.split("-")) + r"(?![\w-])" if w[0].isalpha() else re.escape(w) for w in _WORDS), re.I
)

_DOUBLE, _SINGLE = "\u201c\u201d", "\u2018\u2019"
_QUOTES = {'"': '"', "'": "'", "`": "`", "\u201e": _DOUBLE}
_QUOTES |= dict.fromkeys(_DOUBLE, _DOUBLE) | dict.fromkeys(_SINGLE, _SINGLE)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"} | {c: c for c in "\"'\\/`" + _DOUBLE + _SINGLE}
_NAME = re.compile(NAME)
_BARE = re.compile(r"""[^,()\[\]{}"\u201c\u201d\u201e`<>=\\]*""")
_QUOTE_IN_BARE = re.compile(r"(?<!\w)['\u2018\u2019]|['\u2018\u2019](?!\w)")
_CONNECTOR = re.compile(r"(?:and|or)(?![\w-])|&&|\|\|", re.I)
_AND_AFTER_COMMA = re.compile(r"and\s+(?!\()", re.I)
_CONNECTOR_IN_BARE = re.compile(r"\s(?:and|or)(?=[\s(]|$)|&&|\|\|", re.I)
_CALL = re.compile(r"([$A-Za-z][\w-]*)\s*\(")


def parse_filter(text: str) -> Filter:
    """The tree of a filter, as Klaviyo writes it or as a model might. Raises FilterError and nothing else."""
    return _Reader(text).whole()


def operator_named(word: str) -> tuple[str, bool] | None:
    """Klaviyo's operator for a word or sign (`gte`, `>=`, `starts_with`) and whether it is negated; None if unknown."""
    return _MEANINGS.get(_squash(word))


def operator_words() -> list[str]:
    """Every word that `operator_named` knows, to find the nearest."""
    return _WORDS


class _Reader:
    """Recursive descent over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def fail(self, message: str, at: int | None = None) -> FilterError:
        return FilterError(message, self.at if at is None else at)

    def whole(self) -> Filter:
        self.space()
        if self.ended():
            raise self.fail("the filter is empty")
        found = self.alternatives()
        if not self.ended():
            stray = value_text(self.text[self.at :], 20)
            raise self.fail("a closing parenthesis too many" if self.peek() == ")" else f"unexpected text {stray}")
        return found

    def whole_field(self) -> str | None:
        try:
            name = self.field(spaces=True)
        except FilterError:
            return None
        return name if self.ended() else None

    # The text.

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def ended(self) -> bool:
        return self.at >= len(self.text)

    def space(self) -> None:
        while self.peek().isspace():
            self.at += 1

    def take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self.space()
        return True

    def closing(self, sign: str, opened: int) -> None:
        if self.take(sign):
            return
        if self.ended():
            raise self.fail(f"{value_text(self.text[opened])} is never closed", opened)
        raise self.fail(f"expected {value_text(sign)}, not {value_text(self.text[self.at :], 20)}")

    def connector(self) -> str | None:
        found = _CONNECTOR.match(self.text, self.at)
        return None if found is None else {"&&": "and", "||": "or"}.get(found[0], found[0].lower())

    def skip_connector(self) -> None:
        found = _CONNECTOR.match(self.text, self.at)
        self.at = found.end() if found else self.at
        self.space()

    # Conditions.

    def alternatives(self, commas: bool = True) -> Filter:
        parts = [self.conjunction(commas)]
        while self.connector() == "or":
            self.skip_connector()
            parts.append(self.conjunction(commas))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self, commas: bool) -> Filter:
        parts = [self.condition()]
        while True:
            if self.connector() == "and":
                self.skip_connector()
            elif not (commas and self.take(",")):
                return parts[0] if len(parts) == 1 else And(tuple(parts))
            elif found := _AND_AFTER_COMMA.match(self.text, self.at):
                self.at = found.end()
            parts.append(self.condition())

    def condition(self) -> Filter:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.fail("conditions are nested too deep")
        try:
            return self.group() or self.call() or self.infix()
        finally:
            self.depth -= 1

    def group(self) -> Filter | None:
        opened = self.at
        negation = re.compile(r"not\s+(?=\S)(?!\()", re.I).match(self.text, self.at)
        if negation:
            self.at = negation.end()
            return Not(self.condition())
        if not self.take("("):
            return None
        found = self.alternatives()
        self.closing(")", opened)
        return found

    def call(self) -> Filter | None:
        found = _CALL.match(self.text, self.at)
        if found is None:
            return None
        start, name = self.at, found[1]
        opened = found.end() - 1
        meaning = None
        build = _JOINS.get(_squash(name))
        if build is None:
            meaning = operator_named(name)
            if meaning is None:
                raise UnknownOperator(name, start)
        self.at = found.end()
        self.space()
        made = self.joined(build, opened) if build else self.compared(meaning, start, opened)
        self.space()
        return made

    def joined(self, build: Callable[[tuple[Filter, ...], int], Filter], opened: int) -> Filter:
        if self.peek() == ")":
            raise self.fail(f"{self.text[:opened].rsplit('(')[-1].strip()[-20:]}() holds no condition", opened)
        parts = [self.alternatives(commas=False)]
        while self.take(","):
            parts.append(self.alternatives(commas=False))
        self.closing(")", opened)
        return build(tuple(parts), opened)

    def compared(self, meaning: tuple[str, bool] | None, start: int, opened: int) -> Filter:
        operator, negated = meaning or ("equals", False)
        name = self.field(spaces=True)
        self.space()
        values: list[Value] = []
        while self.take(","):
            values.append(self.value(infix=False))
            self.space()
        self.closing(")", opened)
        return self.made(operator, negated, name, values, start)

    def infix(self) -> Filter:
        start = self.at
        name = self.field(spaces=False)
        self.space()
        found = _INFIX.match(self.text, self.at)
        if found is None:
            word = re.compile(r"[^\s\"'(\[,)]+").match(self.text, self.at)
            if word is None:
                raise self.fail(f'expected a condition such as equals(field,"value"), not {value_text(name)}', start)
            raise UnknownOperator(word[0], self.at)
        operator, negated = _MEANINGS[_squash(found[0])]
        self.at = found.end()
        self.space()
        values = [] if operator == "has" else [self.value(infix=True)]
        self.space()
        return self.made(operator, negated, name, values, start)

    def made(self, operator: str, negated: bool, name: str, values: list[Value], start: int) -> Filter:
        value: Value
        if operator == "has":
            if values not in ([], [True]):
                raise self.fail(f"has takes no value: has({name})", start)
            value = ABSENT
        elif not values:
            raise self.fail(f"{operator}({name}) has no value: {operator}({name},…)", start)
        elif len(values) == 1:
            value = values[0]
        elif operator in LIST_OPERATORS and not any(isinstance(item, tuple) for item in values):
            value = tuple(item for item in values if not isinstance(item, tuple | AbsentValue))
        else:
            raise self.fail(f"{operator} takes one value; text with a comma goes in double quotes", start)
        try:
            made = Comparison(operator, name, value)
        except FilterError as error:
            raise self.fail(error.reason, start) from None
        return Not(made) if negated else made

    # Fields and values.

    def field(self, *, spaces: bool) -> str:
        start = self.at
        if self.peek() in _QUOTES:
            inner = _Reader(self.string())
            name = inner.whole_field()
            if name is None:
                raise self.fail(f"{value_text(inner.text)} is not a field name", start)
            return name
        pieces = [self.name(start)]
        while True:
            sign = self.peek()
            if sign == ".":
                self.at += 1
                pieces.append("." + self.name(start))
            elif sign == " " and spaces and _NAME.match(self.text, self.at + 1):
                self.at += 1
                pieces.append(" " + self.name(start))
            elif sign == "[":
                pieces.append(self.key())
            else:
                return "".join(pieces)

    def name(self, start: int) -> str:
        found = _NAME.match(self.text, self.at)
        if found is None:
            here = value_text(self.text[self.at :], 20) if not self.ended() else "the end"
            raise self.fail(f"expected a field name, not {here}", start if self.ended() else self.at)
        self.at = found.end()
        return found[0]

    def key(self) -> str:
        opened = self.at
        self.take("[")
        inner = self.string() if self.peek() in _QUOTES else self.name(self.at)
        self.space()
        if self.peek() != "]":
            raise self.fail("the bracket of a field name is never closed", opened)
        self.at += 1
        return f"[{json.dumps(inner, ensure_ascii=False)}]"

    def value(self, *, infix: bool) -> Value:
        sign = self.peek()
        if sign == "[" or (sign == "(" and infix):
            return self.items("]" if sign == "[" else ")")
        return self.scalar(infix=infix)

    def items(self, end: str) -> tuple[Scalar, ...]:
        opened = self.at
        self.at += 1
        self.space()
        items: list[Scalar] = []
        while self.peek() != end:
            if items and not self.take(","):
                self.closing(end, opened)
            items.append(self.scalar(infix=False))
            self.space()
        self.at += 1
        return tuple(items)

    def scalar(self, *, infix: bool) -> Scalar:
        if self.peek() in _QUOTES:
            return self.string()
        start = self.at
        found = _BARE.match(self.text, self.at)
        run = found[0] if found else ""
        cut = _CONNECTOR_IN_BARE.search(run) if infix else None
        text = run[: cut.start()] if cut else run
        self.at += len(text)
        if not cut and not self.ended() and self.peek() not in ",)]":
            raise self.fail("expected a comma or the end; a value with such signs goes in double quotes")
        text = text.strip()
        if not text:
            raise self.fail("a value is missing")
        if not text.isprintable() or _QUOTE_IN_BARE.search(text):
            raise self.fail("put this value in double quotes", start)
        try:
            return render_literal(text)
        except FilterError as error:
            raise self.fail(error.reason, start) from None

    def string(self) -> str:
        opened = self.at
        ends = _QUOTES[self.peek()]
        apostrophes = ends in ("'", _SINGLE)
        self.at += 1
        made: list[str] = []
        while not self.ended():
            sign = self.peek()
            if sign == "\\":
                made.append(self.escape())
                continue
            self.at += 1
            if sign in ends and not (apostrophes and self.inside_a_word()):
                return "".join(made)
            made.append(sign)
        raise self.fail("a quotation mark is never closed", opened)

    def inside_a_word(self) -> bool:
        """Whether the sign just read stands between two letters, as in O'Brien."""
        return self.text[self.at - 2].isalnum() and self.peek().isalnum()

    def escape(self) -> str:
        code = re.compile(r"\\u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?").match(self.text, self.at)
        if code:
            first = int(code[1], 16)
            pair = code[2] is not None and 0xD800 <= first < 0xDC00
            self.at += 12 if pair else 6
            return chr(0x10000 + ((first - 0xD800) << 10) + int(code[2], 16) - 0xDC00) if pair else chr(first)
        sign = self.text[self.at + 1 : self.at + 2]
        if sign in _ESCAPES:
            self.at += 2
            return _ESCAPES[sign]
        # A backslash that escapes nothing was meant as itself.
        self.at += 1
        return "\\"


def _negation(parts: tuple[Filter, ...], at: int) -> Filter:
    if len(parts) != 1:
        raise FilterError("not() takes one condition", at)
    return Not(parts[0])


_JOINS: dict[str, Callable[[tuple[Filter, ...], int], Filter]] = {
    "and": lambda parts, _: And(parts),
    "or": lambda parts, _: Or(parts),
    "not": _negation,
}
