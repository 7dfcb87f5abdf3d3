"""Certificates of a lab: for some names, signed by an authority of the lab's own whose key nobody keeps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=365)
TRUSTED = "trusted"
"""The folder with what others get of it."""


@dataclass(frozen=True)
class Trust:
    """The files of it."""

    certificate: Path
    key: Path
    authority: Path


def make(folder: Path, authority_name: str, names: Sequence[str], *addresses: IPv4Address) -> Trust:
    """A certificate for names and addresses, signed by a new authority.

    What is there already stays: servers that stand believe in it.
    """
    trust = Trust(folder / "host.crt", folder / "host.key", folder / TRUSTED / "ca.crt")
    if trust.certificate.exists():
        return trust
    trust.authority.parent.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, authority_name)])
    ca = (
        _begin(authority, authority, authority_key, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS_CERTIFICATES, critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    known_as = [*(x509.DNSName(name) for name in names), *(x509.IPAddress(address) for address in addresses)]
    certificate = (
        _begin(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), authority, key, authority_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(known_as), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write_key(trust.key, key)
    trust.authority.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    # Last: its presence says that all of it is there.
    trust.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return trust


_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """What every certificate has. Python from 3.13 believes none without both key identifiers (RFC 5280, 4.2.1)."""
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
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
