# SPDX-License-Identifier: BSL-1.0
"""The http_server of examples/ against nginx with one worker and `return 200`: the same page on
connections that are kept, asked for by wrk. The server has one processor for itself, wrk two
others. The one by hand reads no request and sends always the same: how far it is ahead of nginx is
how far any server can be that receives and sends by a system call each."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import serve
from report import Answer, Column, Plot, Table, at_least
from rounds import advantage, alternate
from session import BY_HAND, OURS, Contender, processors

NGINX = "nginx"
PROGRAM = "/usr/sbin/nginx"  # which is not in every user's PATH
BODY = "hello, world\\n"
CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 2048; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type text/plain;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ return 200 "{body}"; }} }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def nginx(cpu):
    """It says neither which port it took nor when it listens."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        configuration = pathlib.Path(folder, "conf")
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port, body=BODY))
        process = subprocess.Popen([PROGRAM, "-e", "stderr", "-c", configuration],
                                   preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        process.port = port
        try:
            while process.poll() is None:
                with contextlib.suppress(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=serve.PATIENCE)


def load(process, connections, seconds):
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s",
               f"http://127.0.0.1:{process.port}/hello"]
    before = used(process)
    cpus = processors()[1]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10 * serve.PATIENCE,
                          preexec_fn=lambda: os.sched_setaffinity(0, set(cpus)))
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    if not rate or not count or "Socket errors" in done.stdout or "Non-2xx" in done.stdout:
        sys.exit(f"error: wrk: {done.stdout}{done.stderr}")
    return {"per_second": float(rate[1]), "cpu_ns": (used(process) - before) / int(count[1])}


def used(process):
    """Processor time in nanoseconds."""
    times = pathlib.Path(f"/proc/{process.pid}/schedstat").read_text()
    return int(times.split()[0])


def measure(contender, connections, seconds, warm):
    cpu = processors()[0]
    with nginx(cpu) if contender.name == NGINX else serve.server(contender.command, cpu) as server:
        if warm:
            load(server, connections, 1)
        return load(server, connections, seconds)


def ask(session):
    rivals = [Contender(OURS, (session.program("http_server_asyncore"), "--port", "0")),
              Contender(BY_HAND, (session.program("http_server_hand"),))]
    if shutil.which("wrk") is None:
        session.skip("http_requests", "wrk is not installed")
        return Answer([])
    if os.path.exists(PROGRAM):
        rivals.append(Contender(NGINX, (PROGRAM,)))
    else:
        # Its package starts it as a service, so that whoever wants it installs it.
        session.skip(NGINX, "the package nginx-light is not installed, which starts a service")
    tables, goals, curves = [], [], {}
    for connections in session.pick([256], [16, 256], [16, 256]):
        session.progress(f"http_requests: {connections} connections")
        seconds = session.pick(1, 1, 3)  # wrk takes whole ones
        results = alternate(rivals, session.rounds,
                            lambda each, n=connections: measure(each, n, seconds,
                                                              session.mode != "quick"))
        rows = []
        theirs = next((results[each] for each in rivals if each.name == NGINX), None)
        for each, result in results.items():
            rows.append({"name": each.name, **result})
            curves.setdefault(each.name, []).append((connections, result["per_second"]))
            if theirs is None or each.name == NGINX:
                continue
            ratio = advantage(result["per_second"], theirs["per_second"], False)
            rows[-1]["ratio"] = ratio
            if each.name == OURS:
                goals.append(at_least(f"requests/s against {NGINX}, {connections} connections",
                                      ratio.ratio, 1.25))
        tables.append(Table(f"{connections} connections; advantage over {NGINX} on the right",
                            [Column("name", "server"), Column("per_second", "requests/s"),
                             Column("cpu_ns", "CPU ns/request"), Column("ratio", "times", 2)],
                            rows))
    return Answer(tables, [Plot("http_requests", "A page of 13 bytes over HTTP/1.1",
                                "connections", "requests per second", curves)], goals)
