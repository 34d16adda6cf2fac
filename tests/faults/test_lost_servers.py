"""A server that takes the call and then says nothing: told in bounded time, worth another try."""

import socket
import threading
import time

import pytest

from warehouse.databases.base import Timeouts
from warehouse.databases.errors_postgresql import WarehouseDownError
from warehouse.databases.postgresql_warehouse import PostgreSQLWarehouse


def test_a_server_that_accepts_and_then_hangs_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        threading.Thread(target=lambda: [deaf.accept() for _ in range(9)], daemon=True).start()
        address = f"postgresql://mill:hunter2@127.0.0.1:{deaf.getsockname()[1]}/shop"
        began = time.monotonic()
        with (
            pytest.raises(WarehouseDownError) as refused,
            PostgreSQLWarehouse(address, timeouts=Timeouts(connect_seconds=2)),
        ):
            pass
        assert time.monotonic() - began < 30
    assert refused.value.exit_code == 4
    assert "hunter2" not in str(refused.value)
