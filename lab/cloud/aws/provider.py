"""Everything the lab has of AWS."""

from lab.cloud.aws import (
    api,
    ec2_instance,
    elastic_ip,
    lightsail,
    lightsail_ports,
    network,
    security_group,
)
from lab.cloud.aws.lookups import LOOKUPS
from lab.cloud.kind import Provider

_KINDS = (
    lightsail.KEY,
    lightsail.INSTANCE,
    lightsail.STATIC,
    lightsail.ATTACHED,
    lightsail_ports.KIND,
    *network.KINDS,
    *security_group.KINDS,
    ec2_instance.KEY,
    ec2_instance.INSTANCE,
    *elastic_ip.KINDS,
)

PROVIDER = Provider(
    name=api.NAME,
    kinds={kind.token: kind for kind in _KINDS},
    lookups=LOOKUPS,
    retry_setting="maxRetries",
    retries=3,
    rate_limited=api.rate_limited,
    broken=api.broken,
    lost=api.lost,
    no_capacity=api.no_capacity,
    credentials=api.credentials,
)
