"""A Prefect server of our own for the length of one run: started on a free loopback port, stopped afterwards.

Belongs here: starting, waiting, stopping. Does not: what runs through it (`orchestrated.py`).
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import OrchestratorDownError

START_SECONDS = 180
STOP_SECONDS = 20


@contextmanager
def local_server(home: Path) -> Iterator[str]:
    """Run a Prefect server while the body runs.

    Args:
        home: folder of the server's database and log.

    Yields:
        The address of its API, also put in `PREFECT_API_URL` for the body.

    Raises:
        OrchestratorDownError: it did not come up; its log is named.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    api_url = f"http://127.0.0.1:{port}/api"
    environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_API_URL": api_url}
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-ui",
    ]
    with (home / "server.log").open("ab") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 our own interpreter
    before = {name: os.environ.get(name) for name in ("PREFECT_HOME", "PREFECT_API_URL")}
    try:
        _wait(server, api_url, home)
        os.environ.update(PREFECT_HOME=str(home), PREFECT_API_URL=api_url)
        yield api_url
    finally:
        _restore(before)
        _stop(server)


def answers(api_url: str, *, timeout_seconds: float = 5) -> bool:
    """Whether a Prefect API is up at that address."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=timeout_seconds) as answer:  # noqa: S310 the address is a setting
            return bool(answer.status == 200)  # noqa: PLR2004 HTTP OK
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: "subprocess.Popen[bytes]", api_url: str, home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise OrchestratorDownError(
                api_url=api_url, reason=f"it ended with code {server.returncode}; see {home / 'server.log'}"
            )
        if answers(api_url, timeout_seconds=2):
            return
        time.sleep(0.25)
    raise OrchestratorDownError(api_url=api_url, reason=f"not up after {START_SECONDS} s; see {home / 'server.log'}")


def _restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
