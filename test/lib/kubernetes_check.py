#!/usr/bin/python3
"""Check objects of Kubernetes against its own schema, as Debian's python3-kubernetes has it:
generated from the API's OpenAPI document. Reads YAML documents from standard input; prints a
line for each unknown member, wrong type and missing value, and ends with 1 when there was one.
The number of objects is on the last line."""
import re
import sys

import yaml
from kubernetes import client

SIMPLE = {"str": str, "int": int, "float": (int, float), "bool": bool}
# members that are objects to the model and may be texts or numbers, as the API has them
FREE = {"object"}
problems = []


def model_of(document):
    group, _, version = document["apiVersion"].rpartition("/")
    return getattr(client, version.capitalize() + document["kind"], None)


def check(value, kind, place):
    if value is None:
        problems.append(f"{place}: null")
    elif kind in FREE:
        pass
    elif kind in SIMPLE:
        if not isinstance(value, SIMPLE[kind]) or (kind != "bool" and isinstance(value, bool)):
            problems.append(f"{place}: {value!r} is no {kind}")
    elif match := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            problems.append(f"{place}: no list")
        else:
            for i, item in enumerate(value):
                check(item, match[1], f"{place}[{i}]")
    elif match := re.fullmatch(r"dict\((.*), (.*)\)", kind):
        if not isinstance(value, dict):
            problems.append(f"{place}: no mapping")
        else:
            for key, item in value.items():
                check(key, match[1], f"{place}: key {key}")
                check(item, match[2], f"{place}.{key}")
    else:
        check_object(value, getattr(client, kind), place)


def check_object(value, model, place):
    if not isinstance(value, dict):
        problems.append(f"{place}: no mapping")
        return
    names = {name: attribute for attribute, name in model.attribute_map.items()}
    found = {}
    for key, item in value.items():
        if key not in names:
            problems.append(f"{place}: unknown member {key!r}")
        else:
            found[names[key]] = item
            check(item, model.openapi_types[names[key]], f"{place}.{key}")
    try:
        # the model itself knows which members must be there, and the values of enumerations
        model(**found)
    except ValueError as error:
        problems.append(f"{place}: {error}")


count = 0
for document in yaml.safe_load_all(sys.stdin):
    model = model_of(document)
    name = f"{document['kind']} {document['metadata'].get('name')}"
    count += 1
    if model is None:
        problems.append(f"{name}: the API has no such kind")
    else:
        check_object(document, model, name)
for problem in problems:
    print(problem)
print(f"{count} objects")
sys.exit(1 if problems else 0)
