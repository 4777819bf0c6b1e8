# SPDX-License-Identifier: BSL-1.0
"""Repeated measurements: alternating rounds, medians with their spread, and what may be concluded
from them."""

import dataclasses
import statistics


class Sample:
    """The values of one quantity, one for each round."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)
        self.low = min(self.values)
        self.high = max(self.values)

    @property
    def spread(self):
        """Half the range, as a share of the median: how far single rounds lie apart."""
        return (self.high - self.low) / 2 / abs(self.median) if self.median else 0.0

    def as_json(self):
        return {"median": self.median, "low": self.low, "high": self.high, "values": self.values}


@dataclasses.dataclass
class Advantage:
    """How many times better one is than another: above 1 the first is better. "even" unless every
    round says the same, and by more than the rounds differ and than a half percent."""
    ratio: Sample

    @property
    def word(self):
        ratio = self.ratio
        noise = max((ratio.high - ratio.low) / 2, 0.005)
        if ratio.low < 1 < ratio.high or abs(ratio.median - 1) <= noise:
            return "even"
        return "better" if ratio.median > 1 else "worse"

    def as_json(self):
        return {"ratio": self.ratio.as_json(), "word": self.word}


def advantage(ours, theirs, less_is_better=True):
    """Of `ours` over `theirs`, round by round."""
    pairs = list(zip(ours.values, theirs.values))
    if not less_is_better:
        pairs = [(b, a) for a, b in pairs]
    return Advantage(Sample(b / a if a else 1.0 for a, b in pairs))


def alternate(contenders, count, measure):
    """Measures each contender once a round, each round beginning with another one: drift of the
    machine hits all alike. `measure` returns figures by name; returns, by contender, samples by
    name."""
    figures = {each: [] for each in contenders}
    for number in range(count):
        turn = number % len(contenders)
        for each in contenders[turn:] + contenders[:turn]:
            figures[each].append(measure(each))
    return {each: gather(runs) for each, runs in figures.items()}


def gather(runs):
    """Figures of several runs, as samples."""
    return {name: Sample(run[name] for run in runs) for name in runs[0]}
