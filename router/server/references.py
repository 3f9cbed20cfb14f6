"""Pictures a client sends along: files, data URLs, or addresses that are fetched without reaching into our network."""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ..errors import BadRequest, short_text
from ..pictures import NotAPicture, Picture, read_picture

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_REFERENCE_BYTES", "PublicResolver", "fetch_picture", "picture_of", "pictures_of_document"]

MOST_REFERENCE_BYTES = 25 * 2**20
_MOST_URL_CHARS = 2048
_FETCH_S = 15.0
_PICTURE_WORDS = ("png", "jpeg", "webp")


def picture_of(data: bytes, param: str) -> Picture:
    """The picture of a file.

    Raises:
        BadRequest: too large, or no PNG, JPEG or WebP of a sensible size.
    """
    if len(data) > MOST_REFERENCE_BYTES:
        raise BadRequest(f"{param}: {len(data):,} bytes, {MOST_REFERENCE_BYTES:,} at most; send a smaller image",
                         param=param, code="too_large")
    try:
        picture = read_picture(data, is_base64=False)
    except NotAPicture as error:
        raise BadRequest(f"{param}: {error}; send a PNG, JPEG or WebP", param=param, code="invalid_image") from None
    if picture.format not in _PICTURE_WORDS:
        raise BadRequest(f"{param}: a {picture.format}; send a PNG, JPEG or WebP", param=param, code="invalid_image")
    return picture


async def pictures_of_document(document: Mapping[str, Any], *, hosts: tuple[str, ...]) -> (
        tuple[tuple[Picture, ...], Picture | None]):
    """Reference images and mask of an edit that came as JSON: `images` and `mask` with `image_url`.

    Raises:
        BadRequest: a picture that cannot be had; `file_id` is not kept here.
    """
    given = document.get("images", document.get("image", []))
    listed = given if isinstance(given, list) else [given]
    references = [await _one(item, f"images[{at}]", hosts) for at, item in enumerate(listed)]
    mask = document.get("mask")
    return tuple(references), None if mask is None else await _one(mask, "mask", hosts)


async def fetch_picture(url: str, param: str, *, hosts: tuple[str, ...] = ()) -> Picture:
    """The picture of an address: a data URL, or https on a public host.

    Raises:
        BadRequest: another scheme, a private or unlisted host, a redirect, too large, or no picture.
    """
    if url[:5].lower() == "data:":
        return picture_of(_data_url(url, param), param)
    parts = urlsplit(url)
    if len(url) > _MOST_URL_CHARS or parts.scheme != "https" or not parts.hostname or parts.username:
        raise BadRequest(f"{param}.image_url: give https://host/path, or a data URL", param=param, code="invalid_url")
    if hosts and parts.hostname not in hosts:
        raise BadRequest(f"{param}.image_url: host {short_text(parts.hostname)} is not one this server fetches from",
                         param=param, code="invalid_url")
    if _is_private_literal(parts.hostname):
        raise BadRequest(f"{param}.image_url: a host that is not on the open internet", param=param, code="invalid_url")
    connector = aiohttp.TCPConnector(resolver=PublicResolver())
    try:
        async with (aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=_FETCH_S),
                                          trust_env=False) as session,
                    session.get(url, allow_redirects=False) as response):
            if response.status != 200:  # noqa: PLR2004 (anything else, a redirect too, is no picture)
                raise BadRequest(f"{param}.image_url: answered {response.status}; give the address of the picture "
                                 "itself", param=param, code="invalid_url")
            return picture_of(await _read(response, param), param)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise BadRequest(f"{param}.image_url: cannot be fetched ({type(error).__name__}); send the file, or a data URL",
                         param=param, code="invalid_url") from None


class PublicResolver(AbstractResolver):
    """Resolves names to addresses of the open internet alone; literal addresses are resolved too."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> (
            list[ResolveResult]):
        """Public addresses of a host.

        Raises:
            OSError: it has none.
        """
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        public = [entry for entry in found if _is_public(str(entry[4][0]))]
        if not public or len(public) < len(found):
            raise OSError(None, "not on the open internet")
        return [ResolveResult(hostname=host, host=str(entry[4][0]), port=port, family=entry[0], proto=entry[2],
                              flags=socket.AI_NUMERICHOST) for entry in public]

    async def close(self) -> None:
        """Nothing to let go of."""


def _is_private_literal(host: str) -> bool:
    """A literal address never reaches the resolver."""
    try:
        return not _is_public(host.strip("[]"))
    except ValueError:
        return False


def _is_public(address: str) -> bool:
    known = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        inner = known.ipv4_mapped or known.sixtofour or (known.teredo[1] if known.teredo else None)
        if inner is not None:
            known = inner
    return known.is_global and not known.is_multicast


async def _one(item: Any, param: str, hosts: tuple[str, ...]) -> Picture:
    url = item.get("image_url") if isinstance(item, dict) else item
    if isinstance(url, dict):
        url = url.get("url")
    if not isinstance(url, str):
        raise BadRequest(f"{param}: give image_url, an https address or a data URL; file_id is not kept here",
                         param=param, code="invalid_image")
    return await fetch_picture(url, param, hosts=hosts)


def _data_url(url: str, param: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma or len(body) > MOST_REFERENCE_BYTES * 4 // 3 + 4:
        code = "too_large" if comma else "invalid_url"
        raise BadRequest(f"{param}.image_url: a data URL without data, or above {MOST_REFERENCE_BYTES:,} bytes",
                         param=param, code=code)
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise BadRequest(f"{param}.image_url: a data URL whose base64 cannot be read", param=param,
                         code="invalid_url") from None


async def _read(response: aiohttp.ClientResponse, param: str) -> bytes:
    read = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        read += chunk
        if len(read) > MOST_REFERENCE_BYTES:
            raise BadRequest(f"{param}.image_url: above {MOST_REFERENCE_BYTES:,} bytes; send a smaller image",
                             param=param, code="too_large")
    return bytes(read)
