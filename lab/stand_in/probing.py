"""Really connecting to what the service is wired to."""

from __future__ import annotations

from typing import Any

from .wiring import Database, Wiring

PATIENCE_SECONDS = 2
"""For one connection. A health check waits for three of them at most."""

OK, WAITING, NOT_SET = "ok", "waiting", "not set"


def ask_database(database: Database) -> str:
    """``ok`` if it answers ``SELECT 1``, else what it said."""
    import psycopg

    try:
        with psycopg.connect(
            host=database.host,
            port=database.port,
            dbname=database.name,
            user=database.user,
            password=database.password,
            connect_timeout=PATIENCE_SECONDS,
            autocommit=True,
        ) as connection:
            answer = connection.execute("SELECT 1").fetchone()
    except (psycopg.Error, OSError) as error:
        return _said(error, database.password)
    return OK if answer == (1,) else f"SELECT 1 answered {answer}"


def ask_redis(host: str, port: int, password: str) -> str:
    """``ok`` if it answers PING, else what it said."""
    import redis

    client = redis.Redis(
        host=host,
        port=port,
        password=password or None,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return _said(error, password)
    finally:
        client.close()
    return OK


def look(wiring: Wiring) -> dict[str, str]:
    """The state of each target. What another host serves is ``waiting`` while it is not reached: no fault of ours."""
    redis = ask_redis(*wiring.redis, wiring.redis_password) if wiring.redis else NOT_SET
    return {"read": ask_database(wiring.read), "write": _reach(wiring.write), "redis": redis}


def _reach(primary: Database | None) -> str:
    if primary is None:
        return NOT_SET
    return OK if ask_database(primary) == OK else WAITING


def is_healthy(targets: dict[str, str]) -> bool:
    """Whether the targets of this host itself answer."""
    return targets["read"] == OK and targets["redis"] in (OK, NOT_SET)


def who(wiring: Wiring, targets: dict[str, str]) -> dict[str, Any]:
    """What the service is and what it is wired to, without a secret."""
    return {
        "service": wiring.service,
        "region": wiring.region,
        "venues": dict(wiring.venues),
        "credentials": list(wiring.credentials),
        "read": {"target": wiring.read.target, "user": wiring.read.user, "state": targets["read"]},
        "write": {"target": wiring.write.target if wiring.write else "", "state": targets["write"]},
        "redis": {"target": ":".join(map(str, wiring.redis or ())), "state": targets["redis"]},
        "cluster": list(wiring.cluster),
    }


def _said(error: Exception, secret: str) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text.replace(secret, "***") if secret else text
