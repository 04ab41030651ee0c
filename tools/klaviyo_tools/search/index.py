"""An offline search for operations: BM25 over names, purposes, areas, aliases and search words.

A word is indexed by its stems in four languages, so that the index need not detect the language of a query. An unknown
word is split where it is a compound, and otherwise read as the most similar word of the index.
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
from klaviyo_tools.search.language import PHRASES, QUESTION_WORDS, STOPWORDS, VERBS
from klaviyo_tools.toolsets import STANDARD

_SATURATION = 1.5
_LENGTH_WEIGHT = 0.35
"""BM25's k1 and b. b is low: the length of a text of a few words says little."""
_WEIGHTS = {"name": 3.0, "alias": 1.5, "words": 2.5, "purpose": 1.0, "area": 1.8, "verb": 1.5}
_LANGUAGES = ("english", "spanish", "french", "german")
_MIN_PART_LETTERS = 4
"""The fewest letters of a part of a compound."""
_MIN_LIKENESS = 0.75
"""The least similarity of a misspelt word and the word that it is read as (difflib's ratio)."""
_MAX_CANDIDATES = 12
"""How many words that share most trigrams with a misspelt one are compared with it."""
_GUESS_WEIGHT = 0.6
"""The weight of a word that stands for a misspelt one."""
_PART_WEIGHT = 0.8
"""The weight of a part of a compound."""
_QUESTION_FACTOR = 1.4
"""The factor of a read's score where the query is a question."""
_STANDARD_FACTOR = 1.1
"""The factor of the score of an operation in the standard toolset: most queries are for these."""
_ADDRESS = re.compile(r"\S+@\S+\.\w+|\+\d[\d ()/-]{6,}")
_WORD = re.compile(r"[^\W_]+")


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Hit:
    """An operation in the result of a query; scores compare within one query only."""

    operation: Operation
    score: float


class Index:
    """A search index of operations. Building it takes some milliseconds for each hundred operations."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._operations = list(operations)
        words = cache(tokens)  # every operation of an area has the area's words
        documents = [_document(operation, words) for operation in self._operations]
        lengths = [sum(document.values()) for document in documents]
        mean = sum(lengths) / len(lengths) if lengths else 1.0
        postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, document in enumerate(documents):
            saturated = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * lengths[number] / mean)
            for stem, weight in document.items():
                postings[stem].append((number, weight * (_SATURATION + 1) / (weight + saturated)))
        self._postings: Mapping[str, Sequence[tuple[int, float]]] = {
            stem: [(number, gain * _rarity(len(entries), len(documents))) for number, gain in entries]
            for stem, entries in postings.items()
        }
        self._numbers_by_name = {
            name: number
            for number, operation in reversed(list(enumerate(self._operations)))
            for name in (*operation.aliases, operation.reading.ids_operation, operation.name)
        }
        standard = frozenset(STANDARD.split())
        self._factors = [_STANDARD_FACTOR if operation.name in standard else 1.0 for operation in self._operations]
        self._reads = [operation.effect is Effect.READ for operation in self._operations]
        self._words = {word for operation in self._operations for _, text in _texts(operation) for word in words(text)}
        self._words_by_trigram: defaultdict[str, set[str]] = defaultdict(set)
        for word in self._words:
            for trigram in _trigrams(word):
                self._words_by_trigram[trigram].add(word)

    def search(self, query: str, limit: int = 5) -> list[Hit]:
        """The operations that match best, best first; none where the index has no word of the query."""
        scores: Counter[int] = Counter()
        for word, weight in self._query_words(query):
            best: dict[int, float] = {}
            for stem in stems(word):
                for number, gain in self._postings.get(stem, ()):
                    best[number] = max(gain, best.get(number, 0.0))
            for number, gain in best.items():
                scores[number] += weight * gain  # type: ignore[assignment]
        if (exact := self._numbers_by_name.get(query.strip().lower().replace(" ", "_"))) is not None:
            scores[exact] = 1_000_000
        is_question = _is_question(query)
        for number in scores:
            scores[number] *= self._factors[number] * (_QUESTION_FACTOR if is_question and self._reads[number] else 1.0)  # type: ignore[assignment]
        ranked = sorted(scores, key=lambda number: (-scores[number], number))
        return [Hit(self._operations[number], scores[number]) for number in ranked[:limit]]

    def _query_words(self, query: str) -> Iterator[tuple[str, float]]:
        """The words of the index that a query stands for, each once, with its weight."""
        weights: dict[str, float] = {}
        for word in tokens(query):
            for index_word, weight in self._index_words(word):
                weights[index_word] = max(weight, weights.get(index_word, 0.0))
        return iter(weights.items())

    def _index_words(self, word: str) -> list[tuple[str, float]]:
        if any(stem in self._postings for stem in stems(word)):
            return [(word, 1.0)]
        if len(word) >= 2 * _MIN_PART_LETTERS and (parts := self._compound_parts(word)):
            return [(part, _PART_WEIGHT) for part in parts]
        near = self._nearest(word)
        return [(near, _GUESS_WEIGHT)] if near else []

    def _compound_parts(self, word: str) -> list[str]:
        """The parts of a compound: two words of the index, or the one that it ends or begins with."""
        ends = [
            word[cut:]
            for cut in range(_MIN_PART_LETTERS, len(word) - _MIN_PART_LETTERS + 1)
            if word[cut:] in self._words
        ]
        starts = [
            word[:cut]
            for cut in range(len(word) - _MIN_PART_LETTERS, _MIN_PART_LETTERS - 1, -1)
            if word[:cut] in self._words
        ]
        return [*ends[:1], *starts[:1]]

    def _nearest(self, word: str) -> str | None:
        """The word of the index with the same first letter that is most similar, where one is similar enough."""
        if len(word) < _MIN_PART_LETTERS or not word.isalpha():
            return None
        trigrams = _trigrams(word)
        shared = Counter(other for trigram in trigrams for other in self._words_by_trigram.get(trigram, ()))
        similar = (other for other in shared if other[0] == word[0] and abs(len(other) - len(word)) <= 2)
        candidates = sorted(similar, key=lambda other: (-shared[other], other))[:_MAX_CANDIDATES]
        ranked = sorted((-SequenceMatcher(None, word, other).ratio(), other) for other in candidates)
        return ranked[0][1] if ranked and -ranked[0][0] >= _MIN_LIKENESS else None


def tokens(text: str) -> list[str]:
    """The words of a text without case, accents and filler words; a fixed phrase is one word."""
    plain = _plain(_ADDRESS.sub(" person ", text))
    words, words_of_phrases = _WORD.findall(plain), _words_of_phrases()
    joined: list[str] = []
    at = 0
    while at < len(words):
        phrase = next((words[at : at + n] for n in (3, 2) if " ".join(words[at : at + n]) in words_of_phrases), None)
        next_words = phrase or [words[at]]
        joined.append(words_of_phrases.get(" ".join(next_words), "".join(next_words)))
        at += len(next_words)
    filler = _stopwords()
    return [word for word in joined if len(word) > 1 and word not in filler and not word.isdigit()]


@lru_cache(maxsize=8192)
def stems(word: str) -> tuple[str, ...]:
    """The different stems of a word in the four languages."""
    return tuple(dict.fromkeys(stemmer.stemWord(word) for stemmer in _stemmers()))


@cache
def _stemmers() -> list[_Stemmer]:
    import snowballstemmer  # type: ignore[import-untyped]

    return [snowballstemmer.stemmer(language) for language in _LANGUAGES]


def _is_question(query: str) -> bool:
    """Whether a query is a question, by its first word or its question mark."""
    first = _WORD.search(_plain(query))
    return query.rstrip().endswith("?") or (first is not None and first[0] in _question_words())


@cache
def _question_words() -> frozenset[str]:
    return frozenset(_plain(QUESTION_WORDS).split())


@cache
def _words_of_phrases() -> Mapping[str, str]:
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
    """The kinds of text of an operation, and the text of each."""
    name = operation.name.replace("_", " ")
    yield "name", name
    yield "alias", " ".join([*operation.aliases, operation.reading.ids_operation or ""]).replace("_", " ")
    yield "words", operation.search_words
    yield "purpose", operation.purpose.replace("_", " ")
    yield "area", f"{operation.area.replace('_', ' ')} {operation.area_search_words}"
    yield "verb", " ".join(VERBS[part] for part in name.split() if part in VERBS)


def _document(operation: Operation, words: Callable[[str], list[str]]) -> Mapping[str, float]:
    """Stem -> its weight, summed over the kinds of text that have it; a word counts once in each."""
    document: defaultdict[str, float] = defaultdict(float)
    for kind, text in _texts(operation):
        for stem in {stem for word in words(text) for stem in stems(word)}:
            document[stem] += _WEIGHTS[kind]
    return document


def _rarity(matching: int, total: int) -> float:
    return math.log(1 + (total - matching + 0.5) / (matching + 0.5))


@lru_cache(maxsize=8192)
def _trigrams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
