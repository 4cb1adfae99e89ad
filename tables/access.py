"""Who may enter: users, and the one-time links by which they choose a password."""

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import ForeignKey, Serial, Timestamptz, Varchar
from piccolo.table import Table


class User(BaseUser, tablename="piccolo_user", help_text="Utilisateurs"):
    _min_password_length = 12


class AccessLink(Table, help_text="Liens d'accès — à usage unique"):
    id: Serial
    account = ForeignKey(User, null=False, help_text="Utilisateur")
    token_sha256 = Varchar(length=64, unique=True, secret=True, help_text="Empreinte du jeton")
    expires_at = Timestamptz(help_text="Valable jusqu'au")
    used_at = Timestamptz(null=True, default=None, help_text="Utilisé le")
