"""A line between a client and a PostgreSQL server that can come up late, and be cut when a COMMIT goes by."""

import contextlib
import socket
import threading
import time

SOCKET = ".s.PGSQL.5432"


class Relay:
    """A socket that hands everything on, for the length of a `with` block.

    Args:
        address: the server's, ending in `host=FOLDER`.
        folder: where to put the socket; `self.address` is the address to use.
        delay_seconds: how late it comes up.
        cut: "before" (the server never gets the COMMIT), "after" (it does it, but nobody hears of it), or None. The
            line is cut only while `self.armed` is set.
    """

    def __init__(self, address, folder, *, delay_seconds=0.0, cut=None):
        front, _, real = address.partition("host=")
        self.address, self.armed = f"{front}host={folder}", threading.Event()
        self._real, self._path = f"{real}/{SOCKET}", folder / SOCKET
        self._delay, self._cut, self._deaf = delay_seconds, cut, threading.Event()
        self._door, self._ends = socket.socket(socket.AF_UNIX), []

    def __enter__(self):
        if self._delay:
            threading.Timer(self._delay, self._open).start()
        else:
            self._open()
        return self

    def __exit__(self, *exception):
        for end in (self._door, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _open(self):
        self._door.bind(str(self._path))
        self._door.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._real)
                self._ends += [client, server]
                for target, ends in ((self._forth, (client, server)), (self._back, (server, client))):
                    threading.Thread(target=target, args=ends, daemon=True).start()

    def _forth(self, client, server):
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._cut and self.armed.is_set() and b"COMMIT" in data:
                    self._cut_line(client, server, data)
                    return
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _back(self, server, client):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self._deaf.is_set():
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def _cut_line(self, client, server, data):
        self.armed.clear()
        self._deaf.set()
        if self._cut == "after":
            server.sendall(data)
            time.sleep(0.2)
        client.shutdown(socket.SHUT_RDWR)
        server.shutdown(socket.SHUT_RDWR)
        self._deaf.clear()
