"""AWS's lists, one service in one region at a time: EC2 by the tag ``fleet``, Lightsail by tag and, for addresses,
by name (its static addresses carry no tags)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cached_property
from typing import Any

from fleet.orphans.owned import Mark, Owned
from fleet.orphans.providers.listing import ListingFailed
from fleet.orphans.providers.web import is_loopback

URL_VARIABLE = "AWS_ENDPOINT_URL"
KEY_VARIABLE = "AWS_ACCESS_KEY_ID"
LIGHTSAIL_INSTANCE = "aws:lightsail/instance:Instance"
STATIC_IP = "aws:lightsail/staticIp:StaticIp"
EC2_INSTANCE = "aws:ec2/instance:Instance"
EIP = "aws:ec2/eip:Eip"
ADDRESS_ENDING = "-address"
"""How a static address of ours ends at Lightsail (``infra.addresses``)."""
LIVING = ["pending", "running", "stopping", "stopped"]
"""States of an EC2 instance that is there; a terminated one is still listed for about an hour."""
TIMEOUT_SECONDS, CONNECT_SECONDS = 20, 5
ATTEMPTS = 4
"""Calls of one request in all: boto3's standard mode repeats throttled and broken ones, waiting longer each time."""


class AwsAccount:
    """Where AWS's credentials are, and clients made from them. Nothing is looked up before it is asked for."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    @cached_property
    def _session(self) -> Any:
        import boto3
        import botocore.session

        core = botocore.session.Session()
        for variable, setting in (
            ("AWS_CONFIG_FILE", "config_file"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials_file"),
            ("AWS_PROFILE", "profile"),
        ):
            if value := self._environment.get(variable):
                core.set_config_variable(setting, value)
        return boto3.Session(
            aws_access_key_id=self._environment.get(KEY_VARIABLE) or None,
            aws_secret_access_key=self._environment.get("AWS_SECRET_ACCESS_KEY") or None,
            aws_session_token=self._environment.get("AWS_SESSION_TOKEN") or None,
            botocore_session=core,
        )

    def has_credentials(self) -> bool:
        """True if there are any, in the environment or in the user's own AWS files."""
        from botocore.exceptions import BotoCoreError

        try:
            return self._session.get_credentials() is not None
        except BotoCoreError:
            return False

    @contextmanager
    def client(self, service: str, region: str) -> Iterator[Any]:
        """A client of a service while the block runs.

        Raises:
            ListingFailed: a call in the block failed, whichever way; one line.
        """
        from botocore.config import Config

        url = self._environment.get(URL_VARIABLE) or None
        local: dict[str, Any] = {"proxies": {}} if url and is_loopback(url) else {}
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            **local,
        )
        with _one_line(f"{service} {region}"):
            client = self._session.client(service, region_name=region, endpoint_url=url, config=config)
            with closing(client):
                yield client


class Lightsail:
    """Lightsail in one region."""

    def __init__(self, account: AwsAccount, region: str) -> None:
        self.source = f"lightsail {region}"
        self._account, self._region = account, region

    def list_owned(self, mark: Mark) -> tuple[Owned, ...]:
        with self._account.client("lightsail", self._region) as client:
            instances = [row for page in client.get_paginator("get_instances").paginate() for row in page["instances"]]
            statics = [row for page in client.get_paginator("get_static_ips").paginate() for row in page["staticIps"]]
            servers = [self._server(row) for row in instances if _tags(row, "key", "value").get("fleet") == mark.fleet]
            ours = {server.name for server in servers}
            addresses = [
                self._address(row, host, row.get("attachedTo") in ours or host in mark.hosts)
                for row in statics
                if (host := mark.host_of_name(row["name"], ADDRESS_ENDING)) is not None
                and (not row.get("attachedTo") or row["attachedTo"] in ours)
            ]
            return (*servers, *addresses)

    def delete(self, owned: Owned) -> None:
        with self._account.client("lightsail", self._region) as client:
            if owned.type == LIGHTSAIL_INSTANCE:
                client.delete_instance(instanceName=owned.id)
            else:
                client.release_static_ip(staticIpName=owned.id)

    def _server(self, row: Mapping[str, Any]) -> Owned:
        return Owned(
            provider="aws",
            service="lightsail",
            type=LIGHTSAIL_INSTANCE,
            id=row["name"],
            host=_tags(row, "key", "value").get("host"),
            name=row["name"],
            address=row.get("publicIpAddress", ""),
            location=self._region,
            plan=row["bundleId"],
            created=row["createdAt"].isoformat(),
        )

    def _address(self, row: Mapping[str, Any], host: str, certain: bool) -> Owned:
        return Owned(
            provider="aws",
            service="lightsail",
            type=STATIC_IP,
            id=row["name"],
            host=host,
            name=row["name"],
            address=row["ipAddress"],
            location=self._region,
            created=row["createdAt"].isoformat(),
            certain=certain,
        )


class Ec2:
    """EC2 in one region."""

    def __init__(self, account: AwsAccount, region: str) -> None:
        self.source = f"ec2 {region}"
        self._account, self._region = account, region

    def list_owned(self, mark: Mark) -> tuple[Owned, ...]:
        ours = {"Name": "tag:fleet", "Values": [mark.fleet]}
        with self._account.client("ec2", self._region) as client:
            living = {"Name": "instance-state-name", "Values": LIVING}
            pages = client.get_paginator("describe_instances").paginate(Filters=[ours, living])
            servers = [
                self._server(row)
                for page in pages
                for reservation in page["Reservations"]
                for row in reservation["Instances"]
            ]
            addresses = [self._address(row) for row in client.describe_addresses(Filters=[ours])["Addresses"]]
            return (*servers, *addresses)

    def delete(self, owned: Owned) -> None:
        with self._account.client("ec2", self._region) as client:
            if owned.type == EC2_INSTANCE:
                client.terminate_instances(InstanceIds=[owned.id])
            else:
                client.release_address(AllocationId=owned.id)

    def _server(self, row: Mapping[str, Any]) -> Owned:
        tags = _tags(row, "Key", "Value")
        return Owned(
            provider="aws",
            service="ec2",
            type=EC2_INSTANCE,
            id=row["InstanceId"],
            host=tags.get("host"),
            name=tags.get("Name", ""),
            address=row.get("PublicIpAddress", ""),
            location=self._region,
            plan=row["InstanceType"],
            created=row["LaunchTime"].isoformat(),
        )

    def _address(self, row: Mapping[str, Any]) -> Owned:
        tags = _tags(row, "Key", "Value")
        return Owned(
            provider="aws",
            service="ec2",
            type=EIP,
            id=row["AllocationId"],
            host=tags.get("host"),
            name=tags.get("Name", ""),
            address=row["PublicIp"],
            location=self._region,
        )


def _tags(row: Mapping[str, Any], key: str, value: str) -> dict[str, str]:
    rows = row.get("tags") or row.get("Tags") or ()
    return {tag[key]: tag.get(value, "") for tag in rows}


@contextmanager
def _one_line(source: str) -> Iterator[None]:
    """Every way in which a call can fail, as one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as refusal:
        error = refusal.response.get("Error", {})
        status = refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
        said = error.get("Message") or "without a word"
        raise ListingFailed(f"AWS {source}: {status} {error.get('Code', '')}: {said}") from None
    except BotoCoreError as failure:
        first = next(iter(str(failure).splitlines()), type(failure).__name__)
        raise ListingFailed(f"AWS {source}: {first[:200]}") from None
    except KeyError as missing:
        # Its client takes a text that is no JSON for an answer without anything in it.
        raise ListingFailed(f"AWS {source}: its answer is cut short or has another shape: no {missing}") from None
