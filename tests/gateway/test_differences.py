"""What is other in a new manifest: by name, without values, and what needs a restart."""

from typing import Any

import pytest
from pydantic import ValidationError

from fedgate.core.values import MANIFEST
from fedgate.gateway.differences import Changed, Differences, differences, effective
from fedgate.manifest.model import Manifest


def manifest(**sections: Any) -> Manifest:
    return Manifest.model_validate(sections, context=MANIFEST)


SERVERS = {"one": {"url": "http://127.0.0.1:1/mcp"}, "two": {"url": "http://127.0.0.1:2/mcp"}}


def test_names_come_go_and_change() -> None:
    old = manifest(mcp={"servers": SERVERS}, access={"keys": [{"id": "alice", "key": "the-first-key-1"}]})
    new = manifest(
        mcp={"servers": {"two": {**SERVERS["two"], "timeout": "9s"}, "three": SERVERS["one"]}, "naming": "never"},
        access={"keys": [{"id": "alice", "key": "the-other-key-2"}]},
        limits=[{"name": "few", "key": "principal.id", "requests": "1/minute"}],
    )
    found = differences(old, new)
    assert found == Differences(
        {
            "mcp.servers": Changed(("three",), ("one",), ("two",)),
            "mcp": Changed(changed=("naming",)),
            "access.keys": Changed(changed=("alice",)),
            "limits": Changed(added=("few",)),
        }
    )
    assert str(found) == "mcp.servers +three -one ~two; mcp ~naming; access.keys ~alice; limits +few"
    assert "key-2" not in repr(found)


def test_the_same_is_no_difference() -> None:
    assert not differences(manifest(mcp={"servers": SERVERS}), manifest(mcp={"servers": SERVERS}))
    assert str(differences(manifest(), manifest())) == "nothing"


def test_what_is_read_at_the_start_alone_needs_a_restart_and_stays_as_it_was() -> None:
    old = manifest()
    new = manifest(
        gateway={"listen": "127.0.0.1:9"},
        sessions={"max": 5},
        telemetry={"requests": {"keep": 1}},
        mcp={"servers": SERVERS, "fingerprints": "prints.json"},
    )
    found = differences(old, new)
    assert found.restart == ("gateway.listen", "sessions.max", "telemetry.requests", "mcp.fingerprints")
    served = effective(old, new)
    assert (served.gateway, served.sessions, served.telemetry) == (old.gateway, old.sessions, old.telemetry)
    assert (served.mcp.fingerprints, list(served.mcp.servers)) == (None, ["one", "two"])


def test_an_open_address_is_not_left_without_keys_by_a_manifest_that_would_listen_elsewhere() -> None:
    keys = {"keys": [{"id": "alice", "key": "the-first-key-1"}]}
    old = manifest(gateway={"listen": "0.0.0.0:8080"}, access=keys)
    with pytest.raises(ValidationError, match="nobody has to say who they are"):
        effective(old, manifest(gateway={"listen": "127.0.0.1:8080"}))
