"""Releases on a server with its own Docker: what is kept, what is judged, and what runs after everything went wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from hosts import (
    Check,
    ComposeRefused,
    DataChangeUnprepared,
    File,
    Gate,
    GateRed,
    HostBusy,
    HostError,
    HostState,
    HostUnreachable,
    NotEnoughSpace,
    PortTaken,
    PublishedPort,
    PullFailed,
    ReleaseFailed,
    ReleaseUnknown,
    RollBackRefused,
    Trial,
    Unit,
    apply,
    data_restored,
    deploy,
    list_releases,
    observe_release,
    roll_back,
)
from hosts.boot import BOOT_PROGRAM_PATH, BOOT_UNIT, boot_program
from lab.lab import Lab
from lab.machines import Machines
from templates.render import render
from tests.lab.servers.bundle_host import IMAGES, REFERENCE, SECRET, SLEEP, BundleHost, SmallBundle, bundle_host, fill
from tests.lab.servers.bundle_host import plain_restart_seconds as plain_restart

pytestmark = pytest.mark.lab

Eventually = Callable[[Callable[[], object]], None]

HEALTHY = ("healthcheck", {"test": ["CMD", "true"], "interval": "1s", "retries": 2})
ILL = ("healthcheck", {"test": ["CMD", "false"], "interval": "1s", "retries": 2})
GREEDY = "head -c 99999999 /dev/zero | tail"
NOWHERE = "127.0.0.1:5000/lab/image0:1@sha256:" + "0" * 64


@pytest.fixture(scope="module")
def host(lab: Lab, machines: Machines) -> Iterator[BundleHost]:
    made = bundle_host(lab, machines, "bundles")
    yield made
    made.close()
    machines.destroy("bundles")


@pytest.fixture
def bundle(host: BundleHost, request: pytest.FixtureRequest) -> Iterator[SmallBundle]:
    """A bundle of the test's own; its containers and files are gone afterwards."""
    number = sum(ord(letter) for letter in request.node.name) % 20000
    made = SmallBundle(host, f"b{number}", 20000 + number)
    yield made
    script = f"docker ps -aq --filter label=com.docker.compose.project=fleet-{made.name} | xargs -r docker rm -f"
    host.run("sh", "-c", f"{script}; docker volume rm -f fleet-{made.name}_data; rm -rf /opt/fleet/{made.name}")


def test_a_release_runs_with_its_files_and_secrets(bundle: SmallBundle) -> None:
    host, release = bundle.host, bundle.release()
    report = bundle.deploy()
    assert report.current == report.last_good == release.digest
    assert {change.name for change in report.changes if change.action == "create"} == {"web", "other"}
    assert report.pulled in ((), (host.image(),))
    assert host.exec(bundle.name, "web", "cat", "/etc/web.conf") == "value=1"
    # The container's user reads its secret, and of others on the host only root.
    assert host.exec(bundle.name, "web", "cat", "/run/secrets/key") == SECRET
    folder = f"/opt/fleet/{bundle.name}"
    assert host.run("readlink", f"{folder}/current") == f"releases/{release.digest}"
    assert host.run("stat", "-c", "%a %u", f"{folder}/current/key", f"{folder}/current/web.env", folder).split() == [
        *("400", "1000"),
        *("600", "0"),
        *("700", "0"),
    ]
    assert SECRET not in str(report)
    assert SECRET not in host.run("cat", f"{folder}/current/release.json")
    assert host.succeeds("docker", "network", "inspect", "fleet")


def test_the_same_release_again_changes_nothing(bundle: SmallBundle) -> None:
    """Not even a one-shot is run again."""
    counting = {
        "user": "0",
        "restart": "no",
        "command": ["sh", "-c", "echo run >> /data/runs"],
        "volumes": ["data:/data"],
    }
    bundle = bundle.but(services=(("prepare", counting),), gate=Gate(1.0, 30.0, one_shots=("prepare",)))
    bundle.deploy()
    before = bundle.running()
    with bundle.host.connect() as connection:
        report = deploy(connection, bundle.release(), fill)
        assert connection.channels_opened == 1
    assert report.changes == report.pulled == ()
    assert bundle.running() == before
    assert bundle.host.exec(bundle.name, "web", "cat", "/data/runs") == "run"
    assert bundle.host.on(lambda connection: observe_release(connection, bundle.release())).settled


@pytest.mark.parametrize(
    ("changed", "path", "content"),
    [
        ({"value": "2"}, "/etc/web.conf", "value=2"),
        ({"environment": "MODE=rehearsal\n"}, "/proc/1/environ", "MODE=rehearsal"),
        ({"secret": f"{REFERENCE}-next"}, "/run/secrets/key", f"{SECRET}-next"),
    ],
    ids=["mounted-file", "env-file", "secret"],
)
def test_a_changed_value_restarts_only_the_service_that_it_belongs_to(
    bundle: SmallBundle, changed: dict[str, str], path: str, content: str
) -> None:
    bundle.deploy()
    before = bundle.running()
    report = bundle.but(**changed).deploy()
    after = bundle.running()
    assert [change.name for change in report.changes if change.kind == "service"] == ["web"]
    assert after["other"] == before["other"]
    assert after["web"] != before["web"]
    assert content in bundle.host.exec(bundle.name, "web", "cat", path)


def listen(host: BundleHost, port: int, eventually: Eventually) -> None:
    program = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(1000)"
    host.run("systemd-run", f"--unit=squatter-{port}", "python3", "-c", program)
    eventually(lambda: host.run("ss", "--no-header", "-ltn", f"sport = :{port}"))


@pytest.mark.parametrize(
    ("broken", "error", "named"),
    [
        ({"image": NOWHERE, "images": (NOWHERE,)}, ComposeRefused, "not one of the release's pinned images"),
        ({"image": NOWHERE}, PullFailed, NOWHERE),
        ({"more": (("environment", {"TOKEN": "${TOKEN:?it has to be set}"}),)}, ComposeRefused, "TOKEN.*has to be set"),
        ({"more": (("mem_limit", "a lot"),)}, ComposeRefused, "compose.yaml"),
        ({"more": (("volumes", ["./missing.conf:/etc/web.conf"]),)}, ComposeRefused, "missing.conf"),
        ({"image": IMAGES[7], "image_bytes": 1 << 50}, NotEnoughSpace, "need 1073741888 MB free at /var/lib/docker"),
        ({"port": 31999}, PortTaken, r"127.0.0.1:31999/tcp.*python3 \(process \d+\)"),
        ({"gate": Gate(one_shots=("nobody",))}, ComposeRefused, "service nobody"),
    ],
    ids=["unpinned", "bad-image", "env-missing", "bad-value", "no-file", "no-space", "port-taken", "gate-of-nobody"],
)
def test_what_can_be_judged_before_is_refused_with_nothing_touched(
    bundle: SmallBundle, broken: dict[str, object], error: type[ReleaseFailed], named: str, eventually: Eventually
) -> None:
    """The old release is not down for a moment."""
    bundle.deploy()
    before, since = bundle.running(), bundle.host.now()
    if "port" in broken:
        listen(bundle.host, 31999, eventually)
    with pytest.raises(error, match=rf"(?s){named}.*Nothing was touched.*{bundle.release().digest} stays") as refused:
        bundle.but(**broken).deploy()
    assert bundle.running() == before
    assert bundle.host.events(bundle.name, since) == []
    assert refused.value.report.current == bundle.release().digest
    assert bundle.host.on(lambda connection: observe_release(connection, bundle.release())).settled


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"more": (ILL,)}, "web is unhealthy"),
        ({"command": "echo no exchange answers; exit 7"}, "(?s)web crashes again.*exit status 7.*no exchange answers"),
        ({"command": 'echo "$$TOKEN" is empty; [ -n "$$TOKEN" ]'}, "(?s)web crashes again.*is empty"),
        ({"command": "echo began; sleep 1; exit 3", "more": (("restart", "no"),)}, "(?s)web ended.*status 3.*began"),
        ({"more": (("command", ["/no/such/program"]),)}, "(?s)web.*no/such/program"),
        ({"more": (("mem_limit", "16m"),), "command": GREEDY, "gate": Gate(8.0, 60.0)}, "web.*for want of memory"),
        ({"more": (("ports", []),)}, r"no service publishes 127.0.0.1:\d+/tcp"),
        ({"gate": Gate(1.0, 30.0, checks=(Check("reads", "web", ("cat", "/no")),))}, "web fails the check reads.*/no"),
        ({"services": (("job", {"command": ["false"], "restart": "no"}),), "gate": Gate(1, 30, ("job",))}, "job ended"),
        ({"command": f"cat /run/secrets/key; {SLEEP}", "more": (ILL,)}, r"(?s)last lines of web:.*\[withheld\]"),
    ],
    ids=[
        *("failing-health", "crash-loop", "env-missing", "ends", "no-program", "out-of-memory", "ports-differ"),
        *("failing-check", "one-shot-fails", "secret-in-the-log"),
    ],
)
def test_what_only_shows_when_it_runs_is_judged_and_the_last_good_release_runs_again(
    bundle: SmallBundle, broken: dict[str, object], named: str
) -> None:
    bundle.deploy()
    plain = plain_restart(bundle)
    good = bundle.running()
    since = bundle.host.now()
    with pytest.raises(GateRed, match=named) as red:
        bundle.but(**broken).deploy()
    digest = bundle.release().digest
    assert f"The last good release {digest} runs again" in str(red.value)
    assert SECRET not in str(red.value) + str(red.value.report)
    assert red.value.report.current == digest
    again = bundle.running()
    assert again.keys() == good.keys()
    # What did not change was never stopped, and the old release was started once: no more than a restart does.
    assert again["other"] == good["other"]
    events = [event for event in bundle.host.events(bundle.name, since) if event.service == "web"]
    back = [event for event in events if event.container == again["web"][0]]
    assert [event.action for event in back] == ["start"] or again["web"] == good["web"]
    assert bundle.host.on(lambda connection: observe_release(connection, bundle.release())).settled
    if back:
        ends = [event.seconds for event in events if event.action == "die"]
        down, way_back = back[0].seconds - ends[0], back[0].seconds - ends[-1]
        print(f"\nplain restart {plain:.2f} s; down {down:.2f} s ({down / plain:.1f} x), way back {way_back:.2f} s")


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"more": (ILL,)}, "web is unhealthy"),
        ({"command": "echo no exchange answers; exit 7"}, "(?s)web ended.*exit status 7.*no exchange answers"),
        ({"command": 'echo "$$TOKEN" is empty; [ -n "$$TOKEN" ]'}, "(?s)web ended.*is empty"),
        ({"more": (("command", ["/no/such/program"]),)}, "(?s)web.*no/such/program"),
        ({"gate": Gate(1.0, 30.0, checks=(Check("reads", "web", ("cat", "/no")),))}, "web fails the check reads.*/no"),
    ],
    ids=["failing-health", "crash-loop", "env-missing", "no-program", "failing-check"],
)
def test_a_service_that_may_run_twice_is_tried_before_the_running_one_is_stopped(
    bundle: SmallBundle, broken: dict[str, object], named: str
) -> None:
    """The old release is not down for a moment, whatever shows when the new one runs."""
    host, bundle = bundle.host, bundle.but(trials=(Trial("web"),))
    bundle.deploy()
    before, since = bundle.running(), host.now()
    with pytest.raises(GateRed, match=rf"{named}(?s:.*)Nothing was touched. Release {bundle.release().digest} stays"):
        bundle.but(**broken).deploy()
    assert bundle.running() == before
    of_the_old = {identity for identity, _ in before.values()}
    assert [event for event in host.events(bundle.name, since) if event.container in of_the_old] == []
    assert trials_of(host, bundle) == []
    assert host.on(lambda connection: observe_release(connection, bundle.release())).settled


def test_a_trial_is_unpublished_keeps_still_and_is_not_for_what_does_not_change(bundle: SmallBundle) -> None:
    host, bundle = bundle.host, bundle.but(trials=(Trial("web", {"MODE": "still"}), Trial("other")))
    bundle.deploy()
    since = host.now()
    shown = "tr '\\0' '\\n' < /proc/1/environ > /data/seen-$$FLEET_TRIAL"
    seen = bundle.but(
        command=f"{shown}; {SLEEP}", more=(("user", "0"), ("volumes", ["data:/data"])), environment="MODE=live\n"
    )
    seen.deploy()
    tried = host.exec(bundle.name, "web", "cat", "/data/seen-true").splitlines()
    assert "MODE=still" in tried
    assert "MODE=live" in host.exec(bundle.name, "web", "cat", "/data/seen-").splitlines()
    assert {event.service for event in host.events(bundle.name, since)} == {"web"}
    assert trials_of(host, bundle) == []


def test_a_trial_that_was_cut_off_is_seen_and_taken_away(bundle: SmallBundle) -> None:
    host = bundle.host
    bundle.deploy()
    folder = f"/opt/fleet/{bundle.name}/current"
    files = ("--file", f"{folder}/compose.yaml", "--file", f"{folder}/mounts.json")
    host.run(
        "docker", "compose", "--project-name", f"fleet-{bundle.name}", *files, "run", "--detach", "--no-deps", "web"
    )
    assert len(trials_of(host, bundle)) == 1
    drift = host.on(lambda connection: observe_release(connection, bundle.release())).changes
    assert [(change.kind, change.name, change.action) for change in drift] == [("service", "web", "remove")]
    before = bundle.running()
    bundle.deploy()
    assert trials_of(host, bundle) == []
    assert bundle.running() == before


def trials_of(host: BundleHost, bundle: SmallBundle) -> list[str]:
    """Containers of a bundle's project that are not of its release."""
    labels = (f"com.docker.compose.project=fleet-{bundle.name}", "com.docker.compose.oneoff=True")
    wanted = (word for label in labels for word in ("--filter", f"label={label}"))
    return host.run("docker", "ps", "--all", "--quiet", *wanted).split()


def test_a_full_disk_is_found_before_anything_is_touched(bundle: SmallBundle) -> None:
    """The folder of releases is a small file system of its own here, and it is filled."""
    host = bundle.host
    host.run("mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", "/opt/fleet")
    try:
        bundle.deploy()
        before = bundle.running()
        host.run("dd", "if=/dev/zero", "of=/opt/fleet/filler", "bs=1M", "count=100")
        with pytest.raises(NotEnoughSpace, match=rf"at /opt/fleet/{bundle.name}, and there are 2\d MB"):
            bundle.but(value="2").deploy()
        assert bundle.running() == before
        # Not even the margin is there: what was half-written is gone with the next run.
        host.run("rm", "/opt/fleet/filler")
        assert bundle.but(value="2").deploy().settled is False
    finally:
        host.run("umount", "/opt/fleet")


def test_a_first_release_that_is_red_is_taken_down(bundle: SmallBundle) -> None:
    with pytest.raises(GateRed, match=r"(?s)unhealthy.*first release.*nothing runs"):
        bundle.but(more=(ILL,)).deploy()
    assert bundle.running() == {}
    assert bundle.host.on(lambda connection: list_releases(connection, bundle.name))[0].promoted == ""
    report = bundle.deploy()
    assert report.current == bundle.release().digest
    assert len(report.pruned) == 1


def test_a_roll_back_is_the_deploy_of_what_is_here(bundle: SmallBundle) -> None:
    host, second = bundle.host, bundle.but(value="2", image=IMAGES[1])
    bundle.deploy()
    second.deploy()
    before = bundle.running()
    host.run("systemctl", "stop", "registry")
    try:
        report = host.on(lambda connection: roll_back(connection, bundle.name))
    finally:
        host.run("systemctl", "start", "registry")
    assert report.current == report.last_good == bundle.release().digest
    assert host.exec(bundle.name, "web", "cat", "/etc/web.conf") == "value=1"
    assert bundle.running()["other"] == before["other"]
    assert host.on(lambda connection: observe_release(connection, bundle.release())).settled
    drift = host.on(lambda connection: observe_release(connection, second.release())).changes
    assert [(change.kind, change.action) for change in drift] == [("release", "update")]
    with pytest.raises(ReleaseUnknown, match="no release that was promoted before"):
        host.on(lambda connection: roll_back(connection, bundle.name))
    with pytest.raises(ReleaseUnknown, match=f"no release 0123.*it keeps.*{second.release().digest}"):
        host.on(lambda connection: roll_back(connection, bundle.name, "0123"))
    host.on(lambda connection: roll_back(connection, bundle.name, second.release().digest))
    known = host.on(lambda connection: list_releases(connection, bundle.name))
    assert [(item.digest, item.current) for item in known] == [
        (second.release().digest, True),
        (bundle.release().digest, False),
    ]


def test_five_releases_are_kept_with_their_images(bundle: SmallBundle) -> None:
    host = bundle.host
    quick = Gate(settle_seconds=0.0, timeout_seconds=30.0)
    made = [bundle.but(value=str(number), image=IMAGES[1 + number % 6], gate=quick) for number in range(6)]
    reports = [each.deploy() for each in made]
    assert [report.pruned for report in reports] == [()] * 5 + [(made[0].release().digest,)]
    known = host.on(lambda connection: list_releases(connection, bundle.name))
    assert {item.digest for item in known} == {each.release().digest for each in made[1:]}
    assert not host.succeeds("docker", "image", "inspect", host.image(IMAGES[1]))
    assert host.succeeds("docker", "image", "inspect", host.image(IMAGES[2]))
    mounted = host.run("sh", "-c", f"cat /opt/fleet/{bundle.name}/files/*/web.conf | sort").split()
    assert mounted == [f"value={number}" for number in range(1, 6)]


def test_an_image_that_is_here_needs_no_registry(bundle: SmallBundle) -> None:
    bundle.deploy()
    bundle.host.run("systemctl", "stop", "registry")
    try:
        assert bundle.but(value="2").deploy().pulled == ()
        with pytest.raises(PullFailed, match="connection refused"):
            bundle.but(image=IMAGES[7]).deploy()
    finally:
        bundle.host.run("systemctl", "start", "registry")


def test_a_check_that_waits_for_another_host_is_reported_and_not_red(bundle: SmallBundle) -> None:
    waits = Check("hub answers", "web", ("sh", "-c", "echo no hub yet; exit 75"))
    gate = Gate(1.0, 30.0, checks=(waits, Check("itself", "web", ("true",))))
    report = bundle.but(gate=gate).deploy()
    assert [(item.name, item.service, item.said) for item in report.waiting] == [("hub answers", "web", "no hub yet")]
    assert report.current


def test_what_somebody_changed_is_seen_and_mended(bundle: SmallBundle) -> None:
    host = bundle.host
    bundle.deploy()

    def seen() -> list[tuple[str, str]]:
        report = host.on(lambda connection: observe_release(connection, bundle.release()))
        return [(change.kind, change.action) for change in report.changes]

    assert seen() == []
    containers = bundle.running()
    host.run("docker", "stop", "--time", "1", containers["web"][0])
    host.run("docker", "rm", "--force", containers["other"][0])
    assert seen() == [("service", "create"), ("service", "start")]
    bundle.deploy()
    assert seen() == []

    host.run("sh", "-c", f"echo value=mine > /opt/fleet/{bundle.name}/current/web.conf")
    assert set(seen()) == {("file", "update")}
    other = bundle.running()["other"]
    report = bundle.deploy()
    assert ("service", "web", "restart") in [(change.kind, change.name, change.action) for change in report.changes]
    assert seen() == []
    assert host.exec(bundle.name, "web", "cat", "/etc/web.conf") == "value=1"
    assert bundle.running()["other"] == other


def writing(version: str) -> tuple[tuple[str, object], ...]:
    """A database that says on its volume which version opened it."""
    return (("user", "0"), ("command", ["sh", "-c", f"echo {version} >> /data/opened; {SLEEP}"]))


CHECKPOINT = Check("checkpoint", "web", ("sh", "-c", "echo checkpoint >> /data/opened"))


def test_an_older_version_never_opens_what_a_newer_one_has_written(bundle: SmallBundle) -> None:
    host = bundle.host

    def version(number: str, **more: object) -> SmallBundle:
        return bundle.but(more=writing(number), data_versions=(("store", number),)).but(**more)

    def opened() -> list[str]:
        return host.run("cat", f"/var/lib/docker/volumes/fleet-{bundle.name}_data/_data/opened").split()

    version("9.9").deploy()
    with pytest.raises(DataChangeUnprepared, match=r"(?s)second checkpoint failed \(exit 1\).*Nothing was touched"):
        version("9.10", before_data_change=(CHECKPOINT, Check("second checkpoint", "web", ("false",)))).deploy()
    version("9.10", before_data_change=(CHECKPOINT,)).deploy()
    assert opened() == ["9.9", "checkpoint", "checkpoint", "9.10"]
    with pytest.raises(RollBackRefused, match=r"(?s)store may have been written by 9.10.*Restore a backup"):
        host.on(lambda connection: roll_back(connection, bundle.name))
    with pytest.raises(RollBackRefused, match=r"(?s)older version must not open it.*Nothing was touched"):
        version("9.9").deploy()

    # A newer one that wrote before it was found to be bad: the one before stays stopped.
    with pytest.raises(GateRed, match=r"(?s)unhealthy.*not started again.*is stopped, its data is kept.*Restore"):
        version("9.11", more=(*writing("9.11"), ILL)).deploy()
    assert bundle.running() == {}
    assert opened() == ["9.9", "checkpoint", "checkpoint", "9.10", "9.11"]
    install_boot_program(host)
    assert "left alone" in host.run("python3", "-I", BOOT_PROGRAM_PATH)
    with pytest.raises(RollBackRefused):
        version("9.10").deploy()
    assert bundle.running() == {}
    assert "9.10" not in opened()[4:]

    # Either a corrected newer one, or the older one with data that was restored.
    host.on(lambda connection: data_restored(connection, bundle.name, {"store": "9.10"}))
    version("9.10", value="2").deploy()
    assert opened()[-1] == "9.10"


def install_boot_program(host: BundleHost) -> None:
    """As the base of a host declares them."""
    with host.connect() as connection:
        unit = render(f"host/{BOOT_UNIT}.j2")
        state = HostState(
            files=(File(BOOT_PROGRAM_PATH, boot_program()), File(f"/etc/systemd/system/{BOOT_UNIT}", unit)),
            units=(Unit(BOOT_UNIT, enabled=True, active=None),),
        )
        apply(connection, state, confirm=host.connect)


def deploying(bundle: SmallBundle) -> bool:
    """True from when the old containers are touched to when the gate has judged."""
    return bundle.host.succeeds("test", "-e", f"/opt/fleet/{bundle.name}/deploying.json")


SLOW = Gate(settle_seconds=6.0, timeout_seconds=60.0)


def test_a_host_finishes_a_deploy_whose_connection_broke(bundle: SmallBundle, eventually: Eventually) -> None:
    bundle.deploy()
    second = bundle.but(value="2", gate=SLOW)
    connection = bundle.host.connect()
    broke: list[BaseException] = []

    def run() -> None:
        try:
            deploy(connection, second.release(), fill)
        except HostUnreachable as error:
            broke.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: deploying(bundle))
    with pytest.raises(HostBusy, match=f"applying bundle {bundle.name}"):
        bundle.host.on(lambda another: deploy(another, second.release(), fill, lock_wait_seconds=0))
    connection.close()
    thread.join(timeout=60)
    assert len(broke) == 1
    eventually(lambda: not deploying(bundle))
    assert bundle.host.on(lambda connection: observe_release(connection, second.release())).settled


@pytest.mark.parametrize("then", ["deploy", "boot"])
def test_a_deploy_that_was_killed_is_finished_by_the_next_or_taken_back_at_boot(
    bundle: SmallBundle, eventually: Eventually, then: str
) -> None:
    bundle.deploy()
    other = bundle.running()["other"]
    second = bundle.but(value="2", gate=SLOW)

    def cut_off() -> None:
        with pytest.raises(HostError):
            second.deploy()

    thread = threading.Thread(target=cut_off)
    thread.start()
    eventually(lambda: deploying(bundle))
    eventually(lambda: bundle.running().get("web") is not None)
    holder = bundle.host.run("cat", f"/run/fleet/lock-{bundle.name}")
    bundle.host.run("kill", "-KILL", str(json.loads(holder)["pid"]))
    thread.join(timeout=60)

    seen = bundle.host.on(lambda connection: observe_release(connection, bundle.release()))
    assert seen.interrupted == second.release().digest
    assert ("release", "finish") in [(change.kind, change.action) for change in seen.changes]
    if then == "deploy":
        report = second.but(gate=bundle.gate).deploy()
        assert report.interrupted == second.release().digest
        expected, value = second.but(gate=bundle.gate), "value=2"
    else:
        install_boot_program(bundle.host)
        bundle.host.run("python3", "-I", BOOT_PROGRAM_PATH)
        expected, value = bundle, "value=1"
    assert bundle.host.exec(bundle.name, "web", "cat", "/etc/web.conf") == value
    assert bundle.running()["other"] == other
    if then == "boot":
        # Nobody has judged it since: the mark stays for the next deploy, which finds that all is as it shall be.
        expected.deploy()
    assert bundle.host.on(lambda connection: observe_release(connection, expected.release())).settled


LATE_ADDRESS = """\
[Unit]
Description=An address that comes after Docker did, as the mesh's on a host where Docker is not ours
After=docker.service
Before=fleet-mesh.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip address add 198.18.255.77/32 dev lo
[Install]
WantedBy=multi-user.target
"""


def test_a_rebooted_host_brings_its_bundles_back_without_the_network(
    bundle: SmallBundle, machines: Machines, eventually: Eventually
) -> None:
    host = bundle.host
    install_boot_program(host)
    for name, text in (
        ("late-address.service", LATE_ADDRESS),
        ("fleet-mesh.target", render("host/fleet-mesh.target.j2")),
    ):
        host.run("sh", "-c", f"cat > /etc/systemd/system/{name} <<'END'\n{text}\nEND")
    host.run("systemctl", "enable", "--now", "late-address.service", "fleet-mesh.target")
    ports = [{"target": 80, "published": str(bundle.port), "host_ip": "198.18.255.77"}]
    release = bundle.but(more=(("ports", ports), HEALTHY)).release()
    release = replace(release, gate=replace(release.gate, ports=(PublishedPort("198.18.255.77", bundle.port),)))
    host.deploy(release)
    before = bundle.running()
    boot = host.run("ps", "-o", "lstart=", "-p", "1")
    # Nothing starts the registry at boot: no image could be pulled.
    machines.reboot("bundles")

    def booted() -> bool:
        try:
            return host.run("ps", "-o", "lstart=", "-p", "1") != boot
        except HostError:
            return False

    eventually(booted)
    host.lab.wait_until_booted("bundles")
    eventually(lambda: bundle.running().keys() == before.keys())
    assert {service: id for service, (id, _) in bundle.running().items()} == {
        service: id for service, (id, _) in before.items()
    }
    assert not host.succeeds("systemctl", "is-active", "registry")
    eventually(lambda: host.on(lambda connection: observe_release(connection, release)).settled)
    eventually(lambda: host.succeeds("systemctl", "is-active", BOOT_UNIT))
