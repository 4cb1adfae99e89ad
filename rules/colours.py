"""The reseller's colour on our grounds: text must stand out 4.5 to 1 on each of them (WCAG 2.2, 1.4.3)."""

import re

from rules.errors import RuleError

NEEDED = 4.5
HOUSE = "#14549c"
GROUNDS = {
    # scheme: ground of the stylesheet: its French name, its colour
    "light": {
        "paper": ("le papier", "#ffffff"), "wash": ("le fond du menu", "#f2f6fa"), "sky": ("l'aplat bleu", "#d9eaf8"),
        "mint": ("l'aplat vert", "#d2edd8"), "sun": ("l'aplat jaune", "#ffedab"), "rose": ("l'aplat rose", "#ffd8ce"),
        "mist": ("l'aplat gris", "#e8edf1"),
    },
    "dark": {
        "paper": ("le papier", "#0f1926"), "wash": ("le fond du menu", "#162333"), "sky": ("l'aplat bleu", "#1c3e61"),
        "mint": ("l'aplat vert", "#1b4933"), "sun": ("l'aplat jaune", "#5c450c"), "rose": ("l'aplat rose", "#63291e"),
        "mist": ("l'aplat gris", "#28384a"),
    },
}  # fmt: skip
ON_ACCENT = {"light": "#ffffff", "dark": "#0c1724"}
"""What is written on the accent: further from it than the paper of its scheme, so that what holds there holds here."""
AWAY = {"light": (0, 0, 0), "dark": (255, 255, 255)}
STEPS = 256


class BadColour(RuleError):
    """A text that is no colour."""


class TooPale(RuleError):
    """A colour that does not stand out on a ground; `nearest` is the nearest shade that does."""

    def __init__(self, sentence: str, nearest: str = "") -> None:
        self.nearest = nearest
        super().__init__(sentence)


def parse(text: str) -> str:
    """`#rrggbb`, in small letters. Raises BadColour.

    >>> parse("#14549C")
    '#14549c'
    """
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise BadColour(f"« {text} » n'est pas une couleur. Écrivez # et six chiffres de 0 à f : {HOUSE}.")
    return text.lower()


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """From 0, black, to 1, white."""
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """From 1 to 21.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def weakest(colour: str, scheme: str) -> tuple[str, float]:
    """The ground of a scheme on which a colour stands out least, by its French name, and how much.

    >>> weakest("#777777", "light")[0]
    "l'aplat rose"
    """
    name, ground = min(GROUNDS[scheme].values(), key=lambda ground: contrast(colour, ground[1]))
    return name, contrast(colour, ground)


def nearest(colour: str, scheme: str) -> str:
    """The colour itself if it holds everywhere, else the shade of it, towards black or white, that just does.

    >>> nearest("#ff0000", "light"), nearest("#14549c", "light")
    ('#cb0000', '#14549c')
    """
    for step in range(STEPS + 1):
        mixed = (part + (end - part) * step // STEPS for part, end in zip(_parts(colour), AWAY[scheme], strict=True))
        shade = "#" + "".join(f"{part:02x}" for part in mixed)
        if weakest(shade, scheme)[1] >= NEEDED:
            return shade
    raise AssertionError("black and white hold on their grounds")


def accent(text: str) -> str:
    """A colour that may be the accent on light grounds; that of dark grounds is its own shade. Raises BadColour and TooPale."""
    colour = parse(text)
    name, ratio = weakest(colour, "light")
    if ratio < NEEDED:
        shade = nearest(colour, "light")
        told = f"{ratio:.1f}".replace(".", ",")
        raise TooPale(f"{colour} se lit mal sur {name} : contraste {told}, il faut 4,5. La plus proche : {shade}.", shade)
    return colour
