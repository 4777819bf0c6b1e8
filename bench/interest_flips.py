# SPDX-License-Identifier: BSL-1.0
"""Re-arming: a server stops reading from a connection until a worker, whose descriptor becomes
ready in a later turn, has answered and the answer has left. Small answers leave at once; large ones
fill the buffer of the socket several times. The twin by hand is edge-triggered and never
re-arms."""

import serve
from report import Answer, Column, Table, at_most
from rounds import advantage
from session import BY_HAND, OURS

CONNECTIONS = 64
KINDS = ["wait", "control", "receive", "send", "other"]


def ask(session):
    rivals = session.contenders("flow_server")
    tables, goals = [], []
    for size in session.pick([64], [64, 512 * 1024], [64, 512 * 1024]):
        session.progress(f"interest_flips: answers of {size:,} bytes")
        plain, metered = serve.alternate_loads(session, rivals, "load_flow",
                                               "--connections", CONNECTIONS, "--size", size)
        ours = next(each for each in rivals if each.name == OURS)
        rows = []
        for each in rivals:
            row = {"name": each.name, "rate": plain[each]["per_second"],
                   "cpu": plain[each]["cpu_ns"], "user": metered[each]["user_ns"],
                   "calls": metered[each]["calls"]}
            row |= {kind: metered[each][f"{kind}_calls"].median for kind in KINDS}
            if each is not ours:
                row["ratio"] = advantage(metered[ours]["calls"], metered[each]["calls"])
                if each.name != BY_HAND:
                    goals.append(at_most(
                        f"system calls against {each.name}, answers of {size:,} bytes",
                        advantage(metered[each]["calls"], metered[ours]["calls"]).ratio, 1))
            rows.append(row)
        tables.append(Table(
            f"answers of {size:,} bytes; system calls for each message; asyncore's "
            "advantage in calls on the right",
            [Column("name", "server"), Column("calls", "calls", 2),
             *(Column(kind, kind, 2) for kind in KINDS), Column("rate", "messages/s"),
             Column("cpu", "CPU ns/msg"), Column("user", "user ns/msg"),
             Column("ratio", "calls", 2)], rows))
    return Answer(tables, [], goals)
