# SPDX-License-Identifier: BSL-1.0
"""What a turn with a single event costs: one pipe, whose reader writes its only byte back. Time
with the kernel, and instructions without it: the difference that more turns make, by callgrind."""

import callgrind
import serve
from report import Answer, Column, Table, at_most
from rounds import Sample, advantage, alternate
from session import BY_HAND, OURS

RING = ["--pipes", 1, "--bytes", 1]
# name, program, whether the loop is called once for each turn
PROGRAMS = [(f"{OURS}, run({{.timeout = {{}}}})", "mixed_ring_asyncore", False),
            (f"{OURS}, poll(5s)", "mixed_ring_asyncore", True),
            (f"{BY_HAND}, epoll_wait without an end", "mixed_ring_baseline", False),
            (f"{BY_HAND}, epoll_wait for 5 s", "mixed_ring_baseline", True),
            ("libev, ev_run(0)", "pipe_ring_libev", False),
            ("libev, ev_run(EVRUN_ONCE)", "pipe_ring_libev", True),
            ("libuv, uv_run(UV_RUN_DEFAULT)", "pipe_ring_libuv", False),
            ("libuv, uv_run(UV_RUN_ONCE)", "pipe_ring_libuv", True)]
LIMITS = {False: 120, True: 135}  # instructions of ours
NOTE = ("A program under valgrind reads the clock by a system call, where the kernel's part is not "
        "counted.")


def contenders(session):
    """Those that are built, and for each whether it is called once for each turn."""
    found = [(session.contender(name, program, *RING, *(["--once"] if once else [])), once)
             for name, program, once in PROGRAMS]
    return {each: once for each, once in found if each is not None}


def instructions(each, turns=20_000):
    first, second = (callgrind.count([*each.command, "--hops", count])
                     for count in (turns, 2 * turns))
    return (second - first) / turns


def ask(session):
    once_of = contenders(session)
    rivals = list(once_of)
    turns = session.pick(50_000, 200_000, 800_000)
    times = alternate(rivals, session.rounds, lambda each: serve.run(
        [*each.command, "--hops", turns], each.name))
    counts = {}
    if callgrind.available(session):
        counts = dict(zip(rivals, callgrind.map_all(instructions, rivals)))
    ours = {once_of[each]: each for each in rivals if each.name.startswith(OURS)}
    rows = [{"name": each.name, "instructions": counts.get(each),
             "ns": times[each]["ns_per_hop"],
             "ratio": None if each in ours.values() else advantage(
                 times[ours[once_of[each]]]["ns_per_hop"], times[each]["ns_per_hop"])}
            for each in rivals]
    table = Table("a turn with one event",
                  [Column("name", "program"), Column("instructions", "instructions/turn", 1),
                   Column("ns", "ns/turn"), Column("ratio", "asyncore's advantage", 2)],
                  rows, [NOTE])
    return Answer([table], goals=[
        at_most(f"instructions of {each.name}", Sample([counts[each]]), LIMITS[once], 1)
        for once, each in ours.items() if counts])
