"""Images, labels and object boxes from a name or a path, and batches of views from them."""

from typing import TYPE_CHECKING

from tamecrop.on_demand import on_demand

if TYPE_CHECKING:
    from tamecrop.data.decode import DecodeError
    from tamecrop.data.files import remove_folder, remove_strays, write_atomic
    from tamecrop.data.headers import header_size
    from tamecrop.data.images import Dataset, ImageSet
    from tamecrop.data.loader import Batch, Loading, ViewLoader
    from tamecrop.data.quarantine import BAD_SHARE
    from tamecrop.data.sources import load
    from tamecrop.data.splits import carved, cut_to, statistics
else:
    _SOURCES = {
        "BAD_SHARE": "tamecrop.data.quarantine:BAD_SHARE",
        "Batch": "tamecrop.data.loader:Batch",
        "Dataset": "tamecrop.data.images:Dataset",
        "DecodeError": "tamecrop.data.decode:DecodeError",
        "ImageSet": "tamecrop.data.images:ImageSet",
        "Loading": "tamecrop.data.loader:Loading",
        "ViewLoader": "tamecrop.data.loader:ViewLoader",
        "carved": "tamecrop.data.splits:carved",
        "cut_to": "tamecrop.data.splits:cut_to",
        "header_size": "tamecrop.data.headers:header_size",
        "load": "tamecrop.data.sources:load",
        "remove_folder": "tamecrop.data.files:remove_folder",
        "remove_strays": "tamecrop.data.files:remove_strays",
        "statistics": "tamecrop.data.splits:statistics",
        "write_atomic": "tamecrop.data.files:write_atomic",
    }
    __getattr__, __dir__ = on_demand(__name__, _SOURCES)

__all__ = [
    "BAD_SHARE",
    "Batch",
    "Dataset",
    "DecodeError",
    "ImageSet",
    "Loading",
    "ViewLoader",
    "carved",
    "cut_to",
    "header_size",
    "load",
    "remove_folder",
    "remove_strays",
    "statistics",
    "write_atomic",
]
