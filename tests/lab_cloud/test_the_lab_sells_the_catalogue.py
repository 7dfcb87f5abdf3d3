"""Whatever a stack file may choose can be ordered in the lab: every plan, in every place where it is offered."""

from __future__ import annotations

import pytest

from fleet.catalogue import load
from lab.cloud.aws.offers import BUNDLES, EC2_REGIONS, INSTANCE_TYPES, LIGHTSAIL_REGIONS
from lab.cloud.digitalocean.offers import REGIONS as OCEAN_REGIONS
from lab.cloud.digitalocean.offers import SIZES
from lab.cloud.vultr.offers import PLANS
from lab.cloud.vultr.offers import REGIONS as VULTR_REGIONS

SOLD = {
    "vultr": (PLANS, VULTR_REGIONS),
    "digitalocean": (SIZES, OCEAN_REGIONS),
    "lightsail": (BUNDLES, LIGHTSAIL_REGIONS),
    "ec2": (INSTANCE_TYPES, EC2_REGIONS),
}


@pytest.mark.parametrize("service", SOLD)
def test_the_lab_sells_what_the_catalogue_offers(service):
    plans, regions = SOLD[service]
    catalogue = load()
    assert {plan.name for plan in catalogue.plans_of(service)} - set(plans) == set()
    assert {location.name for location in catalogue.locations_of(service)} - set(regions) == set()
