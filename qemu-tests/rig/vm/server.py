# SPDX-License-Identifier: LGPL-2.1-or-later
"""The update server of a life: serves an archive repository by HTTP on the host's loopback. Only
the guest tells it when to fail (see guest/life.sh): then it stops after so many bytes, in the
middle of a file, and does not answer until it is told to come up.

QEMU's user network lets the guest reach this server and nothing else.
"""

import collections
import http.server
import os
import threading

# The server's address for the guest.
ADDRESS = "10.0.2.100:80"
# The number of files that a client may have fetched, in full or in part, but not kept when the
# server goes down: libostree's limits of concurrent fetches and writes.
IN_FLIGHT = 8 + 16
CHUNK = 4096


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of the guest."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Sends a file, or obeys a command (a path below /-/)."""
        server = self.server
        if self.path.startswith("/-/"):
            self.answer(*server.obey(self.path[3:].split("/")))
            return
        path = os.path.join(server.folder, self.path.split("?")[0].lstrip("/"))
        if server.down:
            self.close_connection = True
        elif not os.path.isfile(path) or ".." in path.split("/"):
            self.answer(404, "there is no such file")
        else:
            with open(path, "rb") as source:
                self.send_file(source.read())

    def answer(self, status, reason):
        """Sends an answer without a body; the guest prints the reason."""
        self.send_response(status, reason)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_file(self, data):
        """Sends a file, until the server goes down."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for start in range(0, len(data), CHUNK):
            if not self.server.may_send(len(data[start:start + CHUNK])):
                self.close_connection = True
                return
            self.wfile.write(data[start:start + CHUNK])
        self.server.count(self.path)

    def log_message(self, *_):
        """Logs nothing: the server counts the requests."""


class Server(http.server.ThreadingHTTPServer):
    """Serves the folder until close(), and counts the files that were sent completely."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.lock = folder, threading.Lock()
        self.sent, self.before = collections.Counter(), None
        self.left, self.down = None, False
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1},
                         daemon=True).start()

    def handle_error(self, *_):
        """Ignores errors: a killed guest leaves open connections."""

    def may_send(self, size):
        """Whether so many more bytes may be sent; if they exceed the limit, the server goes
        down."""
        with self.lock:
            if self.left is not None:
                self.left -= size
                self.down |= self.left < 0
            return not self.down

    def count(self, path):
        """Counts a file that was sent completely."""
        with self.lock:
            self.sent[path] += 1

    def resumed(self):
        """(status, reason): 200 if the guest kept what it got before the server went down, and
        fetched the rest afterwards."""
        with self.lock:
            again = sum(self.sent[path] > times for path, times in self.before.items())
            more = len(set(self.sent) - set(self.before))
            known = len(self.before)
        text = f"{known} files before, {again} of them again, {more} more"
        return (200 if known > IN_FLIGHT and again <= IN_FLIGHT and more else 409), text

    def obey(self, words):
        """Obeys a command, cut/BYTES, up or resumed; returns (status, reason)."""
        if words[0] == "cut":
            self.left = int(words[1])
            self.sent.clear()
        elif words[0] == "up" and self.down:
            self.before = collections.Counter(
                {path: times for path, times in self.sent.items() if path.endswith(".filez")})
            self.left, self.down = None, False
        elif words[0] == "resumed" and self.before is not None:
            return self.resumed()
        else:
            return 409, "the server is not down"
        return 200, "done"

    def close(self):
        """Ends the server."""
        self.shutdown()
        self.server_close()


def network(port):
    """QEMU's arguments for a network with only the server on that port of the host."""
    forward = f"tcp:{ADDRESS}-cmd:busybox nc 127.0.0.1 {port}"
    return ["-netdev", "user,id=net,restrict=on,guestfwd=" + forward,
            "-device", "virtio-net-pci,netdev=net,romfile="]
