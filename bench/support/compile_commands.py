# SPDX-License-Identifier: BSL-1.0
"""How the echo servers are compiled, from the build's own compile_commands.json."""

import json
import pathlib
import shlex

from session import BY_HAND, INSTALL, OURS


def echo_servers(session):
    """By name: the folder of the build, the command without its output and dependencies."""
    commands = json.loads((session.build.parent / "compile_commands.json").read_text())
    found = {}
    for name, library in [(OURS, "asyncore"), (BY_HAND, "hand"), *((p, p) for p in INSTALL)]:
        for each in commands:
            if f"echo_server_{library}.p/" in each["output"]:
                found[name] = pathlib.Path(each["directory"]), stripped(each["command"])
        if name not in found:
            session.contender(name, f"echo_server_{library}")  # says that it is left out
    return found


def stripped(command):
    """The words of `command` but for -o, -MQ and -MF with their names, -MD and -c."""
    words, kept = iter(shlex.split(command)), []
    for word in words:
        if word in ["-o", "-MQ", "-MF"]:
            next(words)
        elif word not in ["-MD", "-c"]:
            kept.append(word)
    return kept
