"""Errors as OpenAI's clients expect them: status, type, param and code, and whether to ask again."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from aiohttp import web

from ..errors import BadRequest, KeyInUse, LedgerError, NotDelivered, RouterError
from ..unsent import status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Problem", "problem_of"]

_LONGEST_WAIT_S = 86_400
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota",
          403: "permission_error", 404: "not_found_error", 409: "conflict_error", 413: "invalid_request_error",
          415: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error"}


class Problem(RouterError):
    """An answer that is an error.

    Attributes:
        again: whether a client that retries on its own should; a paid attempt is never repeated that way.
    """

    def __init__(self, status: int, message: str, *, code: str, param: str | None = None, kind: str = "",
                 retry_after_s: float | None = None, request_id: str = "") -> None:
        self.status, self.code, self.param, self.request_id = status, code, param, request_id
        self.kind = kind or _TYPES.get(status, "server_error")
        self.retry_after_s = retry_after_s
        super().__init__(message)

    def document(self) -> dict[str, Mapping[str, object]]:
        """The error as a document."""
        return {"error": {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}}

    def response(self) -> web.Response:
        """The error as an answer."""
        headers = {"x-should-retry": "false" if self.retry_after_s is None else "true"}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(min(_LONGEST_WAIT_S, math.ceil(self.retry_after_s)))
        if self.request_id:
            headers |= {"x-request-id": self.request_id, "x-router-request-id": self.request_id}
        return web.Response(status=self.status, text=json.dumps(self.document(), ensure_ascii=False),
                            content_type="application/json", headers=headers)


def problem_of(error: RouterError, request_id: str = "") -> Problem:
    """What went wrong, as an answer."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, BadRequest):
        status = 404 if error.code == "model_not_found" else 413 if error.code == "too_large" else 400
        return Problem(status, str(error), code=error.code, param=error.param, request_id=request_id)
    if isinstance(error, KeyInUse):
        if error.running:
            return Problem(409, str(error), code="idempotency_key_running", retry_after_s=2.0, request_id=request_id)
        return Problem(422, str(error), code="idempotency_key_reused", request_id=request_id)
    if isinstance(error, NotDelivered):
        refused = error.state == "refused"
        return Problem(status_of(error), str(error), code="moderation_blocked" if refused else error.code or error.state,
                       kind="image_generation_user_error" if refused else "", retry_after_s=error.retry_after_s,
                       request_id=error.request_id or request_id)
    if isinstance(error, LedgerError):
        return Problem(503, "the books cannot be written, so nothing is sent; try again later", code="books_unavailable",
                       retry_after_s=5.0, request_id=request_id)
    return Problem(400, str(error), code="invalid_request", request_id=request_id)
