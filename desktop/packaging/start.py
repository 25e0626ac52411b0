# ruff: noqa: INP001 - a script for PyInstaller
"""Where the packaged program begins."""

from pulse_desktop.__main__ import main

main()
