"""Naive Bayes classes of queries: by the verb of the operation that a query asks for, or by its area.

The words of one operation are few; those of all operations that delete, or of a whole area, are many. What a person
says for "delete" is learnt from the requests of every operation that deletes.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add

_SMOOTHING = 5.0
"""How many average texts a class has beside its own ones."""
_PRIOR_WEIGHT = 0.5
_TEMPERATURE = 4.0
"""The words of a query depend on each other: the probabilities of a naive product are far too sure of themselves."""

_MAX_KEPT_WORDS = 4096
"""How many words of earlier queries are kept."""

Features = Callable[[str], Sequence[Sequence[str]]]
"""The features of a text, in groups of the forms of one word."""


class Classifier:
    """The probabilities of the classes of a query."""

    def __init__(self, examples: Iterable[tuple[str, str]], features: Features) -> None:
        """From pairs of a text and its class."""
        self._features = features
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        sizes: Counter[str] = Counter()
        for text, class_ in examples:
            counts[class_].update({form for forms in features(text) for form in forms})
            sizes[class_] += 1
        self._classes = list(sizes)
        self._counts = [counts[class_] for class_ in self._classes]
        self._sizes = [sizes[class_] for class_ in self._classes]
        self._total = sum(self._sizes)
        self._overall = Counter[str]()
        for class_counts in self._counts:
            self._overall.update(class_counts)
        self._gains: dict[tuple[str, ...], list[float]] = {}

    def probabilities(self, query: str) -> Mapping[str, float]:
        """Class -> the probability that the query is of this class."""
        logs = [_PRIOR_WEIGHT * math.log(size / self._total) for size in self._sizes]
        for forms in self._features(query):
            if gains := self._word_gains(tuple(forms)):
                logs = list(map(add, logs, gains))
        most = max(logs, default=0.0)
        weights = [math.exp((log - most) / _TEMPERATURE) for log in logs]
        total = sum(weights)
        return {class_: weight / total for class_, weight in zip(self._classes, weights, strict=True)}

    def _word_gains(self, forms: tuple[str, ...]) -> list[float]:
        """For each class, the mean gain of a word's forms; empty where no example has the word. Kept."""
        if (gains := self._gains.get(forms)) is None:
            seen = [self._form_gains(form) for form in forms if form in self._overall]
            gains = [sum(column) / len(seen) for column in zip(*seen, strict=True)]
            if len(self._gains) < _MAX_KEPT_WORDS:
                self._gains[forms] = gains
        return gains

    def _form_gains(self, form: str) -> list[float]:
        """For each class, the logarithm of how much more often it has the form than all texts have it."""
        share = self._overall[form] / self._total
        return [
            math.log((counts[form] + _SMOOTHING * share) / (size + _SMOOTHING) / share)
            for counts, size in zip(self._counts, self._sizes, strict=True)
        ]
