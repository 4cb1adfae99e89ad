"""The words of the mails, version after version. A row never changes: the database itself refuses it (migrations)."""

from piccolo.columns import Boolean, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.table import Table


class MailTemplate(Table, help_text="Modèles d'e-mail — chaque version ; la dernière compte"):
    id: Serial
    kind = Varchar(length=20, help_text="Modèle")
    version = Integer(help_text="Version")
    shipped = Boolean(default=False, help_text="Texte d'origine — suit celui du logiciel")
    subject = Varchar(length=150, help_text="Objet")
    body = Text(help_text="Message")
    actor = Varchar(length=100, help_text="Par")
    at = Timestamptz(help_text="Le")
