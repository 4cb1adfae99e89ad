"""What an invoice says beside its figures: the shipped texts, those that the law asks for, the variables of the others.

Source: Code de commerce, art. L441-9 and L441-10 (penalties, discount), D441-5 (40 €).
"""

import re
from difflib import get_close_matches

from rules.errors import RuleError

SHIPPED = {
    "late_payment": (
        "Tout retard de paiement entraîne de plein droit des pénalités au taux de trois fois l'intérêt légal"
        " et une indemnité forfaitaire de 40 € pour frais de recouvrement (articles L441-10 et D441-5 du Code de commerce)."
    ),
    "early_payment": "Pas d'escompte pour paiement anticipé.",
}
"""The texts of a reseller who has written none."""
LAW = {
    # field: what it must say, the article that asks for it
    "late_payment": ((r"pénalité", r"\b40\s*(€|euros)"), "le taux des pénalités et l'indemnité de 40 €", "L441-10 et D441-5"),
    "early_payment": ((r"escompte",), "les conditions d'escompte, ou qu'il n'y en a pas", "L441-9"),
}
VARIABLES = {
    # name: what it becomes, an example
    "iban": ("votre IBAN", "FR76 9999 9000 0100 0000 0000 115"),
    "bic": ("votre BIC", "IMAGFRPPXXX"),
    "ics": ("votre identifiant de créancier", "FR53ZZZ999999"),
    "due_on": ("l'échéance", "2 décembre 2026"),
    "amount": ("le montant TTC", "1 204,86 €"),
    "number": ("le numéro de la facture", "F2026-001738"),
    "mandate": ("la référence du mandat", "RUM-C00003-1"),
    "account": ("la fin du compte prélevé", "•••• 5074"),
    "customer_number": ("le numéro de client", "C00003"),
}
NAMED = re.compile(r"\{([^{}\s]*)\}")


class UnlawfulText(RuleError):
    """A mention that the law asks for, emptied or without its substance."""


class UnknownVariable(RuleError):
    """A variable that no invoice can fill."""


def mention(name: str, text: str) -> str:
    """The text of a mention that the law asks for. Raises UnlawfulText.

    >>> mention("early_payment", "Escompte de 1 % sous huit jours.")
    'Escompte de 1 % sous huit jours.'
    """
    wanted, what, articles = LAW[name]
    if not all(re.search(pattern, text, re.IGNORECASE) for pattern in wanted):
        raise UnlawfulText(f"Ce texte doit dire {what} : Code de commerce, {articles}. Le texte livré convient.")
    return text


def with_variables(text: str) -> str:
    """A text whose variables are all known. Raises UnknownVariable with the nearest name.

    >>> with_variables("Prélevé sur {ibann}.")
    Traceback (most recent call last):
    rules.invoice_words.UnknownVariable: « {ibann} » n'existe pas. Vouliez-vous « {iban} » ?
    """
    for name in NAMED.findall(text):
        if name not in VARIABLES:
            near = get_close_matches(name, VARIABLES, 1, 0.5)
            advice = f"Vouliez-vous « {{{near[0]}}} » ?" if near else "Prenez un nom de la liste des variables."
            raise UnknownVariable(f"« {{{name}}} » n'existe pas. {advice}")
    return text
