"""The gate's judgement, look by look: what is red at once, what is waited for, and what counts as settled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hosts.agent.docker import NEVER, Container, parse_container
from hosts.agent.gate import CRASHES, Watch, replicas

START = "2026-11-23T02:00:00.123456789Z"
STARTED_AT = 1795399200.0
"""START in seconds of the epoch, without its fraction."""
PORT = ("127.0.0.1", 8080, "tcp")

WEB = Container(
    id="web-1",
    service="web",
    image="image",
    state="running",
    health="",
    exit_code=0,
    error="",
    out_of_memory=False,
    restarts=0,
    started_at=START,
    config_hash="hash",
    ports=frozenset({PORT}),
)
JOB = replace(WEB, id="job-1", service="job", state="exited", ports=frozenset())


def watch(*before: Container, settle: float = 5.0, one_shots: tuple[str, ...] = ()) -> Watch:
    gate = {
        "settle_seconds": settle,
        "one_shots": list(one_shots),
        "ports": [{"address": PORT[0], "port": PORT[1], "protocol": PORT[2]}],
    }
    services = {"web": {}} | {name: {} for name in one_shots}
    return Watch.of(gate, {"services": services}, list(before))


def test_a_new_container_settles_after_running_for_so_long_without_a_restart() -> None:
    looks = watch()
    assert looks.look([WEB], STARTED_AT + 1).state == "pending"
    assert looks.look([WEB], STARTED_AT + 5.9).state == "pending"
    assert looks.look([WEB], STARTED_AT + 6).state == "good"


def test_a_restart_begins_the_settling_anew() -> None:
    looks = watch()
    looks.look([WEB], STARTED_AT)
    again = replace(WEB, started_at="2026-11-23T02:00:04.5Z", restarts=1)
    assert looks.look([again], STARTED_AT + 5).state == "pending"
    assert looks.look([again], STARTED_AT + 10).state == "good"


def test_what_ran_undisturbed_before_has_settled() -> None:
    assert watch(WEB).look([WEB], STARTED_AT + 100).state == "good"
    ill_before = replace(WEB, health="unhealthy")
    well = replace(WEB, health="healthy")
    assert watch(ill_before).look([well], STARTED_AT + 100).state == "pending"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (replace(WEB, state="exited", exit_code=3), "exit status 3"),
        (replace(WEB, state="exited", exit_code=137, out_of_memory=True), "want of memory"),
        (replace(WEB, state="created", started_at=NEVER, error="port is taken"), "could not be started: port is taken"),
        (replace(WEB, state="restarting", restarts=CRASHES), "again and again"),
        (replace(WEB, health="unhealthy"), "unhealthy"),
    ],
    ids=["exited", "out-of-memory", "not-started", "crash-loop", "unhealthy"],
)
def test_what_is_over_is_red_at_once(found: Container, said: str) -> None:
    verdict = watch().look([found], STARTED_AT)
    assert (verdict.state, verdict.service) == ("red", "web")
    assert said in verdict.reason


@pytest.mark.parametrize(
    "found",
    [
        [],
        [replace(WEB, state="created", started_at=NEVER)],
        [replace(WEB, state="restarting", restarts=CRASHES - 1)],
        [replace(WEB, health="starting")],
    ],
    ids=["none", "created", "restarting", "starting"],
)
def test_what_may_still_come_is_waited_for(found: list[Container]) -> None:
    assert watch(settle=0.0).look(found, STARTED_AT).state == "pending"


def test_restarts_from_before_the_deploy_do_not_count() -> None:
    often = replace(WEB, restarts=40)
    assert watch(often).look([often], STARTED_AT + 100).state == "good"


def test_a_one_shot_must_end_by_itself_with_0() -> None:
    looks = watch(WEB, one_shots=("job",))
    assert looks.look([WEB, replace(JOB, state="running")], STARTED_AT + 100).state == "pending"
    assert looks.look([WEB, replace(JOB, exit_code=1)], STARTED_AT + 100).state == "red"
    assert looks.look([WEB, JOB], STARTED_AT + 100).state == "good"
    # Without the declaration the same container is a service that ended.
    assert watch(WEB).look([replace(JOB, service="web")], STARTED_AT + 100).state == "red"


def test_published_ports_are_exactly_the_plan() -> None:
    more = replace(WEB, ports=frozenset({PORT, ("0.0.0.0", 9000, "tcp")}))
    assert "publishes 0.0.0.0:9000/tcp, which the plan does not have" in watch(more).look([more], STARTED_AT + 9).reason
    none = replace(WEB, ports=frozenset())
    assert "no service publishes 127.0.0.1:8080/tcp" in watch(none).look([none], STARTED_AT + 9).reason


def test_a_service_has_as_many_containers_as_it_asks_for() -> None:
    assert [replicas(service) for service in ({}, {"scale": 2}, {"deploy": {"replicas": 3}}, {"deploy": {}})] == [
        1,
        2,
        3,
        1,
    ]
    assert replicas({"deploy": {"replicas": 0}}) == 0


def test_what_docker_shows_becomes_a_container() -> None:
    shown = {
        "Id": "web-1",
        "Config": {
            "Image": "image",
            "Labels": {"com.docker.compose.service": "web", "com.docker.compose.config-hash": "hash"},
        },
        "State": {"Status": "running", "ExitCode": 0, "Error": "", "OOMKilled": False, "StartedAt": START},
        "RestartCount": 0,
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}], "81/tcp": None}},
    }
    assert parse_container(shown) == WEB
    assert WEB.age(STARTED_AT + 7) == 7.0
