"""What `make` does on a machine that lacks something, with stand-ins for python3, id, sudo and apt-get."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NO_VENV_YET = '[ -e "$STATE/installed" ] || case "$*" in *ensurepip*) exit 1;; esac\nexec {python} "$@"'
ONE_LINE = "breakeven needs the system package python3-venv: run  sudo apt-get install python3-venv"


def stand_in(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make_venv(folder: Path, **stand_ins: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up script where every command named is the stand-in; the rest comes from /usr/bin and /bin."""
    for name, script in stand_ins.items():
        stand_in(folder, name.replace("_", "-"), script)
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "STATE": str(folder), "HOME": str(folder)}
    return subprocess.run([str(ROOT / ".ci" / "venv"), str(folder / "venv")], env=environ, cwd=folder,
                          capture_output=True, text=True, check=False)


@pytest.fixture
def no_venv_yet() -> str:
    return NO_VENV_YET.format(python=sys.executable)


def test_where_it_may_not_install_it_says_one_line_and_fails(tmp_path: Path, no_venv_yet: str) -> None:
    answer = make_venv(tmp_path, python3=no_venv_yet, id="echo 1000", sudo="echo 'a password is required' >&2; exit 1",
                       apt_get="touch $STATE/installed")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.splitlines() == [ONE_LINE]
    assert not (tmp_path / "installed").exists()


@pytest.mark.slow
def test_as_root_it_installs_the_package_and_goes_on(tmp_path: Path, no_venv_yet: str) -> None:
    answer = make_venv(tmp_path, python3=no_venv_yet, id="echo 0", sudo="exit 1",
                       apt_get='case "$*" in *"install"*python3-venv) touch $STATE/installed;; esac')
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()


@pytest.mark.slow
def test_as_a_user_it_installs_the_package_through_sudo(tmp_path: Path, no_venv_yet: str) -> None:
    answer = make_venv(tmp_path, python3=no_venv_yet, id="echo 1000", sudo='[ "$1" = -n ] && shift\nexec "$@"',
                       apt_get='case "$*" in *"install"*python3-venv) touch $STATE/installed;; esac')
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()


def test_where_the_package_cannot_be_had_it_fails(tmp_path: Path, no_venv_yet: str) -> None:
    answer = make_venv(tmp_path, python3=no_venv_yet, id="echo 0", apt_get="exit 100")
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == ONE_LINE


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    old = dict.fromkeys(("python3", "python3.11", "python3.12", "python3.13", "python3.14"), "exit 1")
    answer = make_venv(tmp_path, **old)
    assert answer.returncode == 1
    assert "Python 3.11 or newer" in answer.stderr


def libreoffice(folder: Path, **stand_ins: str) -> subprocess.CompletedProcess[str]:
    """Run the installation of LibreOffice where no command is found but the stand-ins."""
    (folder / "env").symlink_to("/usr/bin/env")
    for name, script in stand_ins.items():
        stand_in(folder, name.replace("_", "-"), script)
    return subprocess.run(["/bin/bash", str(ROOT / ".ci" / "libreoffice")], env={"PATH": str(folder)}, cwd=folder,
                          capture_output=True, text=True, check=False)


def test_libreoffice_is_installed_where_it_is_missing(tmp_path: Path) -> None:
    program = tmp_path / "soffice"
    making = f'case "$*" in *install*-calc-nogui) echo > {program}; /bin/chmod +x {program};; esac'
    assert libreoffice(tmp_path, id="echo 0", apt_get=making).returncode == 0
    assert program.exists()


def test_libreoffice_that_is_there_is_left_alone(tmp_path: Path) -> None:
    answer = libreoffice(tmp_path, soffice="exit 0", id="echo 0", apt_get=": > $0.ran")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert not (tmp_path / "apt-get.ran").exists()


def test_where_libreoffice_may_not_be_installed_one_line_says_so(tmp_path: Path) -> None:
    answer = libreoffice(tmp_path, id="echo 1000", sudo="exit 1", apt_get="exit 100")
    assert (answer.returncode, answer.stdout) == (1, "")
    line, = answer.stderr.splitlines()
    assert line.endswith("run  sudo apt-get install --no-install-recommends libreoffice-calc-nogui")


def test_help_lists_every_target_of_the_makefile() -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    listed = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, env=environ, capture_output=True, text=True,
                            check=True).stdout
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    assert [line.split()[0] for line in listed.splitlines()] == phony.split()[1:]
