# SPDX-License-Identifier: BSL-1.0
"""echo_server: the echo comes back whole."""
import os
import socket
import threading

from support import (POLLERS, case, connect, expect, read_all, read_exactly, send_until_paused,
                     serving, waiting)


@case(*POLLERS)
def echo_is_complete_behind_a_half_close(poller):
    piece = os.urandom(48 << 10)  # less than what makes the server pause
    with serving("echo_server", poller) as server, connect(server) as client:
        pieces = 0
        while waiting(server, client, pieces * len(piece)) <= 0:
            client.sendall(piece)
            pieces += 1
        client.shutdown(socket.SHUT_WR)
        expect(waiting(server, client, pieces * len(piece)) > 0, True, "that some of it waits")
        expect(read_all(client) == pieces * piece, True, "the echo")


@case(*POLLERS)
def echo_sends_while_it_receives(poller):
    message = os.urandom(1 << 20) * 24
    with serving("echo_server", poller) as server, connect(server) as client:
        sender = threading.Thread(target=client.sendall, args=(message,))
        sender.start()
        expect(read_exactly(client, len(message)) == message, True, "the echo")
        sender.join()


@case(*POLLERS)
def echo_pauses_for_who_does_not_read(poller):
    message = os.urandom(1 << 20)
    with serving("echo_server", poller) as server, connect(server) as client:
        sent = send_until_paused(server, client, message)
        with connect(server) as other:
            other.sendall(b"still there?")
            expect(read_exactly(other, 12), b"still there?")
        client.shutdown(socket.SHUT_WR)
        expect(read_all(client) == (message * (sent // len(message) + 1))[:sent], True, "the echo")
