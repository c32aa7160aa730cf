"""`python -m dashboard.health`: exit status 0 where the dashboard of this machine answers, as a container is asked."""

from __future__ import annotations

import os
import sys
import urllib.request


def address() -> str:
    """Of Streamlit's own answer, below the path that it is served at."""
    port = os.environ.get("STREAMLIT_SERVER_PORT", "8501")
    base = os.environ.get("STREAMLIT_SERVER_BASE_URL_PATH", "").strip("/")
    return "/".join(part for part in (f"http://127.0.0.1:{port}", base, "_stcore/health") if part)


def main() -> int:
    try:
        with urllib.request.urlopen(address(), timeout=5) as answer:
            return int(answer.status != 200)
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
