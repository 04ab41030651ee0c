"""A forgiving reader of Klaviyo's filter language: as Klaviyo writes it, and as models do.

It knows no operation's fields: `check` compares the tree with them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from klaviyo_tools.filters.operators import INFIX_OPERATOR, find_operator, normalize
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
    parse_literal,
    quote_text,
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
    return _Reader(text).read_filter()


class _Reader:
    """Recursive descent over one text; each `read_…` starts at the position and moves it behind what it read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.depth = 0

    def error(self, message: str, position: int | None = None) -> FilterError:
        return FilterError(message, self.position if position is None else position)

    def read_filter(self) -> Filter:
        self.skip_spaces()
        if self.is_at_end():
            raise self.error("the filter is empty")
        tree = self.read_alternatives()
        if not self.is_at_end():
            stray = quote_text(self.text[self.position :], 20)
            raise self.error("one closing parenthesis too many" if self.peek() == ")" else f"unexpected text {stray}")
        return tree

    def read_whole_field(self) -> str | None:
        try:
            name = self.read_field(spaces=True)
        except FilterError:
            return None
        return name if self.is_at_end() else None

    # Characters.

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def is_at_end(self) -> bool:
        return self.position >= len(self.text)

    def skip_spaces(self) -> None:
        while self.peek().isspace():
            self.position += 1

    def take(self, character: str) -> bool:
        if not self.text.startswith(character, self.position):
            return False
        self.position += len(character)
        self.skip_spaces()
        return True

    def expect_closing(self, character: str, opened: int) -> None:
        if self.take(character):
            return
        if self.is_at_end():
            raise self.error(f"{quote_text(self.text[opened])} is never closed", opened)
        raise self.error(f"expected {quote_text(character)}, not {quote_text(self.text[self.position :], 20)}")

    def peek_connector(self) -> str | None:
        match = _CONNECTOR.match(self.text, self.position)
        return None if match is None else {"&&": "and", "||": "or"}.get(match[0], match[0].lower())

    def skip_connector(self) -> None:
        match = _CONNECTOR.match(self.text, self.position)
        self.position = match.end() if match else self.position
        self.skip_spaces()

    # Conditions.

    def read_alternatives(self, commas: bool = True) -> Filter:
        parts = [self.read_conjunction(commas)]
        while self.peek_connector() == "or":
            self.skip_connector()
            parts.append(self.read_conjunction(commas))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def read_conjunction(self, commas: bool) -> Filter:
        parts = [self.read_condition()]
        while True:
            if self.peek_connector() == "and":
                self.skip_connector()
            elif not (commas and self.take(",")):
                return parts[0] if len(parts) == 1 else And(tuple(parts))
            elif match := _AND_AFTER_COMMA.match(self.text, self.position):
                self.position = match.end()
            parts.append(self.read_condition())

    def read_condition(self) -> Filter:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.error("conditions are nested too deep")
        try:
            return self.read_group() or self.read_call() or self.read_infix()
        finally:
            self.depth -= 1

    def read_group(self) -> Filter | None:
        opened = self.position
        negation = re.compile(r"not\s+(?=\S)(?!\()", re.I).match(self.text, self.position)
        if negation:
            self.position = negation.end()
            return Not(self.read_condition())
        if not self.take("("):
            return None
        tree = self.read_alternatives()
        self.expect_closing(")", opened)
        return tree

    def read_call(self) -> Filter | None:
        match = _CALL.match(self.text, self.position)
        if match is None:
            return None
        start, name = self.position, match[1]
        opened = match.end() - 1
        meaning = None
        build = _JOINS.get(normalize(name))
        if build is None:
            meaning = find_operator(name)
            if meaning is None:
                raise UnknownOperator(name, start)
        self.position = match.end()
        self.skip_spaces()
        tree = self.read_join(build, opened) if build else self.read_comparison(meaning, start, opened)
        self.skip_spaces()
        return tree

    def read_join(self, build: Callable[[tuple[Filter, ...], int], Filter], opened: int) -> Filter:
        if self.peek() == ")":
            raise self.error(f"{self.text[:opened].rsplit('(')[-1].strip()[-20:]}() holds no condition", opened)
        parts = [self.read_alternatives(commas=False)]
        while self.take(","):
            parts.append(self.read_alternatives(commas=False))
        self.expect_closing(")", opened)
        return build(tuple(parts), opened)

    def read_comparison(self, meaning: tuple[str, bool] | None, start: int, opened: int) -> Filter:
        operator, negated = meaning or ("equals", False)
        name = self.read_field(spaces=True)
        self.skip_spaces()
        values: list[Value] = []
        while self.take(","):
            values.append(self.read_value(infix=False))
            self.skip_spaces()
        self.expect_closing(")", opened)
        return self.build_comparison(operator, negated, name, values, start)

    def read_infix(self) -> Filter:
        start = self.position
        name = self.read_field(spaces=False)
        self.skip_spaces()
        match = INFIX_OPERATOR.match(self.text, self.position)
        if match is None:
            word = re.compile(r"[^\s\"'(\[,)]+").match(self.text, self.position)
            if word is None:
                raise self.error(f'expected a condition such as equals(field,"value"), not {quote_text(name)}', start)
            raise UnknownOperator(word[0], self.position)
        operator, negated = find_operator(match[0]) or ("equals", False)
        self.position = match.end()
        self.skip_spaces()
        values = [] if operator == "has" else [self.read_value(infix=True)]
        self.skip_spaces()
        return self.build_comparison(operator, negated, name, values, start)

    def build_comparison(self, operator: str, negated: bool, name: str, values: list[Value], start: int) -> Filter:
        value: Value
        if operator == "has":
            if values not in ([], [True]):
                raise self.error(f"has takes no value: has({name})", start)
            value = ABSENT
        elif not values:
            raise self.error(f"{operator}({name}) has no value: {operator}({name},…)", start)
        elif len(values) == 1:
            value = values[0]
        elif operator in LIST_OPERATORS and not any(isinstance(item, tuple) for item in values):
            value = tuple(item for item in values if not isinstance(item, tuple | AbsentValue))
        else:
            raise self.error(f"{operator} takes one value: put text with a comma in double quotes", start)
        try:
            comparison = Comparison(operator, name, value)
        except FilterError as error:
            raise self.error(error.reason, start) from None
        return Not(comparison) if negated else comparison

    # Fields and values.

    def read_field(self, *, spaces: bool) -> str:
        start = self.position
        if self.peek() in _QUOTES:
            inner = _Reader(self.read_string())
            name = inner.read_whole_field()
            if name is None:
                raise self.error(f"{quote_text(inner.text)} is not a field name", start)
            return name
        pieces = [self.read_name(start)]
        while True:
            character = self.peek()
            if character == ".":
                self.position += 1
                pieces.append("." + self.read_name(start))
            elif character == " " and spaces and _NAME.match(self.text, self.position + 1):
                self.position += 1
                pieces.append(" " + self.read_name(start))
            elif character == "[":
                pieces.append(self.read_key())
            else:
                return "".join(pieces)

    def read_name(self, start: int) -> str:
        match = _NAME.match(self.text, self.position)
        if match is None:
            here = quote_text(self.text[self.position :], 20) if not self.is_at_end() else "the end"
            raise self.error(f"expected a field name, not {here}", start if self.is_at_end() else self.position)
        self.position = match.end()
        return match[0]

    def read_key(self) -> str:
        opened = self.position
        self.take("[")
        inner = self.read_string() if self.peek() in _QUOTES else self.read_name(self.position)
        self.skip_spaces()
        if self.peek() != "]":
            raise self.error("the bracket of a field name is never closed", opened)
        self.position += 1
        return f"[{json.dumps(inner, ensure_ascii=False)}]"

    def read_value(self, *, infix: bool) -> Value:
        character = self.peek()
        if character == "[" or (character == "(" and infix):
            return self.read_items("]" if character == "[" else ")")
        return self.read_scalar(infix=infix)

    def read_items(self, end: str) -> tuple[Scalar, ...]:
        opened = self.position
        self.position += 1
        self.skip_spaces()
        items: list[Scalar] = []
        while self.peek() != end:
            if items and not self.take(","):
                self.expect_closing(end, opened)
            items.append(self.read_scalar(infix=False))
            self.skip_spaces()
        self.position += 1
        return tuple(items)

    def read_scalar(self, *, infix: bool) -> Scalar:
        if self.peek() in _QUOTES:
            return self.read_string()
        start = self.position
        match = _BARE.match(self.text, self.position)
        run = match[0] if match else ""
        cut = _CONNECTOR_IN_BARE.search(run) if infix else None
        text = run[: cut.start()] if cut else run
        self.position += len(text)
        if not cut and not self.is_at_end() and self.peek() not in ",)]":
            raise self.error("expected a comma or the end (a value with such characters needs double quotes)")
        text = text.strip()
        if not text:
            raise self.error("a value is missing")
        if not text.isprintable() or _QUOTE_IN_BARE.search(text):
            raise self.error("put this value in double quotes", start)
        try:
            return parse_literal(text)
        except FilterError as error:
            raise self.error(error.reason, start) from None

    def read_string(self) -> str:
        opened = self.position
        ends = _QUOTES[self.peek()]
        apostrophes = ends in ("'", _SINGLE)
        self.position += 1
        characters: list[str] = []
        while not self.is_at_end():
            character = self.peek()
            if character == "\\":
                characters.append(self.read_escape())
                continue
            self.position += 1
            if character in ends and not (apostrophes and self.is_inside_word()):
                return "".join(characters)
            characters.append(character)
        raise self.error("a quotation mark is never closed", opened)

    def is_inside_word(self) -> bool:
        """Whether the character before the position stands between two letters, as in O'Brien."""
        return self.text[self.position - 2].isalnum() and self.peek().isalnum()

    def read_escape(self) -> str:
        code = re.compile(r"\\u([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?").match(self.text, self.position)
        if code:
            first = int(code[1], 16)
            pair = code[2] is not None and 0xD800 <= first < 0xDC00
            self.position += 12 if pair else 6
            return chr(0x10000 + ((first - 0xD800) << 10) + int(code[2], 16) - 0xDC00) if pair else chr(first)
        character = self.text[self.position + 1 : self.position + 2]
        if character in _ESCAPES:
            self.position += 2
            return _ESCAPES[character]
        # A backslash that escapes nothing stands for itself.
        self.position += 1
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
