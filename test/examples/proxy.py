# SPDX-License-Identifier: BSL-1.0
"""proxy: everything passes, in both directions, and memory stays flat."""
import contextlib
import os
import socket
import threading

from support import POLLERS, PATIENCE, case, connect, expect, memory, read_all, reset, serving

ROOM = 8 << 20  # what a connection may cost, with the loop's own buffers, also under a sanitizer


@contextlib.contextmanager
def passing(poller):
    """A proxy, a client of it, and the connection that it has made for that client."""
    with socket.create_server(("127.0.0.1", 0)) as target:
        to = f"127.0.0.1:{target.getsockname()[1]}"
        with serving("proxy", poller, options=("--to", to)) as server, connect(server) as client:
            accepted, _ = target.accept()
            accepted.settimeout(PATIENCE)
            with accepted:
                yield server, client, accepted


@case(*POLLERS)
def proxy_passes_both_ways(poller):
    there, back = os.urandom(3 << 20), os.urandom(5 << 20)
    with passing(poller) as (_, client, far):
        def answer():
            expect(read_all(far) == there, True, "what went there")
            far.sendall(back)
            far.shutdown(socket.SHUT_WR)
        answering = threading.Thread(target=answer)
        answering.start()
        client.sendall(there)
        client.shutdown(socket.SHUT_WR)
        expect(read_all(client) == back, True, "what came back")
        answering.join()


@case(*POLLERS)
def proxy_memory_is_flat(poller, megabytes=200):
    piece = bytes(1 << 20)
    with passing(poller) as (server, client, far):
        before = memory(server)
        sender = threading.Thread(target=lambda: [client.sendall(piece) for _ in range(megabytes)])
        sender.start()
        received, most = 0, before
        while received < megabytes << 20:
            received += len(far.recv(1 << 16))  # a piece at a time: slower than the sender
            if received >> 20 != (received - (1 << 16)) >> 20:
                most = max(most, memory(server))
        sender.join()
        expect(most - before < ROOM, True, f"flat memory: {before} became {most}")


@case()
def proxy_closes_both_when_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as target:
        port = target.getsockname()[1]
    with serving("proxy", options=("--to", f"127.0.0.1:{port}")) as server:
        with connect(server) as client:
            expect(read_all(client), b"")


@case(*POLLERS)
def proxy_ends_both_when_a_client_resets(poller):
    """While the other server sends for ever, and whether the client has half closed before."""
    clients, ended = 20, []

    def stream(far):
        try:
            far.recv(100)
            while True:
                far.sendall(bytes(1 << 16))
        except OSError as error:
            ended.append(error)
        far.close()

    with socket.create_server(("127.0.0.1", 0)) as target:
        to = f"127.0.0.1:{target.getsockname()[1]}"
        with serving("proxy", poller, options=("--to", to)) as server:
            streams = []
            for number in range(clients):
                client = connect(server)
                client.sendall(b"go")
                far, _ = target.accept()
                far.settimeout(PATIENCE)
                streams.append(threading.Thread(target=stream, args=(far,)))
                streams[-1].start()
                if number % 2:
                    client.shutdown(socket.SHUT_WR)
                client.recv(1 << 16)
                reset(client)
            for each in streams:
                each.join(PATIENCE)
            expect(len(ended), clients, "the other server was told of so many ends")
            expect([error for error in ended if isinstance(error, TimeoutError)], [], "leaks")


@case(*POLLERS)
def proxy_gives_up_who_says_nothing(poller):
    with socket.create_server(("127.0.0.1", 0)) as target:
        to = f"127.0.0.1:{target.getsockname()[1]}"
        with serving("proxy", poller, options=("--to", to, "--timeout", "0.1")) as server:
            with connect(server) as client:
                far, _ = target.accept()
                far.settimeout(PATIENCE)
                with far:
                    for each in (client, far):
                        try:
                            expect(each.recv(1), b"", "what came")
                        except ConnectionResetError:
                            pass


@case(*POLLERS)
def proxy_has_others_wait_beyond_its_limit(poller):
    with socket.create_server(("127.0.0.1", 0)) as target:
        to = f"127.0.0.1:{target.getsockname()[1]}"
        with serving("proxy", poller, options=("--to", to, "--connections", "1")) as server:
            with connect(server) as first:
                far, _ = target.accept()
                with connect(server) as second, far:
                    second.sendall(b"second")
                    first.sendall(b"first")
                    expect(far.recv(100), b"first")
                    target.setblocking(False)
                    try:
                        target.accept()[0].close()
                        expect("another one", "none", "a connection beyond the limit")
                    except BlockingIOError:
                        pass
                    target.setblocking(True)
                    first.close()
                    far.close()
                    behind, _ = target.accept()
                    with behind:
                        expect(behind.recv(100), b"second")
