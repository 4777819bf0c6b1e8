#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Echo of 64-byte messages over loopback TCP: each server against the hand-written one, in
alternating pairs. The server has one processor for itself, the load client two others."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import load
import session


def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 256, 1000])
    parser.add_argument("--against", nargs="+", default=["asyncore"], metavar="NAME",
                        help=f"servers to measure: asyncore, {', '.join(session.PEERS)}")
    parser.add_argument("--poller", default="epoll", help="asyncore's poller (%(default)s)")
    parser.add_argument("--pairs", type=int, help="alternating pairs (5)")
    parser.add_argument("--seconds", type=float, help="length of a run (2)")
    options = parser.parse_args()
    count = options.pairs or (3 if options.quick else 5)
    seconds = options.seconds or (0.5 if options.quick else 2)
    client = session.require(options.build, "echo_load")
    hand = session.require(options.build, "echo_server_hand")

    def measure(command, connections):
        return lambda: load.run(command, client, connections, 0, seconds, seconds / 4)

    rows = []
    for connections in options.connections:
        for name in options.against:
            session.progress(f"echo_throughput: {name}, {connections} connections, {count} pairs "
                             f"of {seconds} s")
            command = [session.require(options.build, f"echo_server_{name}")]
            if name == "asyncore":
                command += ["--poller", options.poller]
            firsts, others = load.pairs(measure([hand], connections),
                                        measure(command, connections), count)
            by_hand, rate, ratio, spread = load.compared(firsts, others, "messages_per_second")
            hand_cost, cost, cost_ratio, _ = load.compared(firsts, others, "server_ns_per_message")
            busy = min(load.column(others, "server_busy"))
            rows.append([name, connections, f"{by_hand:,.0f}", f"{rate:,.0f}", f"{ratio:.3f}",
                         f"±{spread:.1%}", f"{hand_cost:,.0f}", f"{cost:,.0f}", f"{cost_ratio:.3f}",
                         f"{busy:.0%}"])
    print(f"echo_throughput: medians of {count} alternating pairs of {seconds} s against the "
          "hand-written server")
    session.table(["server", "connections", "hand msg/s", "msg/s", "ratio", "spread",
                   "hand CPU ns/msg", "CPU ns/msg", "ratio", "server busy"], rows)


if __name__ == "__main__":
    main()
