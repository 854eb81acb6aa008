"""Ending with one's parent: a child started with SAOMA_FOLLOW_STDIN=1 stops when its standard input closes.

That way nothing of a demo or a test stays behind, even when its parent was killed."""

from __future__ import annotations

import os
import signal
import threading
import time


def follow_parent() -> None:
    """Watch standard input in a thread, if asked to by the environment; call once, early."""
    if os.environ.get("SAOMA_FOLLOW_STDIN") != "1":
        return

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def end_with_parent() -> None:
    """End when the process that started this one dies: a server's workers must not outlive a killed master.

    A worker that lives on would hold the port and answer with old code."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
