# SPDX-License-Identifier: BSL-1.0
"""Many small requests in one segment, each answered by a line: async_chat beside peers that answer
as their documentation does, most of them with a system call for each answer, and some of them told
by hand to gather. 16 connections."""

import serve
from report import Answer, Column, Plot, Table, at_least, at_most
from rounds import Sample, advantage
from session import OURS

CONNECTIONS = 16


def ask(session):
    rivals = session.contenders("line_server",
                                ("libuv, gathered", "line_server_libuv_gathered"),
                                ("asio, gathered", "line_server_asio_gathered"))
    tables, goals, curves = [], [], {}
    for lines in session.pick([16], [1, 16, 128], [1, 16, 128]):
        session.progress(f"pipelined_lines: {lines} in a segment")
        plain, metered = serve.alternate_loads(session, rivals, "load_line",
                                               "--connections", CONNECTIONS, "--lines", lines)
        ours = next(each for each in rivals if each.name == OURS)
        rows = []
        for each in rivals:
            rate = plain[each]["per_second"]
            row = {"name": each.name, "rate": rate, "cpu": plain[each]["cpu_ns"],
                   "user": metered[each]["user_ns"], "calls": metered[each]["calls"],
                   "receive": metered[each]["receive_calls"].median * lines,
                   "send": metered[each]["send_calls"].median * lines}
            curves.setdefault(each.name, []).append((lines, plain[each]["cpu_ns"]))
            if each is not ours:
                row["ratio"] = advantage(plain[ours]["per_second"], rate, False)
                if each.name in ["libuv", "asio"] and lines == 16:
                    goals.append(at_least(f"replies/s against {each.name}, {lines} in a segment",
                                          row["ratio"].ratio, 3))
            elif lines == 16:
                for kind in ["receive", "send"]:
                    goals.append(at_most(f"{kind} calls for 16 requests", Sample(
                        16 * x for x in metered[each][f"{kind}_calls"].values), 1.01))
            rows.append(row)
        tables.append(Table(
            f"{lines} in a segment; asyncore's advantage on the right",
            [Column("name", "server"), Column("rate", "replies/s"), Column("cpu", "CPU ns/reply"),
             Column("user", "user ns/reply"), Column("calls", "calls/reply", 3),
             Column("receive", "receives/segment", 2), Column("send", "sends/segment", 2),
             Column("ratio", "replies/s", 2)], rows))
    return Answer(tables, [Plot("pipelined_lines", "Requests that share a segment",
                                "requests in a segment", "CPU ns for each reply", curves)], goals)
