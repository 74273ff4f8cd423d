"""A fetcher that says who it is where a server asks: Basic, or a token that another server gives.

Tokens: https://distribution.github.io/distribution/spec/auth/token/. Whom a password is told:

- the origin that a request is for, where it answers 401 itself; never one that it redirects to;
- the token server that this origin names, over https, or on this machine; over plain HTTP only on the
  host of a server that is itself asked over plain HTTP, and so could be told the password just so.

A server that is trusted with a password by its address names its token server; no one else does: the
challenge of a server that was redirected to is not answered (as in CVE-2020-15157 of containerd).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from urllib.parse import urlencode, urlsplit

from . import policy
from .challenges import basic, challenges
from .request import (
    Download,
    Fetcher,
    FetchError,
    FetchStoppedError,
    Login,
    Request,
    Response,
    host,
    is_loopback,
    shown,
)

__all__ = ["Authorized"]

MOST_ANSWER_BYTES = 1 << 18
"""Of what a token server says."""
MOST_REALM_CHARACTERS = 2048
_NEEDED = "`credentials: {username, password}` of somebody who may read it"
_Origin = tuple[str, str, int | None]


class Authorized:
    """See `net.Fetcher`. Holds the tokens it was given, by origin and scope.

    Where a 401 comes it is asked once more, with a proof that is new; a 401 to that is a FetchError.
    """

    def __init__(self, fetcher: Fetcher, login: Login | None = None) -> None:
        self._fetcher = fetcher
        self._login = login
        self._renewing = Lock()
        self._proofs: dict[tuple[_Origin, str], str] = {}
        self._latest: dict[_Origin, str] = {}

    def fetch(self, request: Request) -> Response:
        """See `net.Fetcher`."""
        attempt = _Attempt(request, self._latest.get(policy.origin(request.url)))
        while True:
            answer = self._fetcher.fetch(attempt.request)
            if not _is_challenge(answer):
                return answer
            self._renew(attempt, answer.headers)

    @contextmanager
    def stream(self, request: Request) -> Iterator[Download]:
        """See `net.Fetcher`."""
        attempt = _Attempt(request, self._latest.get(policy.origin(request.url)))
        while True:
            with self._fetcher.stream(attempt.request) as download:
                if not _is_challenge(download):
                    yield download
                    return
            # Not before the connection is given back: the token may have to come over the same.
            self._renew(attempt, download.headers)

    def _renew(self, attempt: _Attempt, headers: Mapping[str, str]) -> None:
        """Give an attempt another proof than it had. Raises FetchError where none helps."""
        header = headers.get("www-authenticate", "")
        if attempt.is_fresh:
            raise self._refused(attempt.request, header)
        url = attempt.request.url
        origin = policy.origin(url)
        challenge = next((one for one in challenges(header) if one.scheme == "bearer"), None)
        key = (origin, "" if challenge is None else challenge.parameters.get("scope", ""))
        with self._renewing:  # who comes second takes what the first one was given
            known = self._proofs.get(key)
            attempt.is_fresh = attempt.was_known or known in (None, attempt.request.authorization)
            attempt.was_known = True
            if attempt.is_fresh or known is None:
                known = self._basic(url, header) if challenge is None else (
                    f"Bearer {self._token(url, challenge.parameters)}"
                )  # fmt: skip
            self._proofs[key] = self._latest[origin] = known
        attempt.request = attempt.request._replace(authorization=known)

    def _basic(self, url: str, header: str) -> str:
        if all(one.scheme != "basic" for one in challenges(header)):
            raise FetchError(
                f"{host(url)}: answered 401, and asks for neither a password nor a token (Basic, Bearer)"
            )
        if self._login is None:
            raise FetchError(f"{host(url)}: wants to know who asks (answered 401)", hint=_NEEDED)
        return basic(*self._login)

    def _refused(self, request: Request, header: str) -> FetchError:
        errors = (one.parameters.get("error", "") for one in challenges(header))
        code = next((error for error in errors if error.replace("_", "").isalpha()), "")
        said = f"answered 401{f', {code[:40]},' if code else ''}"
        who = (
            "a new token" if (request.authorization or "").startswith("Bearer") else "the password"
        )
        hint = _NEEDED if self._login is None else "check `credentials:`, and what they may read"
        return FetchError(f"{host(request.url)}: {said} to {who}", hint=hint)

    def _token(self, url: str, parameters: Mapping[str, str]) -> str:
        realm = _realm(url, parameters.get("realm", ""))
        if self._login is not None and not _may_know(realm, url):
            raise FetchError(
                f"{host(url)}: names a token server that no password is sent to: {shown(realm)}",
                hint="its `realm` has to be https, or on its own host where that is asked without TLS",
            )
        said = [(name, parameters[name]) for name in ("service",) if name in parameters]
        said += [("scope", scope) for scope in parameters.get("scope", "").split()]
        query = urlencode([*said, ("client_id", "cachesync")])
        authorization = None if self._login is None else basic(*self._login)
        address = f"{realm}{'&' if urlsplit(realm).query else '?'}{query}"
        try:
            answer = self._fetcher.fetch(Request(address, MOST_ANSWER_BYTES, {}, authorization))
        except FetchStoppedError:
            raise
        except FetchError as error:
            raise FetchError(
                f"no token from {error.message}",
                hint=error.hint, retry_after_seconds=error.retry_after_seconds,
            ) from None  # fmt: skip
        if answer.status != 200:
            is_denied = answer.status in (401, 403)
            hint = (
                _NEEDED if self._login is None else "check `credentials:`, and what they may read"
            )
            raise FetchError(
                f"no token from {host(realm)}: answered {answer.status}",
                hint=hint if is_denied else None,
            )
        return _token_in(answer.body, host(realm))


class _Attempt:
    """One request, and with what it was asked."""

    def __init__(self, request: Request, proof: str | None) -> None:
        self.request = request if proof is None else request._replace(authorization=proof)
        self.was_known = False
        """Whether it was asked a second time."""
        self.is_fresh = False
        """Whether its proof was made for it."""


def _is_challenge(answer: Response | Download) -> bool:
    return answer.status == 401 and not answer.is_elsewhere


def _realm(url: str, realm: str) -> str:
    """The address of a token server. Raises FetchError."""
    where = f"{host(url)}: names a token server"
    if len(realm) > MOST_REALM_CHARACTERS or not policy.is_sendable(realm or " "):
        raise FetchError(f"{where} that is no address")
    try:
        policy.origin(realm)
    except FetchError as error:
        raise FetchError(f"{where} at {error.message}") from None
    if "@" in urlsplit(realm).netloc:
        raise FetchError(f"{where} at an address with a user or password")
    return realm.partition("#")[0]


def _may_know(realm: str, url: str) -> bool:
    """Whether a token server may be told the password for the origin of `url`; see above."""
    scheme, name, _ = policy.origin(realm)
    asked_scheme, asked_name, _ = policy.origin(url)
    if scheme == "https" or is_loopback(realm):
        return True
    return asked_scheme == "http" and asked_name == name


def _token_in(body: bytes, server: str) -> str:
    """The token in an answer. Raises FetchError, which shows nothing of it."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise FetchError(f"no token from {server}: its answer is no JSON") from None
    for name in ("token", "access_token") if isinstance(answer, dict) else ():
        token = answer.get(name)
        if isinstance(token, str) and policy.is_sendable(token):
            return token
    raise FetchError(f"no token from {server}: its answer holds none")
