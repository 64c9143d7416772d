#!/usr/bin/env python3
"""Holds a deposit against the libraries and schemas of those who take it.

usage: deposit-validate.py DIR DEPOSIT   (DIR as for script/validators)

Checks the bag and its profile, DataCite's schema if there is a record, the
configuration for a CODECHECK, and that every JSON document is one. Prints each
fault and ends with 1 if there is one.
"""
import json
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")
import bagit  # noqa: E402
import bagit_profile  # noqa: E402
import jsonschema  # noqa: E402
import yaml  # noqa: E402

where, deposit = map(pathlib.Path, sys.argv[1:])
faults = []

bag = bagit.Bag(str(deposit))
try:
    bag.validate()
except bagit.BagValidationError as e:
    faults.append(f"bagit: {e}")

PROFILE = {
    "BagIt-Profile-Info": {
        "BagIt-Profile-Identifier": "urn:repro:bagit-profile:1", "BagIt-Profile-Version": "1.3.0",
        "Source-Organization": "repro", "External-Description": "deposits of repro", "Version": "1",
    },
    "Bag-Info": {
        "External-Description": {"required": True}, "External-Identifier": {"required": True},
        "Bagging-Date": {"required": True},
    },
    "Manifests-Required": ["sha256"], "Tag-Manifests-Required": ["sha256", "sha512"],
    "Tag-Files-Required": ["START-HERE.html"], "Allow-Fetch.txt": True,
    "Accept-BagIt-Version": ["1.0"], "Accept-Serialization": ["application/tar"], "Serialization": "optional",
}
profile = bagit_profile.Profile("urn:repro:bagit-profile:1", profile=PROFILE)
bag.info["BagIt-Profile-Identifier"] = "urn:repro:bagit-profile:1"
if not profile.validate(bag):
    faults.append(f"profile: {profile.report}")

data = deposit / "data"
for name in data.rglob("*.json"):
    if "inputs" not in name.parts and "outputs" not in name.parts:
        json.loads(name.read_text())

record = data / "submission/datacite.json"
if record.exists():
    schemas = where.resolve() / "wheels/datacite/schemas"
    schema = json.loads((schemas / "datacite-v4.5.json").read_text())
    resolver = jsonschema.RefResolver(schemas.as_uri() + "/", schema)
    for e in jsonschema.Draft7Validator(schema, resolver=resolver).iter_errors(json.loads(record.read_text())):
        faults.append(f"datacite: {list(e.path)}: {e.message}")

# CODECHECK configuration, author's part: CC-CFG-001, 004-007, 016-023.
config = data / "submission/codecheck.yml"
if config.exists():
    text = config.read_text()
    c = yaml.safe_load(text)
    if not text.startswith("---\n"):
        faults.append("codecheck: does not begin with ---")
    for entry in c.get("manifest") or [{}]:
        if not (data / entry.get("file", "?")).is_file() or not entry.get("comment"):
            faults.append(f"codecheck: manifest: {entry}")
    paper = c.get("paper", {})
    if not paper.get("title") or not paper.get("authors"):
        faults.append("codecheck: paper without title or authors")
    for author in paper.get("authors", []):
        orcid = author.get("ORCID")
        if not author.get("name") or orcid and len(orcid) != 19:
            faults.append(f"codecheck: author: {author}")
    for field in ("codechecker", "report", "certificate", "check_time", "summary"):
        if field in c:
            faults.append(f"codecheck: {field} is for the checker to fill in")

for f in faults:
    print(f)
sys.exit(bool(faults))
