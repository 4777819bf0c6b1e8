# SPDX-License-Identifier: BSL-1.0
"""What an answer consists of, and how it is printed and written."""

import dataclasses

from rounds import Advantage, Sample


@dataclasses.dataclass
class Column:
    key: str
    heading: str
    digits: int = 0
    unit: str = ""


class Table:
    """Rows are dictionaries by column key; a cell is text, a number, a Sample, an Advantage, or
    None where there is nothing to say."""

    def __init__(self, title, columns, rows, notes=()):
        self.title, self.columns, self.rows, self.notes = title, columns, rows, list(notes)

    def lines(self):
        cells = [[column.heading for column in self.columns]]
        cells += [[shown(row.get(column.key), column.digits) for column in self.columns]
                  for row in self.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        yield self.title
        for row in cells:
            first, *rest = zip(row, widths)
            yield "  ".join([first[0].ljust(first[1])] + [c.rjust(w) for c, w in rest]).rstrip()
        yield from self.notes

    def as_json(self):
        return {"title": self.title, "notes": self.notes,
                "columns": [dataclasses.asdict(column) for column in self.columns],
                "rows": [{key: plain(value) for key, value in row.items()} for row in self.rows]}


@dataclasses.dataclass
class Plot:
    """Curves by name, each a list of (x, Sample)."""
    name: str
    title: str
    x: str
    y: str
    curves: dict


@dataclasses.dataclass
class Answer:
    tables: list
    plots: list = dataclasses.field(default_factory=list)
    goals: list = dataclasses.field(default_factory=list)


def at_most(what, sample, limit, digits=2):
    return goal(what, sample, f"at most {limit}", sample.low <= limit, sample.high <= limit, digits)


def at_least(what, sample, limit, digits=2):
    return goal(what, sample, f"at least {limit}", sample.high >= limit, sample.low >= limit,
                digits)


def goal(what, sample, wanted, one_round_reaches, all_reach, digits):
    outcome = ("reached" if all_reach else "within the noise" if one_round_reaches else "missed")
    return {"goal": f"{what}: {wanted}", "measured": sample.as_json(), "outcome": outcome,
            "text": f"goal: {what}: {wanted}; measured {shown(sample, digits)}: {outcome}"}


def shown(value, digits):
    if value is None:
        return ""
    if isinstance(value, Sample):
        text = f"{value.median:,.{digits}f}"
        if len(value.values) == 1:
            return text
        if value.spread >= 1:  # a percentage would say little
            return f"{text} ({value.low:,.{digits}f} to {value.high:,.{digits}f})"
        return f"{text} ±{value.spread:.0%}"
    if isinstance(value, Advantage):
        if len(value.ratio.values) == 1:
            return f"{value.ratio.median:.2f}"
        half = (value.ratio.high - value.ratio.low) / 2
        return f"{value.ratio.median:.2f} ±{half:.2f} {value.word}"
    if isinstance(value, (int, float)):
        return f"{value:,.{digits}f}"
    return str(value)


def plain(value):
    return value.as_json() if isinstance(value, (Sample, Advantage)) else value
