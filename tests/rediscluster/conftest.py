"""A stand for each test: real Redis processes on loopback addresses that nobody else has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rediscluster.stand import Stand, needs_redis


@pytest.fixture
def stand(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stand]:
    needs_redis()
    # 127.2 to 127.249 by process and test, so that runs side by side do not meet.
    stand = Stand(tmp_path, 2 + (os.getpid() * 7 + hash(request.node.nodeid)) % 248)
    yield stand
    stand.close()
