"""A fetcher and a poster without a network, for the tests of whoever fetches or posts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event

from .request import (
    Download,
    FetchError,
    FetchStoppedError,
    Post,
    Request,
    Response,
    TooLargeError,
    host,
)

__all__ = ["Answer", "FakeFetcher", "FakePoster", "PostAnswer"]

Answer = Response | FetchError | Callable[[Request], Response]
"""What is answered or raised, or what makes the answer."""

PostAnswer = Response | FetchError | Callable[[Post], Response]
_NOT_FOUND = Response(404, {}, b"")


class FakeFetcher:
    """Answers from a mapping by address; of several answers one at a time, the last for ever.

    What is not in the mapping is answered 404. `requests` holds what was asked, in order.
    """

    def __init__(
        self, answers: Mapping[str, Answer | Sequence[Answer]], *, chunk_bytes: int = 4096
    ) -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, list[Answer]] = {}
        self._chunk_bytes = chunk_bytes
        for url, answer in answers.items():
            self.answer(url, answer)

    def answer(self, url: str, answer: Answer | Sequence[Answer]) -> None:
        """From now on answer `url` with `answer`."""
        is_one = isinstance(answer, Response) or not isinstance(answer, Sequence)
        self._answers[url] = [answer] if is_one else list(answer)  # type: ignore[list-item, arg-type]

    def fetch(self, request: Request) -> Response:
        """See `net.Fetcher`."""
        response = self._next(request)
        if request.method == "HEAD":
            length = {"content-length": str(len(response.body))}
            return Response(response.status, {**length, **response.headers}, b"")
        if len(response.body) > request.most_bytes:
            raise _too_large(request)
        return response

    @contextmanager
    def stream(self, request: Request) -> Iterator[Download]:
        """See `net.Fetcher`."""
        response = self._next(request)
        yield Download(response.status, response.headers, self._chunks(request, response.body))

    def _next(self, request: Request) -> Response:
        self.requests.append(request)
        answers = self._answers.get(request.url, [_NOT_FOUND])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, FetchError):
            raise answer
        return answer if isinstance(answer, Response) else answer(request)

    def _chunks(self, request: Request, body: bytes) -> Iterator[bytes]:
        for start in range(0, len(body), self._chunk_bytes):
            if start + self._chunk_bytes > request.most_bytes < len(body):
                raise _too_large(request)
            yield body[start : start + self._chunk_bytes]


class FakePoster:
    """Answers every post with the same, or with one answer after the other, the last for ever.

    `posts` holds what was posted, in order.
    """

    def __init__(self, *answers: PostAnswer) -> None:
        self.posts: list[Post] = []
        self._answers = list(answers)

    def post(self, post: Post, *, stop: Event) -> Response:
        """See `net.Poster`."""
        if stop.is_set():
            raise FetchStoppedError("stopped")
        self.posts.append(post)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, FetchError):
            raise answer
        return answer if isinstance(answer, Response) else answer(post)


def _too_large(request: Request) -> TooLargeError:
    return TooLargeError(
        f"{host(request.url)}: larger than the limit of {request.most_bytes:,} bytes"
    )
