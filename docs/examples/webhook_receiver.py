"""Receives the events of jobs with nothing but Python's own library; give it a port, and the secret in WEBHOOK_SECRET.

A receiver checks the signature before it reads, answers at once, works afterwards, and does each event once.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRETS = os.environ["WEBHOOK_SECRET"].split()  # two while one is changed for the next
TOLERANCE_S = 300
MOST_BYTES = 65_536
SEEN: set[str] = set()  # a table with a unique key, in earnest


def is_genuine(message_id: str, instant: str, signatures: str, body: bytes) -> bool:
    """Whether one of our secrets signed this, within the last five minutes."""
    if not instant.isdecimal() or abs(time.time() - int(instant)) > TOLERANCE_S:
        return False
    signed = f"{message_id}.{instant}.".encode() + body
    for secret in SECRETS:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
        expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(expected, given) for given in signatures.encode().split()):
            return True
    return False


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, 400 to all else."""

    timeout = 10

    def do_POST(self) -> None:
        """Check, note, answer; the work is done by somebody else."""
        length = self.headers.get("content-length", "")
        body = self.rfile.read(min(int(length), MOST_BYTES)) if length.isdecimal() else b""
        message_id = self.headers.get("webhook-id", "")
        genuine = is_genuine(message_id, self.headers.get("webhook-timestamp", ""),
                             self.headers.get("webhook-signature", ""), body)
        if genuine and message_id not in SEEN:
            SEEN.add(message_id)
            event = json.loads(body)
            print(event["type"], event["data"]["path"], event["data"]["usd"], flush=True)
        self.send_response(204 if genuine else 400)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: paths may hold keys."""


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8095), Receiver)
print(f"http://127.0.0.1:{server.server_port}/events", flush=True)
server.serve_forever()
