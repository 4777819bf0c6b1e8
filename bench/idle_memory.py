#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""User-space memory of one idle echo connection. Each connection exchanges one message, then
stays silent. "allocated" is what malloc has handed out, growth of tables included even where it
was never touched; "resident" is what the process really occupies (private dirty pages), which
includes malloc's own headers. Both are the difference that the connections make, divided by their
number."""

import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import session


def resident(process):
    """Private dirty bytes. smaps_rollup is exact where VmRSS may lag by some pages a processor."""
    for line in pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return 1024 * int(line.split()[1])
    sys.exit("error: /proc/PID/smaps_rollup has no Private_Dirty")


def allocated(process):
    process.send_signal(signal.SIGUSR1)
    return int(process.stdout.readline().split()[1])


class holder:
    """A load client that opens idle connections and keeps them until `close`."""

    def __init__(self, client, port, idle):
        command = [client, "--port", port, "--connections", 0, "--idle", idle, "--hold"]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "holding\n":
            sys.exit("error: the idle connections could not be opened")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)


def measure(command, client, idle):
    cpu, _ = session.processors()
    with session.server(command, cpu) as process:
        holder(client, process.port, 1).close()  # first use of everything
        one = holder(client, process.port, 1)
        before = allocated(process), resident(process)
        many = holder(client, process.port, idle)
        after = allocated(process), resident(process)
        many.close()
        one.close()
    return [(b - a) / idle for a, b in zip(before, after)]


def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--idle", type=int, nargs="+", default=[1000, 9000, 16000],
                        help="idle connections; tables that double show it in the difference")
    parser.add_argument("--servers", nargs="+", metavar="NAME",
                        default=["hand", "asyncore", *session.PEERS])
    options = parser.parse_args()
    client = session.require(options.build, "echo_load")

    rows = []
    for name in options.servers:
        session.progress(f"idle_memory: {name}")
        command = [session.require(options.build, f"echo_server_{name}")]
        for idle in [9000] if options.quick else options.idle:
            rows.append([name, f"{idle:,}", *(f"{x:.0f}" for x in measure(command, client, idle))])
    print("idle_memory: user-space bytes for each idle echo connection")
    session.table(["server", "connections", "allocated", "resident"], rows)


if __name__ == "__main__":
    main()
