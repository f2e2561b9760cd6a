"""The version of robotd, as its package metadata says it."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("robotd")
except PackageNotFoundError:  # run from a folder that was never installed
    VERSION = "0+unknown"
