"""Images, labels and object boxes from a name or a path, and batches of views from them."""

from tamecrop.data.decode import DecodeError as DecodeError
from tamecrop.data.headers import header_size as header_size
from tamecrop.data.images import Dataset as Dataset, ImageSet as ImageSet
from tamecrop.data.loader import Batch as Batch, Loading as Loading, ViewLoader as ViewLoader
from tamecrop.data.quarantine import BAD_SHARE as BAD_SHARE
from tamecrop.data.sources import load as load
from tamecrop.data.splits import carve as carve, cut_to as cut_to, statistics as statistics
from tamecrop.files import (
    remove_folder as remove_folder,
    remove_strays as remove_strays,
    write_atomic as write_atomic,
)
