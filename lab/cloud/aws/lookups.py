"""AWS's data sources."""

from __future__ import annotations

from fnmatch import fnmatchcase

from lab.cloud.aws import api
from lab.cloud.aws.offers import EC2_REGIONS, Ami, amis, zones
from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud
from lab.cloud.store import Values


def get_ami(cloud: Cloud, arguments: Values) -> Values:
    region = arguments.get("region") or cloud.settings.get("region") or api.REGION
    owners = arguments.get("owners") or []
    found = [image for image in amis(region) if not owners or image.owner in owners]
    for condition in arguments.get("filters") or []:
        found = [image for image in found if _matches(image, condition)]
    if not found:
        raise CloudError("Your query returned no results. Please change your search criteria and try again.")
    if len(found) > 1 and not arguments.get("mostRecent"):
        raise CloudError(
            "Your query returned more than one result. Please try a more specific search criteria, or set "
            "`most_recent` attribute to true."
        )
    newest = max(found, key=lambda image: image.created)
    known = {name: value for name, value in arguments.items() if value is not None}
    return known | _image(newest, region)


def _matches(image: Ami, condition: Values) -> bool:
    facts = {
        "name": image.name,
        "architecture": image.architecture,
        "owner-id": image.owner,
        "image-id": image.id,
        "virtualization-type": "hvm",
        "root-device-type": "ebs",
        "state": "available",
    }
    if condition["name"] not in facts:
        raise CloudError(f"InvalidParameterValue: The filter '{condition['name']}' is invalid")
    return any(fnmatchcase(facts[condition["name"]], pattern) for pattern in condition["values"])


def _image(image: Ami, region: str) -> Values:
    return {
        "id": image.id,
        "imageId": image.id,
        "name": image.name,
        "ownerId": image.owner,
        "architecture": image.architecture,
        "creationDate": image.created,
        "region": region,
        "state": "available",
        "public": True,
        "virtualizationType": "hvm",
        "rootDeviceType": "ebs",
        "rootDeviceName": "/dev/xvda",
        "imageType": "machine",
        "hypervisor": "xen",
        "enaSupport": True,
        "arn": f"arn:aws:ec2:{region}::image/{image.id}",
    }


def get_availability_zones(cloud: Cloud, arguments: Values) -> Values:
    region = arguments.get("region") or cloud.settings.get("region") or api.REGION
    if region not in EC2_REGIONS:
        raise CloudError(f"operation error EC2: DescribeAvailabilityZones: no such region: {region}")
    names = [zone for zone in zones(region) if zone not in (arguments.get("excludeNames") or [])]
    short = "".join(part[0] for part in region.split("-"))
    ids = [f"{short}-az{i + 1}" for i in range(len(names))]
    return {
        "id": region,
        "region": region,
        "names": names,
        "zoneIds": ids,
        "groupNames": [region],
    }


def get_region(cloud: Cloud, arguments: Values) -> Values:
    region = arguments.get("region") or cloud.settings.get("region") or api.REGION
    return {
        "id": region,
        "region": region,
        "name": region,
        "description": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


LOOKUPS = {
    "aws:ec2/getAmi:getAmi": get_ami,
    "aws:index/getAvailabilityZones:getAvailabilityZones": get_availability_zones,
    "aws:index/getRegion:getRegion": get_region,
}
