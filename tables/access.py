"""Who may enter: users, the one-time links by which they choose a password, and the calls that programs made."""

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import Bytea, ForeignKey, Integer, Serial, Timestamptz, Varchar
from piccolo.table import Table

from rules.rights import Role


class User(BaseUser, tablename="piccolo_user", help_text="Utilisateurs"):
    role = Varchar(length=13, choices=Role, default=Role.reader, help_text="Rôle")
    _min_password_length = 12


class AccessLink(Table, help_text="Liens d'accès — à usage unique"):
    id: Serial
    account = ForeignKey(User, null=False, help_text="Utilisateur")
    token_sha256 = Varchar(length=64, unique=True, secret=True, help_text="Empreinte du jeton")
    expires_at = Timestamptz(help_text="Valable jusqu'au")
    used_at = Timestamptz(null=True, default=None, help_text="Utilisé le")


class IdempotentCall(Table, help_text="Appels idempotents — gardés vingt-quatre heures"):
    id: Serial
    key = Varchar(length=255, unique=True, help_text="Clé")
    call_sha256 = Varchar(length=64, help_text="Empreinte de l'appel")
    status = Integer(null=True, default=None, help_text="Code de la réponse — vide : en cours")
    content_type = Varchar(length=100, help_text="Type de la réponse")
    body = Bytea(help_text="Réponse")
    created_at = Timestamptz(help_text="Reçu le")
