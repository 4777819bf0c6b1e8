# SPDX-License-Identifier: BSL-1.0
"""A chat room: 1,000 users, of whom one says lines that all hear; examples/porting/chat_server, in
Python and in C++. User time of the server process for each line delivered, as wait4 tells it, less
that of a run without lines. The client checks that nobody misses a line or hears them out of order.
"at once": the lines are sent as fast as the server takes them; "one by one": each when all have
heard the last."""

import os
import pathlib
import signal
import subprocess
import sys

import python_asyncore
import serve
import session as sessions
from report import Answer, Column, Table, at_least
from rounds import Sample, advantage, alternate
from session import OURS, Contender

USERS = 1000
PORTING = pathlib.Path(__file__).resolve().parent.parent / "examples" / "porting"


def processor_time(session, contender, lines, pace):
    """User and system seconds of a server's whole life."""
    cpu, clients = sessions.processors()
    process = subprocess.Popen(list(map(str, contender.command)), stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            sys.exit(f"error: {contender.name} does not listen: {line}")
        port = line.rsplit(":", 1)[1].strip()
        client = ["taskset", "-c", ",".join(map(str, clients)), session.program("load_chat"),
                  "--port", port, "--users", USERS, "--lines", lines]
        serve.run(client + (["--paced"] if pace == "one by one" else []), contender.name)
        if process.poll() is not None:
            sys.exit(f"error: {contender.name} has ended")
    finally:
        process.send_signal(signal.SIGTERM)
        _, process.returncode, used = os.wait4(process.pid, 0)
        process.stdout.close()
    return used.ru_utime, used.ru_stime


def measure(session, contender, lines, pace):
    without = processor_time(session, contender, 0, pace)
    with_lines = processor_time(session, contender, lines, pace)
    tick = 1 / os.sysconf("SC_CLK_TCK")  # a difference of less is not known
    user, system = (max(b - a, tick) for a, b in zip(without, with_lines))
    deliveries = lines * USERS
    return {"user": 1e9 * user / deliveries, "system": 1e9 * system / deliveries,
            "seconds": user}


def ask(session):
    rivals = [session.contender(OURS, "chat_server_asyncore", "127.0.0.1:0")]
    python = python_asyncore.interpreter(session)
    if python:
        rivals.append(Contender("Python", (*python, str(PORTING / "chat_server.py"), "127.0.0.1",
                                           "0")))
    rows, goals = [], []
    for pace, lines in [("at once", session.pick(300, 1000, 1000)),
                        ("one by one", session.pick(100, 1000, 1000))]:
        session.progress(f"chat_room: {lines:,} lines to {USERS:,} users, {pace}")
        results = alternate(rivals, session.pick(1, 3, 5),
                            lambda each: measure(session, each, lines, pace))
        ours = results[rivals[0]]
        for each, result in results.items():
            rows.append({"name": each.name, "pace": pace, "lines": lines, **result, "ratio": None
                         if each is rivals[0] else advantage(ours["user"], result["user"])})
        if python and pace == "at once":
            goals.append(at_least(f"user time against Python, {lines:,} lines {pace}",
                                  rows[-1]["ratio"].ratio, 20, 0))
    return Answer([Table(
        f"{USERS:,} users, for each line that one of them is told",
        [Column("name", "server"), Column("pace", "said"), Column("lines", "lines"),
         Column("user", "user ns"), Column("system", "system ns"),
         Column("seconds", "user s in all", 2), Column("ratio", "asyncore's advantage", 1)], rows,
        ["The kernel counts user time in ticks of its clock: few seconds of it say little. One by "
         "one, each line is a system call, which both make."])],
        [], goals)
