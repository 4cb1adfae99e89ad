"""The mark that makes a PDF/A-3 of Typst, with its XML attached, a Factur-X: metadata appended after the last byte."""

import hashlib
import re

FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
PROPERTIES = {
    # name: its value, what it is
    "DocumentFileName": ("factur-x.xml", "Name of the embedded XML"),
    "DocumentType": ("INVOICE", "Type of the hybrid document"),
    "Version": ("1.0", "Version of the XML schema"),
    "ConformanceLevel": ("EN 16931", "Profile of the XML"),
}
XREF_ENTRY = 20  # bytes


def marked(pdf: bytes) -> bytes:
    """A PDF/A-3 of Typst with the Factur-X metadata: one object appended, no byte before it changed.

    Raises ValueError when the PDF has another structure than Typst's.
    """
    start = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    if pdf[start : start + 4] != b"xref":
        raise ValueError("no classic cross-reference table")
    trailer = pdf[pdf.rindex(b"trailer") :]
    first = pdf.index(b"\n", pdf.index(b"\n", start) + 1) + 1
    root = _object(pdf, first, _number(rb"/Root (\d+) 0 R", trailer))
    which = _number(rb"/Metadata (\d+) 0 R", root)
    head, _, rest = _object(pdf, first, which).partition(b"stream")
    if b"/Filter" in head:
        raise ValueError("compressed metadata")
    metadata = rest.lstrip(b"\r\n")[: _number(rb"/Length (\d+)", head)]
    told = _with_factur_x(metadata.decode()).encode()
    base = pdf if pdf.endswith(b"\n") else pdf + b"\n"
    added = b"%d 0 obj\n<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%s\nendstream\nendobj\n" % (which, len(told), told)
    table = b"xref\n%d 1\n%010d 00000 n\r\n" % (which, len(base))
    identity = re.search(rb"/ID\s*\[\s*(\((?:\\.|[^\\)])*\)|<[0-9A-Fa-f]*>)", trailer, re.DOTALL)
    if identity is None:
        raise ValueError("no identity")
    second = hashlib.md5(base + added, usedforsecurity=False).hexdigest().encode()
    info = re.search(rb"/Info \d+ 0 R", trailer)
    keys = [b"/Size %d" % _number(rb"/Size (\d+)", trailer), b"/Root %d 0 R" % _number(rb"/Root (\d+) 0 R", trailer)]
    keys += [info[0] if info else b"", b"/Prev %d" % start, b"/ID[%s<%s>]" % (identity[1], second)]
    return base + added + table + b"trailer\n<<%s>>\nstartxref\n%d\n%%%%EOF\n" % (b"".join(keys), len(base) + len(added))


def _number(pattern: bytes, data: bytes) -> int:
    found = re.search(pattern, data)
    if found is None:
        raise ValueError(f"no {pattern!r}")
    return int(found[1])


def _object(pdf: bytes, first: int, number: int) -> bytes:
    """An object, found by the table that begins at `first`."""
    entry = first + XREF_ENTRY * number
    place = int(pdf[entry : entry + 10])
    return pdf[place : pdf.index(b"endobj", place)]


def _with_factur_x(xmp: str) -> str:
    """The XMP with the four properties, declared in the extension schemas that it already has (ISO 19005-3, 6.6.2.3)."""
    place = xmp.index("</rdf:Bag>", xmp.index("<pdfaExtension:schemas"))
    declared = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{what}</pdfaProperty:description></rdf:li>"
        for name, (_, what) in PROPERTIES.items()
    )
    schema = (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{declared}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _) in PROPERTIES.items())
    xmp = xmp[:place] + schema + xmp[place:]
    end = xmp.rindex("</rdf:RDF>")
    return xmp[:end] + f'<rdf:Description rdf:about="" xmlns:fx="{FX}">{values}</rdf:Description>' + xmp[end:]
