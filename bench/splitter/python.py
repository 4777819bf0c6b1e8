# SPDX-License-Identifier: BSL-1.0
"""The twin of asyncore.cpp on Python's asynchat: python.py counted|kept MEGABYTES"""
import asynchat
import sys
import time

LINE, READ = 32, 65521
keep, size = sys.argv[1] == "kept", int(sys.argv[2]) * 1_000_000
text = b"".join(bytes([ord("a") + i % 26]) * (LINE - 2) + b"\r\n" for i in range(64 * READ // LINE))


class Splitter(asynchat.async_chat):
    def __init__(self):
        asynchat.async_chat.__init__(self, map={})
        self.set_terminator(b"\r\n")
        self.at = self.received = self.lines = self.bytes = 0
        self.line = []

    def recv(self, size):
        data = self.text_at(min(size, READ))
        self.received += len(data)
        return data

    def text_at(self, size):
        data = text[self.at:self.at + size]
        self.at = (self.at + len(data)) % len(text)
        return data

    def found_terminator(self):
        self.lines += 1

    def collect_incoming_data(self, data):
        self.bytes += len(data)


class Keeper(Splitter):
    def collect_incoming_data(self, data):
        self.line.append(data)

    def found_terminator(self):
        self.bytes += len(b"".join(self.line))
        self.line = []
        self.lines += 1


splitter = Keeper() if keep else Splitter()
begin = time.perf_counter()
while splitter.received < size:
    splitter.handle_read()
took = time.perf_counter() - begin
if splitter.lines != splitter.received // LINE:
    sys.exit("lines were lost or made up")
print("gigabytes_per_second %.5f" % (1e-9 * splitter.received / took))
print("ns_per_line %.1f" % (1e9 * took / splitter.lines))
