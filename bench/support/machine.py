# SPDX-License-Identifier: BSL-1.0
"""What was run on which machine."""

import os
import pathlib
import platform
import re
import shutil
import subprocess


def first_line(*command):
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else None


def asio_version():
    header = pathlib.Path("/usr/include/asio/version.hpp")
    if not header.exists():
        return None
    number = int(re.search(r"#define ASIO_VERSION (\d+)", header.read_text())[1])
    return f"{number // 100000}.{number // 100 % 1000}.{number % 100}"


def libev_version():
    header = pathlib.Path("/usr/include/ev.h")
    if not header.exists():
        return None
    return ".".join(re.findall(r"# *define EV_VERSION_M(?:AJOR|INOR) (\d+)", header.read_text()))


def nginx_version():
    program = pathlib.Path("/usr/sbin/nginx")
    if not program.exists():
        return None
    said = subprocess.run([program, "-v"], capture_output=True, text=True).stderr
    return said.strip().rpartition("/")[2]


def processor():
    found = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def describe(compiler):
    peers = {"libev": libev_version(), "libevent": first_line("pkg-config", "--modversion",
                                                              "libevent"),
             "libuv": first_line("pkg-config", "--modversion", "libuv"), "asio": asio_version(),
             "nginx": nginx_version()}
    return {
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)),
        "kernel": f"{platform.system()} {platform.release()}",
        "compiler": first_line(*compiler.split(), "--version"),
        "python": platform.python_version(),
        "peers": {name: version for name, version in peers.items() if version},
        "commit": first_line("git", "describe", "--always", "--dirty"),
        "load at the start": round(os.getloadavg()[0], 2),
    }


def lines(machine):
    peers = ", ".join(f"{name} {version}" for name, version in machine["peers"].items())
    yield f"{machine['processors']} x {machine['processor']}, {machine['kernel']}"
    yield f"{machine['compiler']} -O2; {peers or 'no peers'}"
    yield f"commit {machine['commit'] or 'unknown'}; load average {machine['load at the start']}"
