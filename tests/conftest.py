"""What every test may need: settings to run under, and a PostgreSQL server and a Python for child processes.

Both are there when the first test asks.
"""

import importlib.util
import itertools
import os
import signal
from pathlib import Path

import pytest

os.environ.update(
    {
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "OMP_WAIT_POLICY": "passive",  # threads that wait spin otherwise, on cores that other tests need
        "OPENBLAS_NUM_THREADS": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
)

from hypothesis import settings

# the machines are shared and noisy: a slow example is no failure, and the same examples run everywhere
settings.register_profile("gristmill", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("gristmill")

ROOT = Path(__file__).parents[1]
_EMPTY = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid();
    DO $$ DECLARE name text; BEGIN
      FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
      END LOOP;
    END $$;
    CREATE SCHEMA public"""


def _beside(name):
    """A module of this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def postgresql_server():
    """The address of a PostgreSQL server of this session's own, `{database}` still to be filled in."""
    with _beside("postgresql_server").running_server() as address:
        yield address


@pytest.fixture(scope="session")
def warm_python():
    """A Python that forks child processes which need not import the heavy libraries."""
    with _beside("warm_python").warm_python() as warm:
        yield warm


@pytest.fixture(scope="session")
def killed_child(warm_python):
    """Runs a script of ours that kills itself, and says so where it does not."""

    def run(*command):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "1"}
        ended = warm_python.run(*command, cwd=ROOT, environment=environment, seconds=240)
        assert ended.returncode == -signal.SIGKILL, ended.stderr

    return run


@pytest.fixture(scope="session")
def free_databases():
    """Names of databases that a test has left empty for the next one: making one takes longer than emptying it."""
    return [], itertools.count()


@pytest.fixture
def make_database(postgresql_server, free_databases):
    """Gives empty databases, each by its address; they are emptied after the test."""
    import psycopg  # noqa: PLC0415 most tests need none

    free, numbers = free_databases
    given = []

    def made():
        if not free:
            free.append(f"gristmill_{next(numbers)}")
            with psycopg.connect(postgresql_server.format(database="postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {free[-1]}")
        given.append(free.pop())
        return postgresql_server.format(database=given[-1])

    yield made
    for name in given:
        with psycopg.connect(postgresql_server.format(database=name), autocommit=True) as connection:
            connection.execute(_EMPTY)
        free.append(name)


@pytest.fixture
def postgresql_address(make_database):
    """The address of an empty PostgreSQL database."""
    return make_database()
