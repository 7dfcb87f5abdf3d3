"""Before a stack file says that a release is held, what speaks against it is said, and the file stays as it was."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fleet.operation.one_trader import SecondTrader
from fleet.release.hold import NoWayBack, hold
from hosts import KnownRelease

DIGEST = "0123456789abcdef"
ALPACA = {"env/trading.env": "FLEET_VENUES='alpaca:main=active'\n"}


@pytest.mark.parametrize(
    ("bundle", "release", "refused", "said"),
    [
        (
            "questdb",
            KnownRelease(DIGEST, no_way_back=("questdb 9.3.4 -> 9.3.3",)),
            NoWayBack,
            f"questdb 9.3.4 -> 9.3.3: .* Restore a copy that was made with the versions of release {DIGEST}",
        ),
        (
            "trading",
            KnownRelease(DIGEST, files=ALPACA),
            SecondTrader,
            "account main of alpaca, which sg does not",
        ),
    ],
)
def test_a_roll_back_that_cannot_be_changes_no_file(
    bundle: str, release: KnownRelease, refused: type[Exception], said: str, tmp_path: Path
) -> None:
    checkout = Path(__file__).parents[2]
    for path in (checkout / "fleet.yaml", *checkout.glob("Pulumi*.yaml")):
        shutil.copyfile(path, tmp_path / path.name)
    before = (tmp_path / "Pulumi.sg.yaml").read_text()
    host = cast(Any, SimpleNamespace(ref=SimpleNamespace(id="sg", region="sg")))
    with pytest.raises(refused, match=said):
        hold(cast(Any, SimpleNamespace(root=tmp_path)), host, bundle, release, lambda stack, text: None)
    assert (tmp_path / "Pulumi.sg.yaml").read_text() == before
