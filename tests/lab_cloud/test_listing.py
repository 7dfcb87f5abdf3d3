"""The lists that the clouds answer over HTTP: the shapes of the real ones, asked by the real clients."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lab.cloud import listing
from lab.cloud.answer import Answer, Call
from lab.cloud.aws import api as aws_api
from lab.cloud.digitalocean import api as ocean_api
from lab.cloud.environment import environment
from lab.cloud.inventory import addresses, servers
from lab.cloud.vultr import api as vultr_api
from lab.errors import LabError
from lab.settings import LabHome

TAGS = ["fleet:test", "host:x"]
INSTANCE = {"plan": "vhp-4c-8gb-amd", "region": "ewr", "osId": 2625}
DROPLET = {"image": "debian-13-x64", "region": "sgp1", "size": "s-4vcpu-8gb"}


@pytest.fixture
def ask(tmp_path) -> Callable[..., Answer]:
    """``ask("GET", "/v2/instances", per_page="1")`` with the lab's own token."""

    def call(method: str, path: str, token: str | None = None, **query: str) -> Answer:
        kept = ocean_api.TOKEN if "droplets" in path or "reserved_ips" in path else vultr_api.TOKEN
        return listing.answer(tmp_path, Call(method, path, query, {"authorization": f"Bearer {token or kept}"}))

    return call


def read(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    document: dict[str, Any] = json.loads(answer.body)
    return document


def test_vultrs_servers_page_by_page(account, ask) -> None:
    for name in ("one", "two", "three"):
        account("vultr").create("Instance", **INSTANCE, label=name, tags=TAGS)

    first = read(ask("GET", "/v2/instances", per_page="2"))
    second = read(ask("GET", "/v2/instances", per_page="2", cursor=first["meta"]["links"]["next"]))

    assert [row["label"] for row in (*first["instances"], *second["instances"])] == ["one", "two", "three"]
    assert first["meta"]["total"] == 3
    assert second["meta"]["links"]["next"] == ""
    assert {"id", "main_ip", "plan", "region", "date_created", "tags", "status"} <= set(first["instances"][0])


def test_a_vultr_address_names_its_holder(account, ask) -> None:
    held, _ = account("vultr").create("ReservedIp", region="ewr", ipType="v4", label="fleet:test nj")
    server, _ = account("vultr").create("Instance", **INSTANCE, reservedIpId=held)

    (row,) = read(ask("GET", "/v2/reserved-ips"))["reserved_ips"]

    assert (row["id"], row["label"], row["instance_id"], row["subnet_size"]) == (held, "fleet:test nj", server, 32)


def test_droplets_by_tag_page_by_page(account, ask) -> None:
    for name in ("one", "two"):
        account("digitalocean").create("Droplet", name=name, **DROPLET, tags=TAGS)
    account("digitalocean").create("Droplet", name="other", **DROPLET)

    first = read(ask("GET", "/v2/droplets", tag_name="fleet:test", per_page="1"))
    second = read(ask("GET", "/v2/droplets", tag_name="fleet:test", per_page="1", page="2"))

    assert [first["droplets"][0]["name"], second["droplets"][0]["name"]] == ["one", "two"]
    assert first["links"]["pages"]["next"].startswith("https://api.digitalocean.com/v2/droplets?")
    assert second["links"] == {}


def test_a_reserved_ip_shows_the_droplet_that_has_it(account, ask) -> None:
    ocean = account("digitalocean")
    droplet, _ = ocean.create("Droplet", name="sg", **DROPLET, tags=TAGS)
    free, _ = ocean.create("ReservedIp", region="sgp1")
    held, _ = ocean.create("ReservedIp", region="sgp1", dropletId=int(droplet))

    rows = {row["ip"]: row["droplet"] for row in read(ask("GET", "/v2/reserved_ips"))["reserved_ips"]}

    assert rows[free] is None
    assert (rows[held]["id"], rows[held]["tags"]) == (int(droplet), TAGS)


def test_another_token_is_refused_as_the_real_ones_do(ask) -> None:
    vultr = ask("GET", "/v2/instances", token="a-real-one")
    ocean = ask("GET", "/v2/droplets", token="a-real-one")

    assert (vultr.status, json.loads(vultr.body)["error"]) == (401, "Invalid API token.")
    assert (ocean.status, json.loads(ocean.body)["id"]) == (401, "Unauthorized")


def test_what_is_deleted_is_gone_and_gone_twice_is_not_found(account, ask) -> None:
    id, _ = account("vultr").create("Instance", **INSTANCE)
    home = account("vultr").home

    assert ask("DELETE", f"/v2/instances/{id}").status == 204
    assert servers(home) == ()
    assert ask("DELETE", f"/v2/instances/{id}").status == 404


def test_aws_through_its_own_client(account, tmp_path) -> None:
    """The service as a process, as in a lab: JSON 1.1 and XML are read by the real client."""
    aws = account("aws")
    lightsail = {"availabilityZone": "us-east-1a", "blueprintId": "debian_12", "bundleId": "large_3_0"}
    aws.create("lightsail/instance", name="test-tyo", **lightsail, tags={"fleet": "test", "host": "tyo"})
    aws.create("StaticIp", name="test-tyo-address")
    eip, _ = aws.create("Eip", domain="vpc", tags={"fleet": "test", "host": "va"})
    aws.create("Eip", domain="vpc", tags={"fleet": "other"})
    with listing.started(LabHome(tmp_path)) as url:
        kept = {"aws_access_key_id": aws_api.ACCESS_KEY, "aws_secret_access_key": aws_api.SECRET_KEY}
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        clients = {
            (service, region): boto3.client(service, region, endpoint_url=url, config=config, **kept)
            for service, region in (("lightsail", "us-east-1"), ("lightsail", "eu-west-1"), ("ec2", "us-east-1"))
        }
        sail, ec2 = clients["lightsail", "us-east-1"], clients["ec2", "us-east-1"]
        (instance,) = sail.get_instances()["instances"]
        (static,) = sail.get_static_ips()["staticIps"]
        (elastic,) = ec2.describe_addresses(Filters=[{"Name": "tag:fleet", "Values": ["test"]}])["Addresses"]

        assert (instance["name"], instance["bundleId"]) == ("test-tyo", "large_3_0")
        assert {tag["key"]: tag["value"] for tag in instance["tags"]} == {"fleet": "test", "host": "tyo"}
        assert (static["name"], static["isAttached"]) == ("test-tyo-address", False)
        assert elastic["AllocationId"] == eip
        assert clients["lightsail", "eu-west-1"].get_instances()["instances"] == []
        assert ec2.describe_instances()["Reservations"] == []

        sail.delete_instance(instanceName="test-tyo")
        ec2.release_address(AllocationId=eip)
        with pytest.raises(ClientError, match="NotFoundException"):
            sail.delete_instance(instanceName="test-tyo")
        wrong = boto3.client(
            "ec2", "us-east-1", endpoint_url=url, config=config, aws_access_key_id="AKIAREAL", aws_secret_access_key="x"
        )
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            wrong.describe_addresses()
        for client in (*clients.values(), wrong):
            client.close()
    assert servers(tmp_path) == ()
    assert [entry.name for entry in addresses(tmp_path) if entry.token == aws.token("Eip")] == [""]


def test_a_port_that_another_program_has_is_named(tmp_path) -> None:
    home = LabHome(tmp_path)
    with socket.create_server((listing.HOST, listing.port(home))), pytest.raises(LabError) as failure:
        listing.start(home)
    assert f"{listing.HOST}:{listing.port(home)}: Address already in use. End what has it" in str(failure.value)


def test_a_lab_keeps_its_port_and_its_environment_names_it(tmp_path) -> None:
    home = LabHome(tmp_path)
    home.configure(servers=False)
    values = environment(tmp_path)

    with listing.started(home) as url:
        assert {values[name] for name in ("FLEET_VULTR_URL", "DIGITALOCEAN_API_URL", "AWS_ENDPOINT_URL")} == {url}
        assert httpx.get(f"{url}/v2/instances", trust_env=False).status_code == 401
        assert listing.running(home)
        listing.start(home)
    assert not listing.running(home)
    with listing.started(home) as again:
        assert again == url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
