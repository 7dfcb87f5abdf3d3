"""Everything the lab has of DigitalOcean."""

from lab.cloud.digitalocean import api, droplet, firewall, reserved_ip, ssh_key, tag
from lab.cloud.digitalocean.lookups import LOOKUPS
from lab.cloud.kind import Provider

_KINDS = (
    droplet.KIND,
    ssh_key.KIND,
    firewall.KIND,
    reserved_ip.RESERVED,
    reserved_ip.ASSIGNMENT,
    tag.KIND,
)

PROVIDER = Provider(
    name=api.NAME,
    kinds={kind.token: kind for kind in _KINDS},
    lookups=LOOKUPS,
    retry_setting="httpRetryMax",
    retries=3,
    rate_limited=api.rate_limited,
    broken=api.broken,
    lost=api.lost,
    no_capacity=api.no_capacity,
    credentials=api.credentials,
)
