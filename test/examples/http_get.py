# SPDX-License-Identifier: BSL-1.0
"""http_get: the body, or what is wrong."""
import contextlib
import os
import re
import socket
import threading

from http_server import HELLO, ROOT
from support import PATIENCE, POLLERS, case, expect, need_ipv6, reset, run, serving


@contextlib.contextmanager
def answering(*pieces, leave=socket.socket.close):
    """A server that answers one request with these pieces, each a segment; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        requests = []

        def serve():
            with contextlib.suppress(OSError):  # a client that gives up
                client, _ = listener.accept()
                client.settimeout(PATIENCE)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while b"\r\n\r\n" not in b"".join(requests):
                    requests.append(client.recv(4096))
                for piece in pieces:
                    client.sendall(piece)
                leave(client)
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        thread.join()


def expect_failure(done, status, pattern, output=b""):
    expect((done.returncode, done.stdout), (status, output), "status and output")
    if not re.fullmatch(f"http_get: [^\n]*{pattern}[^\n]*\n", done.stderr):
        raise AssertionError(f"it said {done.stderr!r}, not one line with {pattern!r}")


@case(*POLLERS)
def http_get_fetches_from_http_server(poller):
    with serving("http_server", poller) as server:
        for url, body in ((server.url, ROOT), (server.url + "/hello#x", HELLO),
                          (server.url + "?/hello", ROOT)):
            done = run("http_get", url)
            expect((done.returncode, done.stdout, done.stderr), (0, body, ""), url)
        expect_failure(run("http_get", server.url + "/none"), 1, "404 Not Found")
        with open("/dev/full", "wb") as full:
            done = run("http_get", server.url, stdout=full)
            expect((done.returncode, done.stderr), (1, "http_get: cannot write the body\n"))


@case()
def http_get_fetches_over_ipv6():
    need_ipv6()
    with serving("http_server", host="::1") as server:
        done = run("http_get", server.url)
        expect((done.returncode, done.stdout, done.stderr), (0, ROOT, ""))
    expect_failure(run("http_get", "http://[fe80::1]:81/"), 1, r"connect \[fe80::1\]:81: ")


@case()
def http_get_takes_bodies_of_any_kind():
    big = os.urandom(1 << 22)
    for pieces, body in (
            ([b"HTTP/1.0 200 OK\r\n\r\n", b"to the ", b"end"], b"to the end"),
            ([bytes([each]) for each in b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"],
             b"abc"),
            ([b"HTTP/1.1 200 OK\r\ncontent-length:3\r\n\r\nabcdef"], b"abc"),
            ([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], b""),
            ([b"HTTP/1.1 204 No Content\r\n\r\n"], b""),
            ([b"HTTP/1.1 200\n\nlines"], b"lines"),
            ([b"HTTP/1.1 200 OK\r\nX: ", b"x" * 60000, b"\r\n\r\nlong"], b"long"),
            ([b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(big), big], big)):
        with answering(*pieces) as (url, requests):
            done = run("http_get", url + "/a/b?c#d")
            expect((done.returncode, done.stderr), (0, ""), pieces[0])
            expect(done.stdout == body, True, f"the body of {pieces[0]}")
        expect(b"".join(requests), b"GET /a/b?c HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n"
               % url.removeprefix("http://").encode(), "the request")


@case()
def http_get_tells_what_is_wrong_with_a_response():
    ok = b"HTTP/1.1 200 OK\r\n"
    for data, pattern, output in (
            (b"", "there was no response", b""),
            (b"HTTP/1.1 200 OK\r\nX", "head of the response breaks off", b""),
            (b"nonsense\r\n\r\n", "not one of HTTP/1.x", b""),
            (b"HTTP/1.1 2x0 OK\r\n\r\n", "not one of HTTP/1.x", b""),
            (b"HTTP/1.1 20 OK\r\n\r\n", "not one of HTTP/1.x", b""),
            (ok + b"no colon\r\n\r\n", "not one of HTTP/1.x", b""),
            (ok + b"Content-Length: -1\r\n\r\n", "not one of HTTP/1.x", b""),
            (ok + b"Content-Length: 99999999999999999999\r\n\r\n", "not one of HTTP/1.x", b""),
            (ok + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "not one of HTTP/1.x", b""),
            (ok + b"Transfer-Encoding: chunked\r\n\r\n", "not one of HTTP/1.x", b""),
            (ok + b"X: " + b"x" * 65536 + b"\r\n\r\n", "not one of HTTP/1.x", b""),
            (ok + b"Content-Length: 9\r\n\r\nshort", "breaks off 4 bytes before its end", b"short"),
            (b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\nbody", "301 Moved", b""),
            (b"HTTP/1.1 500 Oh\x1b[2J\r\n\r\nbody", "not one of HTTP/1.x", b"")):
        with answering(data) as (url, _):
            expect_failure(run("http_get", url), 1, pattern, output)
    with answering(ok + b"\r\nbody", leave=reset) as (url, _):
        expect_failure(run("http_get", url), 1, "the connection was reset", b"body")


@case()
def http_get_gives_up_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        expect_failure(run("http_get", "--timeout", "0.05", url), 1, "it took too long")


@case()
def http_get_tells_who_is_not_there():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        where = f"127.0.0.1:{gone.getsockname()[1]}"
    expect_failure(run("http_get", f"http://{where}/"), 1, f"connect {where}: Connection refused")
    expect_failure(run("http_get", "http://a..b/"), 1, r"cannot find a\.\.b: ")


@case()
def http_get_refuses_bad_urls():
    for url in ("", "x", "https://h/", "http:/h", "http://", "http:///x", "http://:80/",
                "http://h:0/", "http://h:65536/", "http://h:8x/", "http://h:-1/", "http://[::1/",
                "http://[::1]x/", "http://[]/", "http://[127.0.0.1]/", "http://[h]/",
                "http://u@h/", "http://h/a b", "http://h/\r\nX: y",
                "http://h/\u00e9"):
        expect_failure(run("http_get", url), 2, "bad URL: .*; want http://HOST")
    for arguments in ([], ["--timeout", "0", "http://h/"], ["--timeout", "x", "http://h/"],
                      ["--bad", "http://h/"], ["http://h/", "http://h/"]):
        done = run("http_get", *arguments)
        expect(done.returncode, 2, f"the status of {arguments}")
        expect("--timeout" in done.stderr, True, f"help for {arguments}")
    expect(run("http_get", "--help").returncode, 0)
