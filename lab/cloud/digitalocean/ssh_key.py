"""DigitalOcean SshKey: one account has a key only once; another key replaces, another name does not."""

from __future__ import annotations

from lab.cloud.digitalocean import api
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.ssh import is_public_key, md5_fingerprint
from lab.cloud.store import CloudState, Record, Values


def create(cloud: Cloud, inputs: Values) -> Created:
    if not is_public_key(inputs["publicKey"]):
        raise api.refused(
            api.SSH_KEY,
            "create",
            "Key invalid, key should be of the format 'ssh-rsa AAAA... name'",
        )
    fingerprint = md5_fingerprint(inputs["publicKey"])
    with cloud.store.transaction() as state:
        if find_key(state, fingerprint):
            raise api.refused(api.SSH_KEY, "create", "SSH Key is already in use on your account")
        id = str(state.next("digitalocean-keys", 41500001))
        # Stored in this very transaction: two creates of one key must not both pass.
        state.put(api.NAME, api.SSH_KEY, id, Record(inputs, {"fingerprint": fingerprint}))
    return Created(id, {"fingerprint": fingerprint})


def find_key(state: CloudState, reference: str) -> Record | None:
    """The key that an id or a fingerprint names."""
    for id, key in state.all(api.NAME, api.SSH_KEY).items():
        if reference in (id, key.outputs["fingerprint"]):
            return key
    return None


KIND = Kind(api.SSH_KEY, create, replaces=only("publicKey"), auto_name="name")
