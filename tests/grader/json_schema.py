"""Checks a value against a JSON Schema: the part of the language that msgspec writes, and an error for any other."""

from __future__ import annotations

from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "$ref", "default", "title"}
KNOWN |= {"description", "$defs", "$schema", "$id", "minimum", "maximum"}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, path: str = "$") -> list[str]:
    """Return what is wrong with a value, as "$.tests[3].score: ..."; nothing if it fits."""
    root = root or schema
    assert schema.keys() <= KNOWN, f"not known here: {schema.keys() - KNOWN}"
    if "$ref" in schema:
        return problems(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)
    if "anyOf" in schema:
        tried = [problems(value, choice, root, path) for choice in schema["anyOf"]]
        return [] if [] in tried else tried[0]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: {value!r} is none of {schema['enum']}"]
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{path}: {value!r} is no {kind}"]
    if isinstance(value, list):
        return [line for n, item in enumerate(value) for line in problems(item, schema["items"], root, f"{path}[{n}]")]
    return _object(value, schema, root, path) if isinstance(value, dict) else []


def _object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str) -> list[str]:
    inside = schema.get("properties", {})
    found = [f"{path}: {name} is missing" for name in schema.get("required", []) if name not in value]
    if schema.get("additionalProperties") is False:
        found += [f"{path}: {name} is unknown" for name in value if name not in inside]
    both = [name for name in value if name in inside]
    return found + [line for name in both for line in problems(value[name], inside[name], root, f"{path}.{name}")]
