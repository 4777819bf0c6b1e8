#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Instructions that an echo server and its library spend on one 64-byte message, without the
kernel: the difference that 100 more rounds over 64 connections make, counted by callgrind."""

import pathlib
import re
import shutil
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import session

CONNECTIONS = 64
MESSAGE = bytes(range(64))


def instructions(command, rounds):
    cpu, _ = session.processors()
    with session.server(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                         *command], cpu) as process:
        peers = [socket.create_connection(("127.0.0.1", process.port), timeout=20)
                 for _ in range(CONNECTIONS)]
        for _ in range(rounds):
            for peer in peers:
                peer.sendall(MESSAGE)
            for peer in peers:
                if peer.recv(len(MESSAGE), socket.MSG_WAITALL) != MESSAGE:
                    sys.exit(f"error: {command[0]}: the echo differs from what was sent")
    for peer in peers:
        peer.close()
    return int(re.search(r"Collected\s*:\s*(\d+)", process.said).group(1))


def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--servers", nargs="+", metavar="NAME",
                        default=["hand", "asyncore", *session.PEERS])
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("error: valgrind is not installed (bench/run installs it)")

    rows = []
    for name in options.servers:
        session.progress(f"echo_cost: {name}")
        command = [session.require(options.build, f"echo_server_{name}")]
        cost = instructions(command, 150) - instructions(command, 50)
        rows.append([name, f"{cost / 100 / CONNECTIONS:.0f}"])
    print("echo_cost: user-space instructions for each message of 64 bytes")
    session.table(["server", "instructions/message"], rows)


if __name__ == "__main__":
    main()
