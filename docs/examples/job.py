"""A job with the official OpenAI client: ask, look, fetch. Start `router serve` first, and give its address."""

import json
import sys
import time

import openai
from openai.types import ImagesResponse

client = openai.OpenAI(base_url=sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1", api_key="unused")
accepted = client.images.with_raw_response.generate(
    model="auto", prompt="a red bicycle on a cobbled street", n=2,
    extra_body={"routing": {"segment": "bulk", "deadline_s": 600}},
    extra_headers={"Prefer": "respond-async", "Idempotency-Key": "order-17"})
job = json.loads(accepted.text)
print(f"accepted: {job['status']}")
while job["status"] in ("queued", "running"):
    time.sleep(0.2)
    job = client.get(f"/images/jobs/{job['id']}", cast_to=dict[str, object])
print(f"{job['status']} for {job['usd']} USD")
images = client.get(f"/images/jobs/{job['id']}/result", cast_to=ImagesResponse)
print(f"{len(images.data or [])} images of {images.size}")
