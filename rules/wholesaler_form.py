"""A name as the wholesaler's network takes it, and what the grid of its characters lacks (manual, page 7).

The exact name is what we keep: an invoice needs it (CGI, annexe II, art. 242 nonies A). This form is drawn from it when
something is sent.
"""

import re
import unicodedata

_SPELT = {
    "ß": "SS", "ẞ": "SS", "æ": "AE", "Æ": "AE", "œ": "OE", "Œ": "OE", "ø": "O", "Ø": "O", "ð": "D", "Ð": "D", "đ": "D",
    "Đ": "D", "þ": "TH", "Þ": "TH", "ł": "L", "Ł": "L", "€": "EUR", "&": " ET ", "°": " ", "º": " ",
}  # fmt: skip
SPELT = str.maketrans(_SPELT)
TYPED_AS = str.maketrans(dict.fromkeys("’‘“”–—…œŒŸ€\u00a0\u202f\u00ad", " "))
"""What has a plain form in the grid: curly quotes, dashes, ligatures, hard spaces."""
GRID = frozenset(map(chr, (*range(0x20, 0x7F), *range(0xA1, 0x100)))) - {"\u00ad"}


def wholesaler_form(text: str) -> str:
    """Capitals without accents, digits and single spaces; empty when nothing of the name can be written so.

    >>> wholesaler_form("Société Générale d'Électricité"), wholesaler_form("L’Éclair & Fils – Saint-Étienne")
    ('SOCIETE GENERALE D ELECTRICITE', 'L ECLAIR ET FILS SAINT ETIENNE')
    >>> wholesaler_form("Œuvre Çà et là"), wholesaler_form("Müller & Söhne GmbH"), wholesaler_form("N° 12 bis")
    ('OEUVRE CA ET LA', 'MULLER ET SOHNE GMBH', 'N 12 BIS')
    >>> wholesaler_form("<b>X</b>"), wholesaler_form("株式会社")
    ('B X B', '')
    """
    letters = unicodedata.normalize("NFKD", text.translate(SPELT)).upper()
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub("[^A-Z0-9]+", " ", plain).strip()


def outside_grid(text: str) -> str:
    """The characters that the network's grid lacks, each once.

    >>> outside_grid("L’Éclair & Fils – Saint-Étienne"), outside_grid("Łódź Sp. z o.o.")
    ('', 'Łź')
    """
    letters = unicodedata.normalize("NFC", text)
    return "".join(dict.fromkeys(letter for letter in letters if letter.translate(TYPED_AS) not in GRID))
