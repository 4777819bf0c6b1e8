# SPDX-License-Identifier: BSL-1.0
"""How long an echo takes: 64 bytes over loopback TCP, one message out on each connection, to a
client that sleeps until the answer is there and to one that spins. Server and client have a
processor each. At rest: what share of it the server uses when nobody asks."""

import serve
from report import Answer, Column, Plot, Table, at_least, at_most
from rounds import advantage, alternate
from session import BY_HAND, OURS

SPINNING = f"{OURS}, spinning"


def measure(session, rivals, connections, client):
    options = ["--connections", connections, "--seconds", session.seconds, "--warm-up",
               session.seconds / 4, "--latency", "--rest", session.pick(0.1, 0.2, 0.5)]
    if client == "spinning":
        options.append("--spin")
    results = alternate(rivals, session.rounds, lambda each: serve.loaded(
        session, each, "load_echo", *options, threads=1))
    return {each.name: result for each, result in results.items()}


def table(connections, client, results):
    rows = []
    for name, result in results.items():
        ours = results[SPINNING if "spinning" in name else OURS]
        rows.append({"name": name, **result, "ratio": None if name in [OURS, SPINNING] else
                     advantage(ours["per_second"], result["per_second"], False)})
    return Table(
        f"{connections} connection{'s' * (connections > 1)}, {client} client",
        [Column("name", "server"), Column("p50_us", "p50 us", 1), Column("p99_us", "p99 us", 1),
         Column("p999_us", "p99.9 us", 1), Column("per_second", "round trips/s"),
         Column("busy_at_rest", "busy at rest", 3), Column("ratio", "asyncore's advantage", 2)],
        rows)


def ask(session):
    rivals = session.contenders("echo_server",
                                (SPINNING, "echo_server_asyncore_spinning"),
                                (f"{BY_HAND}, spinning", "echo_server_hand", "--wait", "spinning"))
    cases = session.pick(
        [(1, "spinning")],
        [(1, "sleeping"), (64, "sleeping"), (1, "spinning"), (64, "spinning")],
        [(1, "sleeping"), (64, "sleeping"), (1, "spinning"), (64, "spinning")])
    results = {}
    for connections, client in cases:
        session.progress(f"echo_latency: {connections} connections, {client} client")
        results[connections, client] = measure(session, rivals, connections, client)
    alone = results[1, "spinning"]
    curves = {name: [(connections, results[connections, "spinning"][name]["p50_us"])
                     for connections, client in results if client == "spinning"]
              for name in alone}
    return Answer(
        [table(*case, result) for case, result in results.items()],
        [Plot("echo_latency", "Median round trip of 64 bytes, spinning client", "connections",
              "microseconds", curves)],
        [at_least("spinning: round trips/s against by hand, blocking; 1 connection, client spins",
                  advantage(alone[SPINNING]["per_second"], alone[BY_HAND]["per_second"],
                            False).ratio, 3),
         at_most("spinning: share of a processor used at rest",
                 alone[SPINNING]["busy_at_rest"], 0.01, 3)])
