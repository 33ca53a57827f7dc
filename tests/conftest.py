"""What every test relies on.

The slow references in `tests/references` are imported as `references.<name>`. Hypothesis draws
the same examples on every run: a commit passes or fails, whatever the day. What tests remember
of folders of images is kept away from whoever runs them.
"""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.append(str(Path(__file__).parent))

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def _own_memory(tmp_path_factory):
    os.environ["TAMECROP_DATA"] = str(tmp_path_factory.mktemp("tamecrop"))
