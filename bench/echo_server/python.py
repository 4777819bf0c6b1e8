# SPDX-License-Identifier: BSL-1.0
"""The twin of asyncore.cpp on Python's asyncore, from its documentation: python.py"""
import asyncore
import signal
import sys


class EchoHandler(asyncore.dispatcher_with_send):
    def handle_read(self):
        self.send(self.recv(8192))


class EchoServer(asyncore.dispatcher):
    def __init__(self):
        asyncore.dispatcher.__init__(self)
        self.create_socket()
        self.bind(("127.0.0.1", 0))
        self.listen(1024)
        print("listening on %s:%d" % self.socket.getsockname(), flush=True)

    def handle_accepted(self, sock, addr):
        EchoHandler(sock)


signal.signal(signal.SIGTERM, lambda *_: sys.exit())
EchoServer()
asyncore.loop(use_poll=True)
