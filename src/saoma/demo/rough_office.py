"""The office during a rough run: somebody tries to hang a photo on the menu, which needs the storage.

What matters is that a full disk is told in words, and that the same photo is kept once there is room again."""

from __future__ import annotations

import asyncio
import io

import aiohttp
from PIL import Image

from saoma.demo.cast import DemoFile
from saoma.demo.people import Cashier, Gone, PlayedWrong
from saoma.kit.db import Database

_TRIES = 100


class Office:
    """An owner at the first restaurant's menu."""

    def __init__(self, demo: DemoFile) -> None:
        self._demo = demo
        self._shade = 0
        merchant = demo.merchants[0]
        staff = next(each for each in demo.staff if each.get("store_id") == merchant["store_id"])
        self._store_id: str = merchant["store_id"]
        self._owner = Cashier(demo.app_url, staff["login"], staff["password"])

    async def close(self) -> None:
        """Go home."""
        await self._owner.close()

    async def _item(self) -> str:
        db = await Database.open(self._demo.database_url, max_size=1)
        try:
            async with db.reading() as rows:
                return str(
                    await rows.value(
                        "SELECT id FROM menu_items WHERE store_id = %(store)s ORDER BY id LIMIT 1",
                        {"store": self._store_id},
                    )
                )
        finally:
            await db.close()

    async def keep_photo(self) -> str:
        """Try to keep a new photo: `kept`, or the status and the words of the refusal."""
        self._shade += 1
        picture = io.BytesIO()
        Image.new("RGB", (200, 160), (40, 90, self._shade % 256)).save(picture, "PNG")
        for _ in range(_TRIES):
            try:
                item = await self._item()
                status, text = await self._owner.hang(item, picture.getvalue())
                return "kept" if status == 303 else f"{status} {text}"
            except (Gone, PlayedWrong, aiohttp.ClientError):
                await asyncio.sleep(0.3)
            except Exception:
                # the database is on its way back
                await asyncio.sleep(0.3)
        return "599 nobody answered"
