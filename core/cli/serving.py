"""The dashboard, served in place of this process."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from core.cli.terminal import out
from core.foundation.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
# As in .streamlit/config.toml, which an installed package has not beside it. Without static files no figure is drawn.
SETTINGS = {
    "server.headless": "true",
    "server.maxUploadSize": "512",
    "server.enableStaticServing": "true",
    "server.fileWatcherType": "none",
    "global.disableWidgetStateDuplicationWarning": "true",
    "global.maxCachedMessageAge": "200",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorLinks": "false",
    "runner.magicEnabled": "false",
    "runner.postScriptGC": "false",
}


def serve(page: str, port: int, address: str = "127.0.0.1") -> NoReturn:
    """Open a page of the dashboard, app.py or classroom.py, to whoever reaches the address. Raises InputError without streamlit."""
    if find_spec("streamlit") is None:
        raise InputError("the dashboard needs streamlit; install it with: pip install -r requirements.txt")
    settings = {"server.port": str(port), "server.address": address, **SETTINGS}
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    out.print(f"opening http://localhost:{port} - Ctrl-C ends it", soft_wrap=True)
    os.chdir(ROOT)  # where .streamlit/config.toml lies, with the colours
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboard" / page), *options])
