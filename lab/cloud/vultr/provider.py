"""Everything the lab has of Vultr."""

from lab.cloud.kind import Provider
from lab.cloud.vultr import api, firewall, instance, reserved_ip, ssh_key
from lab.cloud.vultr.lookups import LOOKUPS

PROVIDER = Provider(
    name=api.NAME,
    kinds={
        k.token: k
        for k in (
            instance.KIND,
            ssh_key.KIND,
            firewall.GROUP,
            firewall.RULE,
            reserved_ip.KIND,
        )
    },
    lookups=LOOKUPS,
    retry_setting="retryLimit",
    retries=3,
    rate_limited=api.rate_limited,
    broken=api.broken,
    lost=api.lost,
    no_capacity=api.no_capacity,
    credentials=api.credentials,
)
