"""Vultr by the real engine and the real SDK: a server's life, what replaces it, and every kind of fault."""

from __future__ import annotations

import re

import pytest

from lab.cloud.faults import Fault, add_fault, list_faults
from lab.cloud.inventory import addresses, remove, servers

pytestmark = pytest.mark.engine

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBmkH4ySVTMyg9Iyd4c9KkQ2h9kNM8wDbkBfBn3cJ6xW fleet"

FLEET = """
import ediri_vultr as vultr
key = vultr.SSHKey("nj", name="fleet-nj", ssh_key="{key}")
group = vultr.FirewallGroup("nj", description="fleet nj")
rules = [vultr.FirewallRule(f"ssh-{{i}}", firewall_group_id=group.id, ip_type="v4", protocol="tcp", port="22",
    subnet=f"198.18.{{i}}.0", subnet_size=24) for i in range({rules})]
address = vultr.ReservedIp("nj", region="ewr", ip_type="v4", label="fleet nj",
    opts=pulumi.ResourceOptions(ignore_changes=["instanceId"]))
image = vultr.get_os_output(filters=[{{"name": "name", "values": ["Debian 13 x64 (trixie)"]}}])
server = vultr.Instance("nj", plan="{plan}", region="ewr", os_id=image.id.apply(int), label="nj", hostname="nj",
    tags=["fleet:test", "host:nj"], ssh_key_ids=[key.id], user_data=pulumi.Output.secret("{user_data}"),
    firewall_group_id=group.id, reserved_ip_id=address.id, enable_ipv6=False,
    opts=pulumi.ResourceOptions(depends_on=rules, ignore_changes={ignored}, delete_before_replace=True))
pulumi.export("ip", server.main_ip)
pulumi.export("reserved", address.subnet)
pulumi.export("password", server.default_password)
"""


def fleet(
    plan: str = "vhp-2c-4gb-amd", rules: int = 1, user_data: str = "#cloud-config first-secret", ignored: str = "[]"
) -> str:
    return FLEET.format(key=KEY, plan=plan, rules=rules, user_data=user_data, ignored=ignored)


def test_a_servers_life(engine):
    engine.program(fleet())
    planned = engine.preview()
    assert planned["nj"]["op"] == "create"
    assert planned["nj"]["newState"]["inputs"]["osId"] == 2625

    up = engine.up()
    assert up.changes() == {"created": 6}
    outputs = engine.outputs()
    assert outputs["ip"] == outputs["reserved"] == servers(engine.home)[0].address
    assert "warning" not in up.text
    assert engine.up().changes() == {"unchanged": 6}

    # Secrets: what is given as one, and what the provider makes, are encrypted; nothing is in clear anywhere.
    stored = engine.stored()
    assert outputs["ip"] in stored
    assert "first-secret" not in stored
    assert outputs["password"] not in stored

    # In place: a bigger plan and one more rule.
    engine.program(fleet(plan="vhp-4c-8gb-amd", rules=2))
    assert engine.up().changes() == {"created": 1, "updated": 1, "unchanged": 5}
    assert outputs["ip"] == engine.outputs()["ip"]

    # Replacing: user data; not where it is ignored.
    engine.program(fleet(plan="vhp-4c-8gb-amd", rules=2, user_data="#cloud-config other", ignored='["userData"]'))
    assert engine.preview() == {}
    engine.program(fleet(plan="vhp-4c-8gb-amd", rules=2, user_data="#cloud-config other"))
    step = engine.preview()["nj"]
    assert (step["op"], step["replaceReasons"]) == ("replace", ["userData"])
    before = servers(engine.home)[0].id
    assert engine.up().changes() == {"replaced": 1, "unchanged": 6}
    assert servers(engine.home)[0].id != before
    assert engine.outputs()["ip"] == outputs["ip"]

    # Outside: somebody deletes the server, then the next refresh sees it and the next run makes it anew.
    remove(engine.home, servers(engine.home)[0])
    assert engine.refresh().changes()["deleted"] == 1
    assert engine.preview()["nj"]["op"] == "create"
    assert engine.up().code == 0
    assert engine.refresh().changes() == {"unchanged": 7}
    assert engine.up().changes() == {"unchanged": 7}

    assert "deleted" in engine.destroy().changes()
    assert servers(engine.home) == () == addresses(engine.home)


def test_mistakes_are_told_in_the_preview_before_anything_is_asked(engine):
    engine.program("""
        import ediri_vultr as vultr
        vultr.Instance("nj", plan="vhp-4c-8gb-amd", region="ewr", os_id="2625")
    """)
    wrong = engine.run("preview")
    assert wrong.code != 0
    assert (
        "resource 'nj' has a problem: expected a whole number, got \"2625\" Examine values at 'nj.osId'." in wrong.text
    )


FAULTY = """
import ediri_vultr as vultr
vultr.Instance("nj", plan="vhp-4c-8gb-amd", region="ewr", os_id=2625, label="nj", tags=["fleet:test"])
"""


def test_refused_capacity_and_a_lost_reply(engine):
    engine.program(FAULTY)
    add_fault(engine.home, Fault("capacity", "vultr"))
    refused = engine.up()
    assert refused.code != 0
    assert re.search("Server add failed: Plan vhp-4c-8gb-amd is not available in the .* datacenter ewr", refused.text)
    assert "Traceback" not in refused.text
    assert servers(engine.home) == ()

    add_fault(engine.home, Fault("lost_reply", "vultr"))
    lost = engine.up()
    assert lost.code != 0
    assert "connection reset by peer" in lost.text
    assert "Instance nj" not in engine.state()
    assert [server.tags for server in servers(engine.home)] == [("fleet:test",)]

    # Adoption: the engine reads it from the cloud by its id.
    orphan = servers(engine.home)[0]
    adopted = engine.run("import", orphan.token, "nj", orphan.id, "--yes", "--protect=false", "--generate-code=false")
    assert adopted.code == 0, adopted.text
    assert engine.up().changes()["unchanged"] == 2
    assert len(servers(engine.home)) == 1


def test_rate_limits_are_waited_out_and_internal_errors_are_not(engine):
    engine.program(FAULTY)
    engine.configure("vultr:retryLimit", "2")
    add_fault(engine.home, Fault("http", "vultr", status=429, times=2))
    up = engine.up()
    assert up.code == 0, up.text
    assert all(f"HTTP 429 Too Many Requests, retrying in {s} s" in up.text for s in ("0.05", "0.10"))

    add_fault(engine.home, Fault("http", "vultr", operation="read", status=500))
    broken = engine.refresh()
    assert broken.code != 0
    assert 'error getting server: {"error":"Internal server error.","status":500}' in broken.text
    add_fault(engine.home, Fault("http", "vultr", operation="delete", status=429, times=3))
    refused = engine.destroy()
    assert refused.code != 0
    assert "error deleting server: gave up after 3 attempts" in refused.text
    assert list_faults(engine.home) == ()
    assert len(servers(engine.home)) == 1


def test_a_real_token_is_refused(engine):
    engine.program(FAULTY)
    engine.environment["VULTR_API_KEY"] = "a-real-one"
    refused = engine.run("preview")
    assert refused.code != 0
    assert "this is the lab's vultr, it takes the lab's own key only" in refused.text
