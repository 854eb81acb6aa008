"""Object storage: the same few verbs on a folder, in memory and over S3's protocol."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from saoma.kit.errors import Invalid, NotFound
from saoma.kit.storage import Storage, StorageAway


@pytest.fixture
async def bucket(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[dict[str, bytes]]:
    """Something that speaks as much S3 as an object needs; what it holds, by path."""
    held: dict[str, bytes] = {}

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256"), "unsigned"
        match request.method:
            case "PUT":
                held[request.path] = await request.read()
                return web.Response(headers={"ETag": '"1"'})
            case "POST" if "delete" in request.query:
                keys = re.findall("<Key>(.*?)</Key>", await request.text())
                for key in keys:
                    held.pop(f"{request.path}/{key}", None)
                gone = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
                return web.Response(text=f"<DeleteResult>{gone}</DeleteResult>", content_type="application/xml")
        if request.path not in held:
            return web.Response(status=404)
        headers = {"ETag": '"1"', "Last-Modified": "Mon, 02 Mar 2026 04:00:00 GMT"}
        return web.Response(body=held[request.path], headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        settings = {"ENDPOINT_URL": str(server.make_url("")).rstrip("/"), "ALLOW_HTTP": "true", "REGION": "eu-1"}
        settings |= {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}
        for name, value in settings.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield held


@pytest.mark.parametrize("kind", ["memory", "folder", "s3"])
async def test_objects_come_back_from_every_kind_of_storage(
    kind: str, tmp_path: Path, bucket: dict[str, bytes]
) -> None:
    urls = {"memory": "memory:", "folder": str(tmp_path / "photos"), "s3": "s3://shop/photos"}
    storage = Storage.at(urls[kind])
    assert not await storage.has("soup/1.webp")
    with pytest.raises(NotFound):
        await storage.get("soup/1.webp")
    await storage.put("soup/1.webp", b"a photo")
    await storage.put("soup/2.webp", b"another")
    await storage.put("soup/1.webp", b"a better photo")
    assert await storage.get("soup/1.webp") == b"a better photo"
    assert await storage.has("soup/2.webp")
    await storage.delete("soup/1.webp")
    await storage.delete("soup/1.webp")
    assert not await storage.has("soup/1.webp")
    assert await storage.get("soup/2.webp") == b"another"
    if kind == "s3":
        assert list(bucket) == ["/shop/photos/soup/2.webp"], "the bucket and the prefix of the address"


@pytest.mark.parametrize("key", ["", "../secret", "a//b", "/etc", "a b", "soupé", ".", "a/..", "x" * 201, "a?b"])
async def test_a_strange_key_is_refused_by_every_verb(key: str) -> None:
    storage = Storage.at("memory:")
    for verb in (storage.get, storage.has, storage.delete):
        with pytest.raises(Invalid):
            await verb(key)
    with pytest.raises(Invalid):
        await storage.put(key, b"")


async def test_a_folder_keeps_its_objects_for_the_next_process(tmp_path: Path) -> None:
    await Storage.at(str(tmp_path)).put("a.txt", b"kept")
    assert await Storage.at(str(tmp_path)).get("a.txt") == b"kept"


_ON_A_FULL_DISK = """
import asyncio, resource, sys
from saoma.kit.storage import Storage, StorageAway
storage = Storage.at(sys.argv[1])
asyncio.run(storage.put("photos/old", b"kept"))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
async def again():
    try:
        await storage.put("photos/new", b"x" * 100)
    except StorageAway as away:
        print(away)
    print(await storage.has("photos/new"), await storage.get("photos/old"))
asyncio.run(again())
"""


def test_a_full_disk_is_told_in_words_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "no room" in asked.stdout and "Nothing was changed" in asked.stdout
    assert "False b'kept'" in asked.stdout


async def test_a_storage_that_is_no_folder_any_more_is_told_in_words(tmp_path: Path) -> None:
    storage = Storage.at(str(tmp_path / "storage"))
    (tmp_path / "storage").rmdir()
    (tmp_path / "storage").write_text("a file in its place")
    with pytest.raises(StorageAway, match="Nothing was changed"):
        await storage.put("photos/new", b"x")
