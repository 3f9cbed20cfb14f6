"""Pictures in and out of files: references are opened, results written, enlarged ones labelled."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from ..errors import BadRequest

if TYPE_CHECKING:
    from PIL.Image import Image

    from .order import Order

__all__ = ["opened_reference", "picture_file"]

_PNG_LEVEL = 1
_QUALITY = 90


def opened_reference(data: bytes) -> Image:
    """A reference as the pipeline takes it: RGB, turned as its camera said.

    Raises:
        BadRequest: it cannot be decoded.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 (comes with the extra `worker`)

    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as opened:
            turned = ImageOps.exif_transpose(opened)
            return turned.convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadRequest("image: the reference cannot be decoded; send a whole PNG, JPEG or WebP",
                         param="image", code="invalid_image") from error


def picture_file(image: Image, order: Order) -> bytes:
    """The picture as a file of the order's format, enlarged where the order says so."""
    from PIL import Image, PngImagePlugin  # noqa: PLC0415 (as above)

    made = image
    if order.upscale != 1:
        made = image.resize((image.width * order.upscale, image.height * order.upscale), Image.Resampling.LANCZOS)
    options: dict[str, Any] = {"compress_level": _PNG_LEVEL}
    if order.output_format != "png":
        quality = _QUALITY if order.output_compression is None else order.output_compression
        options = {"quality": quality, "method": 2} if order.output_format == "webp" else {"quality": quality}
    elif order.upscale != 1:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_text("upscaled", f"{order.upscale}x LANCZOS from {image.width}x{image.height}")
    file = BytesIO()
    made.save(file, format=order.output_format.upper(), **options)
    return file.getvalue()
