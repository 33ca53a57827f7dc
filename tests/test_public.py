"""What `import tamecrop` offers is what it lists, and nothing heavy until it is asked for."""

import subprocess
import sys

import pytest

import tamecrop as tc


def test_every_listed_name_is_there():
    assert all(getattr(tc, name) is not None for name in tc.__all__)
    assert dir(tc) == sorted(tc.__all__)
    with pytest.raises(AttributeError, match="no attribute 'crops'"):
        _ = tc.crops


def test_torch_is_imported_when_it_is_needed():
    before = "import sys, tamecrop; assert 'torch' not in sys.modules"
    after = "tamecrop.cut; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", f"{before}; {after}"], check=True)
