"""What the accountant needs: the accounts in which sales are entered, and the journals that were handed over."""

from piccolo.columns import BigInt, Date, Integer, Numeric, Serial, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.journal import Family


class Account(Table, help_text="Comptes de la comptabilité — où s'écrit chaque famille de ventes"):
    id: Serial
    family = Varchar(length=13, choices=Family, help_text="Famille")
    vat_rate = Numeric(digits=(5, 2), null=True, default=None, help_text="Taux de TVA — vide = tous les autres taux")
    number = Varchar(length=12, help_text="Compte — du journal : son code")
    label = Varchar(length=60, help_text="Intitulé")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s %s", columns=[cls.number, cls.label])


class AccountingExport(Table, help_text="Journaux des ventes remis — chacun gardé tel quel"):
    id: Serial
    name = Varchar(length=60, help_text="Fichier")
    first_day = Date(help_text="Du")
    last_day = Date(help_text="Au")
    documents = Integer(help_text="Documents")
    rows = Integer(help_text="Écritures — en lignes")
    debit_cents = BigInt(help_text="Total au débit — en centimes, égal au crédit")
    sha256 = Varchar(length=64, help_text="Empreinte — le fichier est gardé sous ce nom")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Le")
