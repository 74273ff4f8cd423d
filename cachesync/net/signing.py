"""Signed requests: what tells a bucket (S3) who asks, by botocore's signer.

A signature is of one method, address and minute, so each attempt gets a new one. Only `Host` and the
`x-amz-` headers that are made here are signed: those of conditions and ranges may be whatever they are.

Form: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

from ..errors import CachesyncError
from .policy import is_sendable
from .request import Signer

__all__ = ["Keys", "open_signer"]

EXTRA = "pip install 'cachesync[s3]', or `anonymous: true` for what everybody may read"


class Keys(NamedTuple):
    """A key of a bucket, as botocore wants it. Its `repr` shows nothing of it."""

    access_key: str
    secret_key: str
    token: str | None = None
    """Of a session."""

    def __repr__(self) -> str:
        return "Keys()"


def open_signer(keys: Keys, region: str) -> Signer:
    """What signs requests to S3 in a region.

    Raises CachesyncError where botocore is not installed, or a header cannot hold the key.
    """
    if not all(is_sendable(value) for value in (keys.access_key, keys.token or "-")):
        raise CachesyncError(
            "a key of a bucket holds what no header can hold", hint="check `credentials:`"
        )
    if find_spec("botocore") is None:
        raise CachesyncError("signed requests to a bucket need botocore", hint=EXTRA)
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest

    # It logs what it signs, which the token of a session is a part of.
    logging.getLogger("botocore").setLevel(logging.CRITICAL)
    signer = S3SigV4Auth(keys, "s3", region)

    def sign(method: str, url: str) -> Mapping[str, str]:
        request = AWSRequest(method, url)
        signer.add_auth(request)
        return dict(request.headers.items())

    return sign
