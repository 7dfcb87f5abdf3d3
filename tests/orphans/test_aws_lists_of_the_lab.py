"""Our AWS lists against the lab's: what one side writes, the other reads, by way of the real client."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet.orphans.owned import Mark
from fleet.orphans.providers.aws import AwsAccount, Ec2, Lightsail
from fleet.orphans.providers.listing import ListingFailed
from lab.cloud import listing
from lab.cloud.environment import environment
from lab.cloud.registry import operations
from lab.settings import LabHome


def test_what_is_ours_is_listed_and_deleted(tmp_path: Path, mark: Mark) -> None:
    home = LabHome(tmp_path)
    home.configure(servers=False)
    aws = operations(tmp_path, "aws")
    region = {"region": "ap-northeast-1"}
    instance = {"availabilityZone": "ap-northeast-1a", "blueprintId": "debian_12", "bundleId": "large_3_0", **region}
    tags = {"fleet": "prod", "host": "tyo"}
    lightsail, static = "aws:lightsail/instance:Instance", "aws:lightsail/staticIp:StaticIp"
    aws.create(aws.kind(lightsail), {"name": "prod-tyo", "tags": tags, **instance})
    aws.create(aws.kind(lightsail), {"name": "other-tyo", "tags": {"fleet": "other"}, **instance})
    aws.create(aws.kind(static), {"name": "prod-tyo-address", **region})
    eip, _ = aws.create(aws.kind("aws:ec2/eip:Eip"), {"domain": "vpc", "tags": tags, **region})

    with listing.started(home):
        account = AwsAccount(environment(tmp_path))
        here = (Lightsail(account, "ap-northeast-1"), Ec2(account, "ap-northeast-1"))
        found = [(one.id, one.host, one.what) for source in here for one in source.list_owned(mark)]
        elsewhere = (*Lightsail(account, "us-east-1").list_owned(mark), *Ec2(account, "us-east-1").list_owned(mark))

        assert found == [
            ("prod-tyo", "tyo", "server"),
            ("prod-tyo-address", "tyo", "address"),
            (eip, "tyo", "address"),
        ]
        assert elsewhere == ()

        listed = [(source, one) for source in here for one in source.list_owned(mark)]
        for source, one in listed:
            source.delete(one)
        assert [one for source in here for one in source.list_owned(mark)] == []
        with pytest.raises(ListingFailed, match=r"400 InvalidAllocationID\.NotFound: The ID 'eipalloc-"):
            here[1].delete(listed[-1][1])
