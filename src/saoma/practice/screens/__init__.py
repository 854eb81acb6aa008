"""What cashiers and their managers look at. Only `saoma.app` imports screens."""

from __future__ import annotations

from typing import Any

from saoma.practice.screens import practice

#: Every page of practice.
routers: tuple[Any, ...] = (practice.router,)
