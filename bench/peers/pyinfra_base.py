"""The base of a host and its mesh node by pyinfra's own operations: the end state that a document describes.

Runs in the peers' environment: ``pyinfra --data work=FILE HOST pyinfra_base.py``. Written as a user of pyinfra would
who wants it quick: a unit restarts only where its file changed and it ran before. Left out, to pyinfra's advantage, is
what it has no operation for - validators, reverts, a second look that shows that everything arrived - and what the
lab's kernel refuses or cannot do for a container: such settings, and loading modules.
"""

import io
import json
import pathlib

from pyinfra import host
from pyinfra.facts.systemd import SystemdStatus
from pyinfra.operations import apt, files, server, systemd

work = json.loads(pathlib.Path(host.data.work).read_text())
base, mesh = work["parts"]
refused = set(work["refused"])
units = [unit for part in (base, mesh) for unit in part["units"]]
before = host.get_fact(SystemdStatus, services=[unit["name"] for unit in units])

apt.packages(name="packages", packages=[package["name"] for package in base["packages"]["packages"]])

for user in base["users"]:
    server.user(
        name=f"user {user['name']}",
        user=user["name"],
        shell=user["shell"],
        groups=user["groups"] or None,
        append=True,
        public_keys=user["authorized_keys"],
        delete_keys=True,
    )

changed = {}
for part in (base, mesh):
    for file in part["files"] + work["implied_files"][part["name"]]:
        put = files.put(
            name=file["path"],
            src=io.StringIO(file["content"]),
            dest=file["path"],
            user=file["owner"],
            group=file["group"],
            mode=file["mode"],
        )
        for handler in file["notifies"]:
            changed.setdefault(handler, []).append(put.did_change)

for sysctl in base["sysctls"]:
    if sysctl["key"] not in refused:
        server.sysctl(name=sysctl["key"], key=sysctl["key"].replace("/", "."), value=sysctl["value"])


def any_of(checks):
    """Whether one of these operations changed something; pyinfra itself only knows ``all of``."""
    return lambda: any(check() for check in checks)


def run(handler):
    """What a handler does, if a file that notifies it changed."""
    argv = handler["argv"]
    if handler["name"] not in changed or (argv[:2] == ["systemctl", "restart"] and not before.get(argv[2])):
        return
    condition = any_of(changed[handler["name"]])
    if argv == ["systemctl", "daemon-reload"]:
        systemd.daemon_reload(name="daemon-reload", _if=condition)
    elif argv[0] == "systemctl":
        verb = {"restarted": argv[1] == "restart", "reloaded": argv[1] == "reload"}
        systemd.service(name=f"{argv[1]} {argv[2]}", service=argv[2], running=None, **verb, _if=condition)
    else:
        server.shell(name=handler["name"], commands=[" ".join(argv)], _if=condition)


handlers = sorted(base["handlers"], key=lambda handler: (handler["order"], handler["name"]))
for handler in handlers:
    if handler["order"] < work["units_order"]:
        run(handler)
wireguard = [interface["unit"] for interface in mesh["wireguard"] if interface["present"]]
enabled = [(unit["name"], unit["enabled"]) for unit in units] + [(name, True) for name in wireguard]
running = [(unit["name"], unit["active"]) for unit in units] + [(name, True) for name in wireguard]
# Enabling makes systemd read all units anew: it comes before any of them starts.
for unit, wanted in enabled:
    systemd.service(name=f"enable {unit}", service=unit, running=None, enabled=wanted)
for unit, wanted in running:
    systemd.service(name=f"start {unit}", service=unit, running=wanted)
for handler in handlers:
    if handler["order"] >= work["units_order"]:
        run(handler)
for interface in mesh["wireguard"]:
    if not interface["present"]:
        files.file(name=interface["name"], path=interface["config_path"], present=False)
