# SPDX-License-Identifier: BSL-1.0
"""What a timer costs while many wait: to add it, to cancel it, and to put off the deadline of a
connection that has shown a sign of life."""

import serve
from report import Answer, Column, Table, at_most
from rounds import alternate
from session import OURS

COSTS = {"ns_per_insert": 25, "ns_per_refresh": 2, "ns_per_cancel": 25}  # our limits


def ask(session):
    found = [session.contender(name, f"timers_{name}") for name in [OURS, "libev", "libuv"]]
    rivals = [each for each in found if each is not None]
    tables, goals = [], []
    for count in session.pick([1_000_000], [10_000, 1_000_000], [10_000, 100_000, 1_000_000]):
        for order, arguments in session.pick([("as created", [])], *2 * [
                [("as created", []), ("shuffled", ["--shuffled"])]]):
            session.progress(f"timers: {count:,} wait, {order}")
            results = alternate(rivals, session.rounds, lambda each: serve.run(
                [*each.command, "--timers", count, *arguments], each.name))
            tables.append(Table(
                f"{count:,} timers wait, cancelled {order}",
                [Column("name", "program"), Column("ns_per_insert", "ns/insert", 1),
                 Column("ns_per_refresh", "ns/refresh", 2),
                 Column("ns_per_cancel", "ns/cancel", 1)],
                [{"name": each.name, **result} for each, result in results.items()]))
            if count == 1_000_000 and not arguments:
                ours = results[rivals[0]]
                goals += [at_most(f"{name.replace('_', ' ')}, {count:,} timers", ours[name], most,
                                  1) for name, most in COSTS.items()]
    return Answer(tables, [], goals)
