"""One YAML file says the whole robot. `load` checks and returns it, or raises all that is wrong with it."""

from robotd.config.errors import ConfigError, ConfigErrors
from robotd.config.listen import Address, Listen
from robotd.config.loader import RobotConfig, load
from robotd.config.schema import json_schema

__all__ = ["Address", "ConfigError", "ConfigErrors", "Listen", "RobotConfig", "json_schema", "load"]
