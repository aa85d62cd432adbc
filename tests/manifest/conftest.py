"""Manifests written to a folder and loaded; problems with the folder's name taken out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fedgate.manifest.load import load
from fedgate.manifest.model import Manifest
from fedgate.manifest.problems import ManifestError

Files = Mapping[str, str] | str
Load = Callable[..., Manifest]
Problems = Callable[..., list[str]]


def _write(folder: Path, files: Files) -> list[Path]:
    by_name = {"m.yaml": files} if isinstance(files, str) else files
    for name, text in by_name.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in by_name]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """`loaded({"name": "text"}, VAR="value")` is the manifest."""

    def run(files: Files, **env: str) -> Manifest:
        return load(_write(tmp_path, files), env)

    return run


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """`problems("text", VAR="value")` is what is wrong, one line each."""

    def run(files: Files, **env: str) -> list[str]:
        with pytest.raises(ManifestError) as caught:
            load(_write(tmp_path, files), env)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
        assert len(lines) == len(caught.value.problems)
        return lines

    return run
