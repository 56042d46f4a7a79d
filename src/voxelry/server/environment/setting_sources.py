"""Where the values of settings are read from: environment variables and a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, TomlConfigSettingsSource

from voxelry.server.environment.configuration_errors import ConfigurationError
from voxelry.server.environment.setting import setting_of


class VariableSource(EnvSettingsSource):
    """Reads each setting from the variable that its `Setting` names; an empty variable counts as unset.

    Parameters
    ----------
    environment
        Read instead of the environment of this process.
    """

    def __init__(self, settings_cls: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self.env_vars = {name: text for name, text in environment.items() if text}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self.env_vars.get(setting_of(field).variable), field_name, False

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """A list of texts is written with commas, not as JSON."""
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class TomlFileSource(TomlConfigSettingsSource):
    """Reads settings from the sections of a TOML file.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, is not TOML or has an unknown section or key.
    """

    def __init__(self, settings_cls: type[BaseSettings], path: Path) -> None:
        self._names = {key: name for name, field in settings_cls.model_fields.items() if (key := setting_of(field).key)}
        super().__init__(settings_cls, path)

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            tree = super()._read_file(file_path)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file_path} is not TOML: {error}") from error
        except OSError as error:
            raise ConfigurationError(f"{file_path} cannot be read: {error.strerror}") from error
        return {
            self._name(key, file_path): value
            for section, entries in tree.items()
            for key, value in self._entries(section, entries, file_path)
        }

    def _entries(self, section: str, entries: object, path: Path) -> list[tuple[str, object]]:
        """The keys of a section, as ``section.name``, with their values."""
        sections = {key.partition(".")[0] for key in self._names}
        if section not in sections or not isinstance(entries, dict):
            known = ", ".join(f"[{known}]" for known in sorted(sections))
            raise ConfigurationError(f"{path}: unknown key {section!r}; the sections are {known}")
        return [(f"{section}.{name}", value) for name, value in entries.items()]

    def _name(self, key: str, path: Path) -> str:
        """The name of the setting that a key of the file gives."""
        if key not in self._names:
            section = key.partition(".")[0]
            known = ", ".join(sorted(k.partition(".")[2] for k in self._names if k.startswith(f"{section}.")))
            raise ConfigurationError(f"{path}: unknown key {key!r}; [{section}] knows {known}")
        return self._names[key]
