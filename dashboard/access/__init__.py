"""Who may do what where a dashboard is served to others. Alone at one's own machine, everything.

`owner` is what the owner has set, `visitors` who is there, `sign_in` the door; `quotas` what a visitor may start and change,
`kept` what he may upload, `paths` what he may name. No torch here.
"""

from dashboard.access.kept import forget_uploads, keep_upload, uploaded
from dashboard.access.owner import Settings
from dashboard.access.paths import check_copies, check_path
from dashboard.access.places import extent, size_text
from dashboard.access.quotas import begin, may_change, training_refused
from dashboard.access.sign_in import admit
from dashboard.access.visitors import Visitor, is_served, known_visitor, settings, visitor

__all__ = [
    "Settings",
    "Visitor",
    "admit",
    "begin",
    "check_copies",
    "check_path",
    "extent",
    "forget_uploads",
    "is_served",
    "keep_upload",
    "known_visitor",
    "may_change",
    "settings",
    "size_text",
    "training_refused",
    "uploaded",
    "visitor",
]
