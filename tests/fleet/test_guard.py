"""What is refused before anything is brought up."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.operation.guard import ExchangeUnfinished, refuse_during_exchange
from fleet.secrets import SecretStore


def test_nothing_is_brought_up_half_way_through_an_exchange_of_the_master_secret(tmp_path: Path) -> None:
    store = SecretStore.create(tmp_path / "secrets.json", "correct horse")
    refuse_during_exchange(store)
    store.name_successor(epoch=2)
    with pytest.raises(ExchangeUnfinished, match="rotate --master"):
        refuse_during_exchange(store)
    store.drop_successor()
    refuse_during_exchange(store)
