# SPDX-License-Identifier: BSL-1.0
"""Both servers against peers that are slow, silent, or too many, and against SIGTERM meanwhile."""
import contextlib
import os
import resource
import select
import signal
import socket
import subprocess
import threading
import time

from support import (ENVIRONMENT, PATIENCE, POLLERS, SERVERS, case, connect, directory, expect,
                     is_asleep, memory, need_plain, read_all, read_exactly, send_until_paused,
                     serving, terminate)

REQUEST = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
SOON = ("--timeout", "0.3")


def end_of(client):
    """How the server ends the connection: "end" or "reset"."""
    try:
        return "end" if read_all(client) == b"" else "data"
    except ConnectionResetError:
        return "reset"


def answers(client):
    client.sendall(REQUEST)
    expect(client.recv(1 << 16)[:6] in (REQUEST[:6], b"HTTP/1"), True, "that it is answered")


@case(*POLLERS)
def slow_heads_are_answered_408(poller):
    """A byte at a time for ever, which is not to count as progress."""
    with serving("http_server", poller, options=SOON) as server, connect(server) as slow:
        said, began = 0, time.monotonic()
        while not select.select([slow], [], [], 0.01)[0]:
            slow.sendall(b"GET / HTTP/1.1\r\nX: " if said == 0 else b"x")
            said += 1
            expect(time.monotonic() < began + PATIENCE, True, "that it is given up")
        expect(said > 2, True, "that it was given time")
        expect(read_all(slow).partition(b"\r\n")[0], b"HTTP/1.1 408 Request Timeout")
        with connect(server) as other:
            answers(other)


@case(*SERVERS)
def the_silent_are_closed(name):
    for poller in POLLERS:
        with serving(name, poller, options=SOON) as server:
            with connect(server) as never, connect(server) as once:
                answers(once)
                expect([end_of(each) for each in (never, once)], ["end", "end"], "what they see")


@case(*SERVERS)
def who_never_reads_costs_little_and_is_reset(name):
    need_plain(name)
    for poller in POLLERS:
        with serving(name, poller, options=SOON) as server, connect(server) as other:
            answers(other)
            before = memory(server)
            with connect(server) as deaf:
                try:
                    send_until_paused(server, deaf, REQUEST * 1000)
                except ConnectionError:
                    pass  # given up already
                expect(memory(server) - before < 4 << 20, True, "that it costs little memory")
                gone = select.poll()
                gone.register(deaf, 0)  # reads nothing: waits for the reset
                expect([each[1] & select.POLLERR for each in gone.poll(PATIENCE * 1000)],
                       [select.POLLERR], "what it gets")


@case(*SERVERS)
def connections_beyond_the_cap_wait(name):
    with serving(name, options=("--connections", "3")) as server, contextlib.ExitStack() as stack:
        first = [stack.enter_context(connect(server)) for _ in range(3)]
        for client in first:
            answers(client)
        late = stack.enter_context(connect(server))
        late.sendall(REQUEST)
        for client in first:
            answers(client)
        expect(select.select([late], [], [], 0)[0], [], "what it gets meanwhile")
        first[0].close()
        expect(len(late.recv(1)), 1)


@contextlib.contextmanager
def few_descriptors(name, poller, count):
    """A server that may have so many descriptors; what it says of that is not looked at."""
    with subprocess.Popen(
            [f"{directory}/{name}", "--poller", poller, "--port", "0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=ENVIRONMENT, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (count, count))) as server:
        try:
            line = server.stdout.readline().decode()
            server.address = ("127.0.0.1", int(line.rsplit(":", 1)[1]))
            yield server
            server.send_signal(signal.SIGTERM)
            expect(server.wait(PATIENCE), 0, "the status")
        finally:
            server.kill()


def processor_time(server):
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as stat:
        times = stat.read().rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


@case(*SERVERS)
def too_many_connections_disturb_nobody(name):
    need_plain(name)
    for poller in POLLERS:
        with few_descriptors(name, poller, 100) as server, contextlib.ExitStack() as stack:
            first = [stack.enter_context(connect(server)) for _ in range(50)]
            for client in first:
                answers(client)
            late = [stack.enter_context(connect(server)) for _ in range(350)]
            for client in late:
                client.sendall(REQUEST)
            while sum(bool(select.select([client], [], [], 0)[0]) for client in late) < 30:
                pass  # those who got the rest of the descriptors
            used, began = processor_time(server), time.monotonic()
            for client in first:
                answers(client)
            while not is_asleep(server):
                pass
            time_passed = select.select([first[0]], [], [], 0.5)[0] == [] and \
                time.monotonic() - began
            expect(processor_time(server) - used < 0.1 + time_passed / 5, True, "that it sleeps")
            for client in first:
                client.close()
            served = [select.select([client], [], [], PATIENCE)[0] for client in late[:60]]
            expect(all(served), True, "that those who waited are served when others leave")


class Load:
    """Clients that ask, on a connection for each request and on one for many, until the server has
    left. `failed` says what was wrong: a reply that is not whole."""

    def __init__(self, server, clients=8):
        self.address, self.done, self.failed = server.address, 0, []
        self.ready = threading.Semaphore(0)
        self.threads = [threading.Thread(target=self.work, args=(number % 2 == 0,))
                        for number in range(clients)]
        for thread in self.threads:
            thread.start()
        for _ in range(clients * 20):
            self.ready.acquire(timeout=PATIENCE)

    def work(self, keeps):
        fields = b"" if keeps else b"Connection: close\r\n"
        request = b"GET /hello HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n"
        while True:
            try:
                client = socket.create_connection(self.address, PATIENCE)
            except OSError:
                return  # it has left
            with client:
                if not self.ask(client, request, keeps):
                    return

    def ask(self, client, request, keeps):
        """False: it fails."""
        answer = b""
        try:
            while True:
                answer = b""
                client.sendall(request)
                while not answer.endswith(b"hello, world\n"):
                    piece = client.recv(1 << 16)
                    if not piece:
                        break
                    answer += piece
                if not answer:
                    return True  # the end where there was no reply yet
                expect(answer.startswith(b"HTTP/1.1 200 OK\r\n") and
                       answer.endswith(b"\r\n\r\nhello, world\n"), True, f"whole, {answer!r},")
                self.done += 1
                self.ready.release()
                if not keeps or b"Connection: close" in answer:
                    expect(client.recv(1), b"", "what follows the last")
                    return True
        except ConnectionError as error:
            if answer:
                self.failed.append(f"{error!r} after {answer!r}")
            return True
        except Exception as error:  # pylint: disable=broad-except
            self.failed.append(repr(error))
            self.ready.release()
            return False

    def end(self):
        for thread in self.threads:
            thread.join(PATIENCE)


@case(*POLLERS)
def sigterm_cuts_no_reply_off(poller):
    for threads in ("1", "2"):
        with serving("http_server", poller, options=("--threads", threads)) as server:
            load = Load(server)
            terminate(server)
            expect(server.wait(PATIENCE), 0, "the status")
            load.end()
            expect(load.failed, [], "what failed")


@case(*POLLERS)
def sigterm_lets_a_request_finish(poller):
    with serving("http_server", poller) as server, connect(server) as client, \
            connect(server) as idle, connect(server) as half:
        answers(idle)
        half.sendall(REQUEST[:9])
        answers(client)  # so that the half has been read
        client.sendall(REQUEST)
        terminate(server)
        expect(read_all(client).endswith(b"hello, world\n"), True, "the reply")
        expect(read_all(idle), b"", "what the idle one sees")
        half.sendall(REQUEST[9:])
        reply = read_all(half)
        expect((b"Connection: close" in reply, reply[-13:]), (True, b"hello, world\n"))


@case(*POLLERS)
def sigterm_sends_the_whole_echo(poller):
    message = os.urandom(48 << 10)
    with serving("echo_server", poller) as server, connect(server) as client:
        client.sendall(message)
        expect(read_exactly(client, 1), message[:1])
        terminate(server)
        echo = message[:1] + read_all(client)
        expect(message.startswith(echo), True, "what comes back")


@case(*SERVERS)
def a_second_sigterm_or_the_time_ends_it(name):
    for options, status in ((SOON, 0), ((), -signal.SIGTERM)):
        with serving(name, options=options) as server, connect(server) as other:
            answers(other)
            with connect(server) as deaf:
                send_until_paused(server, deaf, REQUEST * 1000)
                terminate(server)
                expect(read_all(other), b"", "the end, as it leaves")
                if status != 0:
                    server.send_signal(signal.SIGTERM)
                expect(server.wait(PATIENCE), status, "the status")
                server.left_with = status
