"""Errors as OpenAI's clients expect them: status, type, param and code, and whether to ask again."""

from __future__ import annotations

import json
import math

from aiohttp import web

from ..errors import BadRequest, KeyInUse, LedgerError, NotDelivered, RouterError
from ..unsent import param_of, status_of
from .wishes import ROUTING

__all__ = ["Problem", "http_problem", "problem_of"]

_LONGEST_WAIT_S = 86_400
_SERVER = 500
_BAD = {"model_not_found": 404, "too_large": 413, "unsupported_media_type": 415}
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
        self.kind = kind or _TYPES.get(status, "server_error" if status >= _SERVER else "invalid_request_error")
        self.retry_after_s, self.again = retry_after_s, retry_after_s is not None
        self.headers: dict[str, str] = {}
        super().__init__(message)

    def body(self) -> bytes:
        """The error as a document; what is no text by Unicode's rules is escaped."""
        error = {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}
        return json.dumps({"error": error}).encode()

    def all_headers(self) -> dict[str, str]:
        """Of the answer: whether and when to ask again, and the request's id."""
        headers = self.headers | {"x-should-retry": "true" if self.again else "false"}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(min(_LONGEST_WAIT_S, max(0, math.ceil(self.retry_after_s))))
        if self.request_id:
            headers |= {"x-request-id": self.request_id, "x-router-request-id": self.request_id}
        return headers

    def response(self) -> web.Response:
        """The error as an answer."""
        return web.Response(status=self.status, body=self.body(), content_type="application/json",
                            headers=self.all_headers())


def problem_of(error: RouterError, request_id: str = "") -> Problem:
    """What went wrong, as an answer."""
    problem = _translated(error)
    problem.request_id = problem.request_id or request_id
    if problem.param in ROUTING:
        problem.param = f"routing.{problem.param}"
    return problem


def http_problem(error: web.HTTPException) -> Problem:
    """What the server's own library refused, as an answer."""
    texts = {404: "no such path; see /openapi.json", 405: "this path does not take that method",
             413: "the body is too large"}
    problem = Problem(error.status, texts.get(error.status, error.reason), code=_word(error.reason))
    problem.headers = {name: value for name, value in error.headers.items() if name == "Allow"}
    return problem


def _translated(error: RouterError) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, BadRequest):
        return Problem(_BAD.get(error.code, 400), str(error), code=error.code, param=error.param)
    if isinstance(error, KeyInUse):
        if error.running:
            return Problem(409, str(error), code="idempotency_key_running", retry_after_s=2.0)
        return Problem(422, str(error), code="idempotency_key_reused", param="Idempotency-Key")
    if isinstance(error, NotDelivered):
        return _undelivered(error)
    if isinstance(error, LedgerError):
        return Problem(503, "the books cannot be written, so nothing is sent; try again later",
                       code="books_unavailable", retry_after_s=5.0)
    return Problem(400, str(error), code="invalid_request")


def _undelivered(error: NotDelivered) -> Problem:
    """Asking again is welcome where something still runs: the client's own retry joins it and pays nothing."""
    refused = error.state == "refused"
    problem = Problem(status_of(error), str(error), code="moderation_blocked" if refused else error.code or error.state,
                      kind="image_generation_user_error" if refused else "", param=param_of(error),
                      retry_after_s=error.retry_after_s, request_id=error.request_id)
    problem.again = problem.again or (error.pending and not refused)
    return problem


def _word(reason: str) -> str:
    return reason.lower().replace(" ", "_")
