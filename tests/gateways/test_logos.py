"""Only pictures are taken for logos (promise X-03), and nothing of the file survives but its pixels."""

import struct
import zlib
from contextlib import suppress
from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logo_samples import SVG, encoded, picture
from PIL import Image

from gateways import logos

GOOD = {form: encoded(form) for form in logos.FORMATS}


def pixels(png):
    return Image.open(BytesIO(png))


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width, height, *chunks):
    """A PNG that announces a size, whatever its body holds."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return logos.PNG_HEAD + header + b"".join(chunks) + chunk(b"IEND", b"")


def with_comment(words):
    """A JPEG whose comment is that text."""
    jpeg = GOOD["JPEG"]
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(words) + 2) + words + jpeg[2:]


@pytest.mark.parametrize("form", logos.FORMATS)
def test_each_format_becomes_a_clean_png_always_the_same(form):
    drawn = logos.drawn(GOOD[form])
    assert drawn == logos.drawn(GOOD[form])
    image = pixels(drawn)
    assert (image.format, image.size, image.info) == ("PNG", (600, 180), {})


def test_a_large_picture_is_made_small_enough_for_every_invoice_to_bear_it():
    noise = Image.effect_noise((640, 500), 90).convert("RGB")
    drawn = logos.drawn(encoded("PNG", noise))
    assert len(drawn) <= logos.KEPT_BYTES < len(encoded("PNG", noise))
    assert pixels(logos.drawn(encoded("PNG", picture(4_000, 4_000)))).size == (800, 800)


@pytest.mark.parametrize(
    "mode, kept", [("RGBA", "RGBA"), ("LA", "RGBA"), ("L", "RGB"), ("P", "RGB"), ("1", "RGB"), ("CMYK", "RGB")]
)
def test_every_kind_of_pixels_is_read_and_transparency_stays(mode, kept):
    form = "JPEG" if mode == "CMYK" else "PNG"
    assert pixels(logos.drawn(encoded(form, picture().convert(mode)))).mode == kept


def test_what_the_camera_wrote_is_applied_then_dropped():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "very private"  # turned by a quarter
    drawn = logos.drawn(encoded("JPEG", exif=exif))
    assert b"private" not in drawn
    assert pixels(drawn).size == (180, 600)
    assert not pixels(drawn).getexif()


def test_a_vector_drawing_is_refused_and_told_why():
    with pytest.raises(logos.BadLogo, match="script"):
        logos.drawn(SVG)


HTML, PDF, GIF = b"<html><script>alert(1)</script>", b"%PDF-1.7\n1 0 obj", encoded("GIF")
REFUSED = {
    "nothing": b"", "a script": b"#!/bin/sh\nrm -rf /", "a page": HTML, "a PDF": PDF, "a GIF": GIF, "a BMP": encoded("BMP"),
    "a TIFF": encoded("TIFF"), "an ICO": encoded("ICO"), "a SVG after blanks": b"\n\n  " + SVG,
    "a page in a comment": with_comment(HTML), "a PDF in a comment": with_comment(PDF),
    "a page in a PNG text": png_of(2, 2, chunk(b"tEXt", b"Comment\0" + HTML), chunk(b"IDAT", zlib.compress(bytes(14)))),
    "animated WebP": encoded("WEBP", save_all=True, append_images=[picture(ink="blue")]),
    "animated PNG": encoded("PNG", save_all=True, append_images=[picture(ink="blue")]),
    "too wide": encoded("PNG", Image.new("1", (4_001, 100))), "too high": encoded("JPEG", Image.new("L", (100, 4_001))),
    "a thread": encoded("PNG", Image.new("1", (4_000, 1))),
    "too heavy": encoded("PNG", Image.effect_noise((1_100, 1_100), 90)),
    "a pixel flood": png_of(60_000, 60_000, chunk(b"IDAT", zlib.compress(bytes(1_000_000)))),
    "a flood of words": png_of(
        2, 2, *[chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(900_000)))] * 100, chunk(b"IDAT", zlib.compress(bytes(14)))
    ),
    "pixels that end early": png_of(100, 100, chunk(b"IDAT", zlib.compress(bytes(50)))),
    "pixels that are noise": png_of(100, 100, chunk(b"IDAT", b"not deflated at all")),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_still_picture_of_the_three_formats_is_refused(name):
    with pytest.raises(logos.BadLogo):
        logos.drawn(REFUSED[name])


@pytest.mark.parametrize("form", logos.FORMATS)
@pytest.mark.parametrize("glued", [HTML, PDF, GIF, b"PK\x03\x04", b"\0", GOOD["PNG"], b"\n"])
def test_a_picture_with_something_glued_to_it_is_refused(form, glued):
    for both in (GOOD[form] + glued, glued + GOOD[form]):
        with pytest.raises(logos.BadLogo):
            logos.drawn(both)


@pytest.mark.parametrize("form", logos.FORMATS)
def test_a_picture_cut_anywhere_is_refused(form):
    whole = GOOD[form]
    for end in range(0, len(whole), max(1, len(whole) // 60)):
        with pytest.raises(logos.BadLogo):
            logos.drawn(whole[:end])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(logos.FORMATS), st.integers(0, 10**6), st.binary(min_size=1, max_size=40))
def test_a_damaged_picture_is_drawn_or_refused_and_breaks_nothing(form, place, noise):
    whole = GOOD[form]
    place %= len(whole)
    with suppress(logos.BadLogo):
        drawn = logos.drawn(whole[:place] + noise + whole[place + len(noise) :])
        assert pixels(drawn).format == "PNG"


def test_a_logo_is_kept_under_its_hash_and_a_changed_file_is_not_shown(data_dir):
    png = logos.drawn(GOOD["PNG"])
    digest = logos.keep(png)
    assert (digest, logos.kept(digest), logos.kept("")) == (sha256(png).hexdigest(), png, None)
    other = logos.keep(logos.drawn(encoded(image=picture(ink="green"))))
    (data_dir / "logos" / f"{other}.png").write_bytes(png)
    with pytest.raises(logos.LogoLost):
        logos.kept(other)
