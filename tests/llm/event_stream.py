"""Frames of AWS event streams, made by the book: what a service would send."""

import json
import zlib
from typing import Any


def header(name: str, value: str) -> bytes:
    told = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + len(told).to_bytes(2) + told


def frame(headers: bytes, payload: bytes) -> bytes:
    prelude = (len(headers) + len(payload) + 16).to_bytes(4) + len(headers).to_bytes(4)
    whole = prelude + zlib.crc32(prelude).to_bytes(4) + headers + payload
    return whole + zlib.crc32(whole).to_bytes(4)


def event(name: str, payload: Any) -> bytes:
    headers = header(":event-type", name) + header(":content-type", "application/json")
    return frame(headers + header(":message-type", "event"), json.dumps(payload).encode())


def exception(name: str, message: str) -> bytes:
    headers = header(":exception-type", name) + header(":message-type", "exception")
    return frame(headers, json.dumps({"message": message}).encode())
