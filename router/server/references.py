"""Pictures a client sends along: files, data URLs, or addresses that are fetched without reaching into our network."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import aiohttp
from yarl import URL

from ..errors import BadRequest, short_text
from ..open_internet import PublicResolver, is_private_literal
from ..pictures import NotAPicture, Picture, read_picture
from ..request import MOST_REFERENCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .room import Intake

__all__ = ["MOST_REFERENCE_BYTES", "fetch_bytes", "fetchable", "picture_of", "pictures_of_document"]

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


async def pictures_of_document(document: Mapping[str, Any], intake: Intake, *, hosts: tuple[str, ...]) -> (
        tuple[tuple[Picture, ...], Picture | None]):
    """Reference images and mask of an edit that came as JSON: `images` and `mask` with `image_url`.

    Raises:
        BadRequest: a picture that cannot be had; `file_id` is not kept here.
    """
    given = document.get("images", document.get("image", []))
    listed = given if isinstance(given, list) else [given]
    if len(listed) > MOST_REFERENCES:
        raise BadRequest(f"images: {len(listed):,} images, {MOST_REFERENCES} at most; send fewer", param="images",
                         code="too_many_images")
    references = [await _one(item, intake, f"images[{at}]", hosts=hosts) for at, item in enumerate(listed)]
    mask = document.get("mask")
    return tuple(references), None if mask is None else await _one(mask, intake, "mask", hosts=hosts)


def fetchable(url: str, param: str, *, hosts: tuple[str, ...]) -> URL:
    """An address that may be fetched, parsed as the client that fetches it parses it.

    Raises:
        BadRequest: another scheme than https, a literal address that is not public, or an unlisted host.
    """
    try:
        parsed = URL(url) if len(url) <= _MOST_URL_CHARS else URL()
    except (ValueError, IndexError):
        parsed = URL()
    host = parsed.host
    if parsed.scheme != "https" or not host or parsed.user or parsed.password:
        raise _no_address(param, "give https://host/path, or a data URL")
    if hosts and host not in hosts:
        raise _no_address(param, f"host {short_text(host)} is not one this server fetches from")
    if is_private_literal(host):
        raise _no_address(param, "a host that is not on the open internet")
    return parsed


async def fetch_bytes(url: URL, intake: Intake, *, param: str, connector: aiohttp.BaseConnector) -> bytes:
    """What lies at an address; redirects are not followed.

    Raises:
        BadRequest: it does not answer, answers something else than 200, or with too much.
    """
    timeout = aiohttp.ClientTimeout(total=_FETCH_S)
    try:
        async with (aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                    session.get(url, allow_redirects=False) as response):
            if response.status != 200:  # noqa: PLR2004 (anything else, a redirect too, is no picture)
                raise _no_address(param, f"answered {response.status}; give the address of the picture itself")
            return await _read(response, intake, param)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise _no_address(param, f"cannot be fetched ({type(error).__name__}); send the file, or a data URL") from None


async def _one(item: Any, intake: Intake, param: str, *, hosts: tuple[str, ...]) -> Picture:
    url = item.get("image_url") if isinstance(item, dict) else item
    if isinstance(url, dict):
        url = url.get("url")
    if not isinstance(url, str):
        raise BadRequest(f"{param}: give image_url, an https address or a data URL; file_id is not kept here",
                         param=param, code="invalid_image")
    if url[:5].lower() == "data:":
        return picture_of(_data_url(url, param), param)
    address = fetchable(url, param, hosts=hosts)
    connector = aiohttp.TCPConnector(resolver=PublicResolver())
    return picture_of(await fetch_bytes(address, intake, param=param, connector=connector), param)


def _data_url(url: str, param: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma:
        raise _no_address(param, "a data URL without data")
    if len(body) > MOST_REFERENCE_BYTES * 4 // 3 + 4:
        raise _too_large(param)
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        raise _no_address(param, "a data URL whose base64 cannot be read") from None


async def _read(response: aiohttp.ClientResponse, intake: Intake, param: str) -> bytes:
    read = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        intake.take(len(chunk))
        read += chunk
        if len(read) > MOST_REFERENCE_BYTES:
            raise _too_large(param)
    return bytes(read)


def _no_address(param: str, problem: str) -> BadRequest:
    return BadRequest(f"{param}.image_url: {problem}", param=param, code="invalid_url")


def _too_large(param: str) -> BadRequest:
    return BadRequest(f"{param}.image_url: above {MOST_REFERENCE_BYTES:,} bytes; send a smaller image", param=param,
                      code="too_large")
