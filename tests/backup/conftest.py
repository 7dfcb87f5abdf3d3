from __future__ import annotations

from pathlib import Path

import pytest

from tests.backup.standing import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)
