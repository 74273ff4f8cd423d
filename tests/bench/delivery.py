"""The benchmark of deliveries: `python tests/bench/delivery.py [--each 60] [--work DIR]`.

49 receivers that answer and one that never does get the same messages. Measured are deliveries a
second to the 49: by a bare httpx loop, which knows nothing of queues, signatures or addresses; by
the targets alone, each in a thread; and by the whole way through the outbox, where each delivery is
durable before and after. The receivers are one other process, and share the machine's processors.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT)]

import httpx  # noqa: E402

from cachesync import net  # noqa: E402
from cachesync.config.file import parse  # noqa: E402
from cachesync.config.settings import Config  # noqa: E402
from cachesync.notify import naming  # noqa: E402
from cachesync.notify.dispatch import Dispatcher  # noqa: E402
from cachesync.notify.message import Message  # noqa: E402
from cachesync.notify.outbox import intake, queue  # noqa: E402
from cachesync.notify.outbox.committer import Committer  # noqa: E402
from cachesync.notify.target import Delivery, Outcome, open_target  # noqa: E402
from cachesync.notify.ways import ways  # noqa: E402

GOOD = 49
ENVIRONMENT = {**os.environ, "BENCH_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
WARM = 2
"""Deliveries to each receiver that are not measured."""


def serve(ports: Any, arrived: Any) -> None:
    """Answer 204 on one port, and on another nothing; count."""

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            with arrived.get_lock():
                arrived.value += 1
            self.wfile.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = Server(("127.0.0.1", 0), Exchange)
    ports.put((server.server_address[1], silent.getsockname()[1]))
    server.serve_forever()


def body_of(changes: int = 8) -> bytes:
    """A message of a usual size."""
    build = {
        "version": "1.14.5", "compiler": "gcc@=13.2.0", "os": "ubuntu24.04", "platform": "linux",
        "target": "aarch64", "variants": ["+hl", "+mpi", "build_type=Release", "~cxx"],
    }  # fmt: skip
    change = {
        "seq": 42, "at": "2026-11-22T16:00:00.123Z", "kind": "spec.cached", "source": "mirror",
        "tag": "develop", "package": "hdf5", "hash": "bxjpbzp6ar2cezwvhbxsx35wxgtsrzah", "first": True,
        "stacks": ["e4s", "root"], "build": build,
    }  # fmt: skip
    data = {
        "subscription": "bench", "query": "hdf5", "total": changes, "more": 0, "since_seq": 1,
        "until_seq": 57, "changes": [change] * changes,
    }  # fmt: skip
    at = "2026-11-22T16:00:00Z"
    return json.dumps({"schema": 1, "type": "specs.cached", "timestamp": at, "data": data}).encode()


def configured(good: list[str], silent: str) -> Config:
    """One subscription with all targets."""
    lines = [
        f"    - {{type: webhook, url: '{url}', secret: {{env: BENCH_SECRET}}, allow_private: true}}"
        for url in [silent, *good]
    ]
    text = "subscriptions:\n- name: bench\n  query: hdf5\n  targets:\n" + "\n".join(lines)
    return parse(text, name="bench")


def a_second(count: int, work: Callable[[], object]) -> float:
    """How many of `count` are done a second by `work`."""
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def bare(urls: list[str], body: bytes, each: int) -> float:
    """httpx and nothing else, one after the other."""
    with httpx.Client() as client:

        def loop(times: int) -> None:
            for _ in range(times):
                for url in urls:
                    client.post(url, content=body).raise_for_status()

        loop(WARM)
        return a_second(each * len(urls), lambda: loop(each))


def alone(entries: Config, body: bytes, each: int) -> float:
    """The targets, each in a thread of its own; the first of them hangs."""
    stop = threading.Event()
    with net.open_poster() as poster:
        silent, *good = (
            open_target(entry, poster=poster, environment=ENVIRONMENT)
            for entry in entries.subscriptions[0].targets
        )

        def loop(target: Any, times: int) -> None:
            for number in range(times):
                delivery = Delivery(f"msg_{number}", "specs.cached", body, int(time.time()))
                result = target.send(delivery, stop=stop)
                assert stop.is_set() or result.outcome is Outcome.DELIVERED, result

        def all_of_them(times: int) -> None:
            threads = [threading.Thread(target=loop, args=(target, times)) for target in good]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        hanging = threading.Thread(target=loop, args=(silent, 1))
        hanging.start()
        all_of_them(WARM)
        rate = a_second(each * len(good), lambda: all_of_them(each))
        stop.set()
        hanging.join()
    return rate


def whole(entries: Config, body: bytes, each: int, arrived: Any, state_dir: Path) -> float:
    """Through the outbox: stored, sent by the dispatcher, recorded."""

    def clock() -> int:
        return time.time_ns() // 1000

    def fill(db: Any, times: int) -> None:
        message = Message("specs.cached", body, 1, 57, 8)
        intake.add_messages(db, subscription, [message] * times, at=clock())

    def wait_for(count: int) -> None:
        while arrived.value < count:
            time.sleep(0.002)
        while committer.run(lambda db: queue.due_targets(db, now=clock()))[0][1:]:
            time.sleep(0.01)  # the hanging one is due for ever

    committer = Committer(state_dir)
    committer.run(lambda db: intake.start_at(db, intake.Position("bench", 0, None)))
    entry = entries.subscriptions[0]
    subscription = committer.run(
        lambda db: intake.store_subscription(db, "bench", "hdf5", entry.events, first=True)
    )
    wanted = {naming.address(target): target.type for target in entry.targets}
    committer.run(lambda db: queue.store_targets(db, subscription, wanted))
    with net.open_poster() as poster:
        dispatcher = Dispatcher(committer.run, clock=clock, on_change=lambda: None)
        dispatcher.use(ways(entries, committer.run, poster, environment=ENVIRONMENT))
        good = len(entry.targets) - 1
        committer.run(lambda db: fill(db, WARM))
        arrived.value = 0
        dispatcher.start()
        wait_for(WARM * good)

        def measured() -> None:
            committer.run(lambda db: fill(db, each))
            dispatcher.wake()
            wait_for((WARM + each) * good)

        rate = a_second(each * good, measured)
        dispatcher.stop(5.0)
    committer.close()
    return rate


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=60, help="deliveries to each receiver")
    parser.add_argument("--work", type=Path, help="where the outbox is made (default: a new one)")
    options = parser.parse_args()
    ports = multiprocessing.Queue()
    arrived = multiprocessing.Value("q", 0)
    server = multiprocessing.Process(target=serve, args=(ports, arrived), daemon=True)
    server.start()
    good_port, silent_port = ports.get(timeout=30)
    urls = [f"http://127.0.0.1:{good_port}/{number}" for number in range(GOOD)]
    entries = configured(urls, f"http://127.0.0.1:{silent_port}/")
    body = body_of()
    print(
        f"{GOOD} receivers and one that hangs, {options.each} messages of {len(body):,} bytes each"
    )
    with tempfile.TemporaryDirectory(dir=options.work) as state_dir:
        baseline = bare(urls, body, options.each)
        print(f"bare httpx loop    {baseline:7,.0f}/s")
        for name, rate in (
            ("targets alone", alone(entries, body, options.each)),
            ("through the outbox", whole(entries, body, options.each, arrived, Path(state_dir))),
        ):
            print(f"{name:<18} {rate:7,.0f}/s  {rate / baseline:.2f}x")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
