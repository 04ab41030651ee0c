"""An offline search for operations: BM25 over names, purposes, areas, aliases and the words of the phrasebook.

Two classifiers judge the whole query, one its verb and the other its area; an operation of a likely verb or area scores
more. A word is indexed by its stems in four languages, so that the index need not detect the language of a query. An
unknown word is split where it is a compound, and otherwise read as the most similar word of the index.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from heapq import nsmallest
from typing import Protocol

from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.search.classes import Classifier
from klaviyo_tools.search.intents import split_intents
from klaviyo_tools.search.language import PHRASES, STOPWORDS, VERBS
from klaviyo_tools.search.phrasebook import Phrasebook, Request
from klaviyo_tools.toolsets import STANDARD

_SATURATION = 1.5
_LENGTH_WEIGHT = 0.2
"""BM25's k1 and b. b is low: the length of a text of a few words says little."""
_WEIGHTS = {"name": 3.0, "alias": 1.5, "words": 2.5, "purpose": 1.0, "area": 1.8, "verb": 1.5}
_REQUEST_WEIGHT = 0.6
"""The weight of a word of one request; that of a word of n requests grows with the root of n."""
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
_VERB_FACTOR = 2.0
_AREA_FACTOR = 1.0
"""How much a certain verb or area adds to an operation's score, as a multiple of the score."""
_AREA_WORDS_WEIGHT = 5
"""How many requests the words for an area weigh as much as."""
_SAME_REQUEST_FACTOR = 3.0
"""The factor of the score of an operation one of whose requests has the same words as the query."""
_STANDARD_FACTOR = 1.2
"""The factor of the score of an operation in the standard toolset: most queries are for these."""
_VERB_CLASSES = {"list": "get", "render": "get", "upload": "create", "clone": "create", "request": "delete"}
"""First word of a name -> the verb that it is counted to."""
_ADDRESS = re.compile(r"\S+@\S+\.\w+|\+\d[\d ()/-]{6,}")
_MAX_READ_WORDS = 4096
"""How many words of earlier queries are kept."""
_MIN_OPENINGS = 3
"""How many requests must begin with a word for it to open an intent."""
_DIGIT = re.compile(r"\d")
"""A word with a digit is an id, a code or a number, and says nothing of the operation."""
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

    def __init__(self, operations: Iterable[Operation], phrasebook: Phrasebook | None = None) -> None:
        book = phrasebook or Phrasebook()
        self._operations = list(operations)
        requests = _requests_by_operation(self._operations, book)
        words = cache(tokens)  # every operation of an area has the area's words
        texts = [list(_texts(operation, book)) for operation in self._operations]
        documents = [
            _document(own, requests[operation.name], words)
            for own, operation in zip(texts, self._operations, strict=True)
        ]
        self._postings = _postings(documents)
        self._numbers_by_name = {
            name: number
            for number, operation in reversed(list(enumerate(self._operations)))
            for name in (*operation.aliases, operation.reading.ids_operation, operation.name)
        }
        self._numbers_by_request = {
            frozenset(words(request.text)): number
            for number, operation in reversed(list(enumerate(self._operations)))
            for request in requests[operation.name]
        }
        standard = frozenset(STANDARD.split())
        self._classes = [
            (_STANDARD_FACTOR if operation.name in standard else 1.0, verb_class(operation), operation.area)
            for operation in self._operations
        ]
        self._verb_classes = Classifier(_verb_examples(self._operations, requests), _opening_features)
        self._area_classes = Classifier(_area_examples(self._operations, requests, book), _features)
        self._read_words: dict[str, Sequence[tuple[str, float]]] = {}
        self._openings = _openings(requests)
        self._absences = _absences(book)
        self._words = {word for own in texts for _, text in own for word in words(text)}
        self._words |= {word for own in requests.values() for request in own for word in words(request.text)}
        self._words_by_trigram: defaultdict[str, set[str]] = defaultdict(set)
        for word in self._words:
            for trigram in _trigrams(word):
                self._words_by_trigram[trigram].add(word)

    def search(self, query: str, limit: int = 5) -> list[Hit]:
        """The operations that match best, best first; none where the index has no word of the query.

        Of a query with several intents, the best operation of each comes before the rest.
        """
        hits = self._rank(query, limit)
        parts = split_intents(query, self._openings)
        if len(parts) < 2:
            return hits
        firsts = [hit for part in parts for hit in self._rank(part, 1)]
        if hits and hits[0].operation.name not in {hit.operation.name for hit in firsts}:
            firsts.insert(0, hits[0])
        unique: dict[str, Hit] = {}
        for hit in (*firsts, *hits):
            unique.setdefault(hit.operation.name, hit)
        return list(unique.values())[:limit]

    def absences(self, query: str) -> list[str]:
        """What of a query Klaviyo's API cannot do, each with the nearest way."""
        asked = _stem_set(query)
        return [note for note, patterns in self._absences if _fits(asked, patterns)]

    def _rank(self, query: str, limit: int) -> list[Hit]:
        query_words = tokens(query)
        scores = self._word_scores(query_words)
        if (exact := self._numbers_by_name.get(query.strip().lower().replace(" ", "_"))) is not None:
            scores[exact] = 1_000_000
        elif (same := self._numbers_by_request.get(frozenset(query_words))) is not None:
            scores[same] *= _SAME_REQUEST_FACTOR
        if not scores:
            return []
        verbs, areas = self._verb_classes.probabilities(query), self._area_classes.probabilities(query)
        verb_factors = {verb: 1 + _VERB_FACTOR * probability for verb, probability in verbs.items()}
        area_factors = {area: 1 + _AREA_FACTOR * probability for area, probability in areas.items()}
        for number, (factor, verb, area) in enumerate(self._classes):
            if number in scores:
                scores[number] *= factor * verb_factors[verb] * area_factors[area]
        ranked = nsmallest(limit, scores, key=lambda number: (-scores[number], number))
        return [Hit(self._operations[number], scores[number]) for number in ranked]

    def _word_scores(self, query_words: Iterable[str]) -> dict[int, float]:
        """Number of an operation -> its BM25 score; of a word's stems, the one that fits an operation best counts."""
        scores: defaultdict[int, float] = defaultdict(float)
        for word, weight in self._weighted_words(query_words):
            found = [postings for stem in stems(word) if (postings := self._postings.get(stem))]
            best = dict(found[0]) if found else {}
            for postings in found[1:]:
                for number, gain in postings:
                    if gain > best.get(number, 0.0):
                        best[number] = gain
            for number, gain in best.items():
                scores[number] += weight * gain
        return scores

    def _weighted_words(self, query_words: Iterable[str]) -> Iterator[tuple[str, float]]:
        """The words of the index that a query stands for, each once, with its weight."""
        weights: dict[str, float] = {}
        for word in query_words:
            for index_word, weight in self._index_words(word):
                weights[index_word] = max(weight, weights.get(index_word, 0.0))
        return iter(weights.items())

    def _index_words(self, word: str) -> Sequence[tuple[str, float]]:
        """The words of the index that a word stands for, with their weights; kept for the next query."""
        if (found := self._read_words.get(word)) is None:
            found = self._read_word(word)
            if len(self._read_words) < _MAX_READ_WORDS:
                self._read_words[word] = found
        return found

    def _read_word(self, word: str) -> Sequence[tuple[str, float]]:
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
    return [word for word in joined if len(word) > 1 and word not in filler and not _DIGIT.search(word)]


@lru_cache(maxsize=32768)
def stems(word: str) -> tuple[str, ...]:
    """The different stems of a word in the four languages."""
    return tuple(dict.fromkeys(stemmer.stemWord(word) for stemmer in _stemmers()))


@cache
def _stemmers() -> list[_Stemmer]:
    import snowballstemmer  # type: ignore[import-untyped]

    return [snowballstemmer.stemmer(language) for language in _LANGUAGES]


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


def verb_class(operation: Operation) -> str:
    """What an operation does, in a word: its verb, with `get` split into reads of one record, of many, and of a job."""
    words = operation.name.removeprefix("bulk_").split("_")
    verb = _VERB_CLASSES.get(words[0], words[0])
    if verb != "get":
        return verb
    if words[-1] in ("job", "jobs"):
        return "get job"
    return "get many" if operation.answer is AnswerKind.COLLECTION else verb


def _openings(requests: Mapping[str, Sequence[Request]]) -> frozenset[str]:
    """The first words of requests for writes, and the verbs in the names of operations."""
    texts = [
        request.text for name, own in requests.items() if not name.startswith(("get_", "query_")) for request in own
    ]
    counts = Counter(word for text in texts for word in text.lower().split()[:1])
    often = {word for word, count in counts.items() if count >= _MIN_OPENINGS and word not in _stopwords()}
    return frozenset(often | {name.removeprefix("bulk_").split("_")[0] for name in requests})


def _absences(book: Phrasebook) -> list[tuple[str, list[list[frozenset[str]]]]]:
    """The note of each absence, and its patterns: groups of words."""
    return [
        (absence.note, [[_stem_set(group) for group in pattern] for pattern in absence.patterns])
        for absence in book.absences
    ]


def _stem_set(text: str) -> frozenset[str]:
    return frozenset(stem for word in tokens(text) for stem in stems(word))


def _fits(asked: Set[str], patterns: Iterable[Iterable[Set[str]]]) -> bool:
    return any(all(asked & group for group in pattern) for pattern in patterns)


def _requests_by_operation(operations: Iterable[Operation], book: Phrasebook) -> dict[str, list[Request]]:
    requests: dict[str, list[Request]] = {operation.name: [] for operation in operations}
    for request in book.requests:
        if request.operation in requests:
            requests[request.operation].append(request)
    return requests


def _verb_examples(
    operations: Sequence[Operation], requests: Mapping[str, Sequence[Request]]
) -> Iterator[tuple[str, str]]:
    for operation in operations:
        for text in (operation.name.replace("_", " "), *(request.text for request in requests[operation.name])):
            yield text, verb_class(operation)


def _area_examples(
    operations: Sequence[Operation], requests: Mapping[str, Sequence[Request]], book: Phrasebook
) -> Iterator[tuple[str, str]]:
    for operation in operations:
        texts = [operation.name.replace("_", " "), operation.purpose, book.words.get(operation.name, "")]
        for text in (*texts, *(request.text for request in requests[operation.name])):
            yield text, operation.area
    for area in dict.fromkeys(operation.area for operation in operations):
        yield from [(book.area_words.get(area, ""), area)] * _AREA_WORDS_WEIGHT


def _features(text: str) -> list[tuple[str, ...]]:
    """The stems of each word, also of filler words: "is" and "has" tell much of a verb."""
    return [stems(word) for word in _WORD.findall(_plain(_ADDRESS.sub(" person ", text)))]


def _opening_features(text: str) -> list[tuple[str, ...]]:
    """The stems of each word, and the first word and the first two once more: they tell most of a verb."""
    words = _WORD.findall(_plain(_ADDRESS.sub(" person ", text)))
    return [*map(stems, words), (f"^{' '.join(words[:1])}",), (f"^^{' '.join(words[:2])}",)]


def _texts(operation: Operation, book: Phrasebook) -> Iterator[tuple[str, str]]:
    """The kinds of text of an operation, and the text of each."""
    name = operation.name.replace("_", " ")
    yield "name", name
    yield "alias", " ".join([*operation.aliases, operation.reading.ids_operation or ""]).replace("_", " ")
    yield "words", book.words.get(operation.name, "")
    yield "purpose", operation.purpose.replace("_", " ")
    yield "area", f"{operation.area.replace('_', ' ')} {book.area_words.get(operation.area, '')}"
    yield "verb", " ".join(VERBS[part] for part in name.split() if part in VERBS)


def _document(
    texts: Iterable[tuple[str, str]], requests: Iterable[Request], words: Callable[[str], list[str]]
) -> Mapping[str, float]:
    """Stem -> its weight, summed over the kinds of text that have it; a word counts once in each text."""
    document: defaultdict[str, float] = defaultdict(float)
    for kind, text in texts:
        for stem in {stem for word in words(text) for stem in stems(word)}:
            document[stem] += _WEIGHTS[kind]
    frequencies = Counter(
        stem for request in requests for stem in {stem for word in words(request.text) for stem in stems(word)}
    )
    for stem, frequency in frequencies.items():
        document[stem] += _REQUEST_WEIGHT * math.sqrt(frequency)
    return document


def _postings(documents: Sequence[Mapping[str, float]]) -> Mapping[str, Sequence[tuple[int, float]]]:
    """Stem -> the numbers of the documents that have it, each with what the stem adds to its score."""
    lengths = [sum(document.values()) for document in documents]
    mean = sum(lengths) / len(lengths) if lengths else 1.0
    postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, document in enumerate(documents):
        saturated = _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * lengths[number] / mean)
        for stem, weight in document.items():
            postings[stem].append((number, weight * (_SATURATION + 1) / (weight + saturated)))
    return {
        stem: [(number, gain * _rarity(len(entries), len(documents))) for number, gain in entries]
        for stem, entries in postings.items()
    }


def _rarity(matching: int, total: int) -> float:
    return math.log(1 + (total - matching + 0.5) / (matching + 0.5))


@lru_cache(maxsize=8192)
def _trigrams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))
