"""A run that leaves tests out is no proof, where proof is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_skipped_tests_fail_in_ci(tmp_path, ci, status):
    """A skipped test fails a run with CI=true, and no other run."""
    (tmp_path / "test_it.py").write_text("import pytest\ndef test_a(): pytest.skip('why')\ndef test_b(): pass\n")
    environment = os.environ | {"CI": ci, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no_skips", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert done.returncode == status, done.stdout
    assert ("1 skipped, and with CI=true that is a failure" in done.stdout) == bool(status)
