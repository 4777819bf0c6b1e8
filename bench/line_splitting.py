# SPDX-License-Identifier: BSL-1.0
"""How fast async_chat splits lines of 32 bytes that end in "\\r\\n", fed to it in memory, beside
Python's asynchat. "counted": only their number and length are noted; "kept": each is put together
in a string of its own."""

import pathlib

import python_asyncore
import serve
from report import Answer, Column, Table, at_least
from rounds import advantage, alternate
from session import BY_HAND, OURS, Contender

HERE = pathlib.Path(__file__).resolve().parent


def ask(session):
    megabytes = {OURS: session.pick(300, 1000, 4000), "Python": session.pick(10, 20, 60)}
    python = python_asyncore.interpreter(session)
    tables, goals = [], []
    for keep in ["counted", "kept"]:
        rivals = [session.contender(OURS, "splitter_asyncore", "--lines", keep, "--megabytes",
                                    megabytes[OURS])]
        if keep == "counted":
            rivals.append(session.contender(BY_HAND, "splitter_hand", "--megabytes",
                                            megabytes[OURS]))
        if python:
            rivals.append(Contender("Python", (*python, HERE / "splitter" / "python.py", keep,
                                               megabytes["Python"])))
        results = alternate(rivals, session.rounds,
                            lambda each: serve.run(each.command, each.name))
        ours = results[rivals[0]]
        rows = [{"name": each.name, **result, "ratio": None if each.name == OURS else
                 advantage(ours["ns_per_line"], result["ns_per_line"])}
                for each, result in results.items()]
        tables.append(Table(f"lines {keep}",
                            [Column("name", "program"), Column("gigabytes_per_second", "GB/s", 3),
                             Column("ns_per_line", "ns/line", 1),
                             Column("ratio", "asyncore's advantage", 2)], rows))
        goals.append(at_least(f"GB/s, lines {keep}", ours["gigabytes_per_second"], 1))
        if python:
            goals.append(at_least(f"against Python, lines {keep}", rows[-1]["ratio"].ratio, 30, 0))
    return Answer(tables, [], goals)
