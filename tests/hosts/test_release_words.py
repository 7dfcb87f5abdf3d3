"""Around a release: its digest, what is withheld of its secrets, how versions are ordered, how reports travel."""

from __future__ import annotations

import pytest

from hosts import Check, Gate, PublishedPort, Release, ReleaseFile, ReleaseReport, ServiceState, Waiting
from hosts.agent.bundles import _order, _reason
from hosts.agent.machine import Outcome
from hosts.agent.release_stages import _withhold
from hosts.releases import _secret_words
from hosts.report import Change

IMAGE = "registry/web:1@sha256:" + "a" * 64


def test_a_release_and_its_report_survive_the_way_to_the_host_and_back() -> None:
    release = Release(
        "b",
        (ReleaseFile("compose.yaml", "services: {}\n"), ReleaseFile("key", "x", mode=0o400, uid=7)),
        (IMAGE,),
        Gate(1.0, 2.0, ("job",), (PublishedPort("10.0.0.1", 8812),), (Check("reads", "web", ("true",)),)),
        data_versions={"store": "1"},
        before_data_change=(Check("checkpoint", "web", ("sync",)),),
    )
    again = Release.from_document(release.to_document())
    assert (again, again.digest) == (release, release.digest)
    report = ReleaseReport(
        "b",
        "current",
        changes=(Change("service", "web", "recreate"),),
        services=(ServiceState("web", "id", IMAGE, "running"),),
        waiting=(Waiting("hub", "web"),),
    )
    assert ReleaseReport.from_document(report.to_document()) == report
    assert not report.settled


def test_secrets_are_withheld_wherever_the_host_quotes_them_and_nothing_else_is() -> None:
    unfilled = ["URL=redis://fleet:secret:redis/nj#0123456789ab@127.0.0.1:6379/0\nMODE=production\n", "plain words\n"]
    filled = [unfilled[0].replace("secret:redis/nj#0123456789ab", "p4ss=w0rd/long"), unfilled[1]]
    words = sorted(_secret_words(unfilled, filled))
    said = "cannot reach redis://fleet:p4ss=w0rd/long@127.0.0.1:6379/0 in production; tried p4ss=w0rd/long"
    document = _withhold({"failure": {"log": said}, "pulled": ["plain words"]}, words)
    log = document["failure"]["log"]
    assert "w0rd" not in log
    assert "[withheld]" in log
    assert "production" in log
    assert document["pulled"] == ["plain words"]


@pytest.mark.parametrize(
    ("older", "newer"), [("9.9", "9.10"), ("9.3.4", "10.0"), ("8.0", "8.0.1"), ("9.3.4-rc1", "9.3.4-rc2")]
)
def test_versions_are_in_their_order(older: str, newer: str) -> None:
    assert _order(older) < _order(newer)


def test_composes_reason_is_told_without_its_progress() -> None:
    said = (
        " Container fleet-b-web-1  Recreate\n Container fleet-b-web-1  Recreated\n Network x  Creating\n"
        "Error response from daemon: no such thing\n"
    )
    assert _reason(Outcome(1, "", said)) == "Error response from daemon: no such thing"
