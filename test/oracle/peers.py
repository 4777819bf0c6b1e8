# SPDX-License-Identifier: BSL-1.0
"""The other sides of channels: raw blocking sockets and pipes, driven by hand."""
import fcntl
import os
import select
import socket
import struct
import sys
import termios
import time

PATIENCE = 10  # seconds until what should have happened has failed


class Peer:
    """A raw blocking socket, or an end of a pipe."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(PATIENCE)


class Pipe:
    """Enough of a socket around an end of a pipe."""

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def settimeout(self, _):
        pass

    def sendall(self, data):
        os.write(self.fd, data)

    def recv(self, size, _flags=0):
        return os.read(self.fd, size)

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


def wait(fd, events):
    poller = select.poll()
    poller.register(fd, events)
    if not poller.poll(PATIENCE * 1000):
        sys.exit(f"nothing came to pass on descriptor {fd}")


def unsent(fd):
    """The bytes that the other side has not acknowledged."""
    return struct.unpack("i", fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4)))[0]


class PeerVerbs:
    """The actions of peers, and those of channels that have the same name. What a peer does is
    awaited."""

    def do_rawlisten(self, name, *words):
        sock = socket.socket(socket.AF_UNIX if "unix" in words else socket.AF_INET)
        sock.bind(os.path.join(self.directory, name) if "unix" in words else ("127.0.0.1", 0))
        sock.listen(16)
        self.peers[name] = Peer(sock)

    def do_rawaccept(self, name, listener):
        self.peers[name] = Peer(self.peers[listener].sock.accept()[0])

    def do_dial(self, name, listener):
        self.peers[name] = Peer(socket.create_connection(self.address(listener)))
        wait(self.channels[listener].socket.fileno(), select.POLLIN)

    def do_dup(self, name, channel):
        self.peers[name] = Peer(socket.socket(
            fileno=os.dup(self.channels[channel].socket.fileno())))

    def mate(self, peer):
        """The descriptor of the channel that a TCP peer is connected to."""
        if isinstance(peer.sock, Pipe) or peer.sock.family != socket.AF_INET:
            return None
        for channel in self.channels.values():
            try:
                if channel.socket and channel.socket.getpeername() == peer.sock.getsockname():
                    return channel.socket.fileno()
            except (OSError, AttributeError):
                pass  # not connected, or a file
        return None

    def do_send(self, name, data, *flags):
        if name in self.channels:
            self.channels[name].send(data)
            return
        sock = self.peers[name].sock
        sock.sendall(data)
        if isinstance(sock, Pipe) or sock.family != socket.AF_INET:
            return
        deadline = time.monotonic() + PATIENCE
        while unsent(sock.fileno()) > 0:
            if time.monotonic() > deadline:
                sys.exit(f"{self.scenario.name}: what {name} sent did not arrive")

    def do_oob(self, name, data):
        mate = self.mate(self.peers[name])
        self.peers[name].sock.send(data, socket.MSG_OOB)
        wait(mate, select.POLLPRI)

    def do_shutdown(self, name, how="wr"):
        code = {"rd": socket.SHUT_RD, "wr": socket.SHUT_WR, "rdwr": socket.SHUT_RDWR}[how]
        if name in self.channels:
            self.channels[name].socket.shutdown(code)
            return
        mate = self.mate(self.peers[name])
        self.peers[name].sock.shutdown(code)
        if mate:
            wait(mate, select.POLLRDHUP)

    def do_reset(self, name):
        sock = self.peers[name].sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        mate = self.mate(self.peers[name])
        sock.close()
        if mate:
            wait(mate, select.POLLERR)

    def do_close(self, name):
        if name in self.channels:
            self.channels[name].close()
            return
        mate = self.mate(self.peers[name])
        self.peers[name].sock.close()
        if mate:
            wait(mate, select.POLLRDHUP)

    def received(self, name, flags=0):
        """What a peer has received, None when nothing is there; the end goes into the trace."""
        try:
            data = self.peers[name].sock.recv(65536, flags)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            self.trace.add(name, "reset")
            return b""
        if data:
            self.trace.add(name, "recv", data)
        else:
            self.trace.add(name, "eof")
        return data

    def do_recv(self, name, size):
        """Waits for so many bytes, or for the end."""
        left = int(size)
        while left > 0:
            data = self.received(name)
            if not data:
                return
            left -= len(data)

    def do_eof(self, name):
        while self.received(name):
            pass

    def do_take(self, name, size):
        """As recv, with turns of the loop in between."""
        left, deadline = int(size), time.monotonic() + PATIENCE
        while left > 0 and time.monotonic() < deadline:
            self.do_turn()
            data = self.received(name, socket.MSG_DONTWAIT)
            if data == b"":
                return
            left -= len(data or b"")
