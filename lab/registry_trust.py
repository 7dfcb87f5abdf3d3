"""Who the lab's registry is and why a server believes it: an authority of the lab's own, made when the lab starts.

A cloud's server resolves a registry's name by DNS and trusts public authorities. In the lab both are put in place when
a server is made: the name into its hosts file, the authority where its Docker looks for it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAME = "registry.lab"
PORT = 5000
HOST = f"{NAME}:{PORT}"
"""As it stands in front of an image's name."""

VALID = timedelta(days=365)

DOCKERS_FOLDER = f"/etc/docker/certs.d/{HOST}"
"""Where dockerd looks for a registry's authority (``ca.crt``), anew for each request."""


@dataclass(frozen=True)
class Trust:
    """The files of it."""

    certificate: Path
    key: Path
    authority: Path


def trusted_folder(folder: Path) -> Path:
    """What a server gets of it: the authority's certificate, nothing else."""
    return folder / "trusted"


def make(folder: Path, address: IPv4Address) -> Trust:
    """The registry's certificate for its name and address, signed by a new authority whose key nobody keeps.

    What is there already stays: servers that stand believe in it.
    """
    trust = Trust(folder / "registry.crt", folder / "registry.key", trusted_folder(folder) / "ca.crt")
    if trust.certificate.exists():
        return trust
    trust.authority.parent.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a fleet's lab")])
    ca = (
        _begin(authority, authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    names = [x509.DNSName(NAME), x509.IPAddress(address)]
    certificate = (
        _begin(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), authority, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(trust.key, key)
    trust.authority.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    # Last: its presence says that all of it is there.
    trust.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return trust


def _begin(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    # From yesterday: a machine's clock may be put right while a lab stands.
    begin = datetime.now(UTC) - timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + VALID)
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
