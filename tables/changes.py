"""What is done to lines, at once or on a day, and what the wholesaler's network is asked for it."""

from piccolo.columns import JSON, BigInt, Boolean, Date, ForeignKey, Integer, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from rules.states import ChangeKind, ChangeState, RequestKind, RequestState
from tables.fleet import Line
from tables.orders import OrderItem


class LineChange(Table, help_text="Changements de lignes — faits et programmés"):
    id: Serial
    line = ForeignKey(Line, null=False, index=True, help_text="Ligne")
    kind = Varchar(length=13, choices=ChangeKind, help_text="Changement")
    state = Varchar(length=9, choices=ChangeState, default=ChangeState.planned, index=True, help_text="État")
    effective_on = Date(index=True, help_text="Date d'effet")
    asked = JSON(default="{}", help_text="Ce qui est demandé")
    before = JSON(default="{}", help_text="Ce qu'il y avait — pour y revenir")
    once = Varchar(
        length=64, null=True, default=None, help_text="Demande — une fois par ligne, combien de fois qu'elle soit envoyée"
    )
    reason = Text(help_text="Motif")
    refusal = Text(help_text="Motif du refus")
    actor = Varchar(length=100, help_text="Par")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Demandé le")
    done_at = Timestamptz(null=True, default=None, help_text="Fait le")


class NetworkBatch(Table, help_text="Lots de demandes réseau — tels qu'envoyés"):
    id: Serial
    name = Varchar(length=80, unique=True, help_text="Fichier")
    sha256 = Varchar(length=64, help_text="Empreinte")
    requests = Integer(help_text="Demandes")
    sent_at = Timestamptz(null=True, default=None, help_text="Envoyé le")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Écrit le")


class NetworkAnswerFile(Table, help_text="Fichiers de réponses du réseau — lus une fois"):
    id: Serial
    name = Varchar(length=120, index=True, help_text="Fichier")
    size_bytes = BigInt(help_text="Taille — en octets")
    modified_s = BigInt(help_text="Date au dépôt — en secondes")
    sha256 = Varchar(length=64, unique=True, help_text="Empreinte")
    answers = Integer(help_text="Réponses")
    settled = Integer(help_text="Prises en compte")
    problems = JSON(default="[]", help_text="À voir")
    read_at = Timestamptz(default=TimestamptzNow(), help_text="Lu le")


class NetworkRequest(Table, help_text="Demandes au réseau"):
    id: Serial
    kind = Varchar(length=12, choices=RequestKind, help_text="Demande")
    state = Varchar(length=8, choices=RequestState, default=RequestState.queued, index=True, help_text="État")
    line = ForeignKey(Line, null=True, index=True, help_text="Ligne")
    change = ForeignKey(LineChange, null=True, index=True, help_text="Changement")
    item = ForeignKey(OrderItem, null=True, index=True, help_text="Ligne de commande")
    msisdn = Varchar(length=18, index=True, help_text="Numéro")
    payload = JSON(default="{}", help_text="Contenu — iccid, new_iccid, rio, porting_date, user_name, options")
    batch = ForeignKey(NetworkBatch, null=True, index=True, help_text="Lot")
    attempts = Integer(help_text="Essais")
    next_at = Timestamptz(default=TimestamptzNow(), help_text="Prochain essai")
    claimed_at = Timestamptz(null=True, default=None, help_text="Pris en main le")
    sent_at = Timestamptz(null=True, default=None, help_text="Envoyée le")
    settled_at = Timestamptz(null=True, default=None, help_text="Répondue le")
    effective_on = Date(null=True, default=None, help_text="Effective le")
    reason = Text(help_text="Réponse — motif du refus")
    seen = Boolean(default=False, help_text="Refus vu par une personne")
    actor = Varchar(length=100, help_text="Par")
    requested_at = Timestamptz(default=TimestamptzNow(), help_text="Demandée le")
