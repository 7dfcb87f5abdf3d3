"""Runs in a container on the hub (standard library only): market rows for the benchmark of the shipper.

steady TABLE RATE SECONDS      rows a second in twenty batches, each at its time, however long the last one took; prints
                               the rows and the seconds that the last batch came late
burst TABLE ROWS ADDRESS       as many rows as fast as they are acknowledged; prints the seconds
sql ADDRESS STATEMENT ...      prints each answer as a line of JSON
"""

import base64
import http.client
import pathlib
import sys
import time
import urllib.parse

BATCHES_A_SECOND = 20
BURST_BATCH = 20_000
START = 1_704_067_200_000_000
STEP = 50
"""Microseconds between two rows: 20,000 a second."""


class Server:
    """A QuestDB server, over one connection."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=120)
        password = pathlib.Path("/run/secrets/shipper").read_text().strip()
        self.login = {"Authorization": "Basic " + base64.b64encode(f"shipper:{password}".encode()).decode()}

    def call(self, method, path, body=None):
        self.connection.request(method, path, body=body, headers=self.login)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def write(self, body):
        status, said = self.call("POST", "/write?precision=u", body)
        if status != 204:
            sys.exit(f"refused: {status} {said[:300]!r}")


def lines(table, first, rows):
    made = [
        f'{table} sym="S{n % 7}",id={n}i,px={100 + n % 977 / 7},note="n{n % 13}" {START + n * STEP}'
        for n in range(first, first + rows)
    ]
    return "\n".join([*made, ""]).encode()


def steady(table, rate, seconds):
    server, batch = Server("questdb:9000"), rate // BATCHES_A_SECOND
    begin, late = time.monotonic(), 0.0
    for number in range(seconds * BATCHES_A_SECOND):
        body = lines(table, number * batch, batch)
        due = begin + number / BATCHES_A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        server.write(body)
        late = time.monotonic() - due
    print(batch * seconds * BATCHES_A_SECOND, f"{late:.3f}")


def burst(table, rows, address):
    server = Server(address)
    bodies = [lines(table, first, min(BURST_BATCH, rows - first)) for first in range(0, rows, BURST_BATCH)]
    begin = time.monotonic()
    for body in bodies:
        server.write(body)
    print(f"{time.monotonic() - begin:.3f}")


def sql(address, statements):
    server = Server(address)
    for statement in statements:
        _, body = server.call("GET", "/exec?" + urllib.parse.urlencode({"query": statement}))
        print(body.decode())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["steady", table, rate, seconds]:
            steady(table, int(rate), int(seconds))
        case ["burst", table, rows, address]:
            burst(table, int(rows), address)
        case ["sql", address, *statements]:
            sql(address, statements)
