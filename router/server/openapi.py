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
        "campaign": _TEXT, "cost_center": _TEXT,
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
_FILE = {"type": "string", "format": "binary"}


def openapi_document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    generation = _body("application/json", _FIELDS, needed=["prompt"])
    form = _FIELDS | {"image": {"oneOf": [_FILE, {"type": "array", "items": _FILE, "maxItems": MOST_REFERENCES}]},
                      "image[]": {"type": "array", "items": _FILE}, "mask": _FILE, "routing": _TEXT}
    reference = {"type": "object", "properties": {"image_url": _TEXT}}
    edit = _FIELDS | {"images": {"type": "array", "items": reference, "maxItems": MOST_REFERENCES}, "mask": reference}
    edits = _body("multipart/form-data", form, needed=["prompt"])
    edits["content"] |= _body("application/json", edit, needed=["prompt", "images"])["content"]
    outcome = {"verdict": {"enum": ["accepted", "rejected", "edited"]}, "image": {"type": "integer"}, "reason": _TEXT,
               "reviewer_seconds": {"type": "number"}}
    return {
        "openapi": "3.1.0", "info": {"title": "Breakeven router", "version": __version__},
        "security": [{"key": []}, {}],
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/v1/images/generations": {"post": _operation("Make images", generation)},
            "/v1/images/edits": {"post": _operation("Edit images", edits)},
            "/v1/decide": {"post": _operation("Decide only; nothing is sent", generation)},
            "/v1/images/{id}/outcome": {"post": _operation(
                "What a person made of an image", _body("application/json", outcome, needed=["verdict"]), "id")},
            "/v1/images/files/{name}": {"get": _operation("A stored picture", None, "name")},
            "/v1/models": {"get": _operation("Models and what they can do", None)},
            "/healthz": {"get": _operation("The process answers", None)},
            "/readyz": {"get": _operation("Requests can be taken", None)},
            "/metrics": {"get": _operation("Prometheus metrics", None)}}}


def _body(kind: str, fields: dict[str, Any], *, needed: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": fields, "required": needed}
    return {"required": True, "content": {kind: {"schema": schema}}}


def _operation(summary: str, body: dict[str, Any] | None, *in_path: str) -> dict[str, Any]:
    answers = {"200": {"description": "done"}, "4XX": {"description": "an error in OpenAI's shape"},
               "5XX": {"description": "an error in OpenAI's shape"}}
    made: dict[str, Any] = {"summary": summary, "responses": answers}
    if in_path:
        made["parameters"] = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in in_path]
    return made | ({"requestBody": body} if body else {})
