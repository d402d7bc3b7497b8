"""Holds policies to docs/policy.schema.json with a real validator (the package jsonschema).

usage: validate.py SCHEMA POLICY.toml...    exit 0 if the schema is one and all policies fit it and misspelt ones do not
"""

import datetime
import json
import sys
import tomllib

import jsonschema


def plain(value):
    """TOML as a schema sees it: days are texts."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    return value


def main():
    schema = json.load(open(sys.argv[1], encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
    wrong = 0
    for path in sys.argv[2:]:
        policy = plain(tomllib.load(open(path, "rb")))
        for error in validator.iter_errors(policy):
            wrong += 1
            print(f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")
        for table in [name for name, value in policy.items() if isinstance(value, dict)]:
            if validator.is_valid({**policy, table: {**policy[table], "misspelt": 1}}):
                wrong += 1
                print(f"{path}: a misspelt name in [{table}] fits")
    print(f"{len(sys.argv) - 2} policies, {wrong} faults")
    return 1 if wrong or len(sys.argv) < 3 else 0


sys.exit(main())
