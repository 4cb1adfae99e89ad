"""What was imported, when, and with which result."""

from piccolo.columns import JSON, Date, Integer, Serial, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table


class ImportBatch(Table, help_text="Imports"):
    id: Serial
    kind = Varchar(length=16, index=True, help_text="Nature")
    name = Varchar(length=200, help_text="Fichier")
    file_sha256 = Varchar(length=64, index=True, help_text="Empreinte du contenu")
    code = Varchar(length=32, help_text="Grille tarifaire")
    valid_from = Date(null=True, default=None, help_text="Valable depuis le")
    mode = Varchar(length=8, help_text="Tout, ou lignes valides")
    rows = Integer(help_text="Lignes lues")
    created = Integer(help_text="Créées")
    changed = Integer(help_text="Modifiées")
    unchanged = Integer(help_text="Inchangées")
    rejected = Integer(help_text="En erreur")
    errors = JSON(default="[]", help_text="Erreurs")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Le")
