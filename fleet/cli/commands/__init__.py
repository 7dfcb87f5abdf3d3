"""One file per command. Each imports what it needs when it runs, so that ``fleet --help`` is quick."""

from __future__ import annotations

import typer

from fleet.cli.commands import (
    adopt,
    catalogue,
    cost,
    db,
    demo,
    doctor,
    down,
    engine,
    images,
    init,
    lab,
    latency,
    logs,
    map,
    mesh,
    operator,
    orphans,
    place,
    preview,
    redis,
    release,
    roi,
    secrets,
    ssh,
    status,
    unlock,
    up,
    validate,
    venue,
)


def register(app: typer.Typer) -> None:
    """Add every command."""
    app.command("init")(init.init)
    app.command("doctor")(doctor.doctor)
    app.command("validate")(validate.validate)
    app.command("cost")(cost.cost)
    app.command("place")(place.place)
    app.command("roi")(roi.roi)
    app.command("map")(map.map_)
    app.command("preview")(preview.preview)
    app.command("up")(up.up)
    app.command("down")(down.down)
    app.command("status")(status.status)
    app.command("unlock")(unlock.unlock)
    app.command("adopt")(adopt.adopt)
    app.command("ssh")(ssh.ssh)
    app.command("logs")(logs.logs)
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("lab", context_settings=passed_on)(lab.lab)
    for group in (
        operator,
        orphans,
        mesh,
        images,
        engine,
        demo,
        redis,
        release,
        db,
        catalogue,
        latency,
        secrets,
        venue,
    ):
        app.add_typer(group.app)
