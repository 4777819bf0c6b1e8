# SPDX-License-Identifier: BSL-1.0
"""What idle connections cost: the echo of 16 active ones beside 0, 900 and 9,000 silent ones, and
the memory that each takes. "allocated" is what malloc has handed out, growth of tables included;
"resident" is what the process occupies, malloc's own headers included."""

import serve
import session as sessions
from report import Answer, Column, Plot, Table, at_least, at_most
from rounds import Sample, advantage, alternate
from session import OURS

ACTIVE = 16


def memory(session, contender, idle):
    cpu, _ = sessions.processors()
    with serve.server(contender.command, cpu) as process:
        serve.Holder(session, process.port, 1).close()  # first use of everything
        one = serve.Holder(session, process.port, 1)
        before = serve.allocated_bytes(process), serve.private_bytes(process)
        many = serve.Holder(session, process.port, idle)
        after = serve.allocated_bytes(process), serve.private_bytes(process)
        many.close()
        one.close()
    return [(b - a) / idle for a, b in zip(before, after)]


def memory_table(session, rivals):
    # Tables that double show it in the difference.
    sizes = session.pick([4000], [1000, 9000, 16000], [1000, 4000, 9000, 16000])
    rows = []
    for each in rivals:
        for idle in sizes:
            allocated, resident = memory(session, each, idle)
            rows.append({"name": each.name, "idle": idle, "allocated": Sample([allocated]),
                         "resident": Sample([resident])})
    goals = [at_most(f"bytes allocated for each of {row['idle']:,} idle connections",
                     row["allocated"], 96, 0) for row in rows if row["name"] == OURS]
    return Table("user-space bytes for each idle connection",
                 [Column("name", "server"), Column("idle", "connections"),
                  Column("allocated", "allocated"), Column("resident", "resident")], rows), goals


def ask(session):
    rivals = session.contenders("echo_server")
    echo_rivals = session.pick(rivals[:2], rivals, rivals)
    sizes = session.pick([0, 9000], [0, 900, 9000], [0, 900, 9000])
    cases = [(each, idle) for each in echo_rivals for idle in sizes]
    session.progress(f"idle_connections: {ACTIVE} active beside up to {sizes[-1]:,} idle")
    results = alternate(cases, session.rounds, lambda case: serve.loaded(
        session, case[0], "load_echo", "--connections", ACTIVE, "--idle", case[1], "--seconds",
        session.seconds, "--warm-up", session.seconds / 4))
    rows, curves, goals = [], {}, []
    for (each, idle), result in results.items():
        alone = results[each, 0]
        kept = advantage(result["per_second"], alone["per_second"], False)
        rows.append({"name": each.name, "idle": idle, **result, "kept": kept if idle else None})
        curves.setdefault(each.name, []).append((idle, result["cpu_ns"]))
        if each.name == OURS and idle:
            goals.append(at_least(f"messages/s beside {idle:,} idle connections, against none",
                                  kept.ratio, 0.98))
    table = Table(f"echo of {ACTIVE} active connections beside idle ones",
                  [Column("name", "server"), Column("idle", "idle"),
                   Column("per_second", "messages/s"), Column("cpu_ns", "CPU ns/msg"),
                   Column("kept", "against 0 idle", 2)], rows)
    session.progress("idle_connections: memory")
    bytes_table, bytes_goals = memory_table(session, rivals)
    return Answer([table, bytes_table],
                  [Plot("idle_connections", f"Echo of {ACTIVE} connections beside idle ones",
                        "idle connections", "CPU ns for each message", curves)],
                  goals + bytes_goals)
