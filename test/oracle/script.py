# SPDX-License-Identifier: BSL-1.0
"""The scenario language: how a line is read, and how data is written in a trace.

A scenario is a text file. A line that begins with # is a comment. Other lines hold words and
strings; a string stands in quotes, knows \\r \\n \\t \\\\ \\" and \\xHH, and "x"*100 repeats it.

    on CHANNEL HOOK [N]: ACTION; ...   when HOOK is called (for the Nth time): do that; also when
                                       the predicate readable or writable is asked
    ACTION                             do it now; trace.py lists the actions
    differs: REASON                    C++ does not follow Python; what it does follows instead:
    | NAME: HOOK, HOOK "data", ...     a line of its trace
    follows: select|poll|each REASON   Python's two pollers differ: C++ follows that one; each: its
                                       select follows Python's select, the others poll
"""
import re
import zlib

TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\*(\d+))?|(;)|([^\s;"]+)')
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
LONGEST = 60  # bytes of data that a trace spells out


def unescape(text):
    def value(found):
        code = found[1]
        return chr(int(code[1:], 16)) if code[0] == "x" else {"r": "\r", "n": "\n", "t": "\t"}.get(
            code, code)
    return ESCAPE.sub(value, text).encode("latin-1")


def tokens(line):
    """The words of a line as str, its strings as bytes."""
    result = []
    for text, times, semicolon, word in (found.groups() for found in TOKEN.finditer(line)):
        result.append(semicolon or word or unescape(text) * int(times or 1))
    return result


def spelled(data):
    """Data as a trace spells it."""
    if len(data) > LONGEST:
        return f"<{len(data)} bytes {zlib.crc32(data):08x}>"
    names = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
    return '"' + "".join(
        names.get(byte, chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in data) + '"'


class Scenario:
    """A scenario file, read: `steps` are actions, `reactions` what hooks do."""

    def __init__(self, path):
        self.name = path.stem
        self.steps, self.reactions, self.follows = [], {}, "both"
        for line in path.read_text(encoding="ascii").splitlines():
            if line.startswith(("#", "|", "differs:")) or not line.strip():
                continue
            words = tokens(line)
            if words[0] == "follows:":
                self.follows = words[1]
            elif words[0] == "on":
                self.add_reaction(words)
            else:
                self.steps.append(words)

    def add_reaction(self, words):
        end = next(i for i, word in enumerate(words) if word in (":",) or
                   isinstance(word, str) and word.endswith(":"))
        head = [word.rstrip(":") for word in words[1:end + 1]]
        actions, action = [], []
        for word in words[end + 1:] + [";"]:
            if word == ";":
                actions.append(action)
                action = []
            else:
                action.append(word)
        number = int(head[2]) if len(head) > 2 else None
        self.reactions.setdefault((head[0], head[1]), []).append((number, actions))


class Trace:
    """What happened, channel by channel. Data that follows data of the same hook is one with it:
    where a stream is cut is no part of the contract; nor is how often it can be written to."""

    MERGED = ("read", "collect", "recv", "write")

    def __init__(self):
        self.channels = {}
        self.calls = {}
        self.bytes = {}
        self.total = 0

    def add(self, channel, hook, data=None):
        self.total += 1
        calls = self.calls[channel, hook] = self.calls.get((channel, hook), 0) + 1
        self.bytes[channel] = self.bytes.get(channel, 0) + len(data or b"")
        entries = self.channels.setdefault(channel, [])
        if entries and entries[-1][0] == hook and hook in self.MERGED:
            if data is not None:
                entries[-1][1] += data
        else:
            entries.append([hook, data])
        return calls

    def lines(self):
        for channel in sorted(self.channels):
            yield channel + ": " + ", ".join(
                hook if data is None else hook + " " + spelled(data)
                for hook, data in self.channels[channel])
