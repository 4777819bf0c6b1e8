# SPDX-License-Identifier: BSL-1.0
"""proxy: everything passes, in both directions, and memory stays flat."""
import contextlib
import os
import socket
import threading

from support import POLLERS, PATIENCE, case, connect, expect, memory, read_all, serving

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
