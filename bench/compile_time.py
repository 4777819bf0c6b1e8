#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Time to compile a file that only includes <asyncore.hpp>, beside one that only includes the
standalone <asio.hpp>, at -O2, alternately. The ratio is of processor time, which other work on the
machine disturbs less."""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
import load
import session


def compile_once(compiler, include, source):
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*compiler, "-std=c++20", "-O2", "-I", str(include), "-c", str(source),
                           "-o", os.devnull], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {source.name}: {done.stderr.strip()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"elapsed": time.monotonic() - start,
            "processor": after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime}


def main():
    parser = session.arguments(__doc__)
    parser.add_argument("--cxx", default=os.environ.get("CXX", "g++"), help="compiler (%(default)s)")
    options = parser.parse_args()
    compiler = options.cxx.split()
    include = pathlib.Path(__file__).resolve().parent.parent / "include"
    count = 3 if options.quick else 9

    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for header in ["asio.hpp", "asyncore.hpp"]:
            source = pathlib.Path(folder) / f"{header}.cpp"
            source.write_text(f"#include <{header}>\n")
            compile_once(compiler, include, source)  # brings the files into the page cache
            sources.append(source)
        session.progress(f"compile_time: {count} pairs with {options.cxx}")
        asio, ours = load.pairs(lambda: compile_once(compiler, include, sources[0]),
                                lambda: compile_once(compiler, include, sources[1]), count)
    asio_elapsed, elapsed, _, _ = load.compared(asio, ours, "elapsed")
    asio_processor, processor, ratio, spread = load.compared(asio, ours, "processor")
    print(f"compile_time: one include at -O2 with {options.cxx}, medians of {count} pairs")
    session.table(["header", "elapsed s", "processor s", "ratio", "spread"],
                  [["asio.hpp", f"{asio_elapsed:.2f}", f"{asio_processor:.2f}", "", ""],
                   ["asyncore.hpp", f"{elapsed:.2f}", f"{processor:.2f}", f"{ratio:.2f}",
                    f"±{spread:.1%}"]])


if __name__ == "__main__":
    main()
