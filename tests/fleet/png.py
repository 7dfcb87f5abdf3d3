"""Reading a PNG's pixels with the standard library: what a viewer would show, not what the library says it drew."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGBA = 4
DEPTH, COLOURS_WITH_ALPHA = 8, 6


@dataclass(frozen=True)
class Png:
    """A picture of 8 bits a channel with alpha."""

    width: int
    height: int
    rows: tuple[bytes, ...]

    def pixel(self, x: int, y: int) -> tuple[int, ...]:
        return tuple(self.rows[y][x * RGBA : (x + 1) * RGBA])


@dataclass(frozen=True)
class Filtered:
    """The same before its pixels are worked out: a line of a picture says which filter it has, and its bytes."""

    width: int
    height: int
    lines: tuple[bytes, ...]


def read_lines(content: bytes) -> Filtered:
    """The lines of a PNG; every chunk's checksum must be right."""
    assert content.startswith(SIGNATURE)
    chunks: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    while b"IEND" not in chunks:
        (length,) = struct.unpack_from(">I", content, at)
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == struct.unpack_from(">I", content, at + 8 + length)[0]
        chunks[kind] = chunks.get(kind, b"") + body
        at += length + 12
    width, height, depth, colours = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert (depth, colours) == (DEPTH, COLOURS_WITH_ALPHA)
    raw, line = zlib.decompress(chunks[b"IDAT"]), 1 + width * RGBA
    assert len(raw) == line * height
    return Filtered(width, height, tuple(raw[number * line : (number + 1) * line] for number in range(height)))


def read_png(content: bytes) -> Png:
    """The pixels: for small pictures, a million of them takes a second."""
    filtered = read_lines(content)
    rows: list[bytes] = []
    above = bytes(filtered.width * RGBA)
    for line in filtered.lines:
        above = _unfiltered(line[0], line[1:], above)
        rows.append(above)
    return Png(filtered.width, filtered.height, tuple(rows))


def _unfiltered(kind: int, row: bytes, above: bytes) -> bytes:
    """Filters of the PNG specification, section 9: each byte stands as its difference to what its neighbours tell."""
    found = bytearray()
    for number, byte in enumerate(row):
        left = found[number - RGBA] if number >= RGBA else 0
        up, corner = above[number], above[number - RGBA] if number >= RGBA else 0
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
        found.append((byte + guess) % 256)
    return bytes(found)


def _paeth(left: int, up: int, corner: int) -> int:
    middle = left + up - corner
    return min((left, up, corner), key=lambda one: abs(middle - one))
