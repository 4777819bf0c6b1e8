# SPDX-License-Identifier: BSL-1.0
"""Servers, and load clients that measure them."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

import session
from rounds import alternate

PATIENCE = 60  # seconds until what should have happened has failed


@contextlib.contextmanager
def server(command, cpu, environment=None):
    """Starts a server pinned to `cpu`, or to a set of them; gives its process, with `.port`. At the
    end SIGTERM must make it leave with 0, and `.said` is what it wrote to stderr."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **(environment or {})},
                               preexec_fn=lambda: os.sched_setaffinity(
                                   0, cpu if isinstance(cpu, set) else {cpu}))
    try:
        line = process.stdout.readline()
        if not line.startswith("listening on "):
            process.kill()
            sys.exit(f"error: {command[0]} does not listen: {line}{process.stderr.read()}")
        process.port = int(line.rsplit(":", 1)[1])
        yield process
        process.send_signal(signal.SIGTERM)
        _, process.said = process.communicate(timeout=PATIENCE)
        if process.returncode != 0:
            sys.exit(f"error: {command[0]} left with {process.returncode}: {process.said}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def exchange(command, connections, rounds, message):
    """Starts a server that sends back what it gets, exchanges `message` on each connection so many
    times, and returns what the server wrote to stderr."""
    with server(command, session.processors()[0]) as process:
        peers = [socket.create_connection(("127.0.0.1", process.port), timeout=PATIENCE)
                 for _ in range(connections)]
        for _ in range(rounds):
            for peer in peers:
                peer.sendall(message)
            for peer in peers:
                if peer.recv(len(message), socket.MSG_WAITALL) != message:
                    sys.exit(f"error: {command}: the echo differs from what was sent")
    for peer in peers:
        peer.close()
    return process.said


def figures(text):
    """The `name number` lines of a program's output."""
    pairs = [line.split() for line in text.splitlines()]
    return {pair[0]: float(pair[1]) for pair in pairs if len(pair) == 2}


def run(command, what, attempts=1):
    """Runs a program that prints figures; again when it timed out, as on a machine that is busy
    with something else."""
    for attempt in range(attempts):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              timeout=10 * PATIENCE)
        if done.returncode == 0:
            return figures(done.stdout)
        if "timed out" not in done.stderr:
            break
    sys.exit(f"error: {what}: {done.stderr.strip()}")


def loaded(run_session, contender, client, *options, threads=2, metered=False):
    """Starts a server, loads it, stops it; returns the client's figures. `metered` counts the
    server's system calls and the time between them."""
    server_cpu, client_cpus = session.processors()
    with tempfile.NamedTemporaryFile() as meter:
        meter.truncate(4096)
        environment, more = {}, []
        if metered:
            library = run_session.program("libcall_meter.so")
            environment = {"LD_PRELOAD": str(library.resolve()), "BENCH_CALL_METER": meter.name}
            more = ["--meter", meter.name]
        with server(contender.command, server_cpu, environment) as process:
            return run([run_session.program(client), "--port", process.port, "--server-pid",
                        process.pid, "--cpus", ",".join(map(str, client_cpus[:threads])),
                        *options, *more], contender.name, attempts=3)


def alternate_loads(run_session, rivals, client, *options):
    """Loads the servers of `rivals` in turn, first as they are, then in shorter rounds metered;
    returns both results by contender."""
    options = [*options, "--warm-up", run_session.seconds / 4, "--seconds"]
    plain = alternate(rivals, run_session.rounds, lambda each: loaded(
        run_session, each, client, *options, run_session.seconds))
    metered = alternate(rivals, run_session.rounds, lambda each: loaded(
        run_session, each, client, *options, run_session.seconds / 2, metered=True))
    return plain, metered


class Holder:
    """A load client that opens idle connections and keeps them until `close`."""

    def __init__(self, run_session, port, idle):
        command = [run_session.program("load_echo"), "--port", port, "--connections", 0,
                   "--idle", idle, "--hold"]
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "holding\n":
            sys.exit("error: the idle connections could not be opened")

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE)


def private_bytes(process):
    """Private dirty bytes. smaps_rollup is exact where VmRSS may lag by some pages a processor."""
    for line in pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return 1024 * int(line.split()[1])
    sys.exit("error: /proc/PID/smaps_rollup has no Private_Dirty")


def allocated_bytes(process):
    """What malloc has handed out, which a server tells on SIGUSR1."""
    process.send_signal(signal.SIGUSR1)
    return int(process.stdout.readline().split()[1])
