"""The server's OpenAPI document, written from the same limits the server checks."""

from __future__ import annotations

from typing import Any

from .. import __version__
from ..request import MOST_IMAGES, MOST_PROMPT_CHARS, MOST_REFERENCES
from ..request_checks import MOST_PARTIAL_IMAGES

__all__ = ["openapi_document"]

_TEXT = {"type": "string"}
_ROUTING = {
    "type": "object", "additionalProperties": False, "description": "What the router alone understands.",
    "properties": {
        "data_class": {"enum": ["public", "confidential", "restricted"]}, "residency": _TEXT,
        "deadline_s": {"type": "number", "exclusiveMinimum": 0}, "max_usd": {"type": "number", "minimum": 0},
        "lora": {"oneOf": [_TEXT, {"type": "object", "properties": {"name": _TEXT, "scale": {"type": "number"}}}]},
        "segment": _TEXT, "text": {"enum": ["auto", "exact", "none"]}, "project": _TEXT, "brand": _TEXT,
        "campaign": _TEXT, "cost_center": _TEXT, "urgency": {"enum": ["now", "can_wait"]}, "webhook_url": _TEXT,
        "tags": {"type": "object", "additionalProperties": _TEXT}}}
_FIELDS = {
    "prompt": {"type": "string", "maxLength": MOST_PROMPT_CHARS},
    "model": {"type": "string", "default": "auto"}, "n": {"type": "integer", "minimum": 1, "maximum": MOST_IMAGES},
    "size": {"type": "string", "default": "auto", "pattern": "^(auto|[0-9]+x[0-9]+)$"},
    "quality": {"type": "string", "default": "auto"}, "output_format": {"enum": ["png", "jpeg", "webp"]},
    "output_compression": {"type": "integer", "minimum": 0, "maximum": 100},
    "background": {"enum": ["auto", "opaque", "transparent"]}, "moderation": {"enum": ["auto", "low"]},
    "stream": {"type": "boolean"}, "partial_images": {"type": "integer", "minimum": 0, "maximum": MOST_PARTIAL_IMAGES},
    "response_format": {"enum": ["b64_json", "url"]}, "seed": {"type": "integer"}, "steps": {"type": "integer"},
    "safety_identifier": _TEXT, "routing": _ROUTING}
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {
    "type": "object", "required": ["message", "type", "code"], "properties": {
        "message": _TEXT, "type": _TEXT, "code": _TEXT, "param": {"type": ["string", "null"]}}}}}
_OUTCOME = {"verdict": {"enum": ["accepted", "rejected", "edited"]},
            "image": {"type": "integer", "minimum": 0, "maximum": MOST_IMAGES - 1}, "reason": _TEXT,
            "reviewer_seconds": {"type": "number", "minimum": 0}}
_BACK = {"to": {"type": "integer", "minimum": 1}, "why": {"type": "string", "maxLength": 200}}
_FILE = {"type": "string", "format": "binary"}

_ACTUAL = {"type": "object", "properties": {
    "model": _TEXT, "usd": {"type": ["string", "number"], "description": "Of all images of the request."},
    "state": {"enum": ["ok", "refused", "failed"]}, "latency_s": {"type": "number"}}}

_AMOUNT = {"type": ["string", "number"]}
_ROLLOUT = {"toml": _TEXT, "why": _TEXT, "tenants": {"type": "array", "items": _TEXT}, "least": {"type": "integer"},
            "promote_after_window": {"type": "boolean"}, "share": _AMOUNT, "window": _AMOUNT, "most_cost": _AMOUNT,
            "most_refused": _AMOUNT, "most_failed": _AMOUNT}


def openapi_document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0", "info": {
            "title": "Breakeven router", "version": __version__,
            "description": "OpenAI's Images API over several vendors and own GPUs. Where no tenant has a key, the "
                           "server answers this machine alone and asks for none."},
        "security": [{"key": []}, {}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
                       "schemas": {"Error": _ERROR}},
        "paths": _openai_paths("/v1") | _openai_paths("") | _own_paths() | _admin_paths()}


def _openai_paths(prefix: str) -> dict[str, Any]:
    """Clients differ in whether their base address ends in /v1."""
    return {
        f"{prefix}/images/generations": {"post": _operation("Make images", _generation())},
        f"{prefix}/images/edits": {"post": _operation("Edit images", _edit())},
        f"{prefix}/images/variations": {"post": _operation("Gone with DALL-E 2; always 404", None)},
        f"{prefix}/models": {"get": _operation("Models and what they can do", None)},
        f"{prefix}/models/{{name}}": {"get": _operation("One model", None, "name")}}


def _own_paths() -> dict[str, Any]:
    question = _FIELDS | {"references": {"type": "array", "items": _TEXT, "maxItems": MOST_REFERENCES,
                                         "description": "Sizes of the images of an edit, in place of the images."},
                          "mask": {"type": "boolean"}}
    return {
        "/v1/decide": {"post": _operation("Decide only; nothing is sent", _json(question, needed=["prompt"]))},
        "/v1/shadow": {"post": _operation(
            "Decide, and note it beside what really happened; nothing is sent",
            _json(question | {"actual": _ACTUAL}, needed=["prompt"]))},
        **_job_paths(),
        "/v1/images/{id}/outcome": {"post": _operation(
            "What a person made of an image", _json(_OUTCOME, needed=["verdict"]), "id")},
        "/v1/images/files/{name}": {"get": _operation("A stored picture", None, "name")},
        "/healthz": {"get": _operation("The process answers", None)},
        "/readyz": {"get": _operation("Requests can be taken", None)},
        "/metrics": {"get": _operation("Prometheus metrics", None)},
        "/openapi.json": {"get": _operation("This document", None)}}


def _job_paths() -> dict[str, Any]:
    """Of generations and edits that were sent with the header `Prefer: respond-async` and answered with 202."""
    query = [_query(name) for name in ("limit", "after", "status", "idempotency_key")]
    return {
        "/v1/images/jobs": {"get": _operation("Your jobs, the latest first", None) | {"parameters": query}},
        "/v1/images/jobs/{id}": {"get": _operation("A job as it stands", None, "id"),
                                 "delete": _operation("Ask that a job be ended", None, "id")},
        "/v1/images/jobs/{id}/cancel": {"post": _operation("Ask that a job be ended", None, "id")},
        "/v1/images/jobs/{id}/result": {"get": _operation("The images of a job, or its error", None, "id")}}


def _admin_paths() -> dict[str, Any]:
    toml = {"required": True, "content": {"application/toml": {"schema": _TEXT}}}
    back = _json(_BACK, needed=[]) | {"required": False}
    return {
        "/v1/admin/policy": {
            "get": _operation("The policy in force (admin)", None),
            "post": _operation("Put a policy in force (admin)", toml) | {"parameters": [_query("why")]}},
        "/v1/admin/policy/history": {"get": _operation("Every version, and the audit (admin)", None)},
        "/v1/admin/policy/rollback": {"post": _operation("Put an earlier version in force again (admin)", back)},
        "/v1/admin/policy/rollout": {
            "post": _operation("Put a policy on trial (admin)", _json(_ROLLOUT, needed=["toml"])),
            "get": _operation("What is on trial, and how it fares (admin)", None),
            "delete": _operation("Take it back (admin)", None) | {"parameters": [_query("why")]}},
        "/v1/admin/policy/rollout/promote": {
            "post": _operation("Put what is on trial in force (admin)", None) | {"parameters": [_query("why")]}},
        "/v1/admin/spend": {"get": _operation("What a month cost (admin)", None) | {"parameters": [_query("month")]}}}


def _generation() -> dict[str, Any]:
    return _json(_FIELDS, needed=["prompt"])


def _edit() -> dict[str, Any]:
    form = _FIELDS | {"image": {"oneOf": [_FILE, {"type": "array", "items": _FILE, "maxItems": MOST_REFERENCES}]},
                      "image[]": {"type": "array", "items": _FILE}, "mask": _FILE, "routing": _TEXT}
    reference = {"type": "object", "properties": {"image_url": _TEXT}}
    linked = _FIELDS | {"images": {"type": "array", "items": reference, "maxItems": MOST_REFERENCES}, "mask": reference}
    both = _json(linked, needed=["prompt", "images"])
    both["content"]["multipart/form-data"] = {"schema": _object(form, needed=["prompt"])}
    return both


def _json(fields: dict[str, Any], *, needed: list[str]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _object(fields, needed=needed)}}}


def _object(fields: dict[str, Any], *, needed: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": fields} | ({"required": needed} if needed else {})


def _query(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": _TEXT}


def _operation(summary: str, body: dict[str, Any] | None, *in_path: str) -> dict[str, Any]:
    told = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    answers = {"200": {"description": "done"}, "4XX": {"description": "an error in OpenAI's shape", "content": told},
               "5XX": {"description": "an error in OpenAI's shape", "content": told}}
    made: dict[str, Any] = {"summary": summary, "responses": answers}
    if in_path:
        made["parameters"] = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in in_path]
    return made | ({"requestBody": body} if body else {})
