"""Targets of webhooks at any address, and attempts to send to them."""

import select
import threading
import time

from cachesync.config.settings import WebhookTarget
from cachesync.notify.target import Delivery, open_target
from tests.support.messages import BODY

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

RUNNING = threading.Event()


def target_at(url, poster, **more):
    config = WebhookTarget(url, **{"allow_private": True, "timeout_seconds": 10.0} | more)
    return open_target(config, poster=poster, environment={"HOOK": SECRET})


def send(url, poster, **more):
    delivery = Delivery("msg_1", "specs.cached", BODY, int(time.time()))
    return target_at(url, poster, **more).send(delivery, stop=RUNNING)


def at(*addresses):
    """A resolver that knows one name."""
    return lambda _name: addresses


def reached(listener):
    """Whether anybody has connected."""
    return bool(select.select([listener], [], [], 0.02)[0])
