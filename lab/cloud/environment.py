"""The environment in which the engine meets the lab instead of the clouds, and the plugins it finds there."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from lab.cloud import listing
from lab.cloud.aws import api as aws
from lab.cloud.digitalocean import api as digitalocean
from lab.cloud.vultr import api as vultr
from lab.plugin.program import PREFIX
from lab.settings import CHECKOUT, HOME_VARIABLE, LabHome

SDKS = {
    "vultr": "ediri-vultr",
    "digitalocean": "pulumi-digitalocean",
    "aws": "pulumi-aws",
}
"""Provider to the distribution of its SDK: the engine looks for a plugin of exactly that version."""

_PLUGIN = """\
#!{python}
# The lab's stand-in for a provider's plugin; which provider follows from this file's name.
import sys

sys.path.insert(0, {checkout!r})
from lab.plugin.program import main

main()
"""

_FOREIGN = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "DIGITALOCEAN_ACCESS_TOKEN",
    "SPACES_ACCESS_KEY_ID",
    "SPACES_SECRET_ACCESS_KEY",
    "PULUMI_ACCESS_TOKEN",
)
"""Variables by which a real account could get into a lab run."""


def environment(home: Path) -> dict[str, str]:
    """Everything that a run of the engine against the lab at ``home`` needs, to be laid over the caller's environment.

    Real credentials are overridden, not only left out: a lab run never sees one. The lab has a PULUMI_HOME of its
    own, so that a run against the clouds never finds a stand-in. PATH (engine, Python) and the passphrase are the
    caller's. Call ``install_plugins`` once before.
    """
    home = home.resolve()
    lists = listing.url(LabHome(home))
    return {
        **dict.fromkeys(_FOREIGN, ""),
        HOME_VARIABLE: str(home),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{home}/state",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # A real provider's plugin on PATH would come before the lab's.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        # Whoever asks a cloud for its lists asks the lab's, also while nothing answers there.
        "FLEET_VULTR_URL": lists,
        "DIGITALOCEAN_API_URL": lists,
        "AWS_ENDPOINT_URL": lists,
        "VULTR_API_KEY": vultr.TOKEN,
        "DIGITALOCEAN_TOKEN": digitalocean.TOKEN,
        "AWS_ACCESS_KEY_ID": aws.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": aws.SECRET_KEY,
        "AWS_REGION": aws.REGION,
        "AWS_DEFAULT_REGION": aws.REGION,
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(CHECKOUT),
    }


def install_plugins(home: Path) -> None:
    """Put the stand-ins where an engine with the lab's PULUMI_HOME finds them, and make the state's folder.

    Plugins of SDK versions that are not installed any more are removed.

    Raises:
        importlib.metadata.PackageNotFoundError: a provider's SDK is not installed in this Python environment.
    """
    home = home.resolve()
    plugins = home / "pulumi" / "plugins"
    wanted = {f"resource-{name}-v{version(sdk)}": name for name, sdk in SDKS.items()}
    plugins.mkdir(parents=True, exist_ok=True)
    (home / "state").mkdir(exist_ok=True)
    for folder in plugins.glob("resource-*"):
        # The engine keeps files of its own beside the folders (``.lastused``, ``.lock``).
        if folder.is_dir() and folder.name not in wanted:
            shutil.rmtree(folder)
    for folder_name, provider in wanted.items():
        program = plugins / folder_name / f"{PREFIX}{provider}"
        text = _PLUGIN.format(python=sys.executable, checkout=str(CHECKOUT))
        if program.exists() and program.read_text() == text:
            continue
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
