# SPDX-License-Identifier: BSL-1.0
"""Merges what clang++ counted in several programs into a file of gcovr's, and lists what is left.

gcov, which gcovr would ask by itself, counts a branch anew for each instantiation, and the ways of
exceptions; of a header-only library of templates it says that half of the branches are left.

usage: coverage.py BUILD_DIRECTORY LLVM_COV LLVM_PROFDATA KNOWN

Each program has counters of its own, and in it each instantiation of a template. A line or a branch
of the source has been taken if it was in any of them. A condition that the compiler decides is no
branch. KNOWN lists what no test reaches, and why. Fails if something else is left.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys

INCLUDE = pathlib.Path("include/asyncore").resolve()
CODE, GAP = 0, 3  # kinds of regions


def order(place):
    """Of nested regions the outer one comes first."""
    return place[0], place[1], -place[2], -place[3]


class Source:
    """One header: how often its lines ran, and its conditions were true and false."""

    def __init__(self, name):
        self.name = name
        self.text = [""] + (INCLUDE / name).read_text(encoding="utf-8").split("\n")
        # The column where each line begins.
        self.start = [len(text) - len(text.lstrip()) + 1 for text in self.text]
        self.code = [not text.strip().startswith(("//", "#")) and
                     text.replace("else", "").strip("{}(); ") != "" for text in self.text]
        self.instances = {}  # the counts of regions, by where they are
        self.lines = {}
        self.branches = {}
        self.decided = set()

    def add_regions(self, regions):
        """Instantiations that have the same regions count as one."""
        places = tuple(region[0] for region in regions)
        counts = self.instances.setdefault(places, [0] * len(places))
        for i, (_, count) in enumerate(regions):
            counts[i] += count

    def inside(self, line, place):
        """Whether the line begins in there."""
        first, column, last, end, _ = place
        at = self.start[line]
        return (first, column) <= (line, at) and (line, at + 1) < (last, end)

    def count_lines(self):
        """A line has the count of its most frequent region, in any instantiation. One does not
        count where another has a block or a lambda of its own, which the compiler left out."""
        blocks, bodies = set(), collections.Counter()
        for places, counts in self.instances.items():
            bodies[places[0]] += counts[0]
            ends = {}
            for place in sorted(places, key=order):
                around = ends.get(place[2:4])  # what ends there began behind a `return`
                if around is None and place[4] == CODE and place[2] > place[0]:
                    blocks.add(place)
                ends[place[2:4]] = place
        blocks = sorted(blocks, key=order)
        for places, counts in self.instances.items():
            self.add_lines(dict(zip(places, counts)), [b for b in blocks if b not in places])
        for place, count in bodies.items():
            if count == 0:
                self.lines[place[0]] = 0

    def add_lines(self, counts, others):
        around, starting = {}, {}
        for place in sorted(counts, key=order):
            first, _, last, _, kind = place
            for line in range(first, last + 1):
                if self.inside(line, place):
                    around[line] = place
            if kind == CODE:
                starting[first] = max(starting.get(first, 0), counts[place])
        for line in around.keys() | starting.keys():
            place = around.get(line)
            found = [starting[line]] if line in starting else []
            if place and place[4] == CODE and not any(
                    self.inside(line, other) and order(other) > order(place) for other in others):
                found.append(counts[place])
            if found and self.code[line]:
                self.lines[line] = self.lines.get(line, 0) + max(found)

    def add_branch(self, place, true, false, runs):
        counts = self.branches.setdefault(place, [0, 0])
        counts[0] += true
        counts[1] += false
        if runs and not true and not false:
            self.decided.add(place)

    def conditions(self):
        return sorted((place, counts) for place, counts in self.branches.items()
                      if any(counts) or place not in self.decided)

    def spelling(self, place):
        first, column, last, end = place
        whole = self.text[first].strip()
        if first != last or end - column == 1 or whole.startswith(("case ", "default:")):
            return whole  # the colon of a loop over a range, for one, has no other
        return self.text[first][column - 1:end - 1]


def add(function, sources):
    """Adds what was counted in one instantiation of a function."""
    regions, counted = collections.defaultdict(list), {}
    for *place, count, file, _, kind in function["regions"]:
        name = function["filenames"][file]
        if name in sources and kind in (CODE, GAP):
            regions[name].append(((*place, kind), count))
            counted[(name, *place)] = count
    for name, found in regions.items():
        sources[name].add_regions(found)
    for *place, true, false, file, _, _ in function["branches"]:
        name = function["filenames"][file]
        if name in sources:
            runs = counted.get((name, *place), 0) > 0
            sources[name].add_branch(tuple(place), true, false, runs)


def programs(build):
    for directory in ("test", "examples"):
        for path in sorted((build / directory).iterdir()):
            if path.is_file() and os.access(path, os.X_OK):
                yield path


def measure(build, llvm_cov, llvm_profdata):
    profile = build / "profile"
    subprocess.run([llvm_profdata, "merge", "-sparse", "-o", profile,
                    *(build / "profiles").iterdir()], check=True)
    sources = {str(path): Source(str(path.relative_to(INCLUDE)))
               for path in sorted(INCLUDE.rglob("*.hpp"))}
    for program in programs(build):
        print(f"  {program.name}", flush=True)
        export = subprocess.run([llvm_cov, "export", "-instr-profile", profile, program],
                                check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for function in json.loads(export.stdout)["data"][0]["functions"]:
            add(function, sources)
    measured = [source for source in sources.values() if source.instances]
    for source in measured:
        source.count_lines()
    return measured


def for_gcovr(sources):
    """The same in gcovr's own form, which its reports are made of."""
    files = []
    for source in sources:
        branches = collections.defaultdict(list)
        for place, counts in source.conditions():
            branches[place[0]] += [{"count": count, "fallthrough": False, "throw": False}
                                   for count in counts]
        files.append({"file": "include/asyncore/" + source.name, "functions": [], "lines": [
            {"line_number": line, "count": count, "branches": branches[line],
             "gcovr/noncode": False, "gcovr/excluded": False}
            for line, count in sorted(source.lines.items())]})
    return {"gcovr/format_version": "0.3", "files": files}


def left(sources):
    """What did not run: header, line number, what, and its source."""
    for source in sources:
        for line, count in sorted(source.lines.items()):
            if count == 0:
                yield source.name, line, "never run", source.text[line].strip()
        for place, (true, false) in source.conditions():
            if source.lines.get(place[0]) != 0:
                for what, count in (("never true", true), ("never false", false)):
                    if count == 0:
                        yield source.name, place[0], what, source.spelling(place)


def read_known(path):
    """What is allowed to be left: {(header, what, source): reason}."""
    known, reason = {}, ""
    for text in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if text.startswith("  "):
            known[tuple(text.strip().split(": ", 2))] = reason
        elif text and not text.startswith("#"):
            reason = text
    return known


def main():
    build, llvm_cov, llvm_profdata, known_path = sys.argv[1:]
    sources = measure(pathlib.Path(build), llvm_cov, llvm_profdata)
    with open(f"{build}/gcovr.json", "w", encoding="utf-8") as output:
        json.dump(for_gcovr(sources), output)
    known = read_known(known_path)
    seen, unknown = set(), 0
    for name, line, what, text in left(sources):
        reason = known.get((name, what, text))
        seen.add((name, what, text))
        unknown += reason is None
        print(f"include/asyncore/{name}:{line}: {what}: {text}"
              + (f"  [{reason}]" if reason else ""))
    for entry in known.keys() - seen:
        print(f"{known_path} lists what does run: {': '.join(entry)}")
    if unknown:
        print(f"{unknown} of these are not in {known_path}")
    sys.exit(unknown > 0)


main()
