"""Runs in a service's container in a region: tries to write to a replica by every port and with every login it holds.

Prints, for each attempt, what came of it, as JSON. Psycopg is the stand-in's own; all else is the standard library.
"""

import base64
import http.client
import json
import os
import socket
import sys
import urllib.parse

import psycopg

STATEMENTS = (
    "INSERT INTO first VALUES (now(), 'X', 9, 9.0, 'from a client')",
    "CREATE TABLE from_a_client (a INT)",
    "ALTER TABLE first ADD COLUMN from_a_client INT",
    "DROP TABLE first",
)
LINE = b"first,sym=X id=9i,px=9.0 1704067200000000000\n"


def logins():
    for name in ("ConnectionStrings__QuestDB", "ConnectionStrings__QuestDBPrimary"):
        parts = dict(part.partition("=")[::2] for part in os.environ[name].split(";"))
        yield parts["username"], parts["password"]


def by_sql(host, user, password, statement):
    try:
        with psycopg.connect(
            host=host, port=8812, dbname="qdb", user=user, password=password, connect_timeout=5, autocommit=True
        ) as connection:
            connection.execute(statement)
    except psycopg.Error as refused:
        return str(refused).strip()
    return "done"


def by_http(host, login, method, path, body=None):
    headers = {"Authorization": "Basic " + base64.b64encode(":".join(login).encode()).decode()} if login else {}
    connection = http.client.HTTPConnection(host, 9000, timeout=5)
    try:
        connection.request(method, path, body=body, headers=headers)
        status = connection.getresponse().status
    except OSError as refused:
        return str(refused)
    finally:
        connection.close()
    return "done" if status < 400 else f"HTTP {status}"


def by_line(host):
    try:
        with socket.create_connection((host, 9009), 5) as connection:
            connection.sendall(LINE)
    except OSError as refused:
        return str(refused)
    return "done"


def attempts(host):
    for user, password in logins():
        for statement in STATEMENTS:
            yield f"{host} SQL {user} {statement}", by_sql(host, user, password, statement)
    for login in (None, *logins()):
        who = login[0] if login else "nobody"
        yield f"{host} ILP/HTTP {who}", by_http(host, login, "POST", "/write", LINE)
        for statement in STATEMENTS:
            path = "/exec?" + urllib.parse.urlencode({"query": statement})
            yield f"{host} HTTP {who} {statement}", by_http(host, login, "GET", path)
    yield f"{host} ILP/TCP", by_line(host)


if __name__ == "__main__":
    reader = next(logins())
    told = {f"{host} reads": by_sql(host, *reader, "SELECT * FROM first") for host in sys.argv[1:]}
    print(json.dumps({"reads": told, "writes": dict(each for host in sys.argv[1:] for each in attempts(host))}))
