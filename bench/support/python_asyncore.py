# SPDX-License-Identifier: BSL-1.0
"""A Python that still has asyncore and asynchat, which 3.12 removed."""

import subprocess

CANDIDATES = ["/usr/bin/python3.11", "/usr/bin/python3", "python3.11", "python3.10", "python3.9",
              "python3"]


def interpreter(session):
    """The command that starts it, or None."""
    for candidate in CANDIDATES:
        command = [candidate, "-W", "ignore::DeprecationWarning"]
        try:
            done = subprocess.run([*command, "-c", "import asyncore, asynchat"],
                                  capture_output=True)
        except OSError:
            continue
        if done.returncode == 0:
            return command
    session.skip("Python's asyncore", "there is no Python before 3.12")
    return None
