"""What a checkpoint of QuestDB says of its tables: their rows and last transactions at its one moment.

Asking the running database instead would count rows that came after the checkpoint. The two files read here are as in
QuestDB 9.3.4 (measured): ``_name`` is a length and UTF-16 text; ``_txn`` begins with its version, whose parity says
where the record of the transaction lies (its offset is at byte 8, or at 32 where the version is odd).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

EVEN_OFFSET, ODD_OFFSET = 8, 32
ROWS_IN_LAST_PARTITION, ROWS_IN_OTHERS, LAST_TRANSACTION = 8, 16, 80
"""Of the record, in bytes."""


class TableCopy(TypedDict):
    """A table as of the checkpoint."""

    rows: int
    transaction: int
    """The last one of its log whose rows these are; later ones are applied when the copy is opened."""


def tables_of(checkpoint: Path) -> dict[str, TableCopy]:
    """Every table with a log, by its name.

    Args:
        checkpoint: the folder ``.checkpoint/db`` while the checkpoint is open, or a copy of it.
    """
    return dict(sorted(_tables(checkpoint)))


def _tables(checkpoint: Path) -> Iterator[tuple[str, TableCopy]]:
    for folder in checkpoint.iterdir():
        # Tables without a log are QuestDB's own.
        if (folder / "txn_seq").is_dir():
            record = (folder / "_txn").read_bytes()
            [version] = struct.unpack_from("<q", record)
            [start] = struct.unpack_from("<i", record, ODD_OFFSET if version % 2 else EVEN_OFFSET)
            last, others, transaction = (
                struct.unpack_from("<q", record, start + offset)[0]
                for offset in (ROWS_IN_LAST_PARTITION, ROWS_IN_OTHERS, LAST_TRANSACTION)
            )
            yield _name(folder / "_name"), TableCopy(rows=last + others, transaction=transaction)


def _name(file: Path) -> str:
    content = file.read_bytes()
    [characters] = struct.unpack_from("<i", content)
    return content[4 : 4 + 2 * characters].decode("utf-16-le")
