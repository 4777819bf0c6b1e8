# SPDX-License-Identifier: BSL-1.0
"""Instructions that an echo server and its library spend on one 64-byte message, without the
kernel: the difference that 100 more rounds over 64 connections make, by callgrind."""

import callgrind
import serve
import session as sessions
from report import Answer, Column, Table, at_most
from rounds import Sample

CONNECTIONS = 64
MESSAGE = bytes(range(64))


def instructions(command, rounds):
    said = serve.exchange([*callgrind.COMMAND, *command], CONNECTIONS, rounds, MESSAGE)
    return callgrind.collected(said, command[0])


def ask(session):
    if not callgrind.available(session):
        return Answer([])
    rivals = session.contenders("echo_server")
    costs = callgrind.map_all(
        lambda each: (instructions(each.command, 150) - instructions(each.command, 50)) / 100 /
        CONNECTIONS, rivals)
    by_name = {each.name: cost for each, cost in zip(rivals, costs)}
    ours, by_hand = by_name[sessions.OURS], by_name[sessions.BY_HAND]
    return Answer(
        [Table("instructions for each message of 64 bytes, without the kernel",
               [Column("name", "server"), Column("cost", "instructions"),
                Column("ratio", "asyncore's advantage", 2)],
               [{"name": name, "cost": cost, "ratio": None if name == sessions.OURS else
                 cost / ours} for name, cost in by_name.items()])],
        goals=[at_most("instructions for each message, against by hand",
                       Sample([ours / by_hand]), 1.15)])
