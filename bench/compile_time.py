# SPDX-License-Identifier: BSL-1.0
"""Time to compile the echo server on each library, and a file with nothing but the include of
<asyncore.hpp> and <asio.hpp>, as the build does it: -O2. The advantage is in processor time, which
other work on the machine disturbs less."""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import compile_commands
from report import Answer, Column, Table, at_most
from rounds import advantage, alternate, gather
from session import OURS, Contender


def compile_once(folder, command):
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, "-c", "-o", os.devnull], cwd=folder, capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)}: {done.stderr.strip()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"elapsed": time.monotonic() - start,
            "processor": after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime}


def preprocessed_lines(folder, command):
    """Lines that the compiler proper reads, without the empty ones."""
    done = subprocess.run([*command, "-E", "-P"], cwd=folder, capture_output=True, text=True,
                          check=True)
    return sum(1 for line in done.stdout.splitlines() if line.strip())


def table(session, title, cases, ours):
    if session.mode != "quick":
        for case in cases:
            compile_once(*cases[case])  # brings the files into the page cache
    rivals = [Contender(name, ()) for name in cases]
    count = session.pick(1, 5, 9)
    results = alternate(rivals, count, lambda each: compile_once(*cases[each.name]))
    by_name = {each.name: result for each, result in results.items()}
    rows = []
    for name, result in by_name.items():
        rows.append({"name": name, **result, "lines": preprocessed_lines(*cases[name]),
                     "ratio": None if name == ours else
                     advantage(by_name[ours]["processor"], result["processor"])})
    return by_name, Table(title, [Column("name", "source"), Column("elapsed", "elapsed s", 2),
                                  Column("processor", "processor s", 2),
                                  Column("lines", "lines preprocessed"),
                                  Column("ratio", "asyncore's advantage", 2)], rows)


def ask(session):
    servers = compile_commands.echo_servers(session)
    results, servers_table = table(session, "the echo server", servers, OURS)
    tables, goals = [servers_table], []
    if "asio" in results:
        goals.append(at_most("the echo server against Asio's", advantage(
            results["asio"]["processor"], results[OURS]["processor"]).ratio, 0.25))
    with tempfile.TemporaryDirectory() as temporary:
        includes = {}
        for name, library in [("asyncore.hpp", OURS), ("asio.hpp", "asio")]:
            if library in servers:
                folder, command = servers[library]
                source = pathlib.Path(temporary) / f"{name}.cpp"
                source.write_text(f"#include <{name}>\n")
                includes[name] = folder, [*command[:-1], str(source)]
        by_name, includes_table = table(session, "one include", includes,
                                        "asyncore.hpp")
    tables.append(includes_table)
    goals.append(at_most("seconds for <asyncore.hpp>", by_name["asyncore.hpp"]["processor"], 0.5))
    return Answer(tables, [], goals)
