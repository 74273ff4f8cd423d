#!/bin/sh
# standardwebhooks 1.1.0 (PyPI): `Webhook.sign` takes an aware datetime for UTC whatever its zone.
#
# Two datetimes that are equal, 12:00 UTC and 14:00 at +02:00, give two signatures. The second is
# that of 14:00 UTC: the zone is replaced and not converted. Who sends the right Unix time in
# `webhook-timestamp` with it has a signature that the library's own `verify` refuses.
#
# It matters to who sends word of a build over webhooks from a machine in local time: all goes well
# in winter in London, and nowhere else. Give `sign` a datetime in UTC.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q standardwebhooks==1.1.0
"$dir/venv/bin/python" - <<'END'
import base64
import sys
from datetime import datetime, timedelta, timezone

from standardwebhooks import Webhook, WebhookVerificationError

hook = Webhook("whsec_" + base64.b64encode(b"an example of a secret, 32 bytes").decode())
body = '{"spec": "zlib"}'
now = datetime.now(timezone.utc).replace(microsecond=0)
there = now.astimezone(timezone(timedelta(hours=2)))
signed = {"UTC": hook.sign("msg_1", now, body), "+02:00": hook.sign("msg_1", there, body)}
print("the two times are equal:", now == there)
print("the two signatures are equal:", signed["UTC"] == signed["+02:00"])
print("the second is that of two hours later:", signed["+02:00"] == hook.sign("msg_1", now + timedelta(hours=2), body))
accepted = {}
for zone, signature in signed.items():
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    try:
        hook.verify(body, headers)
        accepted[zone] = True
    except WebhookVerificationError as error:
        accepted[zone] = False
        print(f"verify, signed at {zone}:", error)
print("accepted:", accepted)
if now != there or accepted != {"UTC": True, "+02:00": False}:
    sys.exit("changed")
END
