"""The chain of seals: each issued document, and each paper made of one, bound by a hash to the one before it. Append-only."""

from piccolo.columns import ForeignKey, Integer, Serial, Varchar
from piccolo.table import Table

from tables.invoices import Invoice, SealedDocument


class Seal(Table, help_text="Sceaux — chaque document enchaîné au précédent de sa série"):
    id: Serial
    series = Varchar(length=60, help_text="Série")
    rank = Integer(help_text="Rang")
    invoice = ForeignKey(Invoice, null=True, unique=True, help_text="Document")
    paper = ForeignKey(SealedDocument, null=True, unique=True, help_text="Papier")
    previous = Varchar(length=64, help_text="Sceau précédent")
    sha256 = Varchar(length=64, help_text="Sceau")
