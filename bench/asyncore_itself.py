# SPDX-License-Identifier: BSL-1.0
"""Python's own asyncore, on its poll(2): the echo of 16 and 256 connections, and of 16 beside idle
ones."""

import pathlib

import python_asyncore
import serve
from report import Answer, Column, Plot, Table
from rounds import advantage, alternate
from session import OURS, Contender

HERE = pathlib.Path(__file__).resolve().parent


def ask(session):
    python = python_asyncore.interpreter(session)
    if python is None:
        return Answer([])
    rivals = [session.contender(OURS, "echo_server_asyncore"),
              session.contender(f"{OURS}, poll", "echo_server_asyncore_poll"),
              Contender("Python", (*python, str(HERE / "echo_server" / "python.py")))]
    rows, curves = [], {}
    # Python takes minutes to accept 9,000: with each it looks at all that it has.
    cases = [(16, 0), (16, 900), *session.pick([], [(256, 0), (16, 3000)],
                                               [(256, 0), (16, 3000), (16, 9000)])]
    for connections, idle in cases:
        session.progress(f"asyncore_itself: {connections} active, {idle:,} idle")
        results = alternate(rivals, session.rounds, lambda each: serve.loaded(
            session, each, "load_echo", "--connections", connections, "--idle", idle, "--seconds",
            session.seconds, "--warm-up", session.seconds / 4))
        for each, result in results.items():
            rows.append({"name": each.name, "connections": connections, "idle": idle, **result,
                         "ratio": None if each is rivals[0] else advantage(
                             results[rivals[0]]["cpu_ns"], result["cpu_ns"])})
            if connections == 16:
                curves.setdefault(each.name, []).append((idle, result["cpu_ns"]))
    table = Table("echo of 64 bytes, beside Python's asyncore",
                  [Column("name", "server"), Column("connections", "active"),
                   Column("idle", "idle"), Column("per_second", "messages/s"),
                   Column("cpu_ns", "CPU ns/msg"), Column("ratio", "asyncore's advantage", 2)],
                  rows)
    return Answer([table], [Plot("asyncore_itself", "Echo of 16 connections beside idle ones",
                                 "idle connections", "CPU ns for each message", curves)])
