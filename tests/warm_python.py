"""A Python that has imported the heavy libraries once and forks for every child process a test asks for.

Such a child is a process of its own, with its own folder, environment, arguments, standard output and exit code, and
can be killed like any other; it only need not import for seconds. Nothing of ours is imported before the fork. Run as
a script this is that Python: it reads a line of JSON for each child and answers with a line that says how it ended.
"""

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

HEAVY = ("duckdb", "duckdb_engine", "great_expectations", "lightgbm", "pandas", "polars", "pydantic", "sqlalchemy")


class WarmPython:
    """Runs children of the warm Python; started when the first is asked for."""

    def __init__(self):
        self._process = None

    def run(self, *command, cwd, environment, seconds=120):
        """Run `-c CODE` or a script, with its arguments, to its end; returns the completed process, with its words."""
        with tempfile.TemporaryDirectory(prefix="gm-child-") as folder:
            out, error = Path(folder) / "out", Path(folder) / "error"
            asked = {"command": [*map(str, command)], "cwd": str(cwd), "environment": environment, "seconds": seconds}
            ended = self._ask(asked | {"out": str(out), "error": str(error)})
            return subprocess.CompletedProcess(command, ended, out.read_text(), error.read_text())

    def _ask(self, asked):
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 this file
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self):
        """Let it end; it has no children by then."""
        if self._process is not None:
            self._process.communicate()


@contextmanager
def warm_python():
    """Yields a `WarmPython`, which ends with the block."""
    warm = WarmPython()
    try:
        yield warm
    finally:
        warm.close()


def _become(asked):
    """Be the child: what a new Python would find, then its code."""
    signal.alarm(asked["seconds"])  # ends it: nobody waits for ever
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, asked["out"], os.O_WRONLY | os.O_CREAT),
        (2, asked["error"], os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(path, flags), number)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["cwd"])
    script, *arguments = asked["command"]
    sys.path[0] = "" if script == "-c" else str(Path(script).parent)
    sys.path[1:1] = os.environ.get("PYTHONPATH", "").split(":") if "PYTHONPATH" in os.environ else []
    if script == "-c":
        code, *arguments = arguments
        sys.argv = ["-c", *arguments]
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 code of a test
    else:
        sys.argv = [script, *arguments]
        runpy.run_path(script, run_name="__main__")


def _serve():
    for name in HEAVY:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            return
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
