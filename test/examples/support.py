# SPDX-License-Identifier: BSL-1.0
"""What the tests of the examples share: cases, running programs, and clients of servers."""
import contextlib
import fcntl
import functools
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

# What is freed is used again at once under the address sanitizer, too: some tests look at memory.
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=1", **os.environ}
PATIENCE = 60  # seconds until what should have happened has failed
POLLERS = ("select", "poll", "epoll")
SERVERS = ("echo_server", "http_server")
directory = sys.argv[1]
cases = []  # pairs of a name and a function


def case(*arguments):
    """Makes the function a case for each of the arguments, or one case when there are none."""
    def register(function):
        name = function.__name__.replace("_", " ")
        if not arguments:
            cases.append((name, function))
        for each in arguments:
            cases.append((f"{name}, {each}", functools.partial(function, each)))
        return function
    return register


class Skip(Exception):
    """This case lacks what it needs."""


def need_plain(name):
    """A program without a sanitizer, which takes memory and descriptors of its own."""
    with open(f"{directory}/{name}", "rb") as program:
        if b"__asan_init" in program.read():
            raise Skip("a sanitizer is built in")


def need_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as missing:
        raise Skip(f"no IPv6: {missing}") from missing


def expect(actual, wanted, what=""):
    if actual != wanted:
        raise AssertionError(f"{what} is {str(actual)[:1000]!r}, not {str(wanted)[:1000]!r}")


def run(*command, stdout=subprocess.PIPE):
    done = subprocess.run((f"{directory}/{command[0]}",) + command[1:], stdout=stdout,
                          stderr=subprocess.PIPE, timeout=PATIENCE)
    done.stderr = done.stderr.decode()
    return done


@contextlib.contextmanager
def serving(name, poller="best", host="127.0.0.1", leave=signal.SIGTERM, options=()):
    """A server, which must leave with 0, or with `left_with`, and say nothing but where it
    listens."""
    with tempfile.TemporaryFile() as log, subprocess.Popen(
            [f"{directory}/{name}", "--poller", poller, "--host", host, "--port", "0",
             *options],
            stdout=subprocess.PIPE, stderr=log, env=ENVIRONMENT) as process:
        try:
            line = process.stdout.readline().decode()
            shown = f"[{host}]" if ":" in host else host
            found = re.fullmatch(rf"listening on {re.escape(shown)}:(\d+)\n", line)
            if not found:
                raise AssertionError(f"its first line is {line!r}")
            process.address = (host, int(found[1]))
            process.url = f"http://{shown}:{found[1]}"
            process.left_with, process.leaves = 0, False
            yield process
            if not process.leaves:
                process.send_signal(leave)
            expect(process.wait(PATIENCE), process.left_with, f"the status after {leave.name}")
            expect(process.stdout.read(), b"", "the rest of its output")
        finally:
            process.kill()
            log.seek(0)
            said = log.read().decode()
        expect(said, "", "what it said on stderr")


def terminate(server):
    """SIGTERM already within `serving`, which then sends no other: that would be the end."""
    server.send_signal(signal.SIGTERM)
    server.leaves = True


def connect(server):
    client = socket.create_connection(server.address, PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def read_all(client):
    data = b""
    while chunk := client.recv(1 << 16):
        data += chunk
    return data


def read_exactly(client, size):
    data = b""
    while len(data) < size:
        chunk = client.recv(size - len(data))
        if not chunk:
            raise AssertionError(f"the end after {len(data)} of {size} bytes")
        data += chunk
    return data


def is_asleep(server):
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


def memory(server):
    with open(f"/proc/{server.pid}/statm", encoding="ascii") as sizes:
        return int(sizes.read().split()[1]) * resource.getpagesize()


def send_until_paused(server, client, message):
    """Sends `message` over and over to a server that does not read on; how many bytes it took."""
    sent, deadline = 0, time.monotonic() + PATIENCE
    client.setblocking(False)
    while sent < 1 << 28 and time.monotonic() < deadline:
        try:
            sent += client.send(message[sent % len(message):])
        except BlockingIOError:
            # A server that sleeps although there is something to read has paused.
            if not select.select([], [client], [], 0.01)[1] and is_asleep(server):
                client.settimeout(PATIENCE)
                return sent
    raise AssertionError(f"it took {sent} bytes from a client that reads nothing")


def kernel_queues(server, client):
    """What the kernel holds for the server's end: sent and not acknowledged, received and not
    read (proc_pid_net(5), tx_queue and rx_queue)."""
    ends = [f":{address[1]:04X}" for address in (server.address, client.getsockname())]
    with open("/proc/net/tcp", encoding="ascii") as table:
        for row in map(str.split, table):
            if row[1].endswith(ends[0]) and row[2].endswith(ends[1]):
                return [int(size, 16) for size in row[4].split(":")]
    raise AssertionError("the connection is gone")


def waiting(server, client, answer_size):
    """How much of its answer waits in the server, when the client reads nothing: what the kernel
    does not hold. Waits until the server has read all of the question."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        unacknowledged, unread = queues = kernel_queues(server, client)
        if unread == 0 and is_asleep(server) and kernel_queues(server, client) == queues:
            received = struct.unpack("i", fcntl.ioctl(client, termios.FIONREAD, bytes(4)))[0]
            return answer_size - unacknowledged - received
    raise AssertionError("it does not read")


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
