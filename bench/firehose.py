# SPDX-License-Identifier: BSL-1.0
"""How long a connection that says little waits while others are given all that they can take, by
how much a channel may send in a turn."""

import serve
from report import Answer, Column, Table
from rounds import alternate

UNLIMITED = "no end"


def ask(session):
    budgets = {"as it is": [], "64 KiB": ["--budget", 1 << 16], "1 MiB": ["--budget", 1 << 20],
               UNLIMITED: ["--budget", 0]}
    rows = []
    program = session.program("firehose_asyncore")
    for hoses in session.pick([2], [2, 8], [2, 8, 32]):
        session.progress(f"firehose: {hoses} of them")
        results = alternate(list(budgets), session.rounds, lambda name: serve.run(
            [program, "--hoses", hoses, "--seconds", session.seconds, *budgets[name]], name))
        rows += [{"hoses": hoses, "budget": name, **figures} for name, figures in results.items()]
    return Answer([Table(
        "A small message and its answer, in microseconds, beside firehoses",
        [Column("budget", "a turn's budget"), Column("hoses", "firehoses"),
         Column("p50_us", "p50"), Column("p99_us", "p99"), Column("most_us", "most"),
         Column("MB_per_s", "MB/s of all")], rows)])
