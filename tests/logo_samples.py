"""Pictures that a person might send as a logo, and files that only pretend to be one."""

from io import BytesIO

from PIL import Image, ImageDraw

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(width=600, height=180, mode="RGB", ink="#8c1e5a"):
    image = Image.new(mode, (width, height), "white" if mode == "RGB" else (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((4, 4, height - 4, height - 4), fill=ink)
    return image


def encoded(form="PNG", image=None, **options):
    target = BytesIO()
    (image or picture()).save(target, form, **options)
    return target.getvalue()
