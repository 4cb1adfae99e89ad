"""Where CDRs came from and where they lie. The CDRs themselves live in Parquet files beside the database."""

from piccolo.columns import JSON, BigInt, Boolean, ForeignKey, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import ArrivalSource, ArrivalState, FileState, RejectCause, RejectState
from tables.billing import BillingRun


class CdrFile(Table, help_text="Fichiers de CDR"):
    id: Serial
    name = Varchar(length=200, help_text="Nom")
    sha256 = Varchar(length=64, index=True, help_text="Empreinte du contenu — unique parmi ceux qui comptent")
    wholesaler = Varchar(length=32, default="default", help_text="Opérateur de gros")
    layout = Varchar(length=32, default="default", help_text="Format")
    state = Varchar(length=10, choices=FileState, default=FileState.loaded, help_text="État")
    rows = Integer(help_text="CDR lus")
    loaded = Integer(help_text="CDR chargés")
    rejected = Integer(help_text="CDR rejetés")
    counted_in = ForeignKey(BillingRun, null=True, index=True, help_text="Facturation qui l'a compté")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Chargé le")
    received_sha256 = Varchar(length=64, help_text="Empreinte du fichier d'origine — gardé sous ce nom, tel qu'il est venu")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.name])


class CdrPart(Table, help_text="Magasin de CDR — un fichier Parquet par mois et par chargement"):
    id: Serial
    file = ForeignKey(CdrFile, null=False, index=True, help_text="Fichier")
    month = Varchar(length=7, index=True, help_text="Mois")
    path = Varchar(length=200, unique=True, help_text="Emplacement")
    rows = Integer(help_text="CDR")
    counted_in = ForeignKey(BillingRun, null=True, index=True, help_text="Facturation qui l'a compté")


class CdrLayout(Table, help_text="Formats de CDR — ce que la page « Formats de CDR » a décrit"):
    id: Serial
    code = Varchar(length=32, unique=True, help_text="Code")
    label = Varchar(length=100, help_text="Libellé")
    wholesaler = Varchar(length=32, default="default", help_text="Opérateur de gros")
    name_pattern = Varchar(length=200, help_text="Noms de fichiers — avec * et ?")
    description = JSON(default="{}", help_text="Description")
    active = Boolean(default=True, help_text="En service")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Créé le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.code])


class CdrReject(Table, help_text="CDR rejetés"):
    id: Serial
    file = ForeignKey(CdrFile, null=False, index=True, help_text="Fichier")
    line_number = Integer(help_text="Ligne du fichier — 1 = l'en-tête")
    raw_text = Text(help_text="Texte d'origine")
    cause = Varchar(length=20, choices=RejectCause, index=True, help_text="Cause")
    state = Varchar(length=10, choices=RejectState, default=RejectState.open, help_text="État")
    note = Varchar(length=500, help_text="Motif — pourquoi il est écarté")


class Arrival(Table, help_text="Arrivées de CDR — fichiers vus au dépôt du fournisseur, ou donnés à la main"):
    id: Serial
    source = Varchar(length=8, choices=ArrivalSource, default=ArrivalSource.sftp, help_text="Par")
    name = Varchar(length=200, index=True, help_text="Nom")
    size_bytes = BigInt(help_text="Octets")
    modified_s = BigInt(help_text="Modifié — secondes depuis 1970, à l'horloge du dépôt")
    state = Varchar(length=8, choices=ArrivalState, default=ArrivalState.waiting, index=True, help_text="État")
    reason = Text(help_text="À savoir")
    sha256 = Varchar(length=64, help_text="Empreinte du fichier")
    cdr_file = ForeignKey(CdrFile, null=True, index=True, help_text="Fichier de CDR")
    seen_at = Timestamptz(default=TimestamptzNow(), help_text="Vu le")
