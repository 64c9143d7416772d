"""Keeps, of an API server's OpenAPI document, the definitions that a Job refers to."""
import json
import sys

schemas = json.load(sys.stdin)["components"]["schemas"]


def plain(node):
    out = {key: node[key] for key in ("type", "required", "$ref") if key in node}
    if "allOf" in node:
        out["allOf"] = [plain(part) for part in node["allOf"]]
    if "items" in node:
        out["items"] = plain(node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        out["additionalProperties"] = plain(node["additionalProperties"])
    if "properties" in node:
        out["properties"] = {name: plain(part) for name, part in node["properties"].items()}
    return out


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for part in node.values():
            yield from references(part)
    elif isinstance(node, list):
        for part in node:
            yield from references(part)


kept, todo = {}, ["io.k8s.api.batch.v1.Job"]
while todo:
    name = todo.pop()
    if name not in kept:
        kept[name] = plain(schemas[name])
        todo.extend(references(kept[name]))
json.dump(kept, sys.stdout, sort_keys=True, separators=(",", ":"))
print()
