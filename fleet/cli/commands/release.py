"""``fleet release``: what runs on a host, and going back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from hosts import KnownRelease

app = typer.Typer(name="release", help="Which releases a host keeps, and going back to one.", no_args_is_help=True)
Host = Annotated[str, typer.Argument(help="The host's id, such as nj.")]
Bundle = Annotated[str, typer.Argument(help="The bundle, such as questdb.")]


@app.command("list")
def list_kept(
    host: Host,
    bundle: Annotated[str, typer.Argument(help="Only this bundle.")] = "",
    root: Root = None,
    json: Json = False,
) -> None:
    """The releases that a host keeps, by bundle, the newest promotion first."""
    from fleet.release.kept import kept_releases

    context = Context(root)
    running = context.host(host)
    bundles = (bundle,) if bundle else context.bundles(running.ref)
    kept = kept_releases(running, bundles, context.vault)
    if json:
        print_json({name: [_facts(release) for release in releases] for name, releases in kept.items()})
        return
    held = context.configuration.stacks[running.ref.region].held
    rows = [
        (
            name,
            release.digest,
            release.promoted or "never",
            " ".join(
                word
                for word, true in (
                    ("current", release.current),
                    ("last-good", release.last_good),
                    ("held", held.get(name) == release.digest),
                )
                if true
            ),
        )
        for name, releases in kept.items()
        for release in releases
    ]
    print_table(f"Releases on {host}", ("bundle", "release", "promoted (UTC)", ""), rows)


@app.command()
def show(
    host: Host,
    bundle: Bundle,
    digest: Annotated[
        str, typer.Argument(help="A release, or the beginning of its digest; default: the current.")
    ] = "",
    root: Root = None,
    json: Json = False,
) -> None:
    """One release: when it was promoted, its images, the versions that wrote its data."""
    from fleet.release.kept import NoSuchRelease, chosen, kept_releases

    context = Context(root)
    releases = kept_releases(context.host(host), (bundle,), context.vault)[bundle]
    current = next((release for release in releases if release.current), None)
    if not digest and current is None:
        raise NoSuchRelease(f"{host}: no release of {bundle} was promoted there")
    release = chosen(releases, host, bundle, digest) if digest or current is None else current
    facts = _facts(release)
    if json:
        print_json(facts)
        return
    print_table(f"{bundle} on {host}", ("", ""), [(name, str(value)) for name, value in facts.items()])


@app.command()
def rollback(
    host: Host,
    bundle: Bundle,
    digest: Annotated[str, typer.Argument(help="A kept release; default: the one before the current.")] = "",
    root: Root = None,
) -> None:
    """Go back to an earlier release by the same deploy, and hold it: no later up brings the newer one back unasked."""
    from fleet.cli.commands.up import tell
    from fleet.release.hold import hold
    from fleet.release.kept import chosen, kept_releases

    context = Context(root)
    running = context.host(host)
    release = chosen(kept_releases(running, (bundle,), context.vault)[bundle], host, bundle, digest)
    run = hold(context.workspace, running, bundle, release, progress)
    tell([run], [running.ref.region])
    if not run.ok:
        raise typer.Exit(1)
    print(f"{bundle} on {host} is held at {release.digest}; let the rendered one in with: fleet release resume")


@app.command()
def resume(host: Host, bundle: Bundle, root: Root = None) -> None:
    """Stop holding an earlier release: the next up deploys what is rendered."""
    from fleet.release.hold import let_go

    context = Context(root)
    let_go(context.root, context.host(host).ref.region, bundle)
    print("it reaches the host with the next: fleet up")


def _facts(release: KnownRelease) -> dict[str, object]:
    return {name: value for name, value in vars(release).items() if name != "files"}
