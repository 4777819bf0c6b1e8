# SPDX-License-Identifier: BSL-1.0
"""What the benchmark scripts share: running the built programs, medians, tables."""

import argparse
import contextlib
import os
import pathlib
import signal
import statistics
import subprocess
import sys

PEERS = ["libev", "libevent", "libuv", "asio"]


def arguments(what):
    busy = os.getloadavg()[0]
    if busy > 1.5:
        progress(f"the load average is {busy:.1f}: what else runs here makes times uncertain")
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--build", type=pathlib.Path, required=True, metavar="DIR",
                        help="where the built benchmark programs are")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    return parser


def program(build, name):
    """The path of a built program, or None where it was not built."""
    path = build / name
    return path if path.exists() else None


def require(build, name):
    path = program(build, name)
    if path is None:
        sys.exit(f"error: {name} is not in {build}: build it first (bench/run does)")
    return path


def progress(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def table(head, rows):
    """Prints rows under their heads; the first column to the left, numbers to the right."""
    cells = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    for row in cells:
        line = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        print("  ".join(line))
    print(flush=True)


def spread(values):
    """Half the range, as a share of the median: how far single runs lie apart."""
    return (max(values) - min(values)) / 2 / statistics.median(values)


def processors():
    """The processor for the server, and those for the load client."""
    free = sorted(os.sched_getaffinity(0))
    if len(free) == 1:
        progress("one processor only: server and client share it, and the figures mean little")
        return free[0], [free[0]]
    return free[0], free[1:3]


@contextlib.contextmanager
def server(command, cpu):
    """Starts an echo server pinned to `cpu`; gives its process, with `.port`. At the end SIGTERM
    must make it leave with 0, and `.said` is what it wrote to stderr."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            process.kill()
            sys.exit(f"error: {command[0]} does not listen: {line}{process.stderr.read()}")
        process.port = int(line.rsplit(":", 1)[1])
        yield process
        process.send_signal(signal.SIGTERM)
        _, process.said = process.communicate(timeout=20)
        if process.returncode != 0:
            sys.exit(f"error: {command[0]} left with {process.returncode}: {process.said}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def figures(text):
    """The `name number` lines of a program's output."""
    pairs = [line.split() for line in text.splitlines()]
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}
