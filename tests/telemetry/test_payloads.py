"""What is written of payloads: never a credential, never more than the limit, always one line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.telemetry.payloads import LEFT_OUT, READABLE, Redactor, payload_lines
from fedgate.telemetry.settings import LogSettings, PayloadSettings

SECRET = "s3cr3t-value-0001"


@pytest.mark.parametrize(
    "name",
    ["authorization", "Authorization", "x-api-key", "api_key", "password", "access_token", "client_secret", "cookie"],
)
def test_values_of_credentials_are_left_out_wherever_they_stand(name: str) -> None:
    redactor = Redactor()
    assert redactor.headers({name.lower().encode(): SECRET.encode(), b"accept": b"*/*"}) == {
        name.lower(): LEFT_OUT,
        "accept": "*/*",
    }
    deep = json.dumps({"a": [{"b": {name: {"inner": SECRET}}}], "text": "kept"}).encode()
    shown = redactor.body(deep, 1000)
    assert SECRET not in shown
    assert json.loads(shown)["text"] == "kept"


@pytest.mark.parametrize("text", [f"Bearer {SECRET}", f"use sk-{SECRET} please", f"basic {SECRET}=="])
def test_what_looks_like_a_credential_is_left_out_of_text(text: str) -> None:
    redactor = Redactor()
    for body in (json.dumps({"said": text}).encode(), text.encode(), f"data: {json.dumps({'x': text})}\n\n".encode()):
        assert SECRET not in redactor.body(body, 1000)


def test_names_of_the_manifest_are_left_out_too() -> None:
    redactor = Redactor(["Patient", "x-tenant"])
    assert redactor.body(b'{"PATIENT":"Ada","n":1}', 100) == f'{{"PATIENT":"{LEFT_OUT}","n":1}}'
    assert redactor.headers({b"x-tenant": b"acme"}) == {"x-tenant": LEFT_OUT}


def test_an_event_stream_is_cleaned_event_by_event() -> None:
    stream = b'event: message\ndata: {"token":"abc","delta":"hi"}\n\ndata: [DONE]\n\n'
    assert (
        Redactor().body(stream, 1000)
        == f'event: message\ndata: {{"token":"{LEFT_OUT}","delta":"hi"}}\n\ndata: [DONE]\n'
    )


def test_long_bodies_are_cut_and_very_long_ones_are_only_measured() -> None:
    redactor = Redactor()
    assert redactor.body(b'{"a":"' + b"x" * 100 + b'"}', 10) == '{"a":"xxxx... [108 bytes]'
    assert redactor.body(b"x" * READABLE, 10, READABLE + 1) == f"[{READABLE + 1} bytes]"


@given(st.binary(max_size=300), st.integers(1, 50))
def test_whatever_a_body_is_it_is_shown_within_the_limit(body: bytes, limit: int) -> None:
    assert len(Redactor().body(body, limit)) <= limit + len("... [300 bytes]")


def test_they_are_off_unless_the_manifest_says_so() -> None:
    assert LogSettings().payload_settings is None
    assert LogSettings(payloads=True).payload_settings == PayloadSettings()
    assert LogSettings.model_validate({"payloads": {"redact": ["x"]}}).payload_settings == PayloadSettings(
        redact=("x",)
    )


def test_the_file_is_its_owners_alone_and_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "payloads.log"
    for number in (1, 2):
        lines = payload_lines(PayloadSettings(file=str(path)))
        lines.write({"n": number, "text": "two\nlines"})
        lines.close()
        lines.close()
    assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [1, 2]
    assert path.stat().st_mode & 0o777 == 0o600
