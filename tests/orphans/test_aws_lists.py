"""Lightsail's and EC2's lists through boto3, in the shapes of their protocols."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fleet.orphans.owned import Mark
from fleet.orphans.providers.aws import AwsAccount, Ec2, Lightsail
from fleet.orphans.providers.listing import ListingFailed
from tests.orphans.conftest import Provider

EC2_SPACE = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'


@pytest.fixture
def account(provider: Provider) -> AwsAccount:
    return AwsAccount(
        {
            "AWS_ENDPOINT_URL": provider.url,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
    )


def instance(name: str, **tags: str) -> dict[str, Any]:
    return {
        "name": name,
        "createdAt": 1763632800.0,
        "location": {"availabilityZone": "ap-northeast-1a", "regionName": "ap-northeast-1"},
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
        "bundleId": "large_3_0",
        "publicIpAddress": "198.18.0.41",
        "state": {"code": 16, "name": "running"},
    }


def static_ip(name: str, holder: str = "") -> dict[str, Any]:
    attached = {"attachedTo": holder} if holder else {}
    return {"name": name, "createdAt": 1763632800.0, "ipAddress": "198.18.0.42", "isAttached": bool(holder), **attached}


def test_lightsail_by_tag_and_its_addresses_by_name(provider: Provider, account: AwsAccount, mark: Mark) -> None:
    provider.answers(
        "GetInstances", {"instances": [instance("prod-tyo", fleet="prod", host="tyo")], "nextPageToken": "2"}
    )
    provider.answers("GetInstances", {"instances": [instance("other", fleet="other")]})
    names = [
        static_ip("prod-tyo-address"), static_ip("prod-old-address"), static_ip("prod-nj-address", "other"),
        static_ip("other-tyo-address"), static_ip("prod-x-address", "prod-tyo"),
    ]  # fmt: skip
    provider.answers("GetStaticIps", {"staticIps": names})

    server, *addresses = Lightsail(account, "ap-northeast-1").list_owned(mark)

    assert (server.id, server.host, server.plan, server.created) == (
        "prod-tyo", "tyo", "large_3_0", "2025-11-20T10:00:00+00:00",
    )  # fmt: skip
    # Only a host that the configuration has, or a server that is ours, says for certain whose an address is.
    assert {one.id: (one.host, one.certain) for one in addresses} == {
        "prod-tyo-address": ("tyo", True),
        "prod-old-address": ("old", False),
        "prod-x-address": ("x", True),
    }


def test_ec2_asks_for_our_tag_only(provider: Provider, account: AwsAccount, mark: Mark) -> None:
    tags = (
        "<tagSet><item><key>fleet</key><value>prod</value></item><item><key>host</key><value>nj</value></item>"
        "<item><key>Name</key><value>prod-nj</value></item></tagSet>"
    )
    provider.answers(
        "DescribeInstances",
        f"<DescribeInstancesResponse {EC2_SPACE}><requestId>r</requestId><reservationSet><item><instancesSet><item>"
        "<instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>"
        "<instanceType>c7i.xlarge</instanceType><launchTime>2026-11-20T10:00:00.000Z</launchTime>"
        f"<ipAddress>198.18.0.51</ipAddress>{tags}</item></instancesSet></item></reservationSet>"
        "</DescribeInstancesResponse>",
    )
    provider.answers(
        "DescribeAddresses",
        f"<DescribeAddressesResponse {EC2_SPACE}><addressesSet><item><publicIp>198.18.0.52</publicIp>"
        f"<allocationId>eipalloc-1</allocationId><domain>vpc</domain>{tags}</item></addressesSet>"
        "</DescribeAddressesResponse>",
    )

    server, address = Ec2(account, "us-east-1").list_owned(mark)

    assert (server.id, server.host, server.name, server.plan) == ("i-1", "nj", "prod-nj", "c7i.xlarge")
    assert (address.id, address.host, address.address) == ("eipalloc-1", "nj", "198.18.0.52")
    asked = dict(parse_qsl(provider.asked[0].body))
    assert (asked["Filter.1.Name"], asked["Filter.1.Value.1"]) == ("tag:fleet", "prod")
    assert "terminated" not in asked.values()


def test_refused_keys_are_one_line(provider: Provider, account: AwsAccount, mark: Mark) -> None:
    provider.answers(
        "DescribeInstances",
        "<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the provided access "
        "credentials</Message></Error></Errors><RequestID>r</RequestID></Response>",
        401,
    )

    with pytest.raises(ListingFailed) as failure:
        Ec2(account, "us-east-1").list_owned(mark)

    assert str(failure.value) == (
        "AWS ec2 us-east-1: 401 AuthFailure: AWS was not able to validate the provided access credentials"
    )


@pytest.mark.parametrize("body", ['{"instances":[{"na', "<html>"])
def test_a_list_that_is_cut_short_is_no_list(provider: Provider, account: AwsAccount, mark: Mark, body: str) -> None:
    provider.answers("GetInstances", body, times=4)

    with pytest.raises(ListingFailed, match=r"^AWS lightsail us-east-1: "):
        Lightsail(account, "us-east-1").list_owned(mark)


def test_each_kind_is_deleted_by_its_own_call(provider: Provider, account: AwsAccount, mark: Mark) -> None:
    provider.answers("GetInstances", {"instances": [instance("prod-tyo", fleet="prod", host="tyo")]})
    provider.answers("GetStaticIps", {"staticIps": [static_ip("prod-tyo-address")]})
    provider.answers("DeleteInstance", {"operations": []})
    provider.answers("ReleaseStaticIp", {"operations": []})
    lightsail = Lightsail(account, "us-east-1")

    for one in lightsail.list_owned(mark):
        lightsail.delete(one)

    assert [asked.body for asked in provider.asked[2:]] == [
        '{"instanceName": "prod-tyo"}',
        '{"staticIpName": "prod-tyo-address"}',
    ]


def test_no_credentials_are_found_without_asking_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

    assert AwsAccount(nowhere).has_credentials() is False
