# SPDX-License-Identifier: BSL-1.0
"""Instructions, counted by callgrind: those of the program and its libraries, without the kernel.
They do not depend on what else the machine does, so several counts run at the same time."""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

COMMAND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def available(session):
    if shutil.which("valgrind") is None:
        session.skip("the count of instructions", "valgrind is not installed")
        return False
    return True


def collected(said, what):
    found = re.search(r"Collected\s*:\s*(\d+)", said)
    if found is None:
        sys.exit(f"error: {what}: {said.strip()}")
    return int(found[1])


def count(command):
    done = subprocess.run([*COMMAND, *map(str, command)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))}: {done.stderr.strip()}")
    return collected(done.stderr, command[0])


def map_all(function, items):
    """`function` of each item, at the same time on all processors."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(function, items))
