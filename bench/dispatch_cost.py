#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Instructions that one event costs, in the program and its library, without the kernel: the
difference that 20,000 more hops make, counted by callgrind, divided by 20,000."""

import pathlib
import re
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import session


def instructions(command, hops):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           *command, "--hops", str(hops)], capture_output=True, text=True)
    collected = re.search(r"Collected\s*:\s*(\d+)", done.stderr)
    if done.returncode != 0 or collected is None:
        sys.exit(f"error: {' '.join(command)}: {done.stderr.strip()}")
    return int(collected.group(1))


def nanoseconds(command, hops):
    done = subprocess.run([*command, "--hops", str(hops)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)}: {done.stderr.strip()}")
    return float(re.search(r"([\d.]+) ns per hop", done.stdout).group(1))


def contenders(build):
    pollers = ["epoll", "poll", "select"]
    for poller in pollers:
        yield f"hand-written {poller}", ["dispatch_cost_hand", "--poller", poller]
    for poller in pollers:
        for channels in ["closed", "open"]:
            yield (f"asyncore {poller}, {channels} set",
                   ["dispatch_cost", "--poller", poller, "--set", channels])
    for peer in session.PEERS:
        yield peer, [f"dispatch_cost_{peer}"]


def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--pipes", type=int, default=100, help="pipes in the ring (%(default)s)")
    parser.add_argument("--bytes", type=int, default=100, help="bytes travelling (%(default)s)")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("error: valgrind is not installed (bench/run installs it)")

    rows = []
    for name, (binary, *rest) in contenders(options.build):
        path = session.program(options.build, binary)
        if path is None:
            session.progress(f"{binary} is not built, left out")
            continue
        session.progress(f"dispatch_cost: {name}")
        command = [str(path), *rest, "--pipes", str(options.pipes), "--bytes", str(options.bytes)]
        cost = (instructions(command, 40_000) - instructions(command, 20_000)) / 20_000
        runs = 1 if options.quick else 5
        time = statistics.median(nanoseconds(command, 500_000) for _ in range(runs))
        rows.append([name, f"{cost:.1f}", f"{time:.0f}"])
    print(f"dispatch_cost: a ring of {options.pipes} pipes, {options.bytes} bytes travelling")
    session.table(["program", "instructions/event", "ns/event with kernel"], rows)


if __name__ == "__main__":
    main()
