"""Ending with one's parent: a child started with SAOMA_FOLLOW_STDIN=1 stops when its standard input closes.

That way nothing of a demo or a test stays behind, even when its parent was killed."""

from __future__ import annotations

import os
import signal
import threading


def follow_parent() -> None:
    """Watch standard input in a thread, if asked to by the environment; call once, early."""
    if os.environ.get("SAOMA_FOLLOW_STDIN") != "1":
        return

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()
