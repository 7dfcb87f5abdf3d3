"""Faults: what each kind does to a call, how often, and what stays behind."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.cloud.errors import CloudError
from lab.cloud.faults import Fault, add_fault, clear_faults, list_faults
from lab.cloud.inventory import servers

SERVER = {"plan": "vhp-4c-8gb-amd", "region": "ewr", "osId": 2625, "label": "nj"}
DROPLET = {"name": "sg", "image": "debian-13-x64", "region": "sgp1", "size": "s-4vcpu-8gb"}
LIGHTSAIL = {"name": "x", "availabilityZone": "us-east-1a", "blueprintId": "debian_12", "bundleId": "large_3_0"}


def test_refused_capacity_names_plan_and_place(account):
    vultr, ocean, aws = account("vultr"), account("digitalocean"), account("aws")
    for provider in ("vultr", "digitalocean", "aws"):
        add_fault(vultr.home, Fault("capacity", provider))
    assert re.search("Plan vhp-4c-8gb-amd is not available in .* ewr", vultr.refusal("Instance", **SERVER))
    assert "Size s-4vcpu-8gb is not available in this region: sgp1" in ocean.refusal("Droplet", **DROPLET)
    assert "capacity for bundle large_3_0 in us-east-1a" in aws.refusal("lightsail/instance", **LIGHTSAIL)
    assert servers(vultr.home) == () == list_faults(vultr.home)
    vultr.create("Instance", **SERVER)


def test_capacity_is_a_matter_of_servers_only(account):
    vultr = account("vultr")
    add_fault(vultr.home, Fault("capacity", "vultr"))
    vultr.create("FirewallGroup")
    assert len(list_faults(vultr.home)) == 1


def test_a_rate_limit_is_waited_out_within_the_sdks_own_limit(account):
    vultr = account("vultr", retryLimit=2)
    add_fault(vultr.home, Fault("http", "vultr", status=429, times=2))
    vultr.create("Instance", **SERVER)
    assert [re.sub(r"in \S+", "in X", line) for line in vultr.said] == [
        "HTTP 429 Too Many Requests, retrying in X s (2 left)",
        "HTTP 429 Too Many Requests, retrying in X s (1 left)",
    ]


@pytest.mark.parametrize(
    ("provider", "setting", "type", "inputs", "text"),
    [
        ("vultr", "retryLimit", "Instance", SERVER, "gave up after 2 attempts"),
        ("digitalocean", "httpRetryMax", "Droplet", DROPLET, "429 Too many requests: giving up after 2 attempt(s)"),
        ("aws", "maxRetries", "lightsail/instance", LIGHTSAIL, "maximum number of attempts, 2, .*ThrottlingException"),
        (
            "aws",
            "maxRetries",
            "ec2/vpc",
            {"cidrBlock": "198.18.0.0/24"},
            "RequestLimitExceeded: Request limit exceeded",
        ),
    ],
)
def test_a_longer_rate_limit_fails_in_the_sdks_words(account, provider, setting, type, inputs, text):
    cloud = account(provider, **{setting: 1})
    add_fault(cloud.home, Fault("http", provider, status=429, times=5))
    assert re.search(text.replace("(s)", r"\(s\)"), cloud.refusal(type, **inputs))
    assert list_faults(cloud.home)[0].times == 3


def test_an_internal_error_is_reported_at_once(account):
    vultr = account("vultr")
    add_fault(vultr.home, Fault("http", "vultr", operation="delete", status=500))
    server, _ = vultr.create("Instance", **SERVER)
    with pytest.raises(CloudError) as broken:
        vultr.delete("Instance", server)
    assert str(broken.value) == 'error deleting server: {"error":"Internal server error.","status":500}'
    assert len(servers(vultr.home)) == 1


def test_a_lost_reply_leaves_a_server_that_nobody_knows_of(account):
    vultr = account("vultr")
    add_fault(vultr.home, Fault("lost_reply", "vultr", type="Instance"))
    assert "read: connection reset by peer" in vultr.refusal("Instance", **SERVER)
    assert [server.name for server in servers(vultr.home)] == ["nj"]


def test_a_held_reply_comes_when_the_fault_is_repaired(account):
    vultr = account("vultr")
    add_fault(vultr.home, Fault("held_reply", "vultr", type="Instance"))
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(vultr.create, "Instance", **SERVER)
        while not vultr.said:
            assert not creating.done()
        assert vultr.said == ["the answer to this create is held back, as the lab was told"]
        assert [server.name for server in servers(vultr.home)] == ["nj"]
        assert not creating.done()
        clear_faults(vultr.home)
        server, _ = creating.result()
    assert vultr.read("Instance", server) is not None


def test_a_fault_is_for_its_type_and_operation_only(account):
    vultr = account("vultr")
    add_fault(vultr.home, Fault("http", "vultr", operation="read", type="ReservedIp", status=500))
    server, _ = vultr.create("Instance", **SERVER)
    vultr.read("Instance", server)
    assert len(list_faults(vultr.home)) == 1
    clear_faults(vultr.home)
    assert list_faults(vultr.home) == ()


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ({"kind": "fire"}, "unknown fault 'fire'; one of capacity, http, lost_reply, held_reply"),
        ({"kind": "http"}, "a status belongs to an http fault"),
        ({"kind": "http", "status": 404}, "status 404: one of 429, 500"),
        ({"kind": "capacity", "times": 0}, "times 0: at least 1"),
        ({"kind": "capacity", "operation": "list"}, "unknown operation 'list'; one of create, read, update, delete"),
    ],
)
def test_an_impossible_fault_is_refused(fault, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        Fault(provider="vultr", **fault)
