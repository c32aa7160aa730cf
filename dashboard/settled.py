"""Keep Python's clearing up short.

Now and then Python looks for unreachable objects among all that there are, and Streamlit asks for it after every answer
unless runner.postScriptGC is off. The modules of pandas, Plotly and torch alone are hundreds of thousands, which never
go: looking through them takes longer than most answers do.
"""

from __future__ import annotations

import gc
import sys

_known = 0  # modules loaded when the objects were last set aside


def set_modules_aside() -> None:
    """Set what lives now aside from later searches, if modules were loaded since the last time; cheap otherwise."""
    global _known
    if len(sys.modules) > _known:
        _known = len(sys.modules)
        gc.collect()  # what is unreachable now must not be kept
        gc.freeze()
