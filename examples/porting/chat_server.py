# SPDX-License-Identifier: BSL-1.0
"""A chat room, where everybody hears every line: chat_server.py HOST PORT"""
import asynchat
import asyncore
import sys


class User(asynchat.async_chat):
    def __init__(self, room, sock):
        asynchat.async_chat.__init__(self, sock)
        self.set_terminator(b"\r\n")
        self.room = room
        self.line = []

    def collect_incoming_data(self, data):
        self.line.append(data)

    def found_terminator(self):
        line = b"".join(self.line) + b"\r\n"
        self.line = []
        if line == b"/quit\r\n":
            self.push(b"bye\r\n")
            self.close_when_done()
        else:
            self.room.say(line)

    def handle_close(self):
        self.room.users.discard(self)
        self.close()


class Room(asyncore.dispatcher):
    def __init__(self, host, port):
        asyncore.dispatcher.__init__(self)
        self.users = set()
        self.create_socket()
        self.set_reuse_addr()
        self.bind((host, port))
        self.listen(128)
        print("listening on %s:%d" % self.socket.getsockname(), flush=True)

    def say(self, line):
        for user in list(self.users):
            user.push(line)

    def handle_accepted(self, sock, addr):
        self.users.add(User(self, sock))


if len(sys.argv) != 3:
    sys.exit(__doc__)
Room(sys.argv[1], int(sys.argv[2]))
asyncore.loop(use_poll=True)
