#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What idle connections cost the active ones: echo with 16 active connections, alone and beside
9,000 silent ones, in alternating pairs."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import load
import session


def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--idle", type=int, default=9000, help="silent connections (%(default)s)")
    parser.add_argument("--servers", nargs="+", default=["hand", "asyncore"], metavar="NAME")
    options = parser.parse_args()
    count, seconds = (3, 0.5) if options.quick else (5, 2)
    client = session.require(options.build, "echo_load")

    rows = []
    for name in options.servers:
        command = [session.require(options.build, f"echo_server_{name}")]
        session.progress(f"idle_cost: {name}, {count} pairs of {seconds} s")
        alone, beside = load.pairs(
            lambda: load.run(command, client, 16, 0, seconds, seconds / 4),
            lambda: load.run(command, client, 16, options.idle, seconds, seconds / 4), count)
        without, rate, ratio, spread = load.compared(alone, beside, "messages_per_second")
        cost_without, cost, cost_ratio, _ = load.compared(alone, beside, "server_ns_per_message")
        rows.append([name, f"{without:,.0f}", f"{rate:,.0f}", f"{ratio:.3f}", f"±{spread:.1%}",
                     f"{cost_without:,.0f}", f"{cost:,.0f}", f"{cost_ratio:.3f}"])
    print(f"idle_cost: 16 active connections beside 0 and {options.idle:,} idle ones, medians of "
          f"{count} pairs")
    session.table(["server", "msg/s, 0 idle", f"msg/s, {options.idle:,} idle", "ratio", "spread",
                   "CPU ns/msg, 0", f"CPU ns/msg, {options.idle:,}", "ratio"], rows)


if __name__ == "__main__":
    main()
