"""Checks values against JSON Schemas, with the words of the jsonschema package."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """Return what is wrong with a value, as "$.tests[3].score: ..."; nothing if it fits. The schema must be one."""
    Draft202012Validator.check_schema(schema)
    errors = Draft202012Validator(schema).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]
