# SPDX-License-Identifier: LGPL-2.1-or-later
"""The update server of a life: an archive repository by HTTP on the host's loopback. The guest, and
nobody else, tells it when to fail (see guest/life.sh): after so many bytes it goes down in the
middle of a file, and does not answer until it is told to come up.

The guest reaches it, and nothing else, through QEMU's own network.
"""

import collections
import http.server
import os
import threading

# As the guest sees it.
ADDRESS = "10.0.2.100:80"
# Files that a client may have got, or be getting, when the server goes down, and has not kept:
# libostree's limits of fetches and of writes at a time.
IN_FLIGHT = 8 + 16
CHUNK = 4096


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of the guest's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """Answers with a file, or obeys."""
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
        """An answer without contents, of which the guest prints the reason."""
        self.send_response(status, reason)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def send_file(self, data):
        """Sends a file, as far as the server lives."""
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
        """Nothing: what was asked for, the server counts."""


class Server(http.server.ThreadingHTTPServer):
    """Serves the folder until close(), and counts what was sent whole."""

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.lock = folder, threading.Lock()
        self.sent, self.before = collections.Counter(), None
        self.left, self.down = None, False
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1},
                         daemon=True).start()

    def handle_error(self, *_):
        """A guest that is killed leaves open connections: that is no error of the server."""

    def may_send(self, size):
        """Whether that many bytes more may leave; the one that may not takes the server down."""
        with self.lock:
            if self.left is not None:
                self.left -= size
                self.down |= self.left < 0
            return not self.down

    def count(self, path):
        """Counts a file that was sent whole."""
        with self.lock:
            self.sent[path] += 1

    def resumed(self):
        """(status, reason): whether what was sent before the server went down stayed with the
        guest, and the rest came after."""
        with self.lock:
            again = sum(self.sent[path] > times for path, times in self.before.items())
            more = len(set(self.sent) - set(self.before))
            known = len(self.before)
        text = "%d files before, %d of them again, %d more" % (known, again, more)
        return (200 if known > IN_FLIGHT and again <= IN_FLIGHT and more else 409), text

    def obey(self, words):
        """(status, reason) of a command: cut/BYTES, up or resumed."""
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
        """Ends it."""
        self.shutdown()
        self.server_close()


def network(port):
    """The words for a machine's network, which ends at the server on that port."""
    return ["-netdev", "user,id=net,restrict=on,guestfwd=tcp:%s-cmd:busybox nc 127.0.0.1 %d" % (
        ADDRESS, port), "-device", "virtio-net-pci,netdev=net,romfile="]
