"""Who may do what: five roles, one table. What a role does not name it may not do."""

from rules.errors import RuleError
from rules.states import Word


class Role(Word):
    administrator = "administrator", "Administrateur"
    sales = "sales", "Commercial"
    billing = "billing", "Facturation"
    support = "support", "Support"
    reader = "reader", "Lecture seule"


class Right(Word):
    """What a door lets do; the word completes « Votre rôle ne permet pas … »."""

    see = "see", "de consulter"
    customers = "customers", "de créer ou modifier un client"
    orders = "orders", "de saisir ou valider une commande"
    lines = "lines", "de changer une ligne"
    network = "network", "de répondre aux demandes du réseau"
    sims = "sims", "de changer l'état des cartes SIM"
    secrets = "secrets", "de voir les codes d'une carte SIM"
    imports = "imports", "d'importer des fichiers"
    cdrs = "cdrs", "de charger des CDR"
    catalogue = "catalogue", "de changer le catalogue"
    billing = "billing", "de préparer une facturation"
    validate = "validate", "de valider une facturation"
    mails = "mails", "d'envoyer des messages"
    money = "money", "d'enregistrer règlements et prélèvements"
    settings = "settings", "de changer les réglages"
    users = "users", "de gérer les utilisateurs"

    @property
    def act(self) -> str:
        """
        >>> Right.cdrs.act, Right.imports.act
        ('Charger des CDR', 'Importer des fichiers')
        """
        words = self.label.removeprefix("de ").removeprefix("d'")
        return words[0].upper() + words[1:]


class NotYourRight(RuleError):
    """An act that the role does not name."""

    status = 403


ALL = frozenset(Right)
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.administrator: ALL,
    Role.sales: frozenset({Right.see, Right.customers, Right.orders, Right.lines}),
    Role.billing: frozenset(
        {
            Right.see, Right.customers, Right.imports, Right.cdrs, Right.catalogue, Right.billing, Right.validate, Right.mails,
            Right.money,
        }
    ),
    Role.support: frozenset({Right.see, Right.lines, Right.network, Right.sims, Right.secrets}),
    Role.reader: frozenset({Right.see}),
}  # fmt: skip


def may(role: str, right: Right) -> bool:
    """
    >>> may("reader", Right.see), may("sales", Right.validate)
    (True, False)
    """
    return right in RIGHTS[Role(role)]


def check(role: str, right: Right) -> None:
    """Raises NotYourRight, which names who may.

    >>> check("sales", Right.validate)
    Traceback (most recent call last):
    rules.rights.NotYourRight: Votre rôle ne permet pas de valider une facturation. Demandez à : Administrateur, Facturation.
    """
    if not may(role, right):
        able = ", ".join(known.label for known in Role if right in RIGHTS[known])
        raise NotYourRight(f"Votre rôle ne permet pas {right.label}. Demandez à : {able}.")
