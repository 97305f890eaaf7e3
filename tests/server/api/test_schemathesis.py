"""Requests that schemathesis makes of the OpenAPI document, right ones and wrong ones: answers are as it says."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from benchmarks.serving import API, served
from tests.server.api.test_transport import TOKEN

EXAMPLES = 40
"""Requests of the fuzzing phase for each address, besides those of the coverage phase, which takes every bound of every
field once: two to four minutes in all on two busy cores. There are no links between addresses to follow (stateful)."""
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 422] # a run that is not there, bytes that are no sound
"""


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    program = shutil.which("schemathesis")
    assert program is not None, "install the extra dev"
    with served(["--token-file", str(tmp_path / "token")], command=API) as server:
        body, kind = b'{"words": "rain"}', {"Content-Type": "application/json", "Authorization": f"Bearer {TOKEN}"}
        warm = urllib.request.Request(f"{server.address}/api/v1/classify", body, kind)
        urllib.request.urlopen(warm, timeout=120).close()  # or else the limit of time is met with encoders half loaded
        command = [program, "run", f"{server.address}/api/v1/openapi.json", "--checks=all", "--no-color"]
        options = [f"--max-examples={EXAMPLES}", "--phases=examples,coverage,fuzzing", "--request-timeout=60"]
        done = subprocess.run(
            [*command, *options, "--seed=1", "--header", f"Authorization: Bearer {TOKEN}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    assert "9 selected / 9 total" in done.stdout
