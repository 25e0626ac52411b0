"""
Install what a target needs, once: the Python environment, the dashboard's packages, system packages.

Runs on a bare Python 3.11 (standard library only), because it makes the environment that all else runs in.
``install.py run|window|dev|browser|screen|package|faults|deploy|images|foreign|documents``; repeating it when
nothing changed costs a moment.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
PARTS = (
    "acl",
    "sync",
    "runtime",
    "broker-config/embedded",
    "broker-config/local",
    "auth-api",
    "ingest-worker",
    "desktop",
)
CONTAINED_IN = {"run": ("window", "dev"), "window": ("dev",)}  # who has one has the other
SYSTEM = {
    "browser": {"chromium": "chromium"},
    "screen": {
        "libEGL.so.1": "libegl1",
        "libGL.so.1": "libgl1",
        "libfontconfig.so.1": "libfontconfig1",
        "libdbus-1.so.3": "libdbus-1-3",
        "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
        "libxcb-cursor.so.0": "libxcb-cursor0",
        "libxcb-icccm.so.4": "libxcb-icccm4",
        "libxcb-image.so.0": "libxcb-image0",
        "libxcb-keysyms.so.1": "libxcb-keysyms1",
        "libxcb-render-util.so.0": "libxcb-render-util0",
    },
    "package": {
        "objdump": "binutils",
        "systemd-analyze": "systemd",
        "Xvfb": "xvfb",
        f"libpython3.{sys.version_info[1]}.so.1.0": f"libpython3.{sys.version_info[1]}",
    },
    "faults": {"cc": "build-essential"},
    "deploy": {
        "docker-compose": "docker-compose",
        "nginx": "nginx",
        "envsubst": "gettext-base",
        "promtool": "prometheus",
    },
    "images": {"buildah": "buildah", "debootstrap": "debootstrap", "ip": "iproute2"},
    "foreign": {"mosquitto": "mosquitto", "mosquitto_sub": "mosquitto-clients", "jq": "jq", "curl": "curl"},
}


def main() -> None:
    """Install what the word on the command line needs."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "run"
    if wanted in {"screen", "package"} and sys.platform != "linux":
        return  # elsewhere Qt's wheel brings all it needs
    if wanted in SYSTEM:
        system_packages(SYSTEM[wanted])
        return
    if wanted == "documents":
        require_node()
        npm_packages(ROOT / "tests" / "documents" / "tools", "what the documentation is judged by")
        return
    if sys.version_info < (3, 11):  # noqa: UP036 - this very file may be started by an older one
        stop(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    python_environment(wanted)
    dashboard_packages()


def python_environment(wanted: str) -> None:
    """Make ``.venv`` from the locked requirements and install the parts into it as links."""
    lock, state = lock_and_state(wanted)
    if any(is_installed(name) for name in (wanted, *CONTAINED_IN.get(wanted, ()))):
        return
    # pip comes last into a new environment, so without it an earlier start was interrupted.
    if not PYTHON.with_name("pip").exists():
        make_venv()
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    say(f"Installing the Python packages of requirements/{lock.name}")
    call([*pip, "--require-hashes", "-r", str(lock)])
    links = [argument for part in PARTS for argument in ("-e", str(ROOT / part))]
    call([*pip, "--no-deps", "--no-build-isolation", *links])
    (VENV / f".installed-{wanted}").write_text(state)


def lock_and_state(wanted: str) -> tuple[Path, str]:
    """Return the lock file and the fingerprint of all that decides what is installed."""
    lock = ROOT / "requirements" / f"{wanted}.txt"
    return lock, digest(lock, *(ROOT / part / "pyproject.toml" for part in PARTS))


def is_installed(wanted: str) -> bool:
    """Tell whether this very state was installed before."""
    stamp = VENV / f".installed-{wanted}"
    return stamp.exists() and stamp.read_text() == lock_and_state(wanted)[1]


def make_venv() -> None:
    """Make the virtual environment; Debian keeps the module for it in a package of its own."""
    say("Making the Python environment in .venv")
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False, capture_output=True).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    apt_install([package])
    call([sys.executable, "-m", "venv", str(VENV)])


def require_node() -> None:
    """Stop with a sentence where Node.js is missing or too old."""
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout if node else ""
    if not version or int(version.lstrip("v").split(".")[0]) < 20:
        stop(f"Node.js 20 or newer is needed; {f'this is {version.strip()}' if version else 'it was not found'}.")


def npm_packages(folder: Path, what: str) -> None:
    """Install the packages of *folder* when its lock file has changed."""
    lock = digest(folder / "package-lock.json")
    stamp = folder / "node_modules" / ".installed"
    if not (stamp.exists() and stamp.read_text() == lock):
        say(f"Installing {what}")
        variables = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1"}
        call(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, env=variables)
        stamp.write_text(lock)


def dashboard_packages() -> None:
    """Install the dashboard's packages when its lock file has changed, and build it when its sources have."""
    require_node()
    folder = ROOT / "dashboard"
    variables = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1"}
    npm_packages(folder, "the dashboard's packages")
    sources = sorted(
        file for top in ("src", "public", "scripts") for file in (folder / top).rglob("*") if file.is_file()
    )
    state = digest(
        *sources, *sorted(folder.glob("*.json")), *sorted(folder.glob("*.ts")), *sorted(folder.glob("*.mjs"))
    )
    built = folder / "out" / ".built"
    if not (built.exists() and built.read_text() == state):
        say("Building the dashboard")
        call(["npm", "run", "--silent", "build"], cwd=folder, env=variables)
        built.write_text(state)


def system_packages(needed: dict[str, str]) -> None:
    """Install Debian packages for what of *needed* is missing; only Debian's kin is known here."""
    missing = sorted({package for program, package in needed.items() if not find(program)})
    if missing:
        apt_install(missing)


def find(program: str) -> str | None:
    """Find a shared library, or a program, also in the folders that only administrators have on their path."""
    if ".so." in program:
        try:
            ctypes.CDLL(program)
        except OSError:
            return None
        return program
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))


def apt_install(packages: list[str]) -> None:
    """Install Debian packages, or say which are missing when that is not possible here."""
    sentence = f"these system packages are missing: {' '.join(packages)}; install them and try again."
    if not shutil.which("apt-get") or os.geteuid() != 0:
        stop(sentence)
    say(f"Installing the system packages {' '.join(packages)}")
    # A run level without services: what is installed is started by whoever needs it, not by its package.
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, check=False, stdout=subprocess.DEVNULL)
    done = subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        env=quiet, check=False, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        stop(sentence)


def digest(*files: Path) -> str:
    """Return one fingerprint of the names and contents of *files*."""
    found = hashlib.sha256()
    for file in files:
        if not file.name.endswith((".tsbuildinfo", "next-env.d.ts")):
            found.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def call(command: list[str], **options: object) -> None:
    """Run *command* and stop with a sentence when it fails."""
    done = subprocess.run(command, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        stop(f"{' '.join(command[:4])} … failed; what it said stands above.")


def say(text: str) -> None:
    """Tell the person at the terminal what takes time."""
    print(f"{text} …", flush=True)


def stop(sentence: str) -> None:
    """End with one sentence."""
    sys.exit(f"PrecisionPulse: {sentence}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
