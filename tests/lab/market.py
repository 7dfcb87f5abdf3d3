"""Runs in a container on the hub (standard library only): writes market rows to the primary, or compares both sides.

write TABLE ROWS SEED   rows out of order, a tenth of them written over; prints a line for each acknowledged batch
digest TABLE ADDRESS    rows and a hash of all of them in the order of their keys
sql ADDRESS STATEMENT   the rows of a query, as JSON
"""

import base64
import hashlib
import http.client
import json
import pathlib
import random
import sys
import time
import urllib.parse

BATCH = 10_000
PATIENCE_SECONDS = 240


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


def write(table, rows, seed):
    chance = random.Random(seed)
    start = 1_704_067_200_000_000
    for first in range(0, rows, BATCH):
        lines = []
        for number in range(first, min(first + BATCH, rows)):
            # Half an hour to and fro, and one row in ten is an older one with another value.
            key = number if number < 10 or chance.random() > 0.1 else chance.randrange(number)
            moment = start + (key * 7919 % 3_600_000_000)
            price = chance.random() * 1000
            lines.append(f'{table},sym=S{key % 7} id={key}i,px={price!r},note="n\\"{key % 13}" {moment}')
        until_taken("questdb:9000", "\n".join([*lines, ""]).encode())
        print(first + len(lines), flush=True)


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
        case ["digest", table, address]:
            digest(table, address)
        case ["sql", address, statement]:
            sql(address, statement)
