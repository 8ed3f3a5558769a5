"""The container's files keep the promises of docs/operating.md."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings.environment import Settings
from tests.conftest import ROOT

Instruction = tuple[str, str]
Stage = list[Instruction]
#: Where service, health check and every `exec` find the campaign and the state.
PLACES = {
    "VERBATIM_CONFIG": "/campaign/schedule.yaml",
    "VERBATIM_POSTS": "/campaign/posts",
    "VERBATIM_DATA": "/data",
}


def instructions() -> Iterator[Instruction]:
    """Read the Dockerfile's instructions, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest


def stages() -> list[Stage]:
    found: list[Stage] = [[]]
    for one in instructions():
        if one[0] == "FROM":
            found.append([])
        found[-1].append(one)
    return found[1:]


def of(word: str, stage: Stage) -> list[str]:
    return [rest for name, rest in stage if name == word]


@pytest.fixture
def final() -> Stage:
    return stages()[-1]


@pytest.fixture
def service() -> dict[str, Any]:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    service: dict[str, Any] = compose["services"]["verbatim"]
    return service


def test_the_base_is_an_argument_of_every_stage() -> None:
    first, second = stages()
    word, base = next(instructions())

    assert of("FROM", first) == ["${BASE} AS build"]
    assert of("FROM", second) == ["${BASE}"]
    assert word == "ARG"
    assert re.fullmatch(r"BASE=python:3\.13\S*@sha256:[0-9a-f]{64}", base)


def test_packages_are_pinned_hashed_wheels_of_the_lock_file_that_runs() -> None:
    (build, _) = stages()
    [command] = [run for run in of("RUN", build) if "pip install" in run]

    assert {"--require-hashes", "--only-binary", ":all:"} <= set(shlex.split(command))
    assert of("COPY", build) == ["requirements/run.txt /build/run.txt"]


def test_the_final_stage_installs_no_python_package_and_keeps_no_installer(final: Stage) -> None:
    (build, _) = stages()

    assert not any("pip" in run for run in of("RUN", final))
    assert any("pip uninstall --yes --quiet pip" in run for run in of("RUN", build))


def test_the_program_runs_as_nobody_s_user(final: Stage) -> None:
    words = [word for word, _ in final]

    assert of("USER", final) == ["10001:10001"]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word in {"RUN", "COPY"})


def test_the_image_holds_the_program_the_campaign_and_nothing_else(final: Stage) -> None:
    sources = [source for rest in of("COPY", final) for source in rest.split()[:-1]]

    copied = ["bot/", "run_bot.py", "LICENSE", "posts/", "schedule.yaml"]
    assert sources == ["--from=build", "/opt/verbatim", *copied]
    assert of("ADD", final) == []


def test_the_build_context_lets_in_only_what_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]

    assert rules[0] == "*"
    needed = {"bot/", "posts/", "requirements/run.txt", "schedule.yaml", "run_bot.py", "LICENSE"}
    assert {rule for rule in rules if rule.startswith("!")} == {f"!{path}" for path in needed}


def test_service_health_check_and_exec_find_the_same_files(
    final: Stage, service: dict[str, Any]
) -> None:
    words = shlex.split(" ".join(of("ENV", final)))
    image = dict(word.split("=", 1) for word in words)

    assert {name: image[name] for name in PLACES} == PLACES
    assert {name: service["environment"][name] for name in PLACES} == PLACES
    assert "command" not in service
    assert "posts/ /campaign/posts/" in of("COPY", final)
    assert not any("--" in command for command in of("CMD", final))


def test_the_image_knows_its_health_and_how_to_stop(final: Stage) -> None:
    [health] = of("HEALTHCHECK", final)

    assert "urlopen('http://127.0.0.1:8766/livez')" in health
    assert "VERBATIM_MONITOR=0.0.0.0:8766" in " ".join(of("ENV", final))
    assert of("STOPSIGNAL", final) == ["SIGTERM"]
    assert of("ENTRYPOINT", final) == ['["python", "run_bot.py"]']  # no shell to swallow signals


def test_no_secret_is_an_argument_or_a_variable_of_the_image() -> None:
    named = " ".join(rest for word, rest in instructions() if word in {"ARG", "ENV"})

    assert not re.search(r"TOKEN|PASSWORD|SECRET|KEY", named)


def test_right_to_left_text_can_be_set(final: Stage) -> None:
    assert any("libfribidi0" in run for run in of("RUN", final))


def test_compose_takes_every_privilege_away(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["user"] == "10001:10001"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "cap_add" not in service
    assert service.get("network_mode") != "host"


def test_compose_bounds_what_the_container_may_use(service: dict[str, Any]) -> None:
    assert 0 < service["pids_limit"] <= 256
    assert service["mem_limit"] == service["memswap_limit"] == "512m"
    [temporary] = service["tmpfs"]
    where, _, options = temporary.partition(":")
    assert where == "/tmp"  # noqa: S108 - the container's own
    assert {"noexec", "nosuid", "nodev"} <= set(options.split(","))


def test_only_the_data_volume_can_be_written(service: dict[str, Any]) -> None:
    volumes = [volume.rpartition("}")[2] or volume for volume in service["volumes"]]

    assert volumes == ["data:/data", ":/campaign:ro,z", ":/run/secrets:ro,z"]
    assert "docker.sock" not in (ROOT / "compose.yaml").read_text(encoding="utf-8")


def test_secrets_are_files_and_never_in_the_environment(service: dict[str, Any]) -> None:
    assert "secrets" not in service  # one that is not there would keep the service from starting
    assert set(service["environment"]) == {"VERBATIM_HOST_ID", *PLACES}


def test_a_stop_waits_longer_than_a_call_may_take(service: dict[str, Any]) -> None:
    seconds = int(service["stop_grace_period"].removesuffix("s"))

    assert seconds >= Settings().stop_grace.total_seconds() + 10


# deploy/


@pytest.mark.parametrize(
    "path", sorted((ROOT / "deploy").glob("*.yaml")), ids=lambda path: path.name
)
def test_what_is_deployed_is_yaml_without_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert all(isinstance(one, dict) for one in yaml.safe_load_all(text))
    assert not re.search(r"(TOKEN|PASSWORD|SECRET)[A-Z_]*: +[^$\s/{]", text)


def test_every_replica_has_data_and_a_name_of_its_own() -> None:
    deployed = yaml.safe_load((ROOT / "deploy" / "compose.postgres.yaml").read_text("utf-8"))
    replicas = [each for name, each in deployed["services"].items() if name.startswith("replica")]

    assert len({each["hostname"] for each in replicas}) == len(replicas) == 2
    assert len({each["volumes"][0] for each in replicas}) == 2


def test_only_the_proxy_reaches_the_desk() -> None:
    deployed = yaml.safe_load((ROOT / "deploy" / "compose.desk.yaml").read_text("utf-8"))
    bot, caddy = deployed["services"]["verbatim"], deployed["services"]["caddy"]

    assert deployed["networks"]["desk"]["internal"] is True
    assert bot["environment"]["VERBATIM_WEB_PROXY"] == caddy["networks"]["desk"]["ipv4_address"]
    assert "ports" not in bot


def test_the_nightly_backup_is_proved_and_kept_by_day_week_and_month(tmp_path: Path) -> None:
    program = tmp_path / "run_bot.py"
    program.write_text("import pathlib, sys\npathlib.Path(sys.argv[2]).write_text(sys.argv[1])\n")
    folder = tmp_path / "backups"
    folder.mkdir()

    for _night in range(2):
        done = subprocess.run(
            ["sh", str(ROOT / "deploy" / "backup.sh")], cwd=tmp_path, capture_output=True,
            env={**os.environ, "BACKUPS": str(folder), "BACKUP_NOW": "1"}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    kept = sorted(path.name.partition("-")[0] for path in folder.iterdir())
    assert kept == ["day", "month", "week"]
    assert all(path.read_text() == "backup" for path in folder.iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


@pytest.mark.parametrize("fails", ["run_bot.py", "cp"])
def test_a_night_whose_backup_fails_keeps_the_last_one_and_the_nights_go_on(
    tmp_path: Path, fails: str
) -> None:
    """Its loop, with waits that do nothing, over three nights of which the second fails."""
    nights, folder, tools = tmp_path / "nights", tmp_path / "backups", tmp_path / "tools"
    folder.mkdir()
    tools.mkdir()
    count = f"n=$(wc -l < {nights})\n"
    commands = {
        # The fourth wait is interrupted, as by a stop of the container.
        "sleep": f"echo >> {nights}\n{count}[ $n -lt 4 ] || kill $PPID\n",
        "python3": f'{count}[ $n != 2 ] || [ {fails} = cp ] || exit 1\necho "backup $n" > "$3"\n',
        "cp": f'{count}[ $n != 2 ] || [ {fails} = run_bot.py ] || exit 1\n/bin/cp "$@"\n',
    }
    for name, text in commands.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}")
        (tools / name).chmod(0o755)

    done = subprocess.run(
        ["sh", str(ROOT / "deploy" / "backup.sh")], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "BACKUPS": str(folder), "PATH": f"{tools}:{os.environ['PATH']}"},
        check=False,
    )  # fmt: skip

    assert done.returncode < 0, "a signal ended it"
    assert done.stderr.count("backup: failed") == 1
    assert all(path.read_text() == "backup 3\n" for path in folder.glob("*.db"))
    assert len(list(folder.glob("*.db"))) == 3
    assert not list(folder.glob("*.part"))


def test_the_unit_loads_secrets_as_credentials_and_starts_again() -> None:
    unit = (ROOT / "deploy" / "verbatim.service").read_text(encoding="utf-8")

    for line in unit.splitlines():
        if line.startswith("LoadCredential="):
            name, _, path = line.partition("=")[2].partition(":")
            assert path == f"/etc/verbatim/secrets/{name}"
    assert "Restart=on-failure" in unit
    assert not re.search(r"^Environment=.*(TOKEN|PASSWORD)", unit, flags=re.MULTILINE)
