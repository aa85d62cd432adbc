"""`fedgate schema`: what editors read."""

import json

import pytest

from fedgate.cli.main import main
from fedgate.manifest.schema import schema


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_schema_is_printed_as_json(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", *options]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
