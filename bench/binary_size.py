# SPDX-License-Identifier: BSL-1.0
"""Bytes of the echo server on each library, stripped: its text and its data as size(1) counts them.
What a library keeps in a shared object comes on top, and is shown beside it."""

import pathlib
import shutil
import subprocess
import tempfile

from report import Answer, Column, Table, at_most
from rounds import Sample
from session import OURS


def sizes(path):
    """Text and data bytes of a stripped copy."""
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "stripped"
        shutil.copy(path, copy)
        subprocess.run(["strip", str(copy)], check=True)
        done = subprocess.run(["size", str(copy)], check=True, capture_output=True, text=True)
    text, data, bss = map(int, done.stdout.splitlines()[1].split()[:3])
    return text, data + bss


def shared_object(path, library):
    """The shared object of a library that a program uses, or None."""
    done = subprocess.run(["ldd", str(path)], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) > 2 and words[0].startswith((f"{library}.so", f"{library}-")):
            return pathlib.Path(words[2]).resolve()
    return None


def ask(session):
    rows = []
    for each in session.contenders("echo_server"):
        text, data = sizes(each.command[0])
        library = shared_object(each.command[0], each.name)
        rows.append({"name": each.name, "text": text, "data": data,
                     "library": sizes(library)[0] if library else None})
    by_name = {row["name"]: row["text"] for row in rows}
    for row in rows:
        row["ratio"] = None if row["name"] == OURS else row["text"] / by_name[OURS]
    goals = []
    if "asio" in by_name:
        goals.append(at_most("text of the echo server against Asio's",
                             Sample([by_name[OURS] / by_name["asio"]]), 0.25))
    return Answer([Table("the echo server, stripped, in bytes",
                         [Column("name", "server"), Column("text", "text"),
                          Column("data", "data"), Column("library", "text of its shared library"),
                          Column("ratio", "asyncore's advantage in text", 2)], rows)], [], goals)
