"""One exchange with a server, directly or through a proxy. The only module that knows httpx.

httpx has no deadline for a whole exchange, unpacks without bound, and quotes headers in its errors.
Its client keeps cookies, logs addresses and looks into redirects that it does not follow. So this
uses its transport only, reads bodies raw over connections of `wire`, and does not pass its words on
where they could hold a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import httpcore
import httpx

from .. import __version__
from .access import Proxy
from .answer import BrokenError
from .request import FetchError, FetchStoppedError, host
from .tunnel import ProxyBackend
from .wire import Backend, Deadline, Stream

if TYPE_CHECKING:
    import ssl

__all__ = ["CONNECTIONS_PER_HOST", "IDENTITY", "Begun", "Transport", "plain_errors", "through"]

CONNECTIONS_PER_HOST = 8
IDLE_SECONDS = 15.0

IDENTITY = {"User-Agent": f"cachesync/{__version__}", "Accept": "*/*"}


@contextmanager
def plain_errors(url: str) -> Iterator[None]:
    """Turn what httpx raises into BrokenError or FetchError, without what it quotes."""
    try:
        yield
    except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError):
        raise FetchError(
            f"{host(url)}: the request cannot be sent (is the address valid?)"
        ) from None
    except httpx.TransportError as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BrokenError(f"{host(url)}: {reason}") from None
    except FetchStoppedError:
        raise
    except FetchError as error:
        if error.message.startswith(f"{host(url)}: "):
            raise
        raise type(error)(f"{host(url)}: {error.message}", hint=error.hint) from None


class Begun:
    """An answer whose head arrived: its status, its headers, and its body as it is sent; to be closed."""

    def __init__(self, url: str, response: httpx.Response) -> None:
        self._url = url
        self._response = response
        stream = response.extensions.get("network_stream")
        self._stream = stream if isinstance(stream, Stream) else None
        self.status = response.status_code
        self.headers: Mapping[str, str] = {
            name.lower(): value for name, value in response.headers.items()
        }

    def raw(self) -> Iterator[bytes]:
        """The body, packed as it may be. Raises BrokenError, FetchError."""
        with plain_errors(self._url):
            yield from self._response.iter_raw()

    def body_bytes(self) -> int:
        """What arrived of the body, and after it."""
        return 0 if self._stream is None else self._stream.body_bytes

    def close(self, *, is_overlong: bool = False) -> None:
        """Give the connection back; or up, where what is left would be taken for the next answer."""
        if is_overlong and self._stream is not None:
            self._stream.close()
        with suppress(httpx.HTTPError, OSError):  # what cannot be closed properly is closed
            self._response.close()


class Transport(httpx.HTTPTransport):
    """httpx's own, over connections that keep to a deadline, perhaps through a proxy."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext,
        proxy: Proxy | None = None,
        backend: Backend | None = None,
        idle_seconds: float = IDLE_SECONDS,
        most_idle: int = 2 * CONNECTIONS_PER_HOST,
    ) -> None:
        super().__init__(verify=context, trust_env=False)
        self._proxy = proxy
        if backend is None:
            backend = Backend() if proxy is None else through(proxy, context)
        # httpx 0.28 has no argument for it; without it the tests that drip fail.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=most_idle,
            keepalive_expiry=idle_seconds,
            network_backend=backend,
        )

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        deadline: Deadline,
    ) -> Begun:
        """The head of the answer, and the way to its body. Raises BrokenError, FetchError."""
        # Where httpx expects seconds, `wire` takes the deadline itself.
        until = dict.fromkeys(("connect", "read", "write"), deadline)
        extensions: dict[str, object] = {"timeout": {**until, "pool": None}}
        sent, proxy, place = dict(headers), self._proxy, url
        with plain_errors(url):
            target = httpx.URL(url)
            if proxy is not None and target.scheme == "http":
                # The proxy is asked itself, for the whole address (RFC 9112, 3.2.2).
                place = proxy.url
                sent["Host"] = target.netloc.decode("ascii")
                extensions["target"] = b"http://" + target.netloc + target.raw_path
                if proxy.authorization is not None:
                    sent["Proxy-Authorization"] = proxy.authorization
            return Begun(
                url,
                self.handle_request(
                    httpx.Request(method, place, headers=sent, content=body, extensions=extensions)
                ),
            )


def through(
    proxy: Proxy,
    context: ssl.SSLContext,
    check: Callable[[Deadline], None] = lambda _deadline: None,
) -> ProxyBackend:
    """What makes connections through `proxy`, each after `check`."""
    return ProxyBackend(proxy, agent=IDENTITY["User-Agent"], context=context, check=check)
