"""
Debian's buildah with a storage of the drill's own: images from Dockerfiles, and containers from images.

Base images are replaced by one stand-in, for none is pulled: Debian packages put together by debootstrap, with this
machine's Node.js and the authorities that it trusts.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drills.composed import ImageConfig
from support.processes import ROOT

STAND_IN = "localhost/pulse-stand-in:bookworm"
# What the three base images have of Debian, as far as the Dockerfiles and compose.yaml use it.
PACKAGES = "python3,python3-venv,nginx-light,gettext-base,curl,ca-certificates,libstdc++6"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


class Buildah:
    """buildah with its storage in *work*, and *folder* for what is gone afterwards."""

    def __init__(self, work: Path, folder: Path) -> None:
        self.folder = folder
        self.words = [
            "buildah",
            "--root",
            str(work / "storage"),
            "--runroot",
            str(work / "run"),
            "--storage-driver",
            "vfs",
        ]
        self.variables = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(folder)}

    def make_stand_in(self) -> bool:
        """Make the image that stands for python, node and nginx; False when it is there from an earlier time."""
        if self("images", "--quiet", STAND_IN, check=False).strip():
            return False
        root = self.folder / "stand-in"
        run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root)], self.variables)
        node = Path(shutil.which("node") or "node").resolve()
        modules = root / "usr/local/lib/node_modules"
        modules.mkdir(parents=True, exist_ok=True)
        shutil.copy2(node, root / "usr/local/bin/node")
        shutil.copytree(node.parents[1] / "lib/node_modules/npm", modules / "npm", symlinks=True)
        (root / "usr/local/bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
        shutil.copy2(AUTHORITIES, root / AUTHORITIES[1:])
        (root / "usr/local/etc/npmrc").write_text(f"cafile={AUTHORITIES}\n")
        (root / "etc/pip.conf").write_text(f"[global]\ncert = {AUTHORITIES}\n")
        shutil.rmtree(root / "var/cache/apt")
        container = self("from", "scratch").strip()
        self("add", "--quiet", container, str(root), "/")
        self("commit", "--quiet", "--rm", container, STAND_IN)
        shutil.rmtree(root)
        return True

    def build(self, image: str, dockerfile: str) -> None:
        """Build one image under its own name, from the repository's root."""
        bases = [f"--build-arg={kind}_IMAGE={STAND_IN}" for kind in ("PYTHON", "NODE", "NGINX")]
        self("build", "--pull-never", "--layers=false", *bases, "-f", dockerfile, "-t", image, str(ROOT))

    def config(self, image: str) -> ImageConfig:
        """Return what an image says of itself."""
        told: dict[str, Any] = json.loads(self("inspect", "--type", "image", image))
        return ImageConfig.read(told["OCIv1"]["config"])

    def size(self, image: str) -> str:
        """Return the size of an image, with that of its base."""
        whole, base = (str(json.loads(self("images", "--json", one))[0]["size"]) for one in (image, STAND_IN))
        return f"{whole}, its base {base}"

    def container(self, image: str) -> tuple[str, Path]:
        """Make a container of an image; return its name and its root's folder."""
        name = self("from", "--pull-never", image).strip()
        return name, Path(self("mount", name).strip())

    def remove(self, container: str) -> None:
        """Remove a container."""
        self("umount", container)
        self("rm", container)

    def __call__(self, *words: str, check: bool = True) -> str:
        """Run buildah to its end and return what it prints."""
        return run([*self.words, *words], self.variables, check=check)


def run(command: Sequence[str], variables: dict[str, str], *, check: bool = True) -> str:
    """Run a command in the repository's root; a failure tells its last words."""
    done = subprocess.run(command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, (
        f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
    )
    return done.stdout
