"""The official OpenAI client, unmodified, against `router serve`; start that first, and give its address."""

import base64
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/v1", api_key="unused")
answer = client.images.with_raw_response.generate(
    model="auto", prompt='a shop sign that says "OPEN"', size="1024x1024",
    extra_body={"routing": {"segment": "bulk", "deadline_s": 120, "max_usd": 0.10}},
    extra_headers={"Idempotency-Key": "sign-1"})
image = answer.parse().data[0]
print(f"made by {answer.headers['x-router-option']} for {answer.headers['x-router-cost-usd']} USD, "
      f"{len(base64.b64decode(image.b64_json or '')):,} bytes")
