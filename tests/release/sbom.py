"""What is inside a wheel, for those who look for known holes: CycloneDX, by PEP 770."""

from __future__ import annotations

import json
from typing import Any

from tests.release.pins import Library, Pins

__all__ = ["sbom"]

SPECIFICATION = "1.6"


def component_of(library: Library, mirror: str) -> dict[str, Any]:
    """Return the entry of a library that is linked in."""
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": library.name,
        "name": library.name,
        "version": library.version,
        "licenses": [{"expression": library.license}],
        "purl": f"pkg:generic/{library.name}@{library.version}",
        "externalReferences": [
            {
                "type": "source-distribution",
                "url": f"{mirror}/{library.file}",
                "hashes": [{"alg": "SHA-256", "content": library.sha256}],
            }
        ],
    }
    if library.cpe:
        component["cpe"] = f"cpe:2.3:a:{library.cpe}:{library.version}:*:*:*:*:*:*:*"
    return component


def sbom(name: str, version: str, pins: Pins, compiler: str) -> str:
    """Return the bill of materials of the wheels of `name`.

    Without a time and a serial number, so that the same sources give the same bytes.

    Parameters
    ----------
    name, version
        The distribution's.
    pins
        What is linked in.
    compiler
        The version of zig, whose run-time support is linked in where code needs it.
    """
    wheel = {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": version,
        "licenses": [{"expression": "MIT"}],
        "purl": f"pkg:pypi/{name}@{version}",
    }
    tool = {"type": "application", "name": "zig", "version": compiler}
    components = [
        component_of(library, pins.mirrors[0]) for _, library in sorted(pins.libraries.items())
    ]
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPECIFICATION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"component": wheel, "tools": {"components": [tool]}},
        "components": components,
        "dependencies": [
            {"ref": name, "dependsOn": [component["bom-ref"] for component in components]}
        ],
    }
    return json.dumps(document, indent=2) + "\n"
