"""A small simulated company, taken the whole way once: the tests of the flows look at what came out."""

import json
import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from config import load_settings
from flows.context import Context
from flows.running.orchestration import carry_out
from flows.running.progress import Reporter
from simulation.files import write_company
from simulation.retailer import simulate

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
TRAINED = date(2025, 12, 1)
LATER = date(2026, 1, 1)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items):
    """Whatever needs the trained company is slow: training it takes longer than most files of tests."""
    for item in items:
        if "trained" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def raw(tmp_path_factory):
    """Raw files of a simulated company of 900 customers, dirt included."""
    company = simulate(
        customers=900,
        start=date(2024, 1, 1),
        end=date(2026, 1, 1),
        seed=11,
        products=80,
        currency="GBP",
        time_zone="Europe/London",
    )
    folder = tmp_path_factory.mktemp("raw")
    write_company(company, folder, seed=11)
    return folder


@pytest.fixture(scope="session")
def open_at(raw):
    """A context on the demo's settings (and more), with its own workspace, data and clock."""

    def opened(workspace, *, data=None, now=NOW, more="", **overrides):
        environment = {"GRISTMILL_WORKSPACE": str(workspace), "GRISTMILL__LAKE__BUCKETS": "3", **overrides}
        file = ROOT / "tests/shop.toml"
        if more:
            own = data / "gristmill.toml"
            own.write_text(file.read_text() + more)
            file = own
        settings = load_settings(file, data=data or raw, environment=environment)
        return Context(settings=settings, now=now, clock=lambda: now, reporter=Reporter(quiet=True), run_by="tests")

    return opened


@pytest.fixture(scope="session")
def do():
    """A verb carried out in this process; its result through JSON, as programs get it."""

    def done(verb, context, **parameters):
        result = carry_out(verb, context, mode="none", config=None, data=None, parameters=parameters)
        return json.loads(json.dumps(result))

    return done


@pytest.fixture(scope="session")
def trained(tmp_path_factory, open_at, do):
    """The workspace and the result of a first `run`, which trains."""
    workspace = tmp_path_factory.mktemp("work")
    return workspace, do("run", open_at(workspace), as_of=TRAINED)


@pytest.fixture
def workspace(trained, tmp_path):
    """A copy of the trained workspace to do as one likes with."""
    shutil.copytree(trained[0], tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def gristmill(tmp_path, warm_python):
    """Run the command in a fresh folder; returns the finished process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GRISTMILL", "PREFECT"))}

    def run(*arguments, **changes):
        code = "from flows.command_line import main; main()"
        return warm_python.run("-c", code, *arguments, cwd=tmp_path, environment={**environment, **changes})

    return run


@pytest.fixture(scope="module")
def tables():
    """The core tables of a tiny hand-made company."""
    from tests.flows.feature_company import company  # noqa: PLC0415 only for those that ask

    return company()


@pytest.fixture
def loaded(open_at, tmp_path, tables):
    """A context whose last load is the company."""
    context = open_at(tmp_path / "work")
    from tests.flows.feature_company import with_load  # noqa: PLC0415 only for those that ask

    with_load(context, "one", tables)
    return context
