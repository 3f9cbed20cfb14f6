"""What a tenant's settings say of its requests. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .request import ImageRequest
    from .settings import Tenant

__all__ = ["for_tenant"]

_STRICTER = ("public", "confidential", "restricted")


def for_tenant(tenant: Tenant | None, request: ImageRequest) -> ImageRequest:
    """A tenant's own segment and data class hold where the request says nothing; a stricter class always holds."""
    if tenant is None:
        return request
    data_class = max(request.data_class, tenant.data_class, key=_STRICTER.index)
    return replace(request, data_class=data_class, segment=request.segment or tenant.segment)
