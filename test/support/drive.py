# SPDX-License-Identifier: BSL-1.0
"""Drives the example servers on each poller with real clients and prints one table.

usage: drive.py DIRECTORY, where the examples are built. Exits 1 when there was any error.
"""
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

POLLERS = ["select", "poll", "epoll"]
CONNECTIONS = [16, 256]  # select takes descriptors below 1024 only
SECONDS = 3  # each measurement
PATIENCE = 20  # seconds until what should have happened has failed

directory = sys.argv[1]
rows = []


class Server:
    """A running example server; `errors` counts what was wrong with it."""

    def __init__(self, name, poller):
        self.errors = 0
        command = [f"{directory}/{name}", "--poller", poller, "--host", "127.0.0.1", "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (127\.0\.0\.1):(\d+)\n", line)
        if not found:
            self.process.kill()
            sys.exit(f'error: {self.process.args} printed "{line}", not "listening on HOST:PORT"')
        self.address = found[1], int(found[2])
        self.url = f"http://{found[1]}:{found[2]}/"
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "nothing"
        if status != 0:
            print(f"error: after SIGTERM, {self.process.args} exited with {status}, not 0")
            self.errors += 1


def numbers(pattern, text):
    """The sum of the numbers that the groups of `pattern` find in `text`."""
    found = re.search(pattern, text)
    return sum(float(number) for number in found.groups()) if found else 0


def http(server, connections):
    """Requests per second and errors, by wrk or else by ab."""
    if shutil.which("wrk"):
        command = ["wrk", "-t2", f"-c{connections}", f"-d{SECONDS}s"]
    else:
        command = ["ab", "-q", "-k", "-r", f"-c{connections}", f"-t{SECONDS}", "-n10000000"]
    client = subprocess.run(command + [server.url], stdout=subprocess.PIPE, text=True,
                            timeout=SECONDS + PATIENCE)
    rate = numbers(r"(?:Requests/sec|Requests per second): +([\d.]+)", client.stdout)
    errors = sum(numbers(pattern, client.stdout) for pattern in (
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
        r"Non-2xx (?:or 3xx )?responses: +(\d+)",
        r"Failed requests: +(\d+)"))
    if client.returncode != 0 or rate == 0:
        print(client.stdout)
        errors += 1
    return rate, int(errors)


def echo(server, connections):
    """Requests per second and errors of clients that send 64 bytes and compare what comes back."""
    selector = selectors.DefaultSelector()
    for number in range(connections):
        client = socket.create_connection(server.address, PATIENCE)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        message = f"connection {number:6}, ".encode() + os.urandom(44)
        client.sendall(message)
        selector.register(client, selectors.EVENT_READ, (message, bytearray()))
    done = errors = 0
    start = time.monotonic()
    while time.monotonic() < start + SECONDS and selector.get_map():
        ready = selector.select(PATIENCE)
        if not ready:
            errors += len(selector.get_map())
            break
        for key, _ in ready:
            client, (message, answer) = key.fileobj, key.data
            data = client.recv(4096)
            answer += data
            if not data or not message.startswith(answer):
                errors += 1
                selector.unregister(client)
                client.close()
            elif len(answer) == len(message):
                done += 1
                answer.clear()
                client.sendall(message)
    elapsed = time.monotonic() - start
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    return done / elapsed, errors + bulk(server)


def bulk(server):
    """Sends far more than the sockets' buffers hold while it reads; 1 when anything is lost."""
    message = os.urandom(1 << 23)
    answer = bytearray()
    with socket.create_connection(server.address, PATIENCE) as client:
        client.setblocking(False)
        sent = 0
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while len(answer) < len(message):
                ready = selector.select(PATIENCE)
                if not ready:
                    break
                if ready[0][1] & selectors.EVENT_WRITE:
                    sent += client.send(message[sent:sent + (1 << 18)])
                    if sent == len(message):
                        selector.modify(client, selectors.EVENT_READ)
                if ready[0][1] & selectors.EVENT_READ:
                    data = client.recv(1 << 18)
                    if not data:
                        break
                    answer += data
    return 0 if answer == message else 1


def http_get(server, _):
    """http_get prints the body that Python fetches, and fails where there is no page."""
    get = lambda url: subprocess.run([f"{directory}/http_get", url], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, timeout=PATIENCE)
    with urllib.request.urlopen(server.url, timeout=PATIENCE) as page:
        body = page.read()
    good, bad = get(server.url), get(server.url + "no/such/page")
    errors = 0
    if good.returncode != 0 or good.stdout != body:
        print(f"error: http_get {server.url}: status {good.returncode}, {good.stderr.decode()}")
        errors += 1
    if bad.returncode == 0 or bad.stderr.count(b"\n") != 1:
        print(f"error: http_get of a page that is not there: status {bad.returncode}, "
              f'not one line: "{bad.stderr.decode()}"')
        errors += 1
    return None, errors


def measure(example, server_name, client, poller, connections):
    with Server(server_name, poller) as server:
        try:
            rate, errors = client(server, connections)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"error: {error}")
            rate, errors = None, 1
    errors += server.errors
    speed = "-" if rate is None else f"{rate:.0f}"
    rows.append((example, poller, connections, speed, errors))
    print(f"{example} on {poller}, {connections} connections: {speed} per second, {errors} errors")


def main():
    sys.stdout.reconfigure(line_buffering=True)
    for poller in POLLERS:
        for connections in CONNECTIONS:
            measure("echo_server", "echo_server", echo, poller, connections)
            measure("http_server", "http_server", http, poller, connections)
        measure("http_get", "http_server", http_get, poller, 1)
    rows.sort(key=lambda row: row[0])
    print()
    for row in [("example", "poller", "connections", "requests per second", "errors")] + rows:
        print("{:<12} {:<7} {:>11} {:>20} {:>7}".format(*row))
    sys.exit(any(row[-1] for row in rows))


main()
