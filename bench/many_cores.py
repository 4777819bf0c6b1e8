# SPDX-License-Identifier: BSL-1.0
"""An echo server with a loop in each of several threads: messages a second from one thread to one
for each processor, and how evenly long-lived connections lie, for each way to share them. The load
client has the processors that the server leaves, and shares them when it leaves none."""

import os

import serve
from report import Answer, Column, Plot, Table
from rounds import Sample, advantage, alternate
from session import BY_HAND, OURS

WAYS = ["reuse-port", "least-loaded", "exclusive"]
SERVED = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]  # thread counts that the servers know
CONNECTIONS = 64


def contenders(session, threads):
    found = [session.contender(f"{OURS}, {way}", "group_server_asyncore", "--share", way,
                               "--threads", threads) for way in WAYS]
    found += [session.contender(f"{BY_HAND}, {way}", "group_server_hand", "--share", way,
                                "--threads", threads) for way in WAYS if way != "least-loaded"]
    return found


def throughput(session, contender, threads):
    # Each thread of the client has to get an answer.
    seconds = max(session.seconds, session.pick(0.2, 0.6, 0.6))
    cpus = sorted(os.sched_getaffinity(0))
    client = cpus[threads:] or cpus
    with serve.server(contender.command, set(cpus)) as process:
        return serve.run([session.program("load_echo"), "--port", process.port, "--server-pid",
                          process.pid, "--cpus", ",".join(map(str, client)), "--connections",
                          CONNECTIONS, "--warm-up", seconds / 4, "--seconds", seconds],
                         contender.name, attempts=3)


def imbalance(session, contender, connections):
    with serve.server(contender.command, set(os.sched_getaffinity(0))) as process:
        holder = serve.Holder(session, process.port, connections)
        holder.close()
    return serve.figures(process.said)


def ask(session):
    cores = len(os.sched_getaffinity(0))
    counts = [n for n in SERVED if n <= cores]
    rows, curves, alone = [], {}, {}
    for threads in session.pick([1, counts[-1]] if cores > 1 else [1], counts, counts):
        session.progress(f"many_cores: {threads} threads")
        rivals = contenders(session, threads)
        results = alternate(rivals, session.rounds,
                            lambda each, n=threads: throughput(session, each, n))
        for each, result in results.items():
            alone.setdefault(each.name, result["per_second"])
            rows.append({"name": each.name, "threads": threads, **result,
                         "scaled": advantage(result["per_second"], alone[each.name], False).ratio})
            curves.setdefault(each.name, []).append((threads, result["per_second"]))
    session.progress("many_cores: imbalance")
    lying = []
    for connections in session.pick([1000], [100, 1000], [100, 1000, 4000]):
        for each in contenders(session, counts[-1]):
            runs = [imbalance(session, each, connections)["imbalance"]
                    for _ in range(session.pick(1, session.rounds, session.rounds))]
            lying.append({"name": each.name, "connections": connections,
                          "imbalance": Sample(runs)})
    return Answer(
        [Table(f"echo on {CONNECTIONS} connections; against one thread on the right",
               [Column("name", "server"), Column("threads", "threads"),
                Column("per_second", "messages/s"), Column("cpu_ns", "CPU ns/msg"),
                Column("scaled", "times", 2)], rows,
               [f"the client needs processors, too: this machine has {cores}"]),
         Table(f"connections opened one after another to {counts[-1]} threads: most over mean",
               [Column("name", "server"), Column("connections", "connections"),
                Column("imbalance", "max/mean", 2)], lying)],
        [Plot("many_cores", f"Echo on {CONNECTIONS} connections", "threads",
              "messages per second", curves)])
