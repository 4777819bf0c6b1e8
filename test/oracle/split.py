# SPDX-License-Identifier: BSL-1.0
"""Splits streams with Python's own asynchat.

usage: split.py <CASES >RESULTS
A case is a line of three fields:
    the terminator that is set first
    what found_terminator does, call by call and then from the first again, separated by commas
    what is read, cut by commas; WHAT: before a piece is done before it is read
A terminator is a number, a string, _ for the empty string or - for None; . changes nothing, and !
discards the buffers. In the letters of a stream R and N stand for \\r and \\n.
A result holds the letters as they are collected, a . for each found_terminator, and a / at the end
of each read.
"""
import sys
import warnings

warnings.simplefilter("ignore")
import asynchat  # noqa: E402

TO_BYTES = str.maketrans("RN", "\r\n")
TO_LETTERS = bytes.maketrans(b"\r\n", b"RN")


class Splitter(asynchat.async_chat):
    def __init__(self, first, actions):
        super().__init__()
        self.result, self.actions, self.found = [], actions, 0
        self.do(first)

    def do(self, what):
        if what == "!":
            self.discard_buffers()
        elif what == "-":
            self.set_terminator(None)
        elif what == "_":
            self.set_terminator(b"")
        elif what.isdigit():
            self.set_terminator(int(what))
        elif what != ".":
            self.set_terminator(what.translate(TO_BYTES).encode("ascii"))

    def recv(self, _size):
        return self.piece

    def collect_incoming_data(self, data):
        self.result.append(data.translate(TO_LETTERS).decode("ascii"))

    def found_terminator(self):
        self.result.append(".")
        self.do(self.actions[self.found % len(self.actions)])
        self.found += 1

    def feed(self, piece):
        before, colon, letters = piece.rpartition(":")
        if colon:
            self.do(before)
        self.piece = letters.translate(TO_BYTES).encode("ascii")
        self.handle_read()
        self.result.append("/")


for line in sys.stdin:
    first, actions, pieces = line.split()
    splitter = Splitter(first, actions.split(","))
    for piece in pieces.split(","):
        splitter.feed(piece)
    print("".join(splitter.result))
