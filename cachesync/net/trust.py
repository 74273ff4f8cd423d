"""Whose certificates are trusted: the public authorities, this machine's, and those of a file.

OpenSSL passes over what SSL_CERT_FILE and SSL_CERT_DIR name and it cannot read, and Python raises
for SSLKEYLOGFILE without saying so. Here each is named.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

import certifi

from ..errors import CachesyncError
from .access import Authorities

__all__ = ["read_authorities", "trusted"]

MOST_BYTES = 32 << 20
"""Of certificates; all public authorities are a quarter of a mebibyte."""
_BEGIN = b"-----BEGIN "


def read_authorities(path: str, *, named_by: str = "ca_file") -> Authorities:
    """The certificates in a file of PEM. Raises CachesyncError, which names the file."""
    where = f"{named_by}: {path}"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            data = file.read(MOST_BYTES + 1) or b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CachesyncError(f"{where} cannot be read: {reason}", hint=_remedy(named_by)) from None
    if len(data) > MOST_BYTES:
        raise CachesyncError(f"{where} is larger than {MOST_BYTES >> 20} MiB")
    pem = data.decode("latin-1")
    if not data and named_by != "ca_file":  # /dev/null: nobody besides
        return Authorities(path, "")
    if _BEGIN not in data:
        raise _no_certificates(where, named_by)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=_certificates(pem))
    except (ssl.SSLError, ValueError):
        raise _no_certificates(where, named_by) from None
    return Authorities(path, pem)


def trusted(
    authorities: Authorities | None = None, *, environment: Mapping[str, str] = os.environ
) -> ssl.SSLContext:
    """Verifies servers against the public authorities, this machine's, and `authorities`.

    Raises CachesyncError, which names the variable, when the environment says what cannot be done.
    """
    _look_at(environment)
    try:
        context = ssl.create_default_context(cafile=certifi.where())
    except OSError as error:
        key_log = environment.get("SSLKEYLOGFILE", "")
        raise CachesyncError(
            f"SSLKEYLOGFILE: {key_log} cannot be written: {error.strerror or error}",
            hint="name a file that can be written, or unset SSLKEYLOGFILE",
        ) from None
    context.load_default_certs()
    if authorities is not None:
        context.load_verify_locations(cadata=_certificates(authorities.pem))
    context.set_alpn_protocols(["http/1.1"])
    return context


def _look_at(environment: Mapping[str, str]) -> None:
    file = environment.get("SSL_CERT_FILE")
    if file:
        read_authorities(file, named_by="SSL_CERT_FILE")
    for folder in filter(None, environment.get("SSL_CERT_DIR", "").split(os.pathsep)):
        try:
            os.listdir(Path(folder))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CachesyncError(
                f"SSL_CERT_DIR: {folder} cannot be read: {reason}", hint=_remedy("SSL_CERT_DIR")
            ) from None


def _certificates(pem: str) -> str:
    """ASCII, as OpenSSL takes it: what stands between certificates may be anything."""
    return pem.encode("ascii", "replace").decode("ascii")


def _no_certificates(where: str, named_by: str) -> CachesyncError:
    return CachesyncError(f"{where} holds no certificates in PEM form", hint=_remedy(named_by))


def _remedy(named_by: str) -> str:
    if named_by == "ca_file":
        return "a file that the daemon's user can read, of -----BEGIN CERTIFICATE----- blocks"
    return f"name what can be read, or unset {named_by}"
