"""Fetching over real connections: redirects, attempts, waits, and how many at a time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import BoundedSemaphore, Event, Lock
from typing import Self, TypeVar

from . import policy
from .access import DIRECT, Access, Proxy
from .answer import Answer, BrokenError
from .request import Download, FetchError, FetchStoppedError, Request, Response, Signer, host
from .transport import CONNECTIONS_PER_HOST, IDENTITY, Begun, Transport
from .trust import Trust, is_encrypted
from .tunnel import unwelcome
from .wire import BLOCKING_SECONDS, Deadline

__all__ = ["HttpFetcher"]

PATIENCE_SECONDS = 60.0
"""A longer wait is not sat out inside a fetch."""
AFTER_429_SECONDS = 60.0
"""When to come back where a server limits the rate and does not say for how long."""

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
        access: Access = DIRECT,
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
        self._proxies = access.proxies
        self._trust = Trust(access.authorities)
        self._transports: dict[tuple[Proxy | None, bool], Transport] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            transports, self._transports = list(self._transports.values()), {}
        for transport in transports:
            transport.close()

    def fetch(self, request: Request) -> Response:
        """See `net.Fetcher`."""

        def whole(answer: Answer) -> Response:
            with closing(answer):
                body = answer.whole(request.most_bytes)
                return Response(answer.status, answer.headers, body, _is_elsewhere(request, answer))

        return self._persist(request, whole)

    @contextmanager
    def stream(self, request: Request) -> Iterator[Download]:
        """See `net.Fetcher`."""
        answer = self._persist(request, lambda answer: answer)
        with closing(answer):
            chunks = answer.last_chunks(request.most_bytes)
            yield Download(answer.status, answer.headers, chunks, _is_elsewhere(request, answer))

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
        url, authorization, sign = (
            visit.request.url,
            visit.request.authorization,
            visit.request.sign,
        )
        seen = {url}
        while True:
            answer = self._ask(visit, url, authorization, sign)
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
                authorization = sign = None
            url = target

    def _ask(
        self, visit: _Visit, url: str, authorization: str | None, sign: Signer | None
    ) -> Answer:
        headers = {**_HEADERS, **visit.request.headers}
        if authorization is not None:
            headers["Authorization"] = authorization
        origin = policy.origin(url)
        self._sit_out(visit, origin)
        slot = self._slot(origin, visit.deadline)
        proxy = self._proxies.find(url)
        try:
            transport = self._transport(proxy, is_secure=is_encrypted(url, proxy))
            if sign is not None:  # after all waiting
                headers |= sign(visit.request.method, url)
            begun = transport.ask(visit.request.method, url, headers, deadline=visit.deadline)
        except BaseException:
            slot.release()
            raise
        answer = _answer(url, begun, slot, visit)
        refused = proxy and unwelcome(proxy, answer.status, answer.headers)
        if refused:
            answer.close()
            raise type(refused)(f"{host(url)}: {refused.message}", hint=refused.hint)
        return answer

    def _transport(self, proxy: Proxy | None, *, is_secure: bool) -> Transport:
        """The connections that go through `proxy`, or directly; encrypted, or not at all."""
        with self._lock:
            if (proxy, is_secure) not in self._transports:
                context = self._trust.context(is_encrypted=is_secure)
                self._transports[proxy, is_secure] = Transport(context=context, proxy=proxy)
            return self._transports[proxy, is_secure]

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


def _is_elsewhere(request: Request, answer: Answer) -> bool:
    return policy.origin(answer.url) != policy.origin(request.url)


def _answer(url: str, begun: Begun, slot: BoundedSemaphore, visit: _Visit) -> Answer:
    """The answer that has begun; closing it gives `slot` back."""
    rate = visit.request.least_bytes_per_second

    def raw() -> Iterator[bytes]:
        for data in begun.raw():
            if rate:
                visit.deadline.extend(len(data) / rate)
            yield data

    def close(is_overlong: bool) -> None:  # noqa: FBT001
        try:
            begun.close(is_overlong=is_overlong)
        finally:
            slot.release()

    return Answer(
        url=url,
        status=begun.status,
        headers=begun.headers,
        raw=raw(),
        arrived=begun.body_bytes,
        on_close=close,
        has_body=visit.request.method != "HEAD",
    )
