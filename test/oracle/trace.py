# SPDX-License-Identifier: BSL-1.0
"""Runs scenarios on Python's own asyncore and asynchat, and prints what happened.

usage: trace.py [--record] DIRECTORY [NAME...]
DIRECTORY holds scenarios/ and traces/; without a NAME all scenarios are run. Prints, or with
--record writes to traces/NAME.txt, the trace under select and that under poll where it differs.

Each method `do_VERB` of World is an action; script.py describes the rest of the language. What a
peer does is awaited, so that the loop's turns need not wait.
"""
import os
import pathlib
import select
import socket
import sys
import tempfile
import time

import channels
import script
from channels import asyncore
from peers import PATIENCE, Peer, PeerVerbs, Pipe, wait

EVENTS = {"in": select.POLLIN, "pri": select.POLLPRI, "out": select.POLLOUT,
          "err": select.POLLERR, "hup": select.POLLHUP}


class World(PeerVerbs):
    """Runs one scenario."""

    def __init__(self, scenario, use_poll, directory):
        self.scenario, self.use_poll, self.directory = scenario, use_poll, directory
        self.trace = script.Trace()
        self.channels, self.peers, self.maps, self.map = {}, {}, {}, {}
        self.keeping, self.actor = False, None

    def run(self):
        self.do_map("0")
        for step in self.scenario.steps:
            self.guarded(step[1] if len(step) > 1 else "loop", self.perform, step)
        for sock in [c.socket for c in self.channels.values()] + [
                p.sock for p in self.peers.values()]:
            try:
                if sock is not None and sock.fileno() >= 0:
                    sock.close()
            except OSError:
                pass  # a peer on a pipe has closed it
        return list(self.trace.lines())

    def perform(self, action):
        getattr(self, "do_" + action[0])(*action[1:])

    def guarded(self, name, call, *arguments):
        """What leaves a call is a part of the trace."""
        try:
            call(*arguments)
        except (asyncore.ExitNow, channels.Oops, OSError, ValueError) as error:
            self.trace.add(name if isinstance(name, str) else "loop",
                           "raises " + channels.error_name(error))

    def ask(self, channel, predicate):
        """A predicate is asked: how often is no part of the contract, so only reactions count."""
        for _, actions in self.scenario.reactions.get((channel.name, predicate), []):
            for action in actions:
                self.perform(action)

    def hook(self, channel, hook, data=None):
        calls = self.trace.add(channel.name, hook, data)
        actor, self.actor = self.actor, channel
        self.keeping = False
        try:
            for number, actions in self.scenario.reactions.get(
                    (channel.name, hook.split()[0]), []):
                if number in (None, calls):
                    for action in actions:
                        self.perform(action)
        finally:
            keeping, self.keeping, self.actor = self.keeping, False, actor
        return not keeping

    # The loop.

    def turn(self, timeout=0.0):
        (asyncore.poll2 if self.use_poll else asyncore.poll)(timeout, self.map)

    def loop_call(self, call, *arguments):
        self.guarded("loop", call, *arguments)

    def do_map(self, name):
        self.map = self.maps.setdefault(name, {})

    def do_turn(self, times="1"):
        for _ in range(int(times)):
            self.loop_call(self.turn)

    def do_run(self, *options):
        given = dict(option.split("=") for option in options)
        timeout = int(given.get("timeout", "9000")) / 1000
        count = int(given["count"]) if "count" in given else None
        start = time.monotonic()
        self.loop_call(lambda: asyncore.loop(timeout, self.use_poll, self.map, count))
        waited = time.monotonic() - start >= timeout
        self.trace.add("loop", "waited" if waited else "returned")

    def do_idle(self):
        """Turns until two in a row have called no hook."""
        quiet = 0
        for _ in range(100):
            before = self.trace.total
            self.do_turn()
            quiet = quiet + 1 if self.trace.total == before else 0
            if quiet == 2:
                return

    def do_until(self, name, what, number="1"):
        """Turns until CHANNEL has had the hook so often, or got so many `bytes`."""
        def count():
            return (self.trace.bytes.get(name, 0) if what == "bytes" else
                    sum(n for (channel, hook), n in self.trace.calls.items()
                        if channel == name and hook.split()[0] == what))
        deadline = time.monotonic() + PATIENCE
        while count() < int(number):
            if time.monotonic() > deadline:
                sys.exit(f"{self.scenario.name}: no {number} {what} on {name}")
            self.loop_call(self.turn, 0.05)

    def do_size(self):
        self.trace.add("loop", f"size {len(self.map)}")

    def do_close_all(self, ignore=""):
        self.loop_call(asyncore.close_all, self.map, bool(ignore))

    # New channels and peers.

    def make(self, name, words, **arguments):
        kinds = [word for word in words if word in {kind for kind, _ in channels.KINDS}]
        hooks = [word for word in words if word in {hooks for _, hooks in channels.KINDS}]
        made = channels.KINDS[(kinds + ["dispatcher"])[0], (hooks + ["quiet"])[0]]
        channel = made.__new__(made)
        channels.Traced.start(channel, self, name)
        made.__init__(channel, *arguments.get("over", ()), map=self.map)
        return channel

    def do_socket(self, name, *words):
        channel = self.make(name, words)
        channel.create_socket(socket.AF_UNIX if "unix" in words else socket.AF_INET)
        return channel

    def do_listen(self, name, *words):
        channel = self.do_socket(name, *words)
        channel.set_reuse_addr()
        channel.bind(("127.0.0.1", 0))
        channel.listen(16)

    def address(self, target):
        if target in self.channels:
            return self.channels[target].socket.getsockname()
        if target in self.peers:
            return self.peers[target].sock.getsockname()
        if target == "refused":  # bound, and nobody listens
            self.peers[target] = Peer(socket.socket())
            self.peers[target].sock.bind(("127.0.0.1", 0))
            return self.address(target)
        return {"unreachable": ("224.0.0.1", 1),
                "missing": os.path.join(self.directory, "missing")}[target]

    def do_client(self, name, target, *words):
        unix = isinstance(self.address(target), str)
        self.do_socket(name, *words, *(["unix"] if unix else []))
        self.do_connect(name, target)

    def do_connect(self, name, target):
        channel = self.channels[name]
        channel.connect(self.address(target))
        wait(channel.socket.fileno(), select.POLLOUT)

    def do_pair(self, name, peer, *words):
        if "tcp" in words:
            with socket.create_server(("127.0.0.1", 0)) as server:
                far = socket.create_connection(server.getsockname())
                near = server.accept()[0]
        else:
            near, far = socket.socketpair()
        self.peers[peer] = Peer(far)
        self.make(name, words, over=(near,))

    def do_adopt(self, name, *words):
        self.actor.adopted = True
        self.make(name, words, over=(self.actor.accepted,))

    def do_pipe(self, name, peer, *words):
        near, far = os.pipe() if "read" in words else reversed(os.pipe())
        self.peers[peer] = Peer(Pipe(far))
        self.make(name, ("file",) + words, over=(near,))
        os.close(near)

    def do_file(self, name, content, *words):
        path = os.path.join(self.directory, "file")
        pathlib.Path(path).write_bytes(content)
        fd = os.open(path, os.O_RDWR)
        self.make(name, ("file",) + words, over=(fd,))
        os.close(fd)

    def do_content(self, name):
        """What is in the file of `file`."""
        self.trace.add(name, "content",
                       pathlib.Path(os.path.join(self.directory, "file")).read_bytes())

    # What channels do.

    def do_keep(self):
        """In a hook: it is not to do what it does by default."""
        self.keeping = True

    def do_raise(self, what):
        raise channels.named_error(what)

    def do_note(self, name, text):
        self.trace.add(name, text.decode())

    def do_state(self, name):
        channel = self.channels[name]
        words = ["in" if channel._fileno in channel._map else "out"]
        words += [word for word in ("connected", "accepting", "connecting")
                  if getattr(channel, word)]
        self.trace.add(name, "state(" + " ".join(words) + ")")

    def do_pause(self, name):
        self.channels[name].reads = False

    def do_resume(self, name):
        self.channels[name].reads = True

    def do_mute(self, name):
        self.channels[name].writes = False

    def do_unmute(self, name):
        self.channels[name].writes = True

    def do_del(self, name):
        self.channels[name].del_channel()

    def do_add(self, name):
        self.channels[name].add_again()

    def do_event(self, name, which):
        getattr(self.channels[name], f"handle_{which}_event")()

    def do_readwrite(self, name, *events):
        flags = sum(EVENTS[event] for event in events)
        self.loop_call(asyncore.readwrite, self.channels[name], flags)

    def do_push(self, name, data):
        self.channels[name].push(data)

    def do_produce(self, name, *items):
        self.channels[name].push_with_producer(channels.Producer(items))

    def do_simple(self, name, data, size):
        self.channels[name].push_with_producer(
            channels.asynchat.simple_producer(data, int(size)))

    def do_done(self, name):
        self.channels[name].close_when_done()

    def do_discard(self, name):
        self.channels[name].discard_buffers()

    def do_terminator(self, name, what):
        self.channels[name].set_terminator(
            what if isinstance(what, bytes) else None if what == "none" else int(what))


def traced(path):
    """The lines of a trace file for one scenario."""
    scenario = script.Scenario(path)
    traces = []
    for use_poll in (False, True):
        with tempfile.TemporaryDirectory() as directory:
            traces.append(World(scenario, use_poll, directory).run())
    if traces[0] == traces[1]:
        return traces[0]
    return ["[select]"] + traces[0] + ["[poll]"] + traces[1]


def main():
    arguments = sys.argv[1:]
    record = "--record" in arguments
    if record:
        arguments.remove("--record")
    directory = pathlib.Path(arguments[0])
    for path in sorted((directory / "scenarios").glob("*.txt")):
        if arguments[1:] and path.stem not in arguments[1:]:
            continue
        lines = traced(path)
        if record:
            (directory / "traces" / path.name).write_text(
                "".join(line + "\n" for line in lines), encoding="ascii")
        else:
            print(f"= {path.stem}")
            print("\n".join(lines))


if __name__ == "__main__":
    main()
