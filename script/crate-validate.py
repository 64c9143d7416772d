#!/usr/bin/env python3
"""Runs roc-validator on a crate with JSON-LD contexts from files.

usage: crate-validate.py DIR CRATE PROFILE...

DIR is where script/validators installed things. Prints each REQUIRED issue and
ends with 1 if there is one. The contexts that crates name by their address are
served from DIR, so that the verdict does not hang on a web server.

CRATE is the root of the crate, data/ of a bag: roc-validator 0.13.0 can be
given the bag, but then takes every path with "data/" in it for one from the
root of the bag, and misses an experiment's own data folder.
"""
import io
import json
import pathlib
import sys
import urllib.request

import rdflib.parser
import requests
import requests_cache
from rocrate_validator import services

where, crate, *profiles = sys.argv[1:]

TERMS = """ParameterConnection ContainerImage DockerImage SIFImage connection
sourceParameter targetParameter md5 sha1 sha256 sha512 environment registry tag
containerImage resourceUsage""".split()
RUN = "https://w3id.org/ro/terms/workflow-run"
CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": (pathlib.Path(where) / "wheels/rocrate/data/ro-crate.jsonld").read_text(),
    RUN + "/context": json.dumps({"@context": {t: RUN + "#" + t for t in TERMS}}),
}


def answer(url):
    response = requests.Response()
    response.status_code, response.url = 200, url
    response.headers["Content-Type"] = "application/ld+json"
    response.raw = io.BytesIO(CONTEXTS[url].encode())
    response._content = CONTEXTS[url].encode()
    return response


for session in (requests.Session, requests_cache.CachedSession):
    def request(self, method, url, *args, plain=session.request, **kwargs):
        return answer(url) if url in CONTEXTS else plain(self, method, url, *args, **kwargs)
    session.request = request


class Opened(io.BytesIO):
    status = code = 200
    headers = {"content-type": "application/ld+json"}

    def geturl(self):
        return self.url

    def info(self):
        return self.headers


def urlopen(request, *args, plain=urllib.request.urlopen, **kwargs):
    url = request if isinstance(request, str) else request.full_url
    if url not in CONTEXTS:
        return plain(request, *args, **kwargs)
    opened = Opened(CONTEXTS[url].encode())
    opened.url = url
    return opened


urllib.request.urlopen = rdflib.parser._urlopen = urlopen

failed = False
for profile in profiles:
    result = services.validate(services.ValidationSettings(
        rocrate_uri=crate, profile_identifier=profile, requirement_severity="REQUIRED",
    ))
    issues = result.get_issues()
    print(f"{profile}: {len(result.executed_checks)} checks, {len(issues)} issues")
    for i in issues:
        failed = True
        print(f"  {i.check.identifier}: {i.violatingEntity}: {i.message}")
sys.exit(failed)
