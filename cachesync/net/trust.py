"""Whose certificates are trusted: the public authorities, this machine's, and those of a file.

OpenSSL passes over what SSL_CERT_FILE and SSL_CERT_DIR name and it cannot read, and Python raises
for SSLKEYLOGFILE without saying so. Here each is named; and what both would wait for, a pipe or a
terminal, is not opened at all.
"""

from __future__ import annotations

import os
import re
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from urllib.parse import urlsplit

import certifi

from ..errors import CachesyncError
from .access import Authorities, Proxy
from .request import FetchError

__all__ = ["Trust", "is_encrypted", "read_authorities", "trusted"]

MOST_BYTES = 32 << 20
"""Of certificates; all public authorities are a quarter of a mebibyte."""
_BEGIN = b"-----BEGIN "
_NO_FILE = "is no regular file"
_HASHED = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")
"""The files that OpenSSL looks for in a directory of certificates (openssl-rehash(1))."""


class Trust:
    """What `trusted` gives, made with the first connection that needs it: that takes up to 50 ms.

    What the environment names is looked at at once. Raises CachesyncError.
    """

    def __init__(self, authorities: Authorities | None = None) -> None:
        self._authorities = authorities
        self._lock = Lock()
        _look_at(os.environ)
        # Whether a log of keys can be written is told by the making.
        self._context = trusted(authorities) if os.environ.get("SSLKEYLOGFILE") else None

    def context(self, *, is_encrypted: bool) -> ssl.SSLContext:
        """For connections that may be encrypted; for others one that trusts nobody.

        Raises FetchError when what the environment names can be read no more.
        """
        if not is_encrypted:
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with self._lock:
            if self._context is None:
                try:
                    self._context = trusted(self._authorities)
                except CachesyncError as error:
                    raise FetchError(error.message, hint=error.hint) from None
            return self._context


def is_encrypted(url: str, proxy: Proxy | None) -> bool:
    """Whether TLS is spoken on the way to `url`: with its host, or with the proxy."""
    return "https" in (urlsplit(url).scheme, proxy and proxy.scheme)


def read_authorities(path: str, *, named_by: str = "ca_file") -> Authorities:
    """The certificates in a file of PEM. Raises CachesyncError, which names the file."""
    where = f"{named_by}: {path}"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not _is_harmless(os.fstat(descriptor)):
                raise CachesyncError(f"{where} {_NO_FILE}", hint=_remedy(named_by))
            data = os.read(descriptor, MOST_BYTES + 1)
        finally:
            os.close(descriptor)
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
    key_log = environment.get("SSLKEYLOGFILE", "")
    if key_log and not _may_be_opened(key_log):
        raise _no_key_log(f"{key_log} {_NO_FILE}")
    try:
        context = ssl.create_default_context(cafile=certifi.where())
    except OSError as error:
        reason = f"{key_log} cannot be written: {error.strerror or error}"
        raise _no_key_log(reason) from None
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
            hashed = [name for name in os.listdir(Path(folder)) if _HASHED.fullmatch(name)]
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise CachesyncError(
                f"SSL_CERT_DIR: {folder} cannot be read: {reason}", hint=_remedy("SSL_CERT_DIR")
            ) from None
        for path in (os.path.join(folder, name) for name in hashed):
            if not _may_be_opened(path):
                raise CachesyncError(
                    f"SSL_CERT_DIR: {path} {_NO_FILE}", hint=_remedy("SSL_CERT_DIR")
                )


def _is_harmless(found: os.stat_result) -> bool:
    """Whether neither opening nor using it can wait for somebody; a directory says itself what it is."""
    is_null = stat.S_ISCHR(found.st_mode) and found.st_rdev == os.stat(os.devnull).st_rdev
    return is_null or stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)


def _may_be_opened(path: str) -> bool:
    """Whether whoever opens it does not wait; what is not there is for them to tell."""
    try:
        return _is_harmless(os.stat(path))
    except (OSError, ValueError):  # ValueError: NUL in the path
        return True


def _no_key_log(reason: str) -> CachesyncError:
    remedy = "name a file that can be written, or unset SSLKEYLOGFILE"
    return CachesyncError(f"SSLKEYLOGFILE: {reason}", hint=remedy)


def _certificates(pem: str) -> str:
    """ASCII, as OpenSSL takes it: what stands between certificates may be anything."""
    return pem.encode("ascii", "replace").decode("ascii")


def _no_certificates(where: str, named_by: str) -> CachesyncError:
    return CachesyncError(f"{where} holds no certificates in PEM form", hint=_remedy(named_by))


def _remedy(named_by: str) -> str:
    if named_by == "ca_file":
        return "a file that the daemon's user can read, of -----BEGIN CERTIFICATE----- blocks"
    return f"name what can be read, or unset {named_by}"
