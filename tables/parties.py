"""Who sells and who buys: the reseller and its customers."""

from piccolo.columns import BigInt, Boolean, Date, Integer, Numeric, Serial, Text, Timestamptz, Varchar
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.readable import Readable
from piccolo.table import Table

from rules.states import CustomerKind, MandateType, PaymentMethod, VatRegime


class Reseller(Table, help_text="Intégrateur — l'émetteur des factures, une seule fiche"):
    id: Serial
    name = Varchar(length=100, help_text="Raison sociale")
    legal_form = Varchar(length=40, help_text="Forme juridique")
    capital_cents = BigInt(help_text="Capital — en centimes")
    siren = Varchar(length=9, help_text="SIREN")
    siret = Varchar(length=14, help_text="SIRET")
    vat_number = Varchar(length=20, help_text="Numéro de TVA")
    rcs_city = Varchar(length=60, help_text="Ville du RCS")
    street = Varchar(length=120, help_text="Rue")
    postcode = Varchar(length=10, help_text="Code postal")
    city = Varchar(length=60, help_text="Ville")
    country = Varchar(length=2, default="FR", help_text="Pays — code à deux lettres")
    email = Varchar(length=120, help_text="E-mail du service client")
    phone = Varchar(length=30, help_text="Téléphone du service client")
    iban = Varchar(length=34, help_text="IBAN")
    bic = Varchar(length=11, help_text="BIC")
    ics = Varchar(length=35, help_text="ICS — identifiant de créancier SEPA")
    einvoice_address = Varchar(length=125, help_text="Adresse de facturation électronique")
    einvoice_sample = Integer(default=0, help_text="Factures contrôlées en entier — sur cent, de chaque facturation")
    vat_on_debits = Boolean(default=True, help_text="TVA sur les débits")
    payment_days = Integer(default=30, help_text="Délai de paiement — en jours")
    end_of_month = Boolean(default=False, help_text="Fin de mois — l'échéance est le dernier jour de son mois")
    first_month = Varchar(length=7, help_text="Premier mois facturé — par exemple 2026-10")
    invoice_pattern = Varchar(length=60, default="F{year}-{counter:06}", help_text="Modèle de numéro de facture")
    credit_note_pattern = Varchar(length=60, default="A{year}-{counter:06}", help_text="Modèle de numéro d'avoir")
    peak_hours = Varchar(length=120, help_text="Heures pleines — par exemple « 1-5:8-20 » ; vide = aucune")
    mail_attachment_kb = Integer(default=5000, help_text="Pièces jointes — en ko ; au-delà, le message porte un lien")
    mails_per_minute = Integer(help_text="Cadence d'envoi — messages par minute ; 0 = sans limite")
    retention_months = Integer(default=12, help_text="Conservation des communications — mois après le règlement, 12 au plus")
    sepa_version = Varchar(length=2, default="08", help_text="Version de pain.008 — 08 ou 02, demandez à votre banque")
    reminder_days = Varchar(
        length=40, default="5 15 30 45", help_text="Relances — jours de retard de chacune, la mise en demeure en dernier"
    )
    suspend_after_days = Integer(default=60, help_text="Restriction proposée — jours de retard ; 0 = jamais")
    port_after_days = Integer(default=5, help_text="Portabilité, plus de — jours entre la commande et le portage")
    port_before_days = Integer(default=59, help_text="Portabilité, moins de — jours entre la commande et le portage")
    port_working_days = Boolean(default=True, help_text="Portabilité en jours ouvrables — ni dimanche ni jour férié")
    former_invoice_number = Varchar(length=35, help_text="Dernière facture de l'ancien système — son numéro")
    former_invoice_on = Date(null=True, default=None, help_text="Dernière facture de l'ancien système — sa date")


class Customer(Table, help_text="Clients"):
    id: Serial
    customer_number = Varchar(length=32, unique=True, help_text="Numéro de client")
    company_name = Varchar(length=200, help_text="Raison sociale")
    kind = Varchar(length=10, choices=CustomerKind, default=CustomerKind.business, help_text="Nature")
    siren = Varchar(length=9, help_text="SIREN")
    siret = Varchar(length=14, help_text="SIRET")
    vat_number = Varchar(length=20, help_text="Numéro de TVA")
    street = Varchar(length=120, help_text="Rue")
    street2 = Varchar(length=120, help_text="Complément")
    postcode = Varchar(length=10, help_text="Code postal")
    city = Varchar(length=60, help_text="Ville")
    country = Varchar(length=2, default="FR", help_text="Pays")
    delivery_street = Varchar(length=120, help_text="Livraison, rue — vide = la même adresse")
    delivery_street2 = Varchar(length=120, help_text="Livraison, complément")
    delivery_postcode = Varchar(length=10, help_text="Livraison, code postal")
    delivery_city = Varchar(length=60, help_text="Livraison, ville")
    delivery_country = Varchar(length=2, help_text="Livraison, pays")
    billing_street = Varchar(length=120, help_text="Facturation, rue — vide = la même adresse")
    billing_street2 = Varchar(length=120, help_text="Facturation, complément")
    billing_postcode = Varchar(length=10, help_text="Facturation, code postal")
    billing_city = Varchar(length=60, help_text="Facturation, ville")
    billing_country = Varchar(length=2, help_text="Facturation, pays")
    billing_contact_name = Varchar(length=120, help_text="Gestionnaire de facturation")
    billing_email = Varchar(length=500, help_text="E-mail de facturation")
    site_contact_name = Varchar(length=120, help_text="Gestionnaire d'identification")
    site_email = Varchar(length=120, null=True, default=None, unique=True, help_text="E-mail d'identification — unique")
    login = Varchar(length=64, unique=True, help_text="Identifiant de connexion")
    payment_method = Varchar(length=12, choices=PaymentMethod, default=PaymentMethod.transfer, help_text="Mode de paiement")
    iban = Varchar(length=34, help_text="IBAN")
    bic = Varchar(length=11, help_text="BIC")
    mandate_reference = Varchar(length=35, help_text="RUM — référence du mandat")
    mandate_date = Date(null=True, default=None, help_text="Mandat signé le")
    mandate_type = Varchar(length=4, null=True, default=None, choices=MandateType, help_text="Type de mandat")
    vat_regime = Varchar(length=14, choices=VatRegime, default=VatRegime.normal, help_text="Régime de TVA")
    einvoice_address = Varchar(length=125, help_text="Adresse de facturation électronique")
    phone = Varchar(length=30, help_text="Téléphone")
    purchase_order = Varchar(length=60, help_text="Référence de commande du client")
    payment_days = Integer(null=True, default=None, help_text="Délai de paiement — en jours ; vide = celui de l'intégrateur")
    end_of_month = Boolean(null=True, default=None, help_text="Fin de mois — vide = comme l'intégrateur")
    discount_percent = Numeric(digits=(5, 2), help_text="Remise du client — en pour cent, après les autres")
    detailed_bill = Boolean(default=True, help_text="Facture détaillée")
    hide_digits = Boolean(default=True, help_text="Masquer les quatre derniers chiffres")
    digits_shown_on = Date(
        null=True, default=None, help_text="Numéros entiers demandés le — sans cette date, ils restent masqués"
    )
    group_lines = Boolean(default=False, help_text="Un seul sous-total par rubrique")
    wholesaler_name = Varchar(length=120, help_text="Nom chez l'opérateur — vide = tiré de la raison sociale")
    send_credentials = Boolean(
        default=False, help_text="Envoyer les identifiants — par un lien, à l'ouverture de l'espace client"
    )
    notes = Text(help_text="Notes")
    created_at = Timestamptz(default=TimestamptzNow(), help_text="Créé le")

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s, %s", columns=[cls.customer_number, cls.company_name])
