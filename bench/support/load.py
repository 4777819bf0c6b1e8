# SPDX-License-Identifier: BSL-1.0
"""One run of the load client against one echo server, and alternating pairs of such runs."""

import statistics
import subprocess
import sys

import session


def run(server_command, client, connections, idle, seconds, warm_up):
    """Starts the server, loads it, stops it; returns the client's figures."""
    server_cpu, client_cpus = session.processors()
    with session.server(server_command, server_cpu) as process:
        command = [client, "--port", process.port, "--connections", connections, "--idle", idle,
                   "--seconds", seconds, "--warm-up", warm_up, "--server-pid", process.pid,
                   "--cpus", ",".join(map(str, client_cpus))]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              timeout=120 + seconds)
        if done.returncode != 0:
            sys.exit(f"error: {server_command[0]}: {done.stderr.strip()}")
    return session.figures(done.stdout)


def pairs(one, other, count):
    """Calls `one` and `other` alternately, `count` times each: drift of the machine hits both."""
    firsts, seconds = [], []
    for _ in range(count):
        firsts.append(one())
        seconds.append(other())
    return firsts, seconds


def column(runs, name):
    return [each[name] for each in runs]


def compared(firsts, seconds, name):
    """The median of `name` on both sides, the median of the pairs' ratios and their spread."""
    ratios = [b / a for a, b in zip(column(firsts, name), column(seconds, name))]
    return (statistics.median(column(firsts, name)), statistics.median(column(seconds, name)),
            statistics.median(ratios), session.spread(ratios))
