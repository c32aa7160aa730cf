"""What knows nothing of the subject: errors, files, parameters, seeds, devices, images as arrays.

Its modules are imported one by one, since some bring torch and most of what stands on them must not wait for it.
"""

__all__ = [
    "cache",
    "catalogue",
    "cluster",
    "csv_cells",
    "devices",
    "errors",
    "files",
    "images",
    "labels",
    "params",
    "pictures",
    "rows",
    "seeds",
    "sheets",
    "shortage",
    "sources",
    "tensors",
    "visible",
]
