# SPDX-License-Identifier: BSL-1.0
"""restart_server: no request fails while it is started again and again."""
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

from support import PATIENCE, POLLERS, case, directory, expect, read_all

RESTARTS = 4
CLIENTS = 6  # and as many that keep their connections


class Load:
    """Clients that ask all the time, and count."""

    def __init__(self, address):
        self.address, self.stop = address, threading.Event()
        self.answers, self.failed, self.servers = [], [], set()
        self.threads = [threading.Thread(target=self.guarded, args=(work,))
                        for work in [self.once, self.kept] * CLIENTS]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def guarded(self, work):
        while not self.stop.is_set():
            try:
                work()
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(f"{work.__name__}: {error!r}")
                self.stop.set()

    def connected(self):
        return socket.create_connection(self.address, PATIENCE)

    def accept_answer(self, answer):
        found = re.fullmatch(rb"HTTP/1.1 200 OK\r\n.*\r\n\r\nserved by (\d+)\n", answer, re.DOTALL)
        if not found:
            raise AssertionError(f"the answer is {answer!r}")
        self.servers.add(int(found[1]))
        self.answers.append(1)

    def once(self):
        with self.connected() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.accept_answer(read_all(client))

    def kept(self):
        """Asks until the server ends the connection; a request behind its end is asked again."""
        with self.connected() as client:
            for number in range(100):
                client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                answer = b""
                while not answer.endswith(b"\n") or b"\r\n\r\n" not in answer or \
                        not answer.partition(b"\r\n\r\n")[2]:
                    piece = client.recv(1 << 16)
                    if not piece:
                        if answer or number == 0:
                            raise AssertionError(f"the end after {answer!r}")
                        return
                    answer += piece
                self.accept_answer(answer)


def start(poller, *options, **how):
    process = subprocess.Popen([f"{directory}/restart_server", "--poller", poller, *options],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
    line = process.stdout.readline().decode()
    found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
    if not found:
        process.kill()
        raise AssertionError(f"its first line is {line!r}: {process.communicate()[1]}")
    process.address = ("127.0.0.1", int(found[1]))
    return process


def ends_well(process):
    expect(process.wait(PATIENCE), 0, "its status")
    expect(process.communicate(), (b"", b""), "what else it said")


@case(*POLLERS)
def restarts_fail_no_request(poller):
    with tempfile.TemporaryDirectory() as folder:
        options = ("--port", "0", "--handover", f"{folder}/door")
        server = start(poller, *options)
        load = Load(server.address)
        try:
            for _ in range(RESTARTS):
                following = start(poller, *options)
                expect(following.address, server.address, "its address")
                ends_well(server)
                server = following
                before = len(load.answers)
                while len(load.answers) < before + 200 and not load.failed:
                    threading.Event().wait(0.001)
        finally:
            load.end()
            server.send_signal(signal.SIGTERM)
            ends_well(server)
        expect(load.failed, [], "what failed")
        expect(len(load.servers), RESTARTS + 1, "the servers that answered")


@case()
def a_successor_that_fails_changes_nothing():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/door"
        server = start("best", "--port", "0", "--handover", path)
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as successor:
                while successor.connect_ex(path) != 0:
                    threading.Event().wait(0.001)
                _, given, _, _ = socket.recv_fds(successor, 1, 1)
                expect(len(given), 1, "descriptors")
                os.close(given[0])
                # The last one ends when it has taken the door over already.
                with socket.socket(socket.AF_UNIX) as door:
                    door.bind(f"{path}.fresh")
                    os.rename(f"{path}.fresh", path)
        load = Load(server.address)
        while len(load.answers) < 100 and not load.failed:
            threading.Event().wait(0.001)
        load.end()
        expect(load.failed, [])
        until = time.monotonic() + PATIENCE
        while not is_open(path) and time.monotonic() < until:
            threading.Event().wait(0.001)
        following = start("best", "--port", "0", "--handover", path)
        expect(following.address, server.address, "its address")
        ends_well(server)
        following.send_signal(signal.SIGTERM)
        ends_well(following)


def is_open(path):
    with socket.socket(socket.AF_UNIX) as visitor:
        return visitor.connect_ex(path) == 0


@case()
def takes_the_socket_of_systemd():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd, address = listener.fileno(), listener.getsockname()
        script = (f"exec 3<&{fd} {fd}<&-; LISTEN_PID=$$ LISTEN_FDS=1 "
                  f"exec '{directory}/restart_server' --port 1")
        if fd == 3:
            script = script.replace("3<&3 3<&-", "3<&3")
        server = subprocess.Popen(["bash", "-c", script], pass_fds=(fd,), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        expect(server.stdout.readline().decode(), f"listening on 127.0.0.1:{address[1]}\n")
    with socket.create_connection(address, PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        expect(read_all(client).startswith(b"HTTP/1.1 200 OK\r\n"), True)
    server.send_signal(signal.SIGTERM)
    ends_well(server)
