"""How the reseller shows itself and what its invoices say: one row each, written by their pages."""

from piccolo.columns import Serial, Text, Varchar
from piccolo.table import Table


class Branding(Table, help_text="Personnalisation — une seule fiche, modifiée sur sa page"):
    id: Serial
    logo_sha256 = Varchar(length=64, help_text="Logo — son empreinte")
    accent = Varchar(length=7, help_text="Couleur d'accent — vide = celle de la maison")
    welcome = Text(help_text="Message d'accueil")
    service_hours = Varchar(length=60, help_text="Horaires du service client")
    sender_name = Varchar(length=100, help_text="Nom d'expéditeur des e-mails")
    sender_email = Varchar(length=120, help_text="Adresse d'expéditeur des e-mails")


class InvoiceTemplate(Table, help_text="Modèle de facture — une seule fiche, modifiée sur sa page ; vide = le texte livré"):
    id: Serial
    footer = Text(help_text="Pied de page")
    late_payment = Text(help_text="Retard de paiement")
    early_payment = Text(help_text="Escompte")
    transfer = Text(help_text="Texte du virement")
    direct_debit = Text(help_text="Texte du prélèvement")
    card = Text(help_text="Texte de la carte bancaire")
    cheque = Text(help_text="Texte du chèque")
