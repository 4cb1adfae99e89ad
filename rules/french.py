"""French typography for what is typed plainly."""

import re

NARROW, NO_BREAK = "\u202f", "\u00a0"


def french(text: str) -> str:
    """Plain typing made French typography: spaces that hold, curly apostrophes.

    >>> french("Rien n'est perdu : 12 % !")
    'Rien n’est perdu\\xa0: 12\\u202f%\\u202f!'
    """
    text = text.replace("'", "’")
    text = re.sub(r" ([€%;!?»])", NARROW + r"\1", text)
    return re.sub(r"« ", "«" + NARROW, text).replace(" :", NO_BREAK + ":")
