"""Runs in a container on the hub (standard library only): writes market rows to the primary, or compares both sides.

write TABLE ROWS SEED   rows out of order, a tenth of them written over; prints a line for each acknowledged batch
check TABLE ROWS SEED ADDRESS   what is not as ``write`` wrote it, row by row
digest TABLE ADDRESS    rows and a hash of all of them in the order of their keys
sql ADDRESS STATEMENT   the rows of a query, as JSON
"""

import array
import base64
import csv
import hashlib
import http.client
import io
import json
import math
import pathlib
import random
import sys
import time
import urllib.parse

BATCH = 10_000
PATIENCE_SECONDS = 240
START = 1_704_067_200_000_000


def asked(address, method, path, body=None):
    host, _, port = address.rpartition(":")
    password = pathlib.Path("/run/secrets/shipper").read_text().strip()
    login = base64.b64encode(f"shipper:{password}".encode()).decode()
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    connection.request(method, path, body=body, headers={"Authorization": f"Basic {login}"})
    return connection.getresponse()


def call(address, method, path, body=None):
    with asked(address, method, path, body) as answer:
        return answer.status, answer.read()


def until_taken(address, body):
    """A batch counts when the primary has acknowledged it; while it is away the same batch is tried again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            status, said = call(address, "POST", "/write?precision=u", body)
            if status == 204:
                return
            print(f"refused: {status} {said[:200]!r}", file=sys.stderr)
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit("the primary did not take a batch")


def drawn(rows, seed):
    """The key and the price of each row, in the order of writing: one row in ten is an older one with another price."""
    chance = random.Random(seed)
    for number in range(rows):
        key = number if number < 10 or chance.random() > 0.1 else chance.randrange(number)
        yield key, chance.random() * 1000


def fields(key):
    """What follows from a row's key: its time (half an hour to and fro), symbol and note."""
    return START + (key * 7919 % 3_600_000_000), f"S{key % 7}", f'n"{key % 13}'


def write(table, rows, seed):
    written, lines = 0, []
    for key, price in drawn(rows, seed):
        moment, symbol, note = fields(key)
        escaped = note.replace('"', '\\"')
        lines.append(f'{table},sym={symbol} id={key}i,px={price!r},note="{escaped}" {moment}')
        if len(lines) == BATCH or written + len(lines) == rows:
            until_taken("questdb:9000", "\n".join([*lines, ""]).encode())
            written += len(lines)
            lines.clear()
            print(written, flush=True)


def check(table, rows, seed, address):
    # By key, not by row: the container has less memory than a million rows.
    prices = array.array("d", [math.nan]) * rows
    for key, price in drawn(rows, seed):
        prices[key] = price
    seen, different = bytearray(rows), 0
    query = urllib.parse.urlencode({"query": f"SELECT cast(ts AS LONG), sym, id, px, note FROM {table}"})
    with asked(address, "GET", f"/exp?{query}") as answer:
        found = csv.reader(io.TextIOWrapper(answer, encoding="utf-8", newline=""))
        next(found)
        for moment, symbol, key, price, note in found:
            number = int(key)
            seen[number] += 1
            different += (int(moment), symbol, note) != fields(number) or float(price) != prices[number]
    written = sum(not math.isnan(price) for price in prices)
    missing = sum(not math.isnan(price) and not seen[key] for key, price in enumerate(prices))
    print(json.dumps({"written": written, "rows": sum(seen), "missing": missing, "different": different}))


def digest(table, address):
    query = urllib.parse.urlencode({"query": f"SELECT * FROM {table} ORDER BY ts, id, sym"})
    text, rows = hashlib.sha256(), -1  # the first line names the columns
    # Piece by piece: the container has less memory than a million rows.
    with asked(address, "GET", f"/exp?{query}") as answer:
        while piece := answer.read(1 << 20):
            text.update(piece)
            rows += piece.count(b"\n")
        print(json.dumps({"status": answer.status, "rows": rows, "hash": text.hexdigest()}))


def sql(address, statement):
    _, body = call(address, "GET", "/exec?" + urllib.parse.urlencode({"query": statement}))
    print(body.decode())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", table, rows, seed]:
            write(table, int(rows), int(seed))
        case ["check", table, rows, seed, address]:
            check(table, int(rows), int(seed), address)
        case ["digest", table, address]:
            digest(table, address)
        case ["sql", address, statement]:
            sql(address, statement)
