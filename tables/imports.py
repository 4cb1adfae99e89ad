"""What was imported, when, and with which result; and what each import touched, so that it can be undone."""

from piccolo.columns import JSON, BigInt, Date, ForeignKey, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import ImportState
from tables.usage import CdrFile


class ImportBatch(Table, help_text="Imports"):
    id: Serial
    kind = Varchar(length=16, index=True, help_text="Nature")
    name = Varchar(length=200, help_text="Fichier")
    state = Varchar(length=10, choices=ImportState, default=ImportState.imported, help_text="État")
    file_sha256 = Varchar(length=64, index=True, help_text="Empreinte du contenu")
    code = Varchar(length=32, help_text="Grille tarifaire")
    valid_from = Date(null=True, default=None, help_text="Valable depuis le")
    layout = Varchar(length=32, default="default", help_text="Format de CDR")
    mode = Varchar(length=8, help_text="Tout, ou lignes valides")
    rows = Integer(help_text="Lignes lues")
    created = Integer(help_text="Créées")
    changed = Integer(help_text="Modifiées")
    unchanged = Integer(help_text="Inchangées")
    rejected = Integer(help_text="En erreur")
    errors = JSON(default="[]", help_text="Erreurs")
    rejected_rows = Text(secret=True, help_text="Lignes en erreur — chiffrées")
    report = JSON(default="{}", help_text="Aperçu — différences et avertissements")
    plan_sha256 = Varchar(length=64, help_text="Empreinte de l'aperçu")
    done = Integer(help_text="Avancement — fait")
    total = Integer(help_text="Avancement — sur")
    upload = Varchar(length=80, help_text="Fichier déposé — emplacement jusqu'à l'import")
    size_bytes = BigInt(help_text="Taille — en octets")
    cdr_file = ForeignKey(CdrFile, null=True, help_text="Fichier de CDR")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.name])


class ImportItem(Table, help_text="Objets touchés par les imports"):
    id: Serial
    batch = ForeignKey(ImportBatch, null=False, index=True, help_text="Import")
    subject = Varchar(length=32, help_text="Table")
    subject_id = BigInt(help_text="Ligne de la table")
    before = Text(help_text="Avant — vide = créé par l'import")
    after = Varchar(length=32, help_text="Empreinte après — vide = retiré par l'import")
