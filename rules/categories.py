"""Billing categories as a customer reads them. Categories are free text; one that is not here is printed as it is."""

LABELS = {
    "FR_FIXED": "fixes de France",
    "FR_MOBILE": "mobiles de France",
    "FR_OVERSEAS": "outre-mer",
    "FR_SPECIAL_NORMAL": "numéros spéciaux à tarif normal",
    "FR_PREMIUM": "numéros spéciaux majorés",
    "INTL": "international",
    "INTL_EU": "Europe",
    "ROAMING_EU": "appels émis en Europe",
    "ROAMING_OUT": "appels émis à l'étranger",
    "ROAMING_IN": "appels reçus à l'étranger",
    "SMS_FR": "France",
    "SMS_INTL": "international",
    "SMS_PREMIUM": "numéros surtaxés",
    "SMS_ROAMING": "émis à l'étranger",
    "SMS_ROAMING_EU": "émis en Europe",
    "SMS_IN": "reçus à l'étranger",
    "MMS_FR": "France",
    "MMS_INTL": "international",
    "MMS_ROAMING": "émis à l'étranger",
    "MMS_IN": "reçus à l'étranger",
    "DATA_HOME": "France",
    "DATA_EU": "Europe",
    "DATA_ROAMING": "étranger",
}
TYPES = {"VOICE": "Appels", "SMS": "SMS", "MMS": "MMS", "DATA": "Internet mobile"}


def label(type_: str, category: str) -> str:
    """
    >>> label("VOICE", "FR_MOBILE"), label("DATA", "DATA_EU"), label("SMS", "SATELLITE")
    ('Appels, mobiles de France', 'Internet mobile, Europe', 'SMS, SATELLITE')
    """
    return f"{TYPES[type_]}, {LABELS.get(category, category)}"
