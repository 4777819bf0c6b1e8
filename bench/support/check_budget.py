# SPDX-License-Identifier: BSL-1.0
"""Checks what events cost against a budget, and prints TAP: check_budget.py BUDGET COMPILER BUILD
COMPILER is its name and version as Meson has them, BUILD the folder of the programs."""

import pathlib
import platform
import re
import shutil
import sys
import tomllib

import callgrind
import serve

HOPS = 20_000
ROUNDS = 100
# program, arguments
RINGS = {"epoll": ("pipe_ring_asyncore", "--poller", "epoll"),
         "epoll-open": ("pipe_ring_asyncore", "--poller", "epoll", "--set", "open"),
         "poll": ("pipe_ring_asyncore", "--poller", "poll"),
         "select": ("pipe_ring_asyncore", "--poller", "select"),
         "two-types": ("mixed_ring_asyncore",)}
TURNS = {"run": ("mixed_ring_asyncore", "--pipes", 1, "--bytes", 1),
         "poll": ("mixed_ring_asyncore", "--pipes", 1, "--bytes", 1, "--once")}
LINES = b"".join(b"get 0000 %05d\r\n" % i for i in range(16))
# program, connections, message, messages in it
SERVERS = {"echo": ("echo_server_asyncore", 64, bytes(range(64)), 1),
           "lines": ("line_server_asyncore", 16, LINES, 16)}
# memcheck counts allocations; it need not look for leaks.
MEMCHECK = ["valgrind", "--tool=memcheck", "--leak-check=no", "--undef-value-errors=no"]


def hop_instructions(build, program, *arguments):
    first, second = (callgrind.count([build / program, *arguments, "--hops", hops])
                     for hops in (HOPS, 2 * HOPS))
    return (second - first) / HOPS


def server_cost(build, name, tool, pattern):
    """What a message adds to the number that `tool` ends with."""
    program, connections, message, weight = SERVERS[name]

    def total(rounds):
        said = serve.exchange([*tool, build / program], connections, rounds, message)
        found = re.search(pattern, said)
        if found is None:
            sys.exit(f"error: {program}: {said.strip()}")
        return int(found[1].replace(",", ""))

    return (total(2 * ROUNDS) - total(ROUNDS)) / (ROUNDS * connections * weight)


MEASURES = {
    ("instructions", "ring"): lambda build, name: hop_instructions(build, *RINGS[name]),
    ("instructions", "turn"): lambda build, name: hop_instructions(build, *TURNS[name]),
    ("instructions", "server"): lambda build, name: server_cost(
        build, name, callgrind.COMMAND, r"Collected\s*:\s*(\d+)"),
    ("allocations", "server"): lambda build, name: server_cost(
        build, name, MEMCHECK, r"total heap usage: ([\d,]+) allocs"),
}


def why_skipped(compiler):
    if platform.machine() not in ("x86_64", "AMD64"):
        return "the budget is for x86-64"
    if not compiler.startswith("gcc 12."):
        return f"the budget is for g++ 12, and this is {compiler}"
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    return None


def main():
    budget, compiler, build = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
    if why := why_skipped(compiler):
        print(f"1..0 # SKIP {why}")
        return 0
    limits = tomllib.loads(budget.read_text())
    checks = [(what, where, name, limit) for what, places in limits.items()
              for where, names in places.items() for name, limit in names.items()]
    costs = callgrind.map_all(lambda check: MEASURES[check[:2]](build, check[2]), checks)
    print(f"1..{len(checks)}")
    failed = 0
    for (what, where, name, limit), cost in zip(checks, costs):
        over = cost > limit
        failed += over
        print(f"{'not ok' if over else 'ok'} {where}, {name}: {cost:.2f} {what}, "
              f"of {limit} in {budget.name}")
    return 1 if failed else 0


sys.exit(main())
