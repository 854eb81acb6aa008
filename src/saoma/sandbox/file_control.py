"""What the control API does for the daily files: fetching them, and planting what is wrong in them on purpose.

A file is written when somebody reads it, so an error planted now shows in files of days long gone."""

from __future__ import annotations

from typing import Any, Final

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from saoma.kit.errors import NotFound
from saoma.sandbox.daily_files import DailyFiles, PlantedError
from saoma.sandbox.partners import Partners
from saoma.sandbox.sftp import SftpAccess, SftpDoor


@get("/partners/{partner:str}/sftp", sync_to_thread=False)
def sftp_access(
    partner: FromPath[str], partners: NamedDependency[Partners], sftp: NamedDependency[SftpDoor]
) -> SftpAccess:
    """How a partner fetches its daily files. Port 0: this sandbox was started without SFTP."""
    if partners.find(partner) is None:
        raise NotFound(f"There is no partner {partner!r} here.")
    return sftp.access(partner)


@get("/daily-files/{partner:str}", sync_to_thread=False)
def list_daily_files(partner: FromPath[str], daily_files: NamedDependency[DailyFiles]) -> dict[str, list[str]]:
    """The files a partner could fetch now."""
    return {"files": daily_files.names(partner)}


@get("/daily-files/{partner:str}/{name:str}", media_type="text/plain", sync_to_thread=False)
def read_daily_file(partner: FromPath[str], name: FromPath[str], daily_files: NamedDependency[DailyFiles]) -> bytes:
    """One of them."""
    content = daily_files.read(partner, name)
    if content is None:
        raise NotFound("There is no such file, or not yet: files are ready at 09:00 the morning after.")
    return content


@post("/daily-files/errors", status_code=200, sync_to_thread=False)
def plant_file_error(data: JSONBody[PlantedError], daily_files: NamedDependency[DailyFiles]) -> PlantedError:
    """Let a daily file be wrong: a row dropped, altered or doubled, a wrong count, or no file at all."""
    return daily_files.plant(data)


@get("/daily-files/errors", sync_to_thread=False)
def list_file_errors(daily_files: NamedDependency[DailyFiles]) -> dict[str, list[PlantedError]]:
    """What is wrong with the daily files on purpose."""
    return {"errors": daily_files.planted()}


@delete("/daily-files/errors", status_code=200, sync_to_thread=False)
def clear_file_errors(daily_files: NamedDependency[DailyFiles]) -> dict[str, list[PlantedError]]:
    """Write true files again."""
    daily_files.clear()
    return {"errors": []}


handlers: Final[list[Any]] = [
    sftp_access, list_daily_files, read_daily_file, plant_file_error, list_file_errors, clear_file_errors,
]  # fmt: skip
