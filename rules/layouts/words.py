"""The words of a layout: what it can say of a file and of each column, how each is written, and how the screen calls it."""

from dataclasses import dataclass, field

from rules.layouts.figures import BYTES, SECONDS

TARGETS = {
    "type": "Type", "direction": "Sens", "msisdn": "Ligne", "other_party": "Correspondant", "started_at": "Début",
    "duration_s": "Durée", "volume_bytes": "Volume", "visited_plmn": "Réseau visité", "wholesale_cost": "Coût de gros",
    "cdr_id": "Identifiant",
}  # fmt: skip
REQUIRED = ("type", "msisdn", "started_at")
ROLES = {
    "usage": "usage", "skip": "ignorer", "header": "en-tête", "trailer": "fin", "table": "table",
}  # fmt: skip
FIGURES = ("duration_s", "volume_bytes")
NUMBERS = ("msisdn", "other_party")


@dataclass(frozen=True)
class Option:
    """`kind`: source, text, choice, list, map (of texts), int, yes (or no), format, zone. The first choice is the default."""

    name: str
    kind: str
    label: str
    hint: str = ""
    choices: dict[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = tuple(TARGETS)


FIELD_OPTIONS = (
    Option("source", "source", "D'où"),
    Option("map", "map", "Codes", "code = VOICE, code = SMS IN, code = - (ligne ignorée), * = le reste", targets=("type",)),
    Option("map", "map", "Codes", "code = OUT ou IN", targets=("direction",)),
    Option("map", "map", "Codes", "code = MCC et MNC (DEUD2 = 26202), code = HOME", targets=("visited_plmn",)),
    Option("by", "choice", "La ligne est donnée par", targets=("msisdn",), choices={"msisdn": "son numéro", "imsi": "l'IMSI de sa carte", "iccid": "l'ICCID de sa carte"}),
    Option("by", "choice", "Le réseau est donné par", targets=("visited_plmn",), choices={"plmn": "MCC et MNC d'un seul tenant, ou un code à traduire", "mcc-mnc": "MCC + MNC en deux colonnes"}),
    Option("country", "text", "Indicatif des numéros nationaux", "33 si rien n'est dit", targets=NUMBERS),
    Option("bare", "choice", "Un numéro sans 0, 00 ni + est", targets=NUMBERS, choices={"international": "international", "national": "national"}),
    Option("exits", "list", "Préfixes internationaux", "0011, 011", targets=NUMBERS),
    Option("remove", "list", "Préfixes à retirer", "tel:, 3977", targets=NUMBERS),
    Option("prefix_source", "source", "Préfixe selon la colonne", "ajouté devant le numéro", targets=NUMBERS),
    Option("prefixes", "map", "Préfixe de chaque code", "I = +", targets=NUMBERS),
    Option("format", "format", "Format", "jj/mm/aaaa hh:mm:ss, aaaammjjhhmmss, epoch, excel…", targets=("started_at",)),
    Option("offset", "source", "Décalage dans la ligne", "+0200 ; vide : le fuseau", targets=("started_at",)),
    Option("offset_map", "map", "Codes de décalage", "1 = +0300, ou @table", targets=("started_at",)),
    Option("zone", "zone", "Fuseau", "s'il n'est pas celui du fichier", targets=("started_at",)),
    Option(
        "unit", "choice", "Unité", targets=("duration_s",),
        choices={"s": "secondes", "min": "minutes", "h": "heures", "ds": "dixièmes de seconde", "cs": "centièmes", "ms": "millièmes",
                 "m:s": "mm:ss ou h:mm:ss", "hhmmss": "HHMMSS", "hhmmsscc": "HHMMSScc", "1h2m3s": "1h2m3s"},
    ),
    Option(
        "unit", "choice", "Unité", targets=("volume_bytes",),
        choices={"B": "octets", "KiB": "Ko de 1 024", "MiB": "Mo de 1 024²", "GiB": "Go de 1 024³", "kB": "ko de 1 000", "MB": "Mo de 1 000²", "GB": "Go de 1 000³"},
    ),
    Option("unit_source", "source", "Unité dans la ligne", "la colonne qui la donne", targets=FIGURES),
    Option("units", "map", "Codes d'unité", f"100 = s ; {', '.join(SECONDS)}", targets=("duration_s",)),
    Option("units", "map", "Codes d'unité", f"200 = B ; {', '.join(BYTES)}", targets=("volume_bytes",)),
    Option("rounding", "choice", "Arrondi", targets=FIGURES, choices={"half": "au plus proche", "up": "vers le haut", "down": "vers le bas"}),
    Option("decimals", "text", "Décimales sous-entendues", "0 = euros, 2 = centimes, 3 = millièmes, ou la place qui les donne (en-tête:8)", targets=("wholesale_cost",)),
    Option("currency", "text", "Devise", "EUR, ou la colonne qui la donne", targets=("wholesale_cost",)),
    Option("rates", "map", "Taux", "USD = 0,92 (euros pour une unité)", targets=("wholesale_cost",)),
    Option("sign", "choice", "Signe", targets=("wholesale_cost",), choices={"keep": "tel quel", "absolute": "sans signe", "invert": "inversé"}),
    Option("empty", "list", "Valeurs qui veulent dire « rien »", "NA, anonymous, 64/U"),
    Option("only", "list", "Seulement pour les codes", "types d'enregistrement, ou valeurs de la colonne « Type »"),
)  # fmt: skip
FILE_OPTIONS = (
    Option(
        "separator", "choice", "Séparateur",
        choices={";": "point-virgule", ",": "virgule", "tab": "tabulation", "|": "barre |", ":": "deux-points", "fixed": "largeurs fixes"},
    ),
    Option("quoting", "choice", "Guillemets", choices={"double": "autour des champs, doublés dedans", "none": "ordinaires", "backslash": "aucun, barre oblique \\ devant un séparateur"}),
    Option("encoding", "choice", "Encodage", choices={"utf-8": "UTF-8", "cp1252": "Windows-1252", "latin-1": "Latin-1"}),
    Option("skip_lines", "int", "Lignes à passer", "en haut, avant les noms de colonnes"),
    Option("header", "yes", "Puis une ligne de noms de colonnes"),
    Option("row_width", "choice", "Nombre de champs", choices={"": "celui des noms, sinon au moins ceux qui servent", "same": "le même partout", "any": "variable, ce qui manque est vide"}),
    Option("comment", "text", "Commentaires", "signe qui les ouvre"),
    Option("zone", "zone", "Fuseau des heures", "Europe/Paris"),
    Option("doubled_hour", "choice", "Heure double d'octobre", choices={"first": "la première", "second": "la seconde", "order": "selon l'ordre du fichier"}),
    Option("currency", "text", "Devise", "EUR"),
    Option("record", "source", "Type d'enregistrement", "où il se lit ; rien : une seule sorte de lignes"),
    Option("other_records", "choice", "Types non décrits", choices={"reject": "rejetés", "skip": "ignorés", "usage": "lus comme les autres"}),
    Option("sequence", "source", "Numéro de suite", "fichier:CDR_{}.csv ; un trou est signalé"),
)  # fmt: skip


ASIDE = {"empty", "only", "rounding", "bare", "exits", "remove", "prefix_source", "prefixes", "offset_map", "rates", "sign"}
"""Options that few layouts need: the screen folds them."""


def options_of(target: str) -> dict[str, Option]:
    return {option.name: option for option in FIELD_OPTIONS if target in option.targets}
