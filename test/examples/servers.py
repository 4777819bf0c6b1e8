# SPDX-License-Identifier: BSL-1.0
"""What is the same for both servers."""
import contextlib
import os
import re
import signal

from support import (POLLERS, SERVERS, case, connect, expect, need_ipv6, reset, run,
                     send_until_paused, serving)


@case(*SERVERS)
def leaves_on_signals_with_connections_open(name):
    for leave in (signal.SIGTERM, signal.SIGINT):
        for poller in POLLERS:
            with contextlib.ExitStack() as clients:
                with serving(name, poller, leave=leave) as server:
                    connected = [clients.enter_context(connect(server)) for _ in range(10)]
                    for client in connected:
                        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    for client in connected:
                        expect(len(client.recv(1 << 16)) > 0, True)
                for client in connected:
                    expect(client.recv(1), b"", "what it sends at the end")


@case(*SERVERS)
def serves_with_several_threads(name):
    for poller, threads in [(POLLERS[0], 2), (POLLERS[-1], 3), ("best", 0)]:
        with contextlib.ExitStack() as clients:
            with serving(name, poller, options=["--threads", str(threads)]) as server:
                found = [clients.enter_context(connect(server)) for _ in range(40)]
                for client in found:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                for client in found:
                    expect(len(client.recv(1 << 16)) > 0, True)
                with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
                    count = int(re.search(r"Threads:\s*(\d+)", status.read())[1])
                expect(count, 1 + (threads or len(os.sched_getaffinity(0))), "the threads")
            for client in found:
                expect(client.recv(1), b"", "what it sends at the end")


@case(*SERVERS)
def listens_on_ipv6(name):
    need_ipv6()
    with serving(name, host="::1") as server, connect(server) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        expect(len(client.recv(1)), 1)


@case(*SERVERS)
def help_tells_the_options(name):
    done = run(name, "--help")
    expect(done.returncode, 0)
    for option in ("--poller", "--host", "--port", "--threads", "epoll, poll, select, best"):
        expect(option in done.stdout.decode(), True, option)


@case(*SERVERS)
def bad_options_tell_what_is_allowed(name):
    for bad in (["--pollers", "poll"], ["--poller", "kqueue"], ["--poller"], ["stray"],
                ["--host", "localhost"], ["--host", "1.2.3"], ["--host", ""], ["--port", "65536"],
                ["--port", "-1"], ["--port", "http"], ["--port", "80x"], ["--port", ""],
                ["--threads", "-1"], ["--threads", "many"]):
        done = run(name, *bad)
        expect(done.returncode, 2, f"the status of {bad}")
        expect(done.stdout, b"", f"the output of {bad}")
        expect("One of epoll, poll, select, best" in done.stderr, True, f"help for {bad}")


@case(*SERVERS)
def port_in_use_is_one_line(name):
    with serving(name) as server:
        done = run(name, "--port", str(server.address[1]))
        expect(done.returncode, 1, "status")
        expect(done.stdout, b"", "output")
        expect(done.stderr, f"{name}: bind 127.0.0.1:{server.address[1]}: "
                            "Address already in use\n", "message")


@case(*POLLERS)
def resets_disturb_nobody(poller):
    for name in SERVERS:
        with serving(name, poller) as server, connect(server) as other:
            for _ in range(20):
                client = connect(server)
                client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HT")
                reset(client)
            client = connect(server)
            send_until_paused(server, client, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            reset(client)
            other.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            expect(len(other.recv(1)), 1)
