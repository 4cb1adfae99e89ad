"""Vérifie une archive de Ligne Claire, sans Ligne Claire : `python3 verify_archive.py archive.zip`. Python 3.8 ou plus récent suffit.

Chaque document et chaque fichier porte un sceau : le SHA-256 (UTF-8) du sceau précédent de sa série, d'un saut de ligne et du
texte scellé. Ce programme refait chaque sceau, suit chaque chaîne, compare chaque fichier à son empreinte et refait les totaux.
"""

import collections
import hashlib
import json
import sys
import zipfile

KNOWN = {"LISEZ-MOI.txt", "verify_archive.py", "documents.jsonl", "papers.jsonl", "manifest.json"}
AMOUNTS = ("excl_vat_cents", "vat_cents", "incl_vat_cents")
MOST_TOLD = 50


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sha256_of(file):
    digest = hashlib.sha256()
    for block in iter(lambda: file.read(1 << 20), b""):
        digest.update(block)
    return digest.hexdigest()


class Chain:
    """Une série, suivie sceau après sceau. `whole` : depuis le premier ; `gaps` : tous n'y sont pas (fichiers d'une période)."""

    def __init__(self, whole, gaps=False):
        self.whole, self.gaps, self.first, self.rank, self.head, self.count = whole, gaps, None, None, "", 0

    def follow(self, row):
        """Ce qui ne va pas dans un sceau, sinon rien."""
        found = []
        if sha256((row["previous"] + "\n" + row["sealed"]).encode()) != row["sha256"]:
            found.append("son sceau n'est pas celui de son contenu")
        if self.rank is None:
            self.first = row["rank"]
            if (self.whole or row["rank"] == 1) and row["previous"]:
                found.append("le premier sceau d'une série n'en suit aucun")
        elif row["rank"] == self.rank + 1:
            if row["previous"] != self.head:
                found.append("son sceau ne suit pas celui d'avant")
        elif not self.gaps or row["rank"] <= self.rank:
            found.append("un document manque avant lui, ou le rang est pris deux fois")
        self.rank, self.head, self.count = row["rank"], row["sha256"], self.count + 1
        return found

    def end(self):
        return {"first": self.first, "last": self.rank, "seals": self.count, "head": self.head}


def documents(lines, chains, whole, totals):
    for line in lines:
        row = json.loads(line)
        sealed = json.loads(row["sealed"])
        kept = sealed["document"]
        chain = chains.setdefault(row["series"], Chain(whole))
        problems = chain.follow(row)
        if (sealed["series"], sealed["rank"]) != (row["series"], row["rank"]):
            problems.append("la place écrite dans son sceau n'est pas la sienne")
        if sha256(row["document"].encode()) != kept["sha256"]:
            problems.append("son contenu figé n'a pas l'empreinte scellée")
        elif json.loads(row["document"])["number"] != kept["number"]:
            problems.append("son contenu figé porte un autre numéro")
        for name in AMOUNTS:
            totals[name] += kept[name]
        totals["documents"] += 1
        for problem in problems:
            yield "{} : {}.".format(kept["number"], problem)


def papers(archive, lines, chains, names, whole, missing):
    for line in lines:
        row = json.loads(line)
        kept = json.loads(row["sealed"])["paper"]
        problems = chains.setdefault(row["series"], Chain(whole, gaps=not whole)).follow(row)
        place = "papers/" + kept["name"]
        if place in names:
            names.discard(place)
            with archive.open(place) as file:
                if sha256_of(file) != kept["sha256"]:
                    problems.append("ce fichier n'est pas celui qui a été scellé")
        else:
            problems.append("ce fichier manquait déjà chez l'émetteur" if kept["name"] in missing else "ce fichier manque")
        for problem in problems:
            yield "{} : {}.".format(kept["name"], problem)


def verify(path):
    """Les problèmes trouvés dans une archive, et ce qu'elle porte."""
    with zipfile.ZipFile(path) as archive:
        every = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        names, chains, totals = set(every) - KNOWN, {}, dict.fromkeys(("documents", *AMOUNTS), 0)
        problems = [f"{name} : présent deux fois." for name, times in collections.Counter(every).items() if times > 1]
        with archive.open("documents.jsonl") as lines:
            problems += documents(lines, chains, manifest["whole"], totals)
        with archive.open("papers.jsonl") as lines:
            problems += papers(archive, lines, chains, names, manifest["whole"], set(manifest["missing"]))
        problems += [f"{name} : ce fichier n'est pas du nombre." for name in sorted(names)]
        for name, expected in sorted(manifest["files"].items()):
            with archive.open(name) as file:
                if sha256_of(file) != expected:
                    problems.append(f"{name} : ce n'est pas celui du manifeste.")
    ends = {series: chain.end() for series, chain in chains.items()}
    for series in sorted(set(ends) | set(manifest["series"])):
        if ends.get(series) != manifest["series"].get(series):
            problems.append(f"{series} : la série n'est pas celle du manifeste.")
    if totals != manifest["totals"]:
        problems.append("manifest.json : les totaux ne sont pas ceux des documents.")
    return problems, manifest


def main():
    if len(sys.argv) != 2:
        sys.exit("Donnez l'archive : python3 verify_archive.py archive.zip")
    try:
        problems, manifest = verify(sys.argv[1])
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as reason:
        sys.exit(f"Cette archive ne se lit pas : {type(reason).__name__} {reason}")
    for problem in problems[:MOST_TOLD]:
        print(problem)
    if problems:
        sys.exit(f"NON CONFORME : {len(problems)} problème(s).")
    totals = manifest["totals"]
    print(f"Conforme : {totals['documents']} documents, total TTC {totals['incl_vat_cents'] / 100:.2f} euros.")
    for series, end in sorted(manifest["series"].items()):
        print(f"  {series} : {end['seals']} sceaux, du rang {end['first']} au rang {end['last']}, dernier sceau {end['head']}")


if __name__ == "__main__":
    main()
