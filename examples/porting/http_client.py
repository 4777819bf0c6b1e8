# SPDX-License-Identifier: BSL-1.0
"""Fetches a page and prints it, head and all: http_client.py HOST PORT PATH"""
import asyncore
import sys


class HTTPClient(asyncore.dispatcher):
    def __init__(self, host, port, path):
        asyncore.dispatcher.__init__(self)
        self.create_socket()
        self.connect((host, port))
        self.buffer = b"GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" % (path.encode(), host.encode())

    def handle_close(self):
        self.close()

    def handle_read(self):
        sys.stdout.buffer.write(self.recv(8192))

    def writable(self):
        return len(self.buffer) > 0

    def handle_write(self):
        sent = self.send(self.buffer)
        self.buffer = self.buffer[sent:]


if len(sys.argv) != 4:
    sys.exit(__doc__)
HTTPClient(sys.argv[1], int(sys.argv[2]), sys.argv[3])
asyncore.loop()
