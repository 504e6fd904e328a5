"""Releases: pins are whole and checked, wheels are the same bytes and say what is in them."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from apikit import _core
from tests.release import examine, pins, wheels
from tests.release.sbom import sbom
from tests.release.toolchain import TARGETS
from tests.tools.project import Refusal

pytestmark = pytest.mark.no_asan  # archives are read and written here, the extension is not run

PINS = pins.read_pins()
KIND = wheels.Kind("3.13", TARGETS["x86_64"], ())
METADATA = "Name: sqre-apikit-c\nLicense-Expression: MIT\nLicense-File: LICENSE\n"
INFO = "sqre_apikit_c-1.0.dist-info"
MODULE = f"apikit/_core{KIND.suffix}"


def test_pins_name_versions_hashes_and_licences() -> None:
    assert set(PINS.libraries) >= {"curl", "openssl", "zlib", "brotli", "zstd", "libpsl"}
    for pin in (*PINS.libraries.values(), *PINS.headers):
        assert re.fullmatch(r"[0-9a-f]{64}", pin.sha256), pin
    for library in PINS.libraries.values():
        assert library.license_files
        assert library.version in library.file
    both = {(pin.python, pin.machine) for pin in PINS.headers}
    assert both >= {(python, machine) for python in ("3.11", "3.13") for machine in TARGETS}


def test_archive_is_fetched_once_and_checked(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "z.tar").write_bytes(b"sources")
    right = hashlib.sha256(b"sources").hexdigest()
    pin = pins.Headers(python="3.13", machine="x86_64", file="z.tar", sha256=right)
    nowhere = (tmp_path / "nowhere").as_uri()
    found = pins.fetch(pin, [nowhere, mirror.as_uri()], tmp_path / "kept")
    assert found.read_bytes() == b"sources"
    (mirror / "z.tar").unlink()
    assert pins.fetch(pin, [mirror.as_uri()], tmp_path / "kept") == found


def test_archive_that_is_not_the_pinned_one_is_refused_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "z.tar").write_bytes(b"other")
    pin = pins.Headers(python="3.13", machine="x86_64", file="z.tar", sha256="0" * 64)
    with pytest.raises(Refusal, match=r"z\.tar has the SHA-256 [0-9a-f]{64}, pinned is 0{64}"):
        pins.fetch(pin, [tmp_path.as_uri()], tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())


def test_archive_that_no_mirror_has_is_said_with_what_to_do(tmp_path: Path) -> None:
    pin = pins.Headers(python="3.13", machine="x86_64", file="z.tar", sha256="0" * 64)
    with pytest.raises(Refusal, match=r"z\.tar cannot be had .*pin what the mirrors have"):
        pins.fetch(pin, [tmp_path.as_uri()], tmp_path / "kept")


def raw_wheel(folder: Path, names: Callable[[list[str]], list[str]] = sorted) -> Path:
    """Write a wheel as setuptools leaves it, its files in the order that `names` gives."""
    licences = [f"LICENSE.{name}" for name in PINS.libraries]
    metadata = METADATA + "".join(f"License-File: {name}\n" for name in licences)
    files = {
        MODULE: "module",
        f"{INFO}/WHEEL": "Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\n\n",
        f"{INFO}/METADATA": metadata,
        f"{INFO}/RECORD": "",
        **{f"{INFO}/licenses/{name}": "terms" for name in licences},
    }
    path = folder / "sqre_apikit_c-1.0-cp311-cp311-linux_x86_64.whl"
    folder.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name in names(list(files)):
            archive.writestr(name, files[name])
    return path


def finish(raw: Path) -> Path:
    bill = sbom("sqre-apikit-c", "1.0", PINS, "0.1")
    return wheels.finish(raw, raw.parent, KIND, PINS, bill)


def test_wheels_that_differ_in_order_and_times_become_the_same_bytes(tmp_path: Path) -> None:
    one = finish(raw_wheel(tmp_path / "one"))
    other = finish(raw_wheel(tmp_path / "other", lambda names: sorted(names, reverse=True)))
    assert one.read_bytes() == other.read_bytes()
    assert one.name == "sqre_apikit_c-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(one) as archive:
        assert {item.date_time[0] for item in archive.infolist()} == {1980}
        assert archive.read(f"{INFO}/WHEEL").decode().splitlines() == [
            "Wheel-Version: 1.0",
            "Tag: cp313-cp313-manylinux_2_17_x86_64",
        ]
        assert "AND Apache-2.0 AND" in archive.read(f"{INFO}/METADATA").decode()
        assert examine.faults_of_files(archive, PINS) == []


def test_wheel_whose_licence_is_not_the_projects_is_refused(tmp_path: Path) -> None:
    raw = raw_wheel(tmp_path / "raw")
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(f"{INFO}/WHEEL", "")
        archive.writestr(f"{INFO}/METADATA", "License: MIT\n")
    with pytest.raises(Refusal, match="lacks 'License-Expression: MIT'"):
        finish(raw)


def test_what_a_wheel_lacks_is_told(tmp_path: Path) -> None:
    made = finish(raw_wheel(tmp_path / "raw"))
    more = replace(PINS.libraries["zlib"], name="more")
    wanted = replace(PINS, libraries={**PINS.libraries, "more": more})
    with zipfile.ZipFile(made, "a") as archive:
        archive.writestr("stray", "")
    with zipfile.ZipFile(made) as archive:
        assert examine.faults_of_files(archive, wanted) == [
            "RECORD does not list what is there",
            "METADATA does not name LICENSE.more",
            "LICENSE.more is missing",
            "the bill of materials does not list what is linked in",
        ]


def test_module_that_is_not_of_its_own_is_told() -> None:
    faults = "\n".join(examine.faults_of_module(Path(_core.__file__)))
    assert re.search(r"it needs .*libcurl\.so\.4", faults)


def test_bill_of_materials_names_each_source_by_its_hash() -> None:
    bill = json.loads(sbom("sqre-apikit-c", "1.0", PINS, "0.1"))
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/sqre-apikit-c@1.0"
    (curl,) = (item for item in bill["components"] if item["name"] == "curl")
    assert curl["cpe"] == f"cpe:2.3:a:haxx:libcurl:{curl['version']}:*:*:*:*:*:*:*"
    (source,) = curl["externalReferences"]
    assert source["hashes"][0]["content"] == PINS.libraries["curl"].sha256
    listed = bill["dependencies"][0]["dependsOn"]
    assert listed == [item["bom-ref"] for item in bill["components"]]
