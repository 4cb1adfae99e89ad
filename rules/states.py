"""The states of things and their French words; the moves between them that the law allows (docs/glossaire.md)."""

from collections.abc import Mapping
from enum import Enum


class Word(str, Enum):
    """A code that programs keep, and the French word that a clerk reads.

    >>> RunState("controlled").label
    'Contrôlé'
    """

    label: str

    def __new__(cls, code: str, label: str = "") -> "Word":
        word = str.__new__(cls, code)
        word._value_ = code
        word.label = label
        return word

    def __str__(self) -> str:
        return str(self.value)


Moves = Mapping[Word, tuple[Word, ...]]
"""From each state, those to which the law lets it move; none from one that is final."""


class CustomerKind(Word):
    business = "BUSINESS", "Professionnel"
    consumer = "CONSUMER", "Particulier"


class PaymentMethod(Word):
    transfer = "TRANSFER", "Virement"
    direct_debit = "DIRECT_DEBIT", "Prélèvement"
    card = "CARD", "Carte bancaire"
    cheque = "CHEQUE", "Chèque"


class MandateType(Word):
    core = "CORE", "SEPA CORE"
    b2b = "B2B", "SEPA interentreprises (B2B)"


class VatRegime(Word):
    normal = "", "Taux de l'offre"
    overseas = "DROM_85", "Guadeloupe, Martinique, Réunion"
    exempt_294 = "EXEMPT_294", "Guyane, Mayotte (art. 294)"
    reverse_charge = "REVERSE_CHARGE", "Autoliquidation"
    export = "EXPORT", "Hors Union européenne"


class OfferKind(Word):
    offer = "OFFER", "Abonnement"
    option = "OPTION", "Option"


class ProductKind(Word):
    service = "SERVICE", "Service"
    equipment = "EQUIPMENT", "Matériel"


class UnitState(Word):
    in_stock = "in_stock", "En stock"
    sold = "sold", "Vendu"
    faulty = "faulty", "Défectueux"


class Terms(Word):
    advance = "ADVANCE", "À échoir"
    arrears = "ARREARS", "À terme échu"


class CallType(Word):
    voice = "VOICE", "Voix"
    sms = "SMS", "SMS"
    mms = "MMS", "MMS"
    data = "DATA", "Internet"


class Direction(Word):
    out = "OUT", "Émis"
    received = "IN", "Reçu"


class SimKind(Word):
    physical = "PHYSICAL", "Carte"
    esim = "ESIM", "eSIM"


class SimState(Word):
    in_stock = "in_stock", "En stock"
    reserved = "reserved", "Réservée"
    active = "active", "Active"
    blocked = "blocked", "Bloquée"
    lost = "lost", "Perdue ou volée"
    faulty = "faulty", "Défectueuse"
    retired = "retired", "Hors service"


class SimAct(Word):
    """What a person may do to cards, named by the state that it leads to; `unblocked` = the one that each came from."""

    blocked = "blocked", "Bloquer"
    unblocked = "unblocked", "Débloquer"
    lost = "lost", "Déclarer perdues ou volées"
    faulty = "faulty", "Déclarer défectueuses"
    retired = "retired", "Mettre hors service"


SIM_MOVES: Moves = {
    SimState.in_stock: (
        SimState.reserved, SimState.active, SimState.blocked, SimState.lost, SimState.faulty, SimState.retired,
    ),
    SimState.reserved: (SimState.in_stock, SimState.active, SimState.lost, SimState.faulty),
    SimState.active: (SimState.in_stock, SimState.blocked, SimState.lost, SimState.faulty, SimState.retired),
    SimState.blocked: (SimState.in_stock, SimState.active),
    SimState.lost: (SimState.retired,),
    SimState.faulty: (SimState.retired,),
    SimState.retired: (),
}  # fmt: skip
"""A blocked card goes back to the one of these from which it came; an active one to the stock when its import is undone.
A swap that the network refuses never was: both its cards stand as before it."""

SIM_BY_HAND: Moves = {
    state: tuple(to for to in moves if state == SimState.blocked or to.value in {act.value for act in SimAct})
    for state, moves in SIM_MOVES.items()
}
"""Those that a person may ask for: orders reserve cards, imports and swaps activate them."""


class LineState(Word):
    pending = "pending", "En attente"
    active = "active", "Active"
    suspended_out = "suspended_out", "Restreinte sortante"
    suspended_full = "suspended_full", "Restreinte entrante-sortante"
    termination_scheduled = "termination_scheduled", "Résiliation programmée"
    terminated = "terminated", "Résiliée"
    ported_out = "ported_out", "Portée sortante"
    cancelled = "cancelled", "Annulée"


_SERVED = (LineState.active, LineState.suspended_out, LineState.suspended_full)
LINE_MOVES: Moves = {
    LineState.pending: (LineState.active, LineState.cancelled, LineState.ported_out),
    **{
        state: (*(other for other in _SERVED if other != state), LineState.termination_scheduled, LineState.ported_out)
        for state in _SERVED
    },
    LineState.termination_scheduled: (*_SERVED, LineState.terminated, LineState.ported_out),
    LineState.terminated: (),
    LineState.ported_out: (),
    LineState.cancelled: (),
}
"""A scheduled termination that is cancelled goes back to the one from which it came."""

LIVING = tuple(state for state, moves in LINE_MOVES.items() if moves)


class Barring(Word):
    out = "OUT", "Restriction sortante"
    both = "BOTH", "Restriction entrante et sortante"


BARRED = {Barring.out: LineState.suspended_out, Barring.both: LineState.suspended_full}


class International(Word):
    """What a line may do abroad; WORLD only when its offer allows it (formats.md)."""

    none = "NONE", "France seule"
    europe = "EU", "Union européenne"
    world = "WORLD", "Monde entier"


class ChangeKind(Word):
    """What is done to a line, at once or on a day."""

    suspend = "SUSPEND", "Restreindre"
    reactivate = "REACTIVATE", "Réactiver"
    terminate = "TERMINATE", "Résilier"
    port_out = "PORT_OUT", "Portabilité sortante"
    swap_sim = "SWAP_SIM", "Changer de carte SIM"
    rename = "RENAME", "Changer l'utilisateur"
    change_offer = "CHANGE_OFFER", "Changer d'abonnement"
    international = "INTERNATIONAL", "Comportement international"


class ChangeState(Word):
    planned = "planned", "Programmé"
    done = "done", "Fait"
    refused = "refused", "Refusé"
    cancelled = "cancelled", "Annulé"


CHANGE_MOVES: Moves = {
    ChangeState.planned: (ChangeState.done, ChangeState.refused, ChangeState.cancelled),
    ChangeState.done: (ChangeState.refused,),
    ChangeState.refused: (),
    ChangeState.cancelled: (),
}
"""What is done may still be refused by the network: the line is put back."""


class OrderState(Word):
    draft = "draft", "Brouillon"
    submitted = "submitted", "Validée"
    in_progress = "in_progress", "En cours"
    held = "held", "En attente"
    partial = "partial", "Partielle"
    completed = "completed", "Terminée"
    rejected = "rejected", "Refusée"
    cancelled = "cancelled", "Annulée"


ORDER_MOVES: Moves = {
    OrderState.draft: (OrderState.submitted, OrderState.cancelled),
    OrderState.submitted: (OrderState.in_progress, OrderState.rejected, OrderState.held, OrderState.cancelled),
    OrderState.held: (OrderState.submitted, OrderState.cancelled),
    OrderState.in_progress: (OrderState.completed, OrderState.partial, OrderState.rejected),
    OrderState.partial: (OrderState.completed,),
    OrderState.completed: (),
    OrderState.rejected: (),
    OrderState.cancelled: (),
}
"""A rejected order begins again as a draft of its own, a copy."""


class OrderItemKind(Word):
    line = "LINE", "Ligne mobile"
    service = "SERVICE", "Service"


class OrderItemState(Word):
    draft = "draft", "Brouillon"
    requested = "requested", "Demandée"
    done = "done", "Faite"
    refused = "refused", "Refusée"
    cancelled = "cancelled", "Annulée"


ORDER_ITEM_MOVES: Moves = {
    OrderItemState.draft: (OrderItemState.requested, OrderItemState.cancelled),
    OrderItemState.requested: (OrderItemState.done, OrderItemState.refused, OrderItemState.cancelled),
    OrderItemState.refused: (OrderItemState.requested,),
    OrderItemState.done: (),
    OrderItemState.cancelled: (),
}


class SaleMode(Word):
    sold = "SOLD", "Vendu"
    subsidised = "SUBSIDISED", "Subventionné"
    rented = "RENTED", "Loué"
    own = "OWN", "Appartient au client"


class PurchaseMode(Word):
    one_off = "ONE_OFF", "En une fois"
    instalments = "INSTALMENTS", "En mensualités"


class PortState(Word):
    draft = "draft", "Brouillon"
    checked = "checked", "RIO vérifié"
    submitted = "submitted", "Envoyée"
    eligible = "eligible", "Éligible"
    frozen = "frozen", "Figée (GOP)"
    completed = "completed", "Portée"
    rejected = "rejected", "Refusée"
    cancelled = "cancelled", "Annulée"
    expired = "expired", "Expirée"


PORT_MOVES: Moves = {
    PortState.draft: (PortState.checked, PortState.cancelled),
    PortState.checked: (PortState.submitted, PortState.cancelled, PortState.expired),
    PortState.submitted: (PortState.eligible, PortState.rejected, PortState.cancelled, PortState.expired),
    PortState.eligible: (PortState.frozen, PortState.rejected, PortState.cancelled, PortState.expired),
    PortState.frozen: (PortState.completed, PortState.rejected),
    PortState.rejected: (PortState.checked,),
    PortState.completed: (),
    PortState.cancelled: (),
    PortState.expired: (),
}


class RequestKind(Word):
    """What the wholesaler's network is asked (formats.md)."""

    activate = "ACTIVATE", "Ouvrir une ligne"
    port_in = "PORT_IN", "Porter un numéro"
    cancel_port = "CANCEL_PORT", "Annuler un portage"
    swap = "SWAP", "Changer de carte SIM"
    rename = "RENAME", "Changer l'utilisateur"
    bar_out = "BAR_OUT", "Restreindre les appels sortants"
    bar_both = "BAR_BOTH", "Restreindre tous les appels"
    unbar = "UNBAR", "Lever la restriction"
    profile = "PROFILE", "Changer le profil international"
    change_offer = "CHANGE_OFFER", "Changer d'abonnement"
    terminate = "TERMINATE", "Résilier"


class RequestState(Word):
    queued = "queued", "À envoyer"
    sent = "sent", "Envoyée"
    accepted = "accepted", "Acceptée"
    done = "done", "Confirmée"
    refused = "refused", "Refusée"
    in_doubt = "in_doubt", "À vérifier"


REQUEST_MOVES: Moves = {
    RequestState.queued: (RequestState.sent, RequestState.done, RequestState.refused),
    RequestState.sent: (RequestState.accepted, RequestState.done, RequestState.refused, RequestState.in_doubt),
    RequestState.accepted: (RequestState.done, RequestState.refused),
    RequestState.in_doubt: (RequestState.done, RequestState.refused, RequestState.queued),
    RequestState.done: (),
    RequestState.refused: (),
}
UNSETTLED = tuple(state for state, moves in REQUEST_MOVES.items() if moves)
"""What the network has still to answer."""


class ChargeKind(Word):
    """How a service, a device or a fee is billed (billing law §§ 2, 3)."""

    recurring = "RECURRING", "Chaque mois"
    instalments = "INSTALMENTS", "En mensualités"
    one_off = "ONE_OFF", "Une fois"


class FileState(Word):
    received = "received", "Reçu"
    loaded = "loaded", "Chargé"
    backed_out = "backed_out", "Annulé"


class ArrivalSource(Word):
    sftp = "SFTP", "Dépôt"
    upload = "UPLOAD", "À la main"


class ArrivalState(Word):
    waiting = "waiting", "S'écrit encore"
    fetched = "fetched", "À charger"
    loaded = "loaded", "Chargé"
    refused = "refused", "Refusé"


class ImportState(Word):
    received = "received", "Reçu"
    previewing = "previewing", "Aperçu en cours"
    previewed = "previewed", "À confirmer"
    importing = "importing", "Enregistrement"
    imported = "imported", "Enregistré"
    refused = "refused", "Refusé"
    undone = "undone", "Annulé"


class RejectState(Word):
    open = "open", "À corriger"
    replayed = "replayed", "Rejoué"
    ignored = "ignored", "Écarté"


class RejectCause(Word):
    """Why a CDR is refused. The order is the law's: when several apply, the first counts (formats.md)."""

    bad_type = "BAD_TYPE", "Type ou sens inconnu"
    bad_number = "BAD_NUMBER", "Numéro, durée ou coût illisible"
    bad_date = "BAD_DATE", "Date illisible ou sans décalage horaire"
    negative = "NEGATIVE", "Durée, volume ou coût négatif"
    unknown_line = "UNKNOWN_LINE", "Ligne inconnue"
    line_not_active = "LINE_NOT_ACTIVE", "Ligne non active ce jour-là"
    duplicate = "DUPLICATE", "Doublon"
    duplicate_conflict = "DUPLICATE_CONFLICT", "Même identifiant, autre contenu"
    unknown_plmn = "UNKNOWN_PLMN", "Réseau visité inconnu"
    absurd = "ABSURD", "Plus de 24 h ou de 100 Go"
    too_old = "TOO_OLD", "Plus de douze mois"


class RunState(Word):
    queued = "queued", "En file"
    rating = "rating", "Valorisation"
    drafting = "drafting", "Préparation des brouillons"
    controlled = "controlled", "Contrôlé"
    validating = "validating", "Validation"
    validated = "validated", "Validé"
    printing = "printing", "Édition"
    printed = "printed", "Édité"
    sending = "sending", "Envoi"
    sent = "sent", "Envoyé"
    cancelled = "cancelled", "Annulé"
    failed = "failed", "En échec"


COMPUTING = (RunState.queued, RunState.rating, RunState.drafting, RunState.validating, RunState.printing)


class Severity(Word):
    blocking = "blocking", "Bloquante"
    warning = "warning", "À voir"


class InvoiceKind(Word):
    invoice = "INVOICE", "Facture"
    credit_note = "CREDIT_NOTE", "Avoir"


class InvoiceState(Word):
    draft = "draft", "Brouillon"
    validated = "validated", "Validée"


class InvoiceOrigin(Word):
    run = "RUN", "Facturation du mois"
    manual = "MANUAL", "À la main"
    reinvoice = "REINVOICE", "Refacturation"


class Section(Word):
    """The part of the bill in which a line stands (arrêté du 31 décembre 2013), in the order in which it is printed."""

    recurring = "RECURRING", "Abonnements et options"
    refund = "REFUND", "Remboursements"
    discount = "DISCOUNT", "Remises"
    activation = "ACTIVATION", "Mise en service"
    usage = "USAGE", "Communications hors forfait"
    regularisation = "REGULARISATION", "Régularisations"
    third_party = "THIRD_PARTY", "Services de tiers"
    one_off = "ONE_OFF", "Ponctuel"


class JobState(Word):
    running = "running", "En cours"
    done = "done", "Faite"
    failed = "failed", "En échec"


class DocumentKind(Word):
    invoice = "INVOICE", "Facture"
    detail = "DETAIL", "Détail des communications"
    xml = "XML", "Facture électronique (Factur-X)"


class MailKind(Word):
    account_opened = "account_opened", "Ouverture de compte"
    order_confirmed = "order_confirmed", "Confirmation de commande"
    port_date_fixed = "port_date_fixed", "Date de portage"
    invoice_issued = "invoice_issued", "Facture"
    reminder_1 = "reminder_1", "Relance 1"
    reminder_2 = "reminder_2", "Relance 2"
    reminder_3 = "reminder_3", "Relance 3"
    formal_notice = "formal_notice", "Mise en demeure"
    password_reset = "password_reset", "Mot de passe"
    usage_alert = "usage_alert", "Alerte de consommation"


class MailState(Word):
    queued = "queued", "En file"
    sending = "sending", "En cours d'envoi"
    waiting = "waiting", "Sera réessayé"
    sent = "sent", "Envoyé"
    failed = "failed", "Refusé"
    in_doubt = "in_doubt", "À vérifier"
    withheld = "withheld", "Retenu"
    cancelled = "cancelled", "Annulé"


MAIL_TO_DO = (MailState.queued, MailState.waiting)
"""What the next passage may take in hand."""
MAIL_ON_ITS_WAY = (*MAIL_TO_DO, MailState.sending)
"""What will still move without anybody."""
