"""Finding operations by what people say, offline: BM25 over names, purposes, areas, aliases and the words beside them.

A word is known by its stems in the languages people write in, so that the index need not know in which one they do.
Unknown words are taken apart where they are compounds, or read as the nearest known word where they are misspelt.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from typing import Protocol

from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.search.language import ASKING, PHRASES, STOPWORDS, VERBS
from klaviyo_tools.toolsets import STANDARD

_SATURATION = 1.5
_LENGTH = 0.35
"""BM25's k1 and b; short texts of unlike kinds make length tell little."""
_WEIGHTS = {"name": 3.0, "alias": 1.5, "words": 2.5, "purpose": 1.0, "area": 1.8, "verb": 1.5}
_LANGUAGES = ("english", "spanish", "french", "german")
_PART = 4
"""Letters that a part of a compound has at least."""
_SIMILAR = 0.75
"""How like a misspelt word is at least to the one that was meant (difflib's ratio)."""
_CANDIDATES = 12
"""Known words, those that share most trigrams, among which the one that was meant is looked for."""
_GUESSED = 0.6
"""What a word counts that was not written so."""
_ASKED = 1.4
"""What a read counts where the query is a question."""
_EVERYDAY = 1.1
"""What an operation of the standard toolset counts: those are asked for most."""
_ADDRESS = re.compile(r"\S+@\S+\.\w+|\+\d[\d ()/-]{6,}")
_WORD = re.compile(r"[^\W_]+")


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Hit:
    """An operation that a query found; scores compare within one query only."""

    operation: Operation
    score: float


class Index:
    """The operations of one server, searchable. Building it takes some milliseconds for each hundred operations."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._operations = list(operations)
        words = cache(tokens)  # an area's words stand in each of its operations
        documents = [_document(operation, words) for operation in self._operations]
        lengths = [sum(document.values()) for document in documents]
        mean = sum(lengths) / len(lengths) if lengths else 1.0
        postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, document in enumerate(documents):
            slowed = _SATURATION * (1 - _LENGTH + _LENGTH * lengths[number] / mean)
            for stem, weight in document.items():
                postings[stem].append((number, weight * (_SATURATION + 1) / (weight + slowed)))
        self._postings: Mapping[str, Sequence[tuple[int, float]]] = {
            stem: [(number, gain * _rarity(len(found), len(documents))) for number, gain in found]
            for stem, found in postings.items()
        }
        self._named = {
            name: number
            for number, operation in reversed(list(enumerate(self._operations)))
            for name in (*operation.aliases, operation.reading.ids_operation, operation.name)
        }
        everyday = frozenset(STANDARD.split())
        self._likely = [_EVERYDAY if operation.name in everyday else 1.0 for operation in self._operations]
        self._reads = [operation.effect is Effect.READ for operation in self._operations]
        self._words = {word for operation in self._operations for _, text in _texts(operation) for word in words(text)}
        self._nearby: defaultdict[str, set[str]] = defaultdict(set)
        for word in self._words:
            for trigram in _trigrams(word):
                self._nearby[trigram].add(word)

    def search(self, query: str, limit: int = 5) -> list[Hit]:
        """The operations that fit best, best first; none where no word is known."""
        scores: Counter[int] = Counter()
        for word, weight in self._understood(query):
            best: dict[int, float] = {}
            for stem in stems(word):
                for number, gain in self._postings.get(stem, ()):
                    best[number] = max(gain, best.get(number, 0.0))
            for number, gain in best.items():
                scores[number] += weight * gain  # type: ignore[assignment]
        if (exact := self._named.get(query.strip().lower().replace(" ", "_"))) is not None:
            scores[exact] = 1_000_000
        asked = _asks(query)
        for number in scores:
            scores[number] *= self._likely[number] * (_ASKED if asked and self._reads[number] else 1.0)  # type: ignore[assignment]
        ranked = sorted(scores, key=lambda number: (-scores[number], number))
        return [Hit(self._operations[number], scores[number]) for number in ranked[:limit]]

    def _understood(self, query: str) -> Iterator[tuple[str, float]]:
        """The words of a query as the index knows them, each once, with what it counts."""
        counted: dict[str, float] = {}
        for word in tokens(query):
            for known, weight in self._known(word):
                counted[known] = max(weight, counted.get(known, 0.0))
        return iter(counted.items())

    def _known(self, word: str) -> list[tuple[str, float]]:
        if any(stem in self._postings for stem in stems(word)):
            return [(word, 1.0)]
        if len(word) >= 2 * _PART and (parts := self._parts(word)):
            return [(part, _GUESSED + 0.2) for part in parts]
        near = self._nearest(word)
        return [(near, _GUESSED)] if near else []

    def _parts(self, word: str) -> list[str]:
        """What a compound is made of: two known words, or one that it ends or begins with."""
        ends = [word[cut:] for cut in range(_PART, len(word) - _PART + 1) if word[cut:] in self._words]
        starts = [word[:cut] for cut in range(len(word) - _PART, _PART - 1, -1) if word[:cut] in self._words]
        return [*ends[:1], *starts[:1]]

    def _nearest(self, word: str) -> str | None:
        """The known word that was likely meant: it begins alike, and is most alike."""
        if len(word) < _PART or not word.isalpha():
            return None
        asked = _trigrams(word)
        shared = Counter(known for trigram in asked for known in self._nearby.get(trigram, ()))
        alike = (known for known in shared if known[0] == word[0] and abs(len(known) - len(word)) <= 2)
        likely = sorted(alike, key=lambda known: (-shared[known], known))[:_CANDIDATES]
        ranked = sorted((-SequenceMatcher(None, word, known).ratio(), known) for known in likely)
        return ranked[0][1] if ranked and -ranked[0][0] >= _SIMILAR else None


def tokens(text: str) -> list[str]:
    """The words of a text that say something: without case, accents and filler; fixed phrases are one word."""
    plain = _plain(_ADDRESS.sub(" person ", text))
    words, phrases = _WORD.findall(plain), _phrases()
    joined: list[str] = []
    at = 0
    while at < len(words):
        phrase = next((words[at : at + n] for n in (3, 2) if " ".join(words[at : at + n]) in phrases), None)
        taken = phrase or [words[at]]
        joined.append(phrases.get(" ".join(taken), "".join(taken)))
        at += len(taken)
    filler = _stopwords()
    return [word for word in joined if len(word) > 1 and word not in filler and not word.isdigit()]


@lru_cache(maxsize=8192)
def stems(word: str) -> tuple[str, ...]:
    """A word's stems in each language, those that differ."""
    return tuple(dict.fromkeys(stemmer.stemWord(word) for stemmer in _stemmers()))


@cache
def _stemmers() -> list[_Stemmer]:
    import snowballstemmer  # type: ignore[import-untyped]

    return [snowballstemmer.stemmer(language) for language in _LANGUAGES]


def _asks(query: str) -> bool:
    """Whether a query is a question, by its first word or its mark."""
    first = _WORD.search(_plain(query))
    return query.rstrip().endswith("?") or (first is not None and first[0] in _asking())


@cache
def _asking() -> frozenset[str]:
    return frozenset(_plain(ASKING).split())


@cache
def _phrases() -> Mapping[str, str]:
    return {_plain(phrase): word for word, phrases in PHRASES.items() for phrase in phrases}


@cache
def _stopwords() -> frozenset[str]:
    return frozenset(_plain(STOPWORDS).split())


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower().replace("-", " ")
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char)).replace("-", " ")


def _texts(operation: Operation) -> Iterator[tuple[str, str]]:
    """What is known of an operation in words, by kind."""
    name = operation.name.replace("_", " ")
    yield "name", name
    yield "alias", " ".join([*operation.aliases, operation.reading.ids_operation or ""]).replace("_", " ")
    yield "words", operation.search_words
    yield "purpose", operation.purpose.replace("_", " ")
    yield "area", f"{operation.area.replace('_', ' ')} {operation.area_search_words}"
    yield "verb", " ".join(VERBS[part] for part in name.split() if part in VERBS)


def _document(operation: Operation, words: Callable[[str], list[str]]) -> Mapping[str, float]:
    """Stem -> how much the operation has of it, over the kinds of its text; a word counts once in each."""
    document: defaultdict[str, float] = defaultdict(float)
    for kind, text in _texts(operation):
        for stem in {stem for word in words(text) for stem in stems(word)}:
            document[stem] += _WEIGHTS[kind]
    return document


def _rarity(having: int, of: int) -> float:
    return math.log(1 + (of - having + 0.5) / (having + 0.5))


@lru_cache(maxsize=8192)
def _trigrams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
