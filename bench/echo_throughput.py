# SPDX-License-Identifier: BSL-1.0
"""Echo of 64-byte messages over loopback TCP. The server has one processor for itself, the load
client two others; each connection has one message out. User time is what passes between system
calls, measured in rounds of their own; system time is the rest of the processor time."""

import serve
from report import Answer, Column, Plot, Table, at_least, at_most
from rounds import Sample, advantage
from session import BY_HAND, OURS


def variants(session, kind):
    """The pollers other than epoll, where a library can be told which."""
    for poller in ["poll", "select"]:
        yield f"{OURS}, {poller}", f"{kind}_asyncore_{poller}"
        for peer in ["libev", "libevent"]:
            yield f"{peer}, {poller}", f"{kind}_{peer}", "--poller", poller


def measure(session, rivals, connections):
    plain, metered = serve.alternate_loads(session, rivals, "load_echo",
                                           "--connections", connections)
    return {each.name: {"rate": plain[each]["per_second"], "cpu": plain[each]["cpu_ns"],
                        "busy": min(plain[each]["busy"].values),
                        "user": metered[each]["user_ns"], "calls": metered[each]["calls"],
                        "system": Sample(c - u for c, u in zip(metered[each]["cpu_ns"].values,
                                                               metered[each]["user_ns"].values))}
            for each in rivals}


def table(connections, results):
    rows = []
    for name, result in results.items():
        versus = {}
        if name != OURS:
            ours = results[OURS]
            versus = {"rate_ratio": advantage(ours["rate"], result["rate"], False),
                      "user_ratio": advantage(ours["user"], result["user"])}
        rows.append({"name": name, **result, **versus})
    return Table(
        f"{connections:,} connections; asyncore's advantage on the right",
        [Column("name", "server"), Column("rate", "messages/s"), Column("cpu", "CPU ns/msg"),
         Column("user", "user ns/msg"), Column("system", "system ns/msg"),
         Column("calls", "calls/msg", 2), Column("busy", "busy", 2),
         Column("rate_ratio", "messages/s", 2), Column("user_ratio", "user time", 2)], rows)


def goals(connections, results):
    ours = results[OURS]
    for name, theirs in results.items():
        if "," in name or name == OURS:
            continue
        limit = 0.98 if name == BY_HAND else 1
        yield at_least(f"messages/s against {name}, {connections:,} connections",
                       advantage(ours["rate"], theirs["rate"], False).ratio, limit)
    yield at_most(f"user time against {BY_HAND}, {connections:,} connections",
                  advantage(results[BY_HAND]["user"], ours["user"]).ratio, 1.15)


def ask(session):
    sizes = session.pick([16, 1000], [16, 256, 1000, 4000], [16, 256, 1000, 4000])
    rivals = session.contenders("echo_server")
    others = []
    if session.mode == "full":
        others = [session.contender(*each) for each in variants(session, "echo_server")]
        others = [each for each in others if each is not None]
    results = {}
    for connections in sizes:
        session.progress(f"echo_throughput: {connections:,} connections")
        more = others if connections <= 256 else []  # select takes few descriptors
        results[connections] = measure(session, rivals + more, connections)

    def curves(key):
        found = {}
        for connections, by_name in results.items():
            for name, result in by_name.items():
                found.setdefault(name, []).append((connections, result[key]))
        return found

    plots = [Plot("echo_throughput", "Echo of 64 bytes over loopback TCP", "connections",
                  "messages per second", curves("rate")),
             Plot("echo_user_time", "Echo of 64 bytes: user time", "connections",
                  "ns between system calls for each message", curves("user"))]
    return Answer([table(*each) for each in results.items()], plots,
                  [goal for each in results.items() for goal in goals(*each)])
