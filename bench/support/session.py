# SPDX-License-Identifier: BSL-1.0
"""One run of the benchmarks: what is built, how thorough it is to be, and who is compared."""

import dataclasses
import os
import pathlib
import sys
import time

INSTALL = {"libev": "libev-dev", "libevent": "libevent-dev", "libuv": "libuv1-dev",
           "asio": "libasio-dev"}
OURS = "asyncore"
BY_HAND = "hand-written"


@dataclasses.dataclass(frozen=True)
class Contender:
    name: str
    command: tuple

    def __str__(self):
        return self.name


class Session:
    def __init__(self, build, mode, compiler):
        self.build = pathlib.Path(build)
        self.mode = mode
        self.compiler = compiler
        self.skipped = {}
        self.seconds = self.pick(0.12, 0.8, 2)  # of one measurement
        self.rounds = self.pick(3, 5, 9)
        self._start = time.monotonic()

    def progress(self, text):
        took = time.monotonic() - self._start
        print(f"[{took:4.0f}s] {text}", file=sys.stderr, flush=True)

    def pick(self, quick, usual, full):
        """The value for this mode."""
        return {"quick": quick, "usual": usual, "full": full}[self.mode]

    def skip(self, what, why):
        """Says once that `what` is left out."""
        if what not in self.skipped:
            self.skipped[what] = why
            self.progress(f"{what} is left out: {why}")

    def program(self, name):
        """The path of a built program, which must be there."""
        path = self.build / name
        if not path.exists():
            sys.exit(f"error: {path} is not built: bench/run builds it")
        return path

    def contender(self, name, program, *arguments):
        """A built program under a name, or None when its library is not installed."""
        path = self.build / program
        if path.exists():
            return Contender(name, (str(path), *map(str, arguments)))
        library = name.split(",")[0].split()[0]
        if library not in INSTALL:
            sys.exit(f"error: {path} is not built: bench/run builds it")
        self.skip(library, f"{INSTALL[library]} is not installed")
        return None

    def contenders(self, kind, *others):
        """The programs of a kind, ours first, then `others`: (name, program, argument...)."""
        wanted = [(OURS, f"{kind}_asyncore"), (BY_HAND, f"{kind}_hand")]
        wanted += [(peer, f"{kind}_{peer}") for peer in INSTALL]
        found = [self.contender(*each) for each in [*wanted, *others]]
        return [each for each in found if each is not None]


def processors():
    """The processor for the server, and those for the load client."""
    free = sorted(os.sched_getaffinity(0))
    return free[0], free[1:3] or [free[0]]
