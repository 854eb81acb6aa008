"""What the console says about a source of daily files: a sentence for each kind of trouble, and what to do about it.

Keys of the texts; every one has its Chinese in zh.po."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from saoma.alipay.sftp import Trouble

KIND: Final[Mapping[str, str]] = {
    "sftp": "SFTP",
    "folder": "A folder",
    "upload": "By hand",
    "acquirer": "The acquirer's statement",
}

#: What is wrong, and what somebody can do.
TROUBLE: Final[Mapping[str, tuple[str, str]]] = {
    Trouble.NAME_UNKNOWN: (
        "Nobody knows the name {host}.",
        "Look for a typing mistake; ask Alipay for the host's name if it is right.",
    ),
    Trouble.NOT_ALLOWED: (
        "{host} leads to an address that may not be called.",
        "It is one that clouds and networks keep for themselves. Enter the server's own name.",
    ),
    Trouble.REFUSED: (
        "{host} is there, but nothing listens at port {port}.",
        "Check the port; a firewall may also refuse us.",
    ),
    Trouble.SILENT: (
        "{host} does not answer at port {port}.",
        "Mostly our address is not on Alipay's list yet, or a firewall is in between.",
    ),
    Trouble.NOT_SSH: (
        "Something answers at {host}, port {port}, but it is no SFTP server.",
        "Check host and port.",
    ),
    Trouble.HOST_KEY_UNKNOWN: (
        "Nobody has accepted the host key of {host} yet, so nothing is sent there.",
        "Compare the fingerprint with what Alipay told you, then accept it.",
    ),
    Trouble.HOST_KEY_DIFFERS: (
        "{host} shows another host key than the one that was accepted. Nothing was sent there.",
        "Either Alipay has a new key, or somebody stands in between. Ask Alipay by another way before you accept it.",
    ),
    Trouble.LOGIN_REFUSED: (
        "{host} does not let {username} in.",
        "Check user name, password and key; Alipay may also have our address not on its list.",
    ),
    Trouble.OWN_KEY_UNREADABLE: ("Our private key can't be read any more.", "Enter it again."),
    Trouble.NO_SFTP: ("{host} lets us in, but offers no SFTP.", "Ask Alipay to allow SFTP for {username}."),
    Trouble.FOLDER_MISSING: ("There is no folder {folder}.", "Check how it is written; empty means where one arrives."),
    Trouble.FOLDER_CLOSED: (
        "The folder {folder} may not be read.",
        "Give this deployment's user the right to read it.",
    ),
    Trouble.STOPPED: ("Fetching was stopped.", "Let it be fetched again when you want to."),
    Trouble.NO_ROOM: ("There is no room here to keep the files while they are read.", "Free the disk."),
    Trouble.OTHER: ("The files could not be had.", "The line below says what exactly was answered."),
}
#: Of an acquirer the same kinds mean something else.
AT_ACQUIRER: Final[Mapping[str, tuple[str, str]]] = {
    Trouble.LOGIN_REFUSED: (
        "The acquirer refuses our API key.",
        "It needs the scopes payments:read and refunds:read. Let the key doctor look at the account.",
    ),
    Trouble.SILENT: ("The acquirer does not answer.", "Ask it whether its system is up."),
    Trouble.REFUSED: ("The acquirer does not answer.", "Ask it whether its system is up."),
    Trouble.NAME_UNKNOWN: ("Nobody knows the acquirer's name {host}.", "Check the account's address."),
}

TRAIL: Final[Mapping[str, str]] = {
    "source_added": "Added",
    "source_changed": "Changed",
    "source_host_key_accepted": "Host key accepted",
    "source_stopped": "Stopped",
    "source_resumed": "In use again",
    "source_tried": "Tried",
    "source_file_brought": "File brought by hand",
}


def trouble(kind: str, code: str) -> tuple[str, str]:
    """The sentence and the advice for a trouble of a source of that kind."""
    known = AT_ACQUIRER if kind == "acquirer" else {}
    return known.get(code) or TROUBLE.get(code) or TROUBLE[Trouble.OTHER]
