# SPDX-License-Identifier: BSL-1.0
"""Asks the questions and shows the answers: what bench/run starts once everything is built."""

import argparse
import importlib
import json
import os
import pathlib
import sys
import textwrap

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import machine  # noqa: E402
from session import Session  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", nargs="+", metavar="NAME")
    parser.add_argument("--build", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--mode", choices=["quick", "usual", "full"], default="usual")
    parser.add_argument("--cxx", default="g++")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--plots", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: {options.json.parent} is not a folder")
    return options


def show(name, what, answer):
    print(textwrap.fill(f"{name}: {' '.join(what.split())}", 100), end="\n\n")
    for table in answer.tables:
        print("\n".join(table.lines()), end="\n\n")
    for goal in answer.goals:
        print(goal["text"])
    print(flush=True)


def main():
    options = parse()
    session = Session(options.build, options.mode, options.cxx)
    here = machine.describe(options.cxx)
    print("\n".join(machine.lines(here)), end="\n\n")
    busy = os.getloadavg()[0]
    if busy > 1:
        session.progress(f"the load average is {busy:.1f}: what else runs here makes times "
                         "uncertain")
    if len(os.sched_getaffinity(0)) < 3:
        session.progress("fewer than three processors: servers and clients share them")

    answers = {}
    for name in options.questions:
        question = importlib.import_module(name)
        session.progress(name)
        answers[name] = answer = question.ask(session)
        show(name, question.__doc__, answer)

    if options.json:
        options.json.write_text(json.dumps({
            "machine": here, "mode": options.mode, "left out": session.skipped,
            "questions": {name: {"tables": [table.as_json() for table in answer.tables],
                                 "goals": answer.goals} for name, answer in answers.items()},
        }, indent=1) + "\n")
        session.progress(f"wrote {options.json}")
    if options.plots:
        import plots
        options.plots.mkdir(parents=True, exist_ok=True)
        for answer in answers.values():
            for plot in answer.plots:
                plots.draw(plot, list(machine.lines(here)), options.plots)
                session.progress(f"wrote {options.plots / plot.name}.svg and .png")


if __name__ == "__main__":
    main()
