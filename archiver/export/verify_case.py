"""Checks a case package: python3 verify.py [FOLDER]. Needs nothing but Python 3.9 or newer, and no network.

Every file must be the one that manifest.json names, none may be missing or added, and every record must be the one to
which the archive committed itself: its salt and content give the commitment, and the entry gives the link. Whoever
holds the archive can show that the links lead to the head that the manifest names. Compare the manifest's SHA-256 with
the one that was told to you in another way: who changes files may change the manifest, too.

Exit code 0: all is well; 1: something is wrong; 2: it can't be decided, because the manifest is missing or unreadable.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OWN = ("manifest.json", "manifest.sha256")  # the manifest can't name itself


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def faults_of_files(folder: Path, files: dict[str, Any]) -> Iterator[str]:
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    present = {path.relative_to(folder).as_posix() for path in paths}
    for name in sorted(present - files.keys() - set(OWN)):
        yield f"{name} was added"
    for name, stated in sorted(files.items()):
        path = folder / name
        if name not in present:
            yield f"{name} is missing"
        elif path.is_symlink() or path.stat().st_size != stated["bytes"] or sha256(path) != stated["sha256"]:
            yield f"{name} was changed"


def faults_of_record(folder: Path, record: dict[str, Any]) -> Iterator[str]:
    path, salt = folder / record["file"], bytes.fromhex(record["salt"])
    if not path.is_file():
        return  # told above
    raw, entry = path.read_bytes(), record["entry"]
    said = raw if len(salt) == 32 else hashlib.sha256(raw).digest()  # older archives hashed the record itself
    if len(raw) != entry["size"] or hashlib.sha256(salt + said).hexdigest() != entry["commitment"]:
        yield f"{record['file']} is not the record of vault entry {entry['seq']}"
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    link, is_same = (
        hashlib.sha256(b"\x00" + canonical).hexdigest(),
        entry["conversation_id"] == record["conversation_id"],
    )
    if link != record["link"] or not is_same:
        yield f"vault entry {entry['seq']} is not what its link says"


def faults(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    stated = (folder / "manifest.sha256").read_text().split()[0]
    if stated != sha256(folder / "manifest.json"):
        yield "manifest.json was changed"
    yield from faults_of_files(folder, manifest["files"])
    records = [json.loads(line) for line in (folder / "records.ndjson").open(encoding="utf-8")]
    yield from (fault for record in records for fault in faults_of_record(folder, record))
    kept = {name for name in manifest["files"] if name.startswith("records/")}
    named = {item["file"] for item in records}
    for name in sorted(kept ^ named):
        yield f"{name} is not in both the manifest and records.ndjson"
    if len(manifest["files"]) != manifest["counts"]["files"]:
        yield f"the manifest names {len(manifest['files'])} files, and counts {manifest['counts']['files']}"
    if len(records) != manifest["counts"]["conversations"]:
        yield f"{len(records)} records, and the manifest counts {manifest['counts']['conversations']}"


def main() -> int:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    if not (folder / OWN[0]).is_file():
        print(f"{__doc__}\nThere is no {OWN[0]} in {folder}: this can't be checked.")
        return 2
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        found = list(faults(folder, manifest))
        said = f"All {len(manifest['files'])} files are as the manifest says.\n"
        said += f"SHA-256 of the manifest: {sha256(folder / 'manifest.json')}\n"
        said += f"Archive's head: {manifest['archive']['head']}\n"
        said += f"Completeness of the span: {manifest['worth']['coverage']['state']}"
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        print(f"This can't be checked: {type(error).__name__}: {error}")
        return 2
    print("\n".join(found) or said)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
