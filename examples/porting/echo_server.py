# SPDX-License-Identifier: BSL-1.0
"""An echo server: echo_server.py HOST PORT"""
import asyncore
import sys


class EchoHandler(asyncore.dispatcher_with_send):
    def handle_read(self):
        self.send(self.recv(8192))


class EchoServer(asyncore.dispatcher):
    def __init__(self, host, port):
        asyncore.dispatcher.__init__(self)
        self.create_socket()
        self.set_reuse_addr()
        self.bind((host, port))
        self.listen(5)
        print("listening on %s:%d" % self.socket.getsockname(), flush=True)

    def handle_accepted(self, sock, addr):
        EchoHandler(sock)


if len(sys.argv) != 3:
    sys.exit(__doc__)
EchoServer(sys.argv[1], int(sys.argv[2]))
asyncore.loop()
