# SPDX-License-Identifier: BSL-1.0
"""Channels of Python's asyncore and asynchat that write their hooks into a trace.

Kinds: dispatcher, sending, file, chat. Sets of hooks:
    quiet   all but handle_write and handle_accept
    writer  handle_write too (dispatcher and file)
    acceptor  handle_accept instead of handle_accepted (dispatcher)
    stubborn  as quiet, and close() is a hook too: "closing" (dispatcher)
    bare    none (dispatcher)
"""
import errno
import socket
import sys
import warnings

warnings.simplefilter("ignore")
import asynchat  # noqa: E402
import asyncore  # noqa: E402


class Oops(Exception):
    """An ordinary error."""


def named_error(name):
    if name == "exit":
        return asyncore.ExitNow()
    if name == "oops":
        return Oops()
    return OSError(getattr(errno, name), name)


def error_name(error):
    if isinstance(error, asyncore.ExitNow):
        return "exit"
    if isinstance(error, Oops):
        return "oops"
    if isinstance(error, ValueError):
        return "EINVAL"
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno, str(error.errno))
    return type(error).__name__


class Traced:
    """The hooks that all kinds have."""

    def start(self, world, name):
        self.world, self.name = world, name
        self.reads, self.writes, self.adopted = True, True, False
        world.channels[name] = self

    def hook(self, hook, data=None):
        """Returns False when the hook is not to do what it does by default."""
        return self.world.hook(self, hook, data)

    def readable(self):
        self.world.ask(self, "readable")
        return self.reads and super().readable()

    def writable(self):
        self.world.ask(self, "writable")
        return self.writes and super().writable()

    def handle_read(self):
        data = self.recv(8192)
        if data:
            self.hook("read", data)

    def handle_expt(self):
        self.hook("expt", self.socket.recv(1, socket.MSG_OOB))

    def handle_connect(self):
        self.hook("connect")

    def handle_close(self):
        if self.hook("close"):
            super().handle_close()

    def handle_error(self):
        if self.hook("error " + error_name(sys.exc_info()[1])):
            super().handle_error()

    def handle_accepted(self, peer, address):
        self.take(peer)

    def take(self, peer):
        self.accepted, self.adopted = peer, False
        self.hook("accepted")
        if not self.adopted:
            super().handle_accepted(peer, None)

    def log_info(self, message, type="info"):
        if type not in self.ignore_log_types:
            self.world.trace.add(self.name, "log " + type)

    def add_again(self):
        self._fileno = self.socket.fileno()
        self.add_channel()


class Quiet(Traced, asyncore.dispatcher):
    pass


class Writer(Quiet):
    def handle_write(self):
        self.hook("write")


class Acceptor(Quiet):
    def handle_accept(self):
        pair = self.accept()
        if pair:
            self.take(pair[0])


class Stubborn(Quiet):
    def close(self):
        self.hook("closing")
        super().close()


class Bare(asyncore.dispatcher):
    """Has what the interpreter needs, and no hook."""
    start, hook, add_again = Traced.start, Traced.hook, Traced.add_again


class Sending(Traced, asyncore.dispatcher_with_send):
    pass


class File(Traced, asyncore.file_dispatcher):
    pass


class FileWriter(File):
    def handle_write(self):
        self.hook("write")


class Chat(Traced, asynchat.async_chat):
    terminator = b"\n"
    handle_read = asynchat.async_chat.handle_read

    def collect_incoming_data(self, data):
        self.hook("collect", data)

    def found_terminator(self):
        self.hook("found")


class Producer:
    """Gives one item after the other; raises an item that is a word."""

    def __init__(self, items):
        self.items = list(items)

    def more(self):
        if not self.items:
            return b""
        item = self.items.pop(0)
        if isinstance(item, str):
            raise named_error(item)
        return item


KINDS = {
    ("dispatcher", "quiet"): Quiet,
    ("dispatcher", "writer"): Writer,
    ("dispatcher", "acceptor"): Acceptor,
    ("dispatcher", "stubborn"): Stubborn,
    ("dispatcher", "bare"): Bare,
    ("sending", "quiet"): Sending,
    ("file", "quiet"): File,
    ("file", "writer"): FileWriter,
    ("chat", "quiet"): Chat,
}
