# SPDX-License-Identifier: BSL-1.0
"""Clients that come and go: connect, one message of 64 bytes, close; 64 at a time."""

import serve
from report import Answer, Column, Table
from rounds import advantage
from session import OURS

AT_A_TIME = 64


def ask(session):
    rivals = session.contenders("echo_server")
    plain, metered = serve.alternate_loads(session, rivals, "load_churn",
                                           "--connections", AT_A_TIME)
    ours = next(each for each in rivals if each.name == OURS)
    rows = []
    for each in rivals:
        row = {"name": each.name, **plain[each], "user": metered[each]["user_ns"],
               "calls": metered[each]["calls"]}
        if each is not ours:
            row["rate_ratio"] = advantage(plain[ours]["per_second"], plain[each]["per_second"],
                                          False)
            row["cpu_ratio"] = advantage(plain[ours]["cpu_ns"], plain[each]["cpu_ns"])
        rows.append(row)
    return Answer([Table(
        f"connect, one message, close; {AT_A_TIME} at a time; asyncore's advantage "
        "on the right",
        [Column("name", "server"), Column("per_second", "connections/s"),
         Column("cpu_ns", "CPU ns"), Column("user", "user ns"), Column("calls", "calls", 2),
         Column("busy", "busy", 2), Column("rate_ratio", "connections/s", 2),
         Column("cpu_ratio", "CPU time", 2)], rows)])
