"""Really connecting to what the service is wired to."""

from __future__ import annotations

from typing import Any

from .wiring import Cache, Database, Wiring

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


def ask_redis(cache: Cache) -> str:
    """``ok`` if it answers PING, else what it said."""
    import redis

    client = redis.Redis(
        host=cache.host,
        port=cache.port,
        username=cache.user or None,
        password=cache.password or None,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
    )
    try:
        client.ping()
    except (redis.RedisError, OSError) as error:
        return _said(error, cache.password)
    finally:
        client.close()
    return OK


def look_near(wiring: Wiring) -> dict[str, str]:
    """The state of what this host itself serves; it decides whether the service is healthy."""
    redis = ask_redis(wiring.redis) if wiring.redis else NOT_SET
    return {"read": ask_database(wiring.read), "redis": redis}


def look_everywhere(wiring: Wiring) -> dict[str, str]:
    """The same, and the hub's database: ``waiting`` while it is not reached, which is no fault of this host."""
    if wiring.write is None:
        return {**look_near(wiring), "write": NOT_SET}
    return {**look_near(wiring), "write": OK if ask_database(wiring.write) == OK else WAITING}


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
        "redis": {"target": wiring.redis.target if wiring.redis else "", "state": targets["redis"]},
        "cluster": list(wiring.cluster),
    }


def _said(error: Exception, secret: str) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text.replace(secret, "***") if secret else text
