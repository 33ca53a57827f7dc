"""What every test relies on.

The slow references in `tests/references` are imported as `references.<name>`. Hypothesis draws
the same examples on every run: a commit passes or fails, whatever the day.
"""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.append(str(Path(__file__).parent))

settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
