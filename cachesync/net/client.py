"""Fetching over real connections. The only module that knows httpx.

httpx has no deadline for a whole exchange, unpacks without bound, and quotes headers in its errors.
Its client keeps cookies, logs addresses and looks into redirects that it does not follow. So this
uses its transport only, reads bodies raw over connections of `wire`, and does not pass its words on
where they could hold a secret.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from threading import BoundedSemaphore, Event, Lock
from typing import TYPE_CHECKING, Self, TypeVar

import httpcore
import httpx

from .. import __version__
from . import policy
from .answer import Answer, BrokenError
from .request import Download, FetchError, FetchStoppedError, Request, Response, host
from .wire import BLOCKING_SECONDS, Backend, Deadline, Stream

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

__all__ = ["IDENTITY", "HttpFetcher", "Transport", "plain_errors", "trusted"]

PATIENCE_SECONDS = 60.0
"""A longer wait is not sat out inside a fetch."""
AFTER_429_SECONDS = 60.0
"""When to come back where a server limits the rate and does not say for how long."""
CONNECTIONS_PER_HOST = 8
IDLE_SECONDS = 15.0

IDENTITY = {"User-Agent": f"cachesync/{__version__}", "Accept": "*/*"}
_HEADERS = {**IDENTITY, "Accept-Encoding": "gzip"}
_RANDOM = random.SystemRandom()
_Taken = TypeVar("_Taken")
_Origin = tuple[str, str, int | None]


class HttpFetcher:
    """See `net.Fetcher`. Holds the connections, and what each host asked to wait for."""

    def __init__(
        self,
        *,
        request_seconds: float,
        stop: Event,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] | None = None,
        chance: Callable[[], float] = _RANDOM.random,
    ) -> None:
        self._seconds = request_seconds
        self._stop = stop
        self._clock = clock
        self._wall_clock = wall_clock
        self._sleep = sleep or stop.wait
        self._chance = chance
        self._lock = Lock()
        self._slots: dict[_Origin, BoundedSemaphore] = {}
        self._waiting: dict[_Origin, tuple[float, str]] = {}
        self._transport = Transport()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def fetch(self, request: Request) -> Response:
        """See `net.Fetcher`."""

        def whole(answer: Answer) -> Response:
            with closing(answer):
                return Response(answer.status, answer.headers, answer.whole(request.most_bytes))

        return self._persist(request, whole)

    @contextmanager
    def stream(self, request: Request) -> Iterator[Download]:
        """See `net.Fetcher`."""
        answer = self._persist(request, lambda answer: answer)
        with closing(answer):
            yield Download(answer.status, answer.headers, answer.last_chunks(request.most_bytes))

    def _persist(self, request: Request, take: Callable[[Answer], _Taken]) -> _Taken:
        """What `take` makes of the final answer; asks up to ATTEMPTS times for one."""
        if request.authorization is not None and not policy.is_sendable(request.authorization):
            raise FetchError(f"{host(request.url)}: the token holds what no header can hold")
        if not all(policy.is_sendable(value) for value in request.headers.values()):
            raise FetchError(f"{host(request.url)}: a header that cannot be sent")
        visit = _Visit(request, Deadline(self._seconds, self._clock, self._stop))
        for attempt in range(policy.ATTEMPTS):
            if attempt:
                self._wait(visit, policy.backoff_seconds(attempt - 1, self._chance()))
            try:
                answer = self._final(visit)
                wait = policy.wait_before_retry(answer.status, answer.headers, self._wall_clock())
                if wait is None:
                    return take(answer)
                answer.close()
                visit.failed(f"{host(answer.url)}: answered {answer.status}", wait.seconds)
                if wait.seconds is not None:
                    self._demanded(answer, wait.seconds)
                elif answer.status == 429:
                    visit.retry_after_seconds = AFTER_429_SECONDS
            except BrokenError as error:
                visit.failed(error.reason, None)
        raise FetchError(
            f"{visit.failure} ({policy.ATTEMPTS} attempts)",
            retry_after_seconds=visit.retry_after_seconds,
        )

    def _final(self, visit: _Visit) -> Answer:
        """The answer at the end of all redirects."""
        url, authorization = visit.request.url, visit.request.authorization
        seen = {url}
        while True:
            answer = self._ask(visit, url, authorization)
            if answer.status not in policy.REDIRECTS:
                return answer
            answer.close()
            target = policy.redirected(url, answer.headers.get("location"))
            if target in seen:
                raise FetchError(f"{host(url)}: redirects lead round in a circle")
            if len(seen) > policy.MAX_REDIRECTS:
                raise FetchError(f"{host(url)}: more than {policy.MAX_REDIRECTS} redirects")
            seen.add(target)
            if policy.origin(target) != policy.origin(url):
                authorization = None
            url = target

    def _ask(self, visit: _Visit, url: str, authorization: str | None) -> Answer:
        headers = {**_HEADERS, **visit.request.headers}
        if authorization is not None:
            headers["Authorization"] = authorization
        origin = policy.origin(url)
        self._sit_out(visit, origin)
        slot = self._slot(origin, visit.deadline)
        try:
            with plain_errors(url):
                response = self._transport.ask("GET", url, headers, deadline=visit.deadline)
        except BaseException:
            slot.release()
            raise
        return _answer(url, response, slot, visit)

    def _slot(self, origin: _Origin, deadline: Deadline) -> BoundedSemaphore:
        """One of the connections to `origin`, taken; waiting for it does not count."""
        with self._lock:
            slot = self._slots.setdefault(origin, BoundedSemaphore(CONNECTIONS_PER_HOST))
        began = self._clock()
        while not slot.acquire(timeout=BLOCKING_SECONDS):
            if self._stop.is_set():
                raise FetchStoppedError("stopped")
        deadline.extend(self._clock() - began)
        return slot

    # -- waiting

    def _demanded(self, answer: Answer, seconds: float) -> None:
        """Remember that the host is not to be asked for so long, by nobody."""
        origin = policy.origin(answer.url)
        until = self._clock() + seconds
        with self._lock:
            self._waiting[origin] = max(
                (until, f"{host(answer.url)}: answered {answer.status}"),
                self._waiting.get(origin, (until, "")),
            )

    def _sit_out(self, visit: _Visit, origin: _Origin) -> None:
        with self._lock:
            until, why = self._waiting.get(origin, (0.0, ""))
        seconds = until - self._clock()
        if seconds > 0:
            self._wait(visit, seconds, why)

    def _wait(self, visit: _Visit, seconds: float, why: str = "") -> None:
        """Sleep; what is slept does not count. Raises FetchError when that would be too long."""
        if visit.waited + seconds > PATIENCE_SECONDS:
            until = policy.instant(self._wall_clock() + seconds)
            raise FetchError(
                f"{why or visit.failure}; not to be asked before {until}",
                retry_after_seconds=seconds,
            )
        self._sleep(seconds)
        visit.waited += seconds
        visit.deadline.extend(seconds)


class _Visit:
    """One fetch with all its attempts."""

    def __init__(self, request: Request, deadline: Deadline) -> None:
        self.request = request
        self.deadline = deadline
        self.waited = 0.0
        self.failure = ""
        self.retry_after_seconds: float | None = None

    def failed(self, failure: str, retry_after_seconds: float | None) -> None:
        self.failure, self.retry_after_seconds = failure, retry_after_seconds


def _answer(url: str, response: httpx.Response, slot: BoundedSemaphore, visit: _Visit) -> Answer:
    """The answer in `response`; closing it gives `slot` back."""
    rate = visit.request.least_bytes_per_second
    stream = response.extensions.get("network_stream")

    def raw() -> Iterator[bytes]:
        with plain_errors(url):
            for data in response.iter_raw():
                if rate:
                    visit.deadline.extend(len(data) / rate)
                yield data

    def close(is_overlong: bool) -> None:  # noqa: FBT001
        try:
            if is_overlong and isinstance(stream, Stream):
                stream.close()  # what is left over would be taken for the next answer
            with suppress(httpx.HTTPError):
                response.close()
        finally:
            slot.release()

    return Answer(
        url=url,
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        raw=raw(),
        arrived=lambda: stream.body_bytes if isinstance(stream, Stream) else 0,
        on_close=close,
    )


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


class Transport(httpx.HTTPTransport):
    """httpx's own, over connections that keep to a deadline."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        backend: Backend | None = None,
        idle_seconds: float = IDLE_SECONDS,
        most_idle: int = 2 * CONNECTIONS_PER_HOST,
    ) -> None:
        context = context or trusted()
        super().__init__(verify=context, trust_env=False)
        # httpx 0.28 has no argument for it; without it the tests that drip fail.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=most_idle,
            keepalive_expiry=idle_seconds,
            network_backend=backend or Backend(),
        )

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        deadline: Deadline,
    ) -> httpx.Response:
        """The head of the answer. Raises what `plain_errors` makes better ones of."""
        # Where httpx expects seconds, `wire` takes the deadline itself.
        until = dict.fromkeys(("connect", "read", "write"), deadline)
        return self.handle_request(
            httpx.Request(
                method,
                url,
                headers=dict(headers),
                content=body,
                extensions={"timeout": {**until, "pool": None}},
            )
        )


def trusted() -> ssl.SSLContext:
    """Trusts the public authorities, and those this machine trusts besides."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
