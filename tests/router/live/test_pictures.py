"""Pictures as they come over the wire: sizes and wholeness of real files, and everything that is no picture."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from router.pictures import MOST_PIXELS, NotAPicture, read_picture
from router.quantities import Size

if TYPE_CHECKING:
    from router.pictures import Picture

KINDS: dict[str, dict[str, Any]] = {
    "png": {"format": "PNG"},
    "png-palette": {"format": "PNG", "mode": "P"},
    "jpeg": {"format": "JPEG"},
    "jpeg-progressive": {"format": "JPEG", "progressive": True},
    "jpeg-grey": {"format": "JPEG", "mode": "L"},
    "jpeg-cmyk": {"format": "JPEG", "mode": "CMYK"},
    "webp-lossy": {"format": "WEBP", "quality": 80},
    "webp-lossless": {"format": "WEBP", "lossless": True},
    "webp-alpha": {"format": "WEBP", "mode": "RGBA", "quality": 50, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"},
    "gif": {"format": "GIF", "mode": "P"},
}
SIZES = ((16, 16), (17, 31), (1, 100), (255, 64), (640, 3))


@cache
def file_of(kind: str, width: int, height: int) -> bytes:
    options = dict(KINDS[kind])
    image = Image.effect_noise((width, height), 60).convert(options.pop("mode", "RGB"))
    written = io.BytesIO()
    image.save(written, **options)
    return written.getvalue()



def digest_of(file: bytes) -> str:
    return hashlib.sha256(base64.b64encode(file)).hexdigest()


def both_ways(data: bytes) -> tuple[Picture, Picture]:
    return read_picture(data, is_base64=False), read_picture(base64.b64encode(data), is_base64=True)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_what_pillow_wrote_raw_and_as_base64(kind: str, size: tuple[int, int]) -> None:
    data = file_of(kind, *size)
    for picture in both_ways(data):
        assert (picture.format, picture.size) == (kind.partition("-")[0], Size(*size))
        assert (picture.as_bytes(), base64.b64decode(bytes(picture.as_base64()))) == (data, data)
        assert (picture.file_bytes, picture.digest) == (len(data), digest_of(data))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_inside_a_larger_answer_is_read_where_it_lies(kind: str) -> None:
    data = file_of(kind, 17, 31)
    text = base64.b64encode(data)
    answer = memoryview(b'{"data":[{"b64_json":"' + text + b'"}]}')[22:22 + len(text)]
    picture = read_picture(answer, is_base64=True)
    assert picture.as_base64() is answer
    assert (picture.as_bytes(), picture.file_bytes, picture.digest) == (data, len(data),
                                                                        digest_of(data))
    raw = memoryview(b"head" + data + b"tail")[4:4 + len(data)]
    assert read_picture(raw, is_base64=False).as_bytes() == data


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_off_anywhere_near_its_end_or_in_its_middle_is_no_picture(kind: str) -> None:
    data = file_of(kind, 255, 64)
    for left in (*range(len(data) - 64, len(data)), len(data) // 2, 100, 40, 20, 9, 3, 1, 0):
        for made, is_base64 in ((data[:left], False), (base64.b64encode(data[:left]), True)):
            with pytest.raises(NotAPicture):
                read_picture(made, is_base64=is_base64)


@pytest.mark.parametrize("kind", KINDS)
def test_base64_cut_off_after_any_letter_is_no_picture(kind: str) -> None:
    text = base64.b64encode(file_of(kind, 255, 64))
    for less in range(1, 9):
        with pytest.raises(NotAPicture):
            read_picture(text[:-less], is_base64=True)


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("junk", [b"!", b"\n", b"=", b"-", b" ", b"\0", b"\xff"])
def test_a_letter_that_is_no_base64_is_found_wherever_it_stands(junk: bytes, at: float) -> None:
    text = bytearray(base64.b64encode(file_of("png", 255, 64)))
    place = int(len(text) * at)
    text[place:place + 1] = junk
    with pytest.raises(NotAPicture, match="base64"):
        read_picture(bytes(text), is_base64=True)


def test_padding_between_two_files_is_found_at_the_edge_of_a_step() -> None:
    data = file_of("png", 640, 200)
    text = base64.b64encode(data)
    assert len(text) > 70_000
    glued = text[:65_532] + base64.b64encode(b"ab") + text[65_536:]
    with pytest.raises(NotAPicture, match="base64"):
        read_picture(glued, is_base64=True)


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


@pytest.mark.parametrize("before", [
    segment(0xE1, b"Exif\0\0" + bytes(65_000)),
    segment(0xE2, b"ICC_PROFILE\0" + bytes(65_000)) * 12,
    segment(0xE2, b"ICC_PROFILE\0" + b"\xff\xd9" * 30_000) * 40,
    b"\xff\xff\xff" + segment(0xFE, b""),
    b"\xff\x01" + segment(0xE0, b"JFIF"),
], ids=["exif", "profile", "profile-of-2-MB", "fill-bytes", "bare-marker"])
def test_a_jpeg_s_frame_is_found_behind_any_profile(before: bytes) -> None:
    plain = file_of("jpeg-progressive", 17, 31)
    for picture in both_ways(plain[:2] + before + plain[2:]):
        assert (picture.format, picture.size) == ("jpeg", Size(17, 31))


@pytest.mark.parametrize("body", [b"\xff" * 100_000, segment(0xE0, b"") * 5_000, b"\xff\xe0\0\0" * 5_000,
                                  b"\xff\xd8" + bytes(5_000)], ids=["fill", "empty", "no-length", "zeros"])
def test_a_jpeg_that_never_comes_to_its_frame_is_given_up(body: bytes) -> None:
    with pytest.raises(NotAPicture, match="size"):
        read_picture(b"\xff\xd8\xff" + body + b"\xff\xd9", is_base64=False)


@pytest.mark.parametrize(("data", "told"), [
    (b"", "nothing at all"), (b" \n\t ", "nothing at all"), (b"\0" * 10, "10 bytes of something else"),
    (b"<!DOCTYPE html><title>503</title>", "an HTML page"), (b"  <html>", "an HTML page"),
    (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG"), (b"<?xml version='1.0'?><svg/>", "an SVG"),
    (b'{"error": {"code": "moderation_blocked"}}', "a JSON document"), (b"BM" + bytes(60), "something else"),
    (b"%PDF-1.7" + bytes(60), "something else"), (b"\x89PNG\r\n\x1a\n", "no PNG"), (b"GIF89a", "no PNG"),
])
def test_what_is_no_picture_is_named_and_never_quoted(data: bytes, told: str) -> None:
    with pytest.raises(NotAPicture, match=told) as error:
        read_picture(data, is_base64=False)
    assert "moderation" not in str(error.value)
    with pytest.raises(NotAPicture, match=told):
        read_picture(base64.b64encode(data), is_base64=True)


@pytest.mark.parametrize("text", [b"<html>", b"https://example.com/a.png", b"iVBORw0KGgo", b"====", b"\xff" * 8])
def test_text_that_is_no_base64_is_no_picture(text: bytes) -> None:
    with pytest.raises(NotAPicture):
        read_picture(text, is_base64=True)


def test_a_bomb_is_refused_by_its_head() -> None:
    plain = file_of("png", 16, 16)
    for width, height in ((10_001, 10_000), (2**31, 2**31), (1, 2**32 - 1)):
        bomb = plain[:16] + struct.pack(">II", width, height) + plain[24:]
        with pytest.raises(NotAPicture, match="more than 100,000,000 pixels"):
            read_picture(bomb, is_base64=False)
    assert read_picture(plain[:16] + struct.pack(">II", 10_000, 10_000) + plain[24:],
                        is_base64=False).size.pixels == MOST_PIXELS


@pytest.mark.parametrize(("width", "height"), [(0, 16), (16, 0), (0, 0)])
def test_a_side_of_nothing_is_no_size(width: int, height: int) -> None:
    plain = file_of("png", 16, 16)
    with pytest.raises(NotAPicture, match="without a readable size"):
        read_picture(plain[:16] + struct.pack(">II", width, height) + plain[24:], is_base64=False)


STARTS = [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBPVP8 ", b"RIFF\0\0\0\0WEBPVP8X",
          b"RIFF\xff\0\0\0WEBPVP8L", b"GIF89a", b"GIF87a"]
ENDS = [b"", b"IEND\xaeB`\x82", b"\xff\xd9", b"\0;"]


@given(st.sampled_from(STARTS), st.binary(max_size=200), st.sampled_from(ENDS), st.booleans())
def test_garbage_is_a_picture_or_none_and_nothing_else(start: bytes, middle: bytes, end: bytes, as_text: bool) -> None:
    data = start + middle + end
    try:
        picture = read_picture(base64.b64encode(data) if as_text else data, is_base64=as_text)
    except NotAPicture:
        return
    assert (picture.as_bytes(), picture.file_bytes, picture.digest) == (data, len(data),
                                                                        digest_of(data))


@given(st.binary(max_size=300))
def test_text_that_says_it_is_base64_is_a_picture_or_none(text: bytes) -> None:
    with pytest.raises(NotAPicture):
        read_picture(text, is_base64=True)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_a_broken_letter_never_gets_past_the_reader(kind: str, data: st.DataObject) -> None:
    """Whatever is read without complaint can be decoded, stored and booked."""
    text = bytearray(base64.b64encode(file_of(kind, 17, 31)))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = read_picture(bytes(text), is_base64=True)
    except NotAPicture:
        return
    assert (len(picture.as_bytes()), len(picture.digest)) == (picture.file_bytes, 64)
