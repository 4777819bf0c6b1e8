# SPDX-License-Identifier: BSL-1.0
"""What dispatching one event costs: bytes that travel around a ring of pipes. Time with the kernel,
and instructions without it: the difference that more hops make, by callgrind. "two types": the
members are of two types in turn, and receive by handle_data of a file_dispatcher."""

import callgrind
import serve
from report import Answer, Column, Plot, Table, at_most
from rounds import Sample, advantage, alternate
from session import BY_HAND, INSTALL, OURS

POLLERS = ["epoll", "poll", "select"]
TWO_TYPES = "two types"
SELECT_LIMIT = 1000  # pipes; descriptors must stay below FD_SETSIZE


def contenders(session):
    """(contender, its poller) for each."""
    wanted = [(f"{OURS}, {poller}", poller, "pipe_ring_asyncore", "--poller", poller)
              for poller in POLLERS]
    wanted.append((f"{OURS}, epoll, open set", "epoll", "pipe_ring_asyncore", "--set", "open"))
    for poller in POLLERS:
        wanted.append((f"{BY_HAND}, {poller}", poller, "pipe_ring_hand", "--poller", poller))
    wanted += [(f"{OURS}, {TWO_TYPES}", "epoll", "mixed_ring_asyncore"),
               (f"{BY_HAND}, {TWO_TYPES}", "epoll", "mixed_ring_baseline")]
    for poller in POLLERS:
        for peer in ["libev", "libevent"]:
            wanted.append((f"{peer}, {poller}", poller, f"pipe_ring_{peer}", "--poller", poller))
    wanted += [(f"{peer}, epoll", "epoll", f"pipe_ring_{peer}") for peer in INSTALL
               if peer not in ["libev", "libevent"]]
    found = [(session.contender(name, *rest), poller) for name, poller, *rest in wanted]
    return [(each, poller) for each, poller in found if each is not None]


def measure(session, point, poller_of):
    """Nanoseconds and instructions for each event, of all contenders at one point."""
    pipes, active = point
    rivals = [each for each, poller in poller_of.items()
              if poller != "select" or pipes <= SELECT_LIMIT]

    def options(each, seconds):
        # How long a hop takes, roughly, to run about as long at every size.
        scanned = 0 if poller_of[each] == "epoll" else pipes / min(active, pipes)
        hops = max(500, int(seconds * 1e9 / (900 + 25 * scanned)))
        return ["--pipes", pipes, "--bytes", active, "--hops", hops], hops

    seconds = session.pick(0.06, 0.25, 1)
    times = alternate(rivals, session.pick(3, 5, 7), lambda each: serve.run(
        [*each.command, *options(each, seconds)[0]], each.name))
    counts = {}
    if callgrind.available(session) and (session.mode != "quick" or point == (100, 100)):
        def instructions(each):
            arguments, hops = options(each, 0.02)
            first = callgrind.count([*each.command, *arguments])
            second = callgrind.count([*each.command, *arguments[:-1], 2 * hops])
            return (second - first) / hops
        counts = dict(zip(rivals, callgrind.map_all(instructions, rivals)))
    return {each: {"ns": times[each]["ns_per_hop"], "instructions": counts.get(each)}
            for each in rivals}


def table(point, poller_of, results):
    rows = []
    for each, result in results.items():
        work = TWO_TYPES if each.name.endswith(TWO_TYPES) else poller_of[each]
        ours = next((r for o, r in results.items() if o.name == f"{OURS}, {work}"), None)
        rows.append({"name": each.name, **result,
                     "ratio": advantage(ours["ns"], result["ns"])
                     if not each.name.startswith(OURS) else None})
    return Table(f"{point[0]:,} pipes, {point[1]:,} active",
                 [Column("name", "program"), Column("instructions", "instructions/event", 1),
                  Column("ns", "ns/event"), Column("ratio", "asyncore's advantage", 2)], rows)


def plots(results):
    for active in sorted({active for _, active in results}):
        points = sorted(pipes for pipes, a in results if a == active)
        if len(points) < 2:
            continue
        for name, ours in [("epoll", ["epoll"]), ("poll_select", ["poll", "select"])]:
            curves = {}
            for pipes in points:
                for each, result in results[pipes, active].items():
                    if any(f", {poller}" in each.name for poller in ours):
                        curves.setdefault(each.name, []).append((pipes, result["ns"]))
            yield Plot(f"dispatch_cost_{name}_{active}",
                       f"Cost of an event in a ring of pipes, {active:,} active",
                       "pipes", "ns for each event, with the kernel", curves)


def goals(results):
    """A budget of instructions, and poll and select below those of libev and libevent."""
    for point, result in results.items():
        found = {each.name: r for each, r in result.items()}
        ring = f"{point[0]:,} pipes, {point[1]:,} active"
        closed, opened = found[f"{OURS}, epoll"], found[f"{OURS}, epoll, open set"]
        mixed = found[f"{OURS}, {TWO_TYPES}"]
        if point == (100, 100) and closed["instructions"]:
            yield at_most("instructions of the closed set", Sample([closed["instructions"]]), 55, 1)
            yield at_most("instructions of the open set", Sample([opened["instructions"]]), 70, 1)
            yield at_most("instructions of two types", Sample([mixed["instructions"]]), 62, 1)
        for poller in ["poll", "select"]:
            ours = found.get(f"{OURS}, {poller}")
            for peer in ["libev", "libevent"]:
                theirs = found.get(f"{peer}, {poller}")
                if ours is None or theirs is None:
                    continue
                if ours["instructions"]:
                    share = Sample([ours["instructions"] / theirs["instructions"]])
                    yield at_most(f"{poller}: instructions against {peer}, {ring}", share, 1)
                yield at_most(f"{poller}: time against {peer}, {ring}",
                              advantage(theirs["ns"], ours["ns"]).ratio, 1)


def ask(session):
    points = session.pick(
        [(100, 100), (1000, 1)],
        [(100, 1), (100, 100), (1000, 1), (1000, 100), (9000, 1), (9000, 100)],
        [(100, 1), (100, 100), (1000, 1), (1000, 100), (1000, 1000), (9000, 1), (9000, 100),
         (9000, 1000)])
    poller_of = dict(contenders(session))
    results = {}
    for point in points:
        session.progress(f"dispatch_cost: {point[0]:,} pipes, {point[1]:,} active")
        results[point] = measure(session, point, poller_of)
    return Answer([table(point, poller_of, result) for point, result in results.items()],
                  list(plots(results)), list(goals(results)))
