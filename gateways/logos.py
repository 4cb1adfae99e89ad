"""Logos: a picture that a person sends is decoded and drawn anew as a small PNG, kept for ever under its hash.

What is not a still PNG, JPEG or WebP from its first byte to its last is refused before any pixel is decoded.
"""

import re
from functools import lru_cache
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageOps

from gateways.files import publish_bytes
from gateways.settings import SETTINGS
from rules.errors import RuleError

LARGEST_BYTES = 1_000_000
LARGEST_SIDE = 4_000
FORMATS = ("PNG", "JPEG", "WEBP")
KEPT_SIDE = 800
KEPT_BYTES = 150_000
"""Each invoice bears the logo: a month of five thousand would otherwise weigh gigabytes."""
SMALLEST_SIDE = 8
ACTIVE = re.compile(rb"<script|<html|<!doctype|<svg|<\?php|%pdf-|javascript:", re.IGNORECASE)
PNG_HEAD, PNG_END = b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x00IEND\xaeB`\x82"
JPEG_SCAN, JPEG_END = 0xDA, 0xD9
JPEG_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)  # the first after coded pixels
JPEG_ALONE = {0x01, *range(0xD0, 0xD9)}


class BadLogo(RuleError):
    """A file that is not taken for a logo."""


class LogoLost(RuleError):
    """A kept logo whose file is gone or changed."""


def drawn(data: bytes) -> bytes:
    """The picture as a clean PNG: upright, without any word that came along, at most 800 pixels a side. Raises BadLogo."""
    _inspect(data)
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            if max(picture.size) > LARGEST_SIDE:
                raise BadLogo(
                    f"L'image mesure {picture.width} × {picture.height} pixels : {LARGEST_SIDE} au plus par côté. Réduisez-la."
                )
            if getattr(picture, "n_frames", 1) > 1:
                raise BadLogo("L'image est animée. Envoyez une image fixe.")
            upright = ImageOps.exif_transpose(picture)
            transparent = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
            pixels = upright.convert("RGBA" if transparent else "RGB")
    except BadLogo:
        raise
    except Exception as problem:  # whatever a decoder trips over, and each has its own way
        raise BadLogo("L'image est abîmée ou incomplète. Enregistrez-la de nouveau en PNG, puis renvoyez-la.") from problem
    return _encoded(pixels)


def _encoded(pixels: Image.Image) -> bytes:
    """As PNG, made smaller until it is light enough."""
    side = KEPT_SIDE
    while True:
        smaller = pixels.copy()
        smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
        if min(smaller.size) < SMALLEST_SIDE:
            raise BadLogo(f"L'image est trop petite ou trop étroite : il faut {SMALLEST_SIDE} pixels par côté, une fois réduite.")
        clean = Image.new(smaller.mode, smaller.size)
        clean.paste(smaller)
        target = BytesIO()
        clean.save(target, "PNG", optimize=True)
        if target.tell() <= KEPT_BYTES:
            return target.getvalue()
        side = side * 3 // 4


def _inspect(data: bytes) -> None:
    """Refuse by size and by structure."""
    if not data:
        raise BadLogo("Le fichier est vide. Choisissez une image.")
    if len(data) > LARGEST_BYTES:
        raise BadLogo("L'image pèse plus de 1 Mo. Réduisez-la, puis renvoyez-la.")
    whole = _whole(data)
    if whole is None and re.search(rb"<svg|<\?xml", data[:2_000], re.IGNORECASE):
        raise BadLogo(
            "Un SVG est un programme de dessin, qui peut contenir un script ou aller chercher un fichier ailleurs :"
            " il n'est pas accepté. Exportez votre logo en PNG."
        )
    if whole is None:
        raise BadLogo("Ce n'est pas une image PNG, JPEG ou WebP. Exportez votre logo dans l'un de ces formats.")
    if not whole:
        raise BadLogo("L'image est incomplète, ou quelque chose est collé à sa suite. Enregistrez-la de nouveau en PNG.")
    if ACTIVE.search(data):
        raise BadLogo("L'image contient une page, un script ou un PDF caché. Enregistrez-la de nouveau en PNG.")


def _whole(data: bytes) -> bool | None:
    """Whether the picture fills its file to the last byte; None when it is of no format that we read."""
    if data.startswith(PNG_HEAD):
        return _png_end(data) == len(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_end(data) == len(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return int.from_bytes(data[4:8], "little") + 8 == len(data)
    return None


def _png_end(data: bytes) -> int:
    place = len(PNG_HEAD)
    while place + 12 <= len(data):
        following = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place : place + 12] == PNG_END:
            return following
        place = following
    return 0


def _jpeg_end(data: bytes) -> int:
    """Past the marker that ends the picture; 0 when there is none. Segments tell their length, coded pixels do not."""
    place = 2
    while place + 2 <= len(data) and data[place] == 0xFF:
        mark = data[place + 1]
        if mark == JPEG_END:
            return place + 2
        if mark == 0xFF:
            place += 1
        elif mark in JPEG_ALONE:
            place += 2
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
            if mark == JPEG_SCAN:
                found = JPEG_MARK.search(data, place)
                place = found.start() if found else len(data)
    return 0


def keep(png: bytes) -> str:
    """Publish a drawn logo; its hash."""
    digest = sha256(png).hexdigest()
    path = SETTINGS.data_dir / "logos" / f"{digest}.png"
    if not path.exists():
        publish_bytes(path, png)
    return digest


def kept(digest: str) -> bytes | None:
    """The bytes of a logo by its hash; None without a hash. Raises LogoLost."""
    return _read(str(SETTINGS.data_dir), digest) if digest else None


@lru_cache(maxsize=8)
def _read(data_dir: str, digest: str) -> bytes:
    path = SETTINGS.data_dir / "logos" / f"{digest}.png"
    png = path.read_bytes() if path.is_file() else b""
    if sha256(png).hexdigest() != digest:
        raise LogoLost(f"Le logo {digest[:12]} n'est plus dans le dossier des données. Reprenez « logos » de la sauvegarde.")
    return png
