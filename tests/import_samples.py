"""One small good file of each kind; everybody in them is fictitious, only the check digits are real."""

from collections.abc import Mapping

from rules.files.form import Error, FormError, read

OFFERS = """kind;code;label;monthly_price;activation_fee;vat_rate;allowances;data_speed;international;valid_from
OFFER;SOLO;Solo 1 h;4,1583;8.3333;20;VOICE:60:FR_FIXED+FR_MOBILE|DATA:50:DATA_HOME;4G 50 Mbit/s;no;2026-09-01
OPTION;OPT-SMS;SMS illimités;2.5;0;8.5;SMS:*:SMS_FR;;no;2026-09-01
OPTION;OPT-MAIL;Messagerie;0;0;20;;;yes;2026-09-01
"""
RATES = """origin;type;direction;prefix;destination;category;unit_price;offpeak_unit_price;setup_fee;first_increment;\
next_increment;service_per_call;service_per_minute
HOME;VOICE;OUT;33;France;FR_FIXED;0,06;0,03;0,12;30;30;;
HOME;VOICE;;336;France mobile;FR_MOBILE;0.083333;;;;;;
HOME;VOICE;OUT;=3900;Numéro spécial;FR_PREMIUM;0;;;;;0,5;0,35
HOME;SMS;OUT;*;SMS;SMS_FR;0,1;;;;;;
HOME;DATA;OUT;;Internet;DATA_HOME;0,05;;;;;;
"""
ROAMING_ZONES = "zone;mcc\nHOME;208\nEU;262+222+214\n"
SIMS = """iccid;imsi;pin1;puk1;pin2;puk2;kind;activation_code;batch;msisdn
8933099999000000017;208990000000001;1234;12345678;4321;87654321;PHYSICAL;;LOT-1;06 39 98 00 01
8933099999000000025;208990000000002;;;;;ESIM;LPA:1$smdp.operateur.example$JETON-SECRET;LOT-1;
8933099999000000033;208990000000003;;;;;PHYSICAL;;LOT-1;
8933099999000000041;208990000000004;;;;;PHYSICAL;;LOT-1;
"""
CUSTOMERS = """customer_number;company_name;kind;siren;siret;vat_number;street;street2;postcode;city;country;delivery_street;\
delivery_street2;delivery_postcode;delivery_city;delivery_country;billing_contact_name;billing_email;site_contact_name;site_email;\
login;payment_method;iban;bic;mandate_reference;mandate_date;mandate_type;detailed_bill;hide_digits;group_lines
C1;Société Imaginaire;BUSINESS;999001019;99900101900010;FR83999001019;1 rue du Modèle;;69000;Lyon;;;;;;;Anne Essai;\
compta@imaginaire.example;Paul Essai;site@imaginaire.example;;DIRECT_DEBIT;FR7699999000010000000000115;IMAGFRPPXXX;RUM-1;\
2026-01-05;B2B;;;
C2;Camille Essai;CONSUMER;;;;2 rue du Modèle;;75011;Paris;FR;;;;;;;camille@essai.example;;;camille;CARD;;;;;;no;no;yes
"""
LINES = """msisdn;customer_number;iccid;user_name;offer;options;rate_table;activated_on;terminated_on;commitment_months;\
commitment_start;billing_terms;discount_percent;billed_until
06 39 98 00 01;C1;8933099999000000017;Léa Essai;SOLO;OPT-SMS+OPT-MAIL;STD;2025-02-10;;24;2025-02-10;ADVANCE;15,5;2026-10-31
+33639980002;C2;8933099999000000025;Noé Essai;SOLO;;STD;2026-10-12;2026-11-30;0;;ARREARS;0;
"""
FILES = {
    "offers": OFFERS,
    "rates": RATES,
    "roaming_zones": ROAMING_ZONES,
    "sims": SIMS,
    "customers": CUSTOMERS,
    "lines": LINES,
}


def change(kind: str, *pairs: tuple[str, str]) -> str:
    """The good file of a kind, each text replaced by another; a test that no longer changes anything fails."""
    text = FILES[kind]
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def cell(kind: str, line: int, column: str, value: str) -> str:
    """The good file of a kind with one cell replaced."""
    rows = [row.split(";") for row in FILES[kind].splitlines()]
    rows[line - 1][rows[0].index(column)] = value
    return "\n".join(";".join(row) for row in rows) + "\n"


def form_errors(data: bytes, columns: Mapping[str, bool], file: str = "") -> tuple[Error, ...]:
    """Every error of form of a file; empty when it can be read."""
    try:
        read(data, columns, file)
    except FormError as problem:
        return problem.errors
    return ()
