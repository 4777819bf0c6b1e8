# SPDX-License-Identifier: BSL-1.0
"""http_server, in the words of HTTP."""
import contextlib
import email.utils
import socket
import time
import urllib.request

from support import (PATIENCE, POLLERS, Skip, case, connect, expect, is_asleep, memory,
                     send_until_paused, serving, waiting)

ROOT = b"This is an asyncore server. There is also /hello.\n"
HELLO = b"hello, world\n"


def read_response(stream, method="GET"):
    """Status, fields and body of one response; None at the end."""
    line = stream.readline()
    if not line:
        return None
    version, code, _ = line.decode().split(" ", 2)
    expect(version, "HTTP/1.1")
    fields = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, value = line.decode().rstrip("\r\n").split(": ", 1)
        fields[name] = value
    expect(line, b"\r\n", "the end of the head")
    length = int(fields["Content-Length"])
    return int(code), fields, b"" if method == "HEAD" else stream.read(length)


def exchange(server, data, methods=("GET",), pieces=None):
    """Sends `data`, in pieces of that size, and reads the responses; what comes after is left."""
    with connect(server) as client, client.makefile("rb") as stream:
        for start in range(0, len(data), pieces or len(data)):
            client.sendall(data[start:start + (pieces or len(data))])
        return [read_response(stream, method) for method in methods]


def expect_error(server, code, data):
    """The response must come whole, close the connection, and be the last."""
    response, end = exchange(server, data, ["GET", "GET"])
    expect(response[0], code, f"the code for {data[:60]}")
    expect(response[1].get("Connection"), "close", f"Connection for {data[:60]}")
    expect(end, None, f"what follows {data[:60]}")


@case(*POLLERS)
def http_keeps_alive(poller):
    with serving("http_server", poller) as server, connect(server) as client, \
            client.makefile("rb") as stream:
        for target, code, body in (("/", 200, ROOT), ("/hello", 200, HELLO),
                                   ("/none", 404, b"There is no such page.\n"), ("/", 200, ROOT),
                                   ("/hello?a=b", 200, HELLO), ("http://h:1/hello", 200, HELLO),
                                   ("http://h", 200, ROOT), ("http://h?/hello", 200, ROOT)):
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            response = read_response(stream)
            expect(response[0], code, target)
            expect(response[2], body, target)
            expect("Connection" in response[1], False, "a Connection field")
        with urllib.request.urlopen(server.url, timeout=PATIENCE) as page:
            expect(page.read(), ROOT)


@case()
def http_tells_the_date():
    """Also when it changes on a connection."""
    with serving("http_server", "best") as server, connect(server) as client, \
            client.makefile("rb") as stream:
        seen, began = set(), time.monotonic()
        while len(seen) < 2:
            client.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            date = email.utils.parsedate_to_datetime(read_response(stream)[1]["Date"])
            expect(abs(date.timestamp() - time.time()) < 5, True, f"{date}, that it is now")
            seen.add(date)
            expect(time.monotonic() - began < 10, True, "that it changes")


@case(*POLLERS)
def http_closes_when_asked_to(poller):
    with serving("http_server", poller) as server:
        for head, connection in (("HTTP/1.1\r\nHost: h\r\nConnection: close", "close"),
                                 ("HTTP/1.1\r\nhost:\r\nCONNECTION: keep-alive ,\tClose", "close"),
                                 ("HTTP/1.0", "close"),
                                 ("HTTP/1.0\r\nConnection: Keep-Alive", "keep-alive"),
                                 ("HTTP/1.0\r\nConnection: x,Keep-Alive", "keep-alive")):
            request = f"GET /hello {head}\r\n\r\n".encode()
            first, second = exchange(server, request * 2, ["GET", "GET"])
            expect((first[2], first[1]["Connection"]), (HELLO, connection), head)
            expect(second, None if connection == "close" else first, f"the second for {head}")


@case(*POLLERS)
def http_answers_a_pipeline_in_order(poller):
    targets = [("GET", "/", 200), ("GET", "/hello", 200), ("HEAD", "/hello", 200),
               ("GET", "/none", 404), ("DELETE", "/", 405), ("HEAD", "/none", 404)] * 16
    data = "".join(f"{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n"
                   for method, target, _ in targets).encode()
    with serving("http_server", poller) as server:
        for pieces in (None, 1, 7, 1000):  # all at once, a byte at a time, and across the borders
            responses = exchange(server, data, [method for method, _, _ in targets], pieces)
            for (method, target, code), response in zip(targets, responses):
                expect(response[0], code, f"the code for {method} {target}")
                if code == 200:
                    body = HELLO if target == "/hello" else ROOT
                    expect(response[1]["Content-Length"], str(len(body)), f"{method} {target}")
                    expect(response[2], b"" if method == "HEAD" else body, f"{method} {target}")
                elif code == 405:
                    expect(response[1]["Allow"], "GET, HEAD", "Allow")


@case(*POLLERS)
def http_refuses_bad_requests(poller):
    lines = ["GET", "GET /", "GET / HTTP/1.1 x", "GET  HTTP/1.1", " GET / HTTP/1.1", " / HTTP/1.1",
             "GET / http/1.1", "GET / HTTP/2.0", "GET / HTTP/1.10", "GET /a b HTTP/1.1",
             "GET a HTTP/1.1", "\0\1\2", "G(T / HTTP/1.1", "GET /\0 HTTP/1.1", "GET /\rb HTTP/1.1",
             "GET https://h/ HTTP/1.1", "GET /hello#x HTTP/1.1", "GET http:///hello HTTP/1.1",
             "GET http://a@h/ HTTP/1.1"]
    fields = ["X", ": h", "X : h", " X: h", "X: h\r\n folded: 1", "X Y: h", "X\0: h", "X: \0",
              "X: a\rContent-Length: 5", "X: \x7f", "Host: h", "Content-Length: -5",
              "Content-Length: 0, 0", "Content-Length: +0", "Content-Length:",
              "Content-Length: 0\r\nContent-Length: 5"]
    hosts = ["a b", "a/b", "a@b", "a?b", "a#b", "h:x", "h:1:2", "[::1", "[::1]x", "a[b", "<h>"]
    with serving("http_server", poller) as server:
        for line in lines:
            expect_error(server, 400, line.encode() + b"\r\nHost: h\r\n\r\n")
        for field in fields:
            expect_error(server, 400, f"GET / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n".encode())
        for host in hosts:
            expect_error(server, 400, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        for head in (b"GET / HTTP/1.1", b"GET / HTTP/1.0\r\nHost: h\r\nHost: h"):
            expect_error(server, 400, head + b"\r\n\r\n")
        good = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
        first, second, end = exchange(server, good + b"nonsense\r\n\r\n" + good * 9, ["GET"] * 3)
        expect((first[0], second[0], end), (200, 400, None))


@case(*POLLERS)
def http_bounds_the_head(poller):
    def head(size):
        start, end = b"GET /hello HTTP/1.1\r\nHost: h\r\nX: ", b"\r\n\r\n"
        return start + b"x" * (size - len(start) - len(end)) + end
    with serving("http_server", poller) as server:
        expect(exchange(server, head(8192) * 2, ["GET", "GET"])[1][2], HELLO)
        expect(exchange(server, head(8192), pieces=4096)[0][2], HELLO)
        for data in (head(8193), b"x" * 8192, b"\r\n" * 4096, b"GET / HTTP/1.1\r\n" * 600):
            code = 400 if data.startswith(b"GET / ") else 431
            expect_error(server, code, data)


@case(*POLLERS)
def http_error_survives_unread_input(poller):
    """A server that closed at once would reset the connection, and with it the response."""
    with serving("http_server", poller) as server:
        for start, code in ((b"nonsense\r\n\r\n", 400), (b"x" * 9000, 431),
                            (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n",
                             405)):
            before = memory(server)
            with connect(server) as client, client.makefile("rb") as stream:
                client.sendall(start)
                for _ in range(512):
                    client.sendall(bytes(1 << 16))
                expect(read_response(stream)[0], code)
                expect(read_response(stream), None)
            grown = memory(server) - before
            expect(grown < 8 << 20, True, f"{grown} bytes more, that it is little")


@case(*POLLERS)
def http_does_not_take_a_body_for_a_request(poller):
    body = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
    with serving("http_server", poller) as server:
        for method, code in (("GET", 200), ("POST", 405)):
            for field in (f"content-LENGTH:\t{len(body)}", "Transfer-Encoding: chunked",
                          "Content-Length: 7\r\nContent-Length: 07"):
                head = f"{method} / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n".encode()
                expect_error(server, code, head + body)
        for length in ("0", "00", "0\r\nContent-Length: 0"):
            empty = f"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n".encode()
            responses = exchange(server, empty + body, ["GET", "GET"])
            expect(responses[1][2], HELLO, "the response behind an empty body")


@case(*POLLERS)
def http_takes_what_people_type(poller):
    with serving("http_server", poller) as server:
        for host in ("", "h", "h.example:80", "h:", "127.0.0.1", "[::1]", "[fe80::1%25lo]:8000", "%41"):
            response, = exchange(server, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            expect(response[0], 200, f"the code for {host!r}")
        response, = exchange(server, b"GET HTTP://h/hello HTTP/1.1\r\nHost: h\r\n\r\n")
        expect(response[2], HELLO, "the response for a scheme in upper case")
        data = b"\r\n\nGET / HTTP/1.1\nHost: h\n\n\r\nGET /hello HTTP/1.0\n\n"
        responses = exchange(server, data, ["GET", "GET", "GET"])
        expect([response and response[2] for response in responses], [ROOT, HELLO, None])


@case(*POLLERS)
def http_answers_behind_a_half_close(poller):
    request = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
    with serving("http_server", poller) as server:
        with connect(server) as client:
            client.sendall(request)
            size = len(client.recv(1 << 16))
        count, step = 0, (48 << 10) // size  # less than what makes the server pause
        with connect(server) as client, client.makefile("rb") as stream:
            while waiting(server, client, count * size) <= 0:
                client.sendall(step * request)
                count += step
            client.shutdown(socket.SHUT_WR)
            expect(waiting(server, client, count * size) > 0, True, "that some of it waits")
            for _ in range(count):
                expect(read_response(stream)[2], HELLO)
            expect(read_response(stream), None)


@case(*POLLERS)
def http_pauses_for_who_does_not_read(poller):
    request = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
    with serving("http_server", poller) as server, connect(server) as client:
        sent = send_until_paused(server, client, request)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as stream:
            for _ in range(sent // len(request)):
                expect(read_response(stream)[2], HELLO)
            expect(read_response(stream), None)


@case(*POLLERS)
def http_bounds_what_pipelines_cost(poller):
    """Short requests for long answers, all in one segment, that nobody reads at first."""
    try:
        check_cost_of_pipelines(poller)
    except AssertionError as failed:  # on a busy machine a hook is slow, and the server says so
        if "slow hook" not in str(failed):
            raise


def check_cost_of_pipelines(poller):
    request = b"GET /metrics HTTP/1.1\r\nHost:\r\n\r\n"
    count, clients = 60000 // len(request), []
    with serving("http_server", poller, options=["--stats"]) as server:
        expect(exchange(server, request)[0][0], 200)
        before = memory(server)
        for _ in range(20):
            client = connect(server)
            if clients:  # the first one will read
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(request * count)
            clients.append(client)
        waits = time.monotonic() + PATIENCE
        while not is_asleep(server) and time.monotonic() < waits:
            pass
        grown = memory(server) - before
        expect(grown < 16 << 20, True, f"{grown} bytes more, that it is little")
        for client in clients[1:]:
            client.close()
        with clients[0] as client, client.makefile("rb") as stream:
            client.shutdown(socket.SHUT_WR)
            for _ in range(count):
                expect(read_response(stream)[0], 200)
            expect(read_response(stream), None)


@case(*POLLERS)
def http_serves_many(poller):
    with contextlib.ExitStack() as stack, serving("http_server", poller) as server:
        clients = [stack.enter_context(connect(server)) for _ in range(300)]
        for _ in range(3):
            for client in clients:
                client.sendall(b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
            for client in reversed(clients):
                with client.makefile("rb") as stream:
                    expect(read_response(stream)[2], HELLO)


def parsed_metrics(server):
    """What `--stats` serves, read by a parser that is not ours: values by name and labels."""
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError as missing:
        raise Skip(f"python3-prometheus-client is not installed: {missing}") from missing
    (code, fields, body), = exchange(server, b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
    expect((code, fields["Content-Type"]), (200, "text/plain; version=0.0.4"))
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        expect(family.type != "unknown" and family.documentation != "", True, family.name)
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            expect(key in found, False, f"{key} given twice")
            found[key] = sample.value
    return found


@case(*POLLERS)
def http_stats_are_what_prometheus_reads(poller):
    for threads in (1, 3):
        options = ["--stats", "--threads", str(threads)]
        with serving("http_server", poller, options=options) as server:
            parsed_metrics(server)
            requests = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n" * 100
            for _ in range(5):
                exchange(server, requests, ["GET"] * 100)
            found = parsed_metrics(server)
        expect({dict(labels)["loop"] for _, labels in found}, {str(i) for i in range(threads)})

        def total(name, **labels):
            return sum(value for (each, those), value in found.items()
                       if each == name and labels.items() <= dict(those).items())
        expect(total("asyncore_received_bytes_total") > 5 * len(requests), True, "the bytes")
        expect(total("asyncore_sent_bytes_total") > 500 * len(HELLO), True, "the bytes")
        expect(total("asyncore_turns_total") > 5, True, "the turns")
        events = total("asyncore_events_total")
        expect(events > 10, True, "the events")
        for name in ("asyncore_hook_seconds", "asyncore_lag_seconds"):
            for loop in map(str, range(threads)):
                counts = [total(f"{name}_bucket", loop=loop, le=le) for le in sorted(
                    {dict(labels)["le"] for _, labels in found if "le" in dict(labels)},
                    key=float)]
                expect(counts, sorted(counts), f"the buckets of {name}")
                expect(counts[-1], total(f"{name}_count", loop=loop), f"the last of {name}")
            expect(total(f"{name}_sum") > 0, True, f"the sum of {name}")


@case()
def http_has_no_stats_unless_asked():
    with serving("http_server") as server:
        expect(exchange(server, b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")[0][0], 404)
