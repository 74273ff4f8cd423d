"""Captured requests that were sent in chunks: the decoding, and `webhook verify` of real ones."""

import http.client
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.notify.chunked import ChunkError, decoded, is_chunked
from cachesync.notify.webhook import Key, signed_headers
from tests.notify.test_receiver import OLD, SENT, secrets, verify
from tests.support.messages import BODY

__all__ = ["secrets"]

ENDS = st.sampled_from([b"\r\n", b"\n"])
EXTENSIONS = st.sampled_from([b"", b";a=b", b" ;name", b';q="x, y"'])
TAILS = st.sampled_from([b"", b"\r\n", b"\n", b"X-Trailer: y\r\n\r\n", b"\r\n\r\n\n"])


def in_chunks(parts, end=b"\r\n", extension=b"", tail=b"\r\n"):
    """A body in chunks as it stands on the wire."""
    chunks = [b"%x%s%s%s%s" % (len(part), extension, end, part, end) for part in parts if part]
    return b"".join([*chunks, b"0", extension, end, tail])


@given(st.lists(st.binary(max_size=40), max_size=8), ENDS, EXTENSIONS, TAILS)
def test_decoding_undoes_encoding(parts, end, extension, tail):
    """Whatever the content, the chunks, their extensions, the trailers and the ends of lines."""
    assert decoded(in_chunks(parts, end, extension, tail)) == b"".join(parts)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8), st.data())
def test_a_body_that_ends_early_is_told(parts, data):
    """At every byte before the last chunk; nothing shorter is taken for the whole."""
    whole = in_chunks(parts, tail=b"")
    first = whole.index(b"\n") + 1
    cut = whole[: data.draw(st.integers(first, len(whole) - 4))]
    with pytest.raises(ChunkError, match="ends early"):
        decoded(cut)


@given(st.binary(max_size=200))
def test_anything_is_decoded_or_refused(noise):
    """Never with another exception, and never to more than was given."""
    for body in (noise, b"2\r\n" + noise):
        try:
            assert len(decoded(body)) <= len(body)
        except ChunkError:
            pass


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"3\r\nabcdef\r\n0\r\n\r\n", "chunk 1 of the body is longer than the size before it"),
        (b"3\r\nabc\r\nxyz\r\n", "chunk 2 of the body does not begin with its size"),
        (b"3\r\nabc\r\n-1\r\n", "chunk 2 of the body does not begin with its size"),
        (b"3\r\nabc\r\n" + b"1" * 17 + b"\r\n", "chunk 2 of the body does not begin with its size"),
        (b"3\r\nabc\r\n1;" + b"x" * 5000 + b"\r\n", "chunk 2 of the body does not begin"),
        (b"ffffffffffffffff\r\nabc", "chunk 1 has 3 of 18,446,744,073,709,551,615 bytes"),
    ],
)  # fmt: skip
def test_what_are_no_chunks(body, said):
    """The chunk is named; sizes and extensions are bounded."""
    with pytest.raises(ChunkError, match=said):
        decoded(body)


def test_which_encodings_are_read():
    """Chunks alone, in any case; what is compressed as well is not guessed at."""
    assert is_chunked("Chunked")
    assert not is_chunked("")
    assert not is_chunked("identity")
    with pytest.raises(ChunkError, match="gzip, chunked is not read"):
        is_chunked("gzip, chunked")


def captured_over_a_socket(send):
    """The bytes of a request as they arrive at a receiver, which answers 204 to the last chunk."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = []

        def receive():
            connection, _ = server.accept()
            with connection:
                connection.settimeout(30)
                while not b"".join(taken).endswith(b"\r\n\r\n") or b"\r\n0" not in b"".join(taken):
                    taken.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        receiver = threading.Thread(target=receive)
        receiver.start()
        send(server.getsockname()[1])
        receiver.join(30)
    return b"".join(taken)


def headers_of(body):
    return signed_headers([Key(OLD)], message_id="msg_1", timestamp=SENT, body=body)


def send_with_a_library(port):
    """As http.client sends a body whose length it does not know."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    pieces = iter([BODY[:7], BODY[7:300], BODY[300:]])
    connection.request("POST", "/hook", pieces, headers_of(BODY), encode_chunked=True)
    assert connection.getresponse().status == 204
    connection.close()


def send_as_a_proxy(port):
    """With extensions and a trailer, as a proxy may."""
    lines = ["POST /hook HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "Trailer: X-Sum"]
    lines += [f"{name}: {value}" for name, value in headers_of(BODY).items()]
    body = in_chunks([BODY[:100], BODY[100:]], extension=b";via=proxy", tail=b"X-Sum: 1\r\n\r\n")
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 204")


@pytest.mark.parametrize("send", [send_with_a_library, send_as_a_proxy])
def test_a_request_that_was_sent_in_chunks_is_verified(world, secrets, send, tmp_path):
    """As it was captured; with its headers apart; cut off it is told that it is not whole."""
    request = captured_over_a_socket(send)
    assert b"transfer-encoding: chunked" in request.lower()
    for form in (request, request + b"\n"):
        done = verify(world, form, "--secret-file", secrets[0])
        assert (done.stderr, done.returncode) == (b"", 0)
        assert done.stdout.startswith(b"verified: msg_1, 10 s old")
    head, _, body = request.partition(b"\r\n\r\n")
    (tmp_path / "headers").write_bytes(head)
    apart = ["--secret-file", secrets[0], "--headers", str(tmp_path / "headers")]
    assert verify(world, body, *apart).returncode == 0
    assert verify(world, BODY, *apart).returncode == 0  # noted as it was taken, not as it came
    cut = verify(world, request[: len(head) + 100], "--secret-file", secrets[0])
    assert cut.returncode == 1
    assert b"the body ends early: chunk" in cut.stderr
    assert verify(world, request.replace(b"hdf5", b"hdf4"), *apart[:2]).returncode == 1
