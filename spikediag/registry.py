"""Plugins without a list to edit: a folder's modules register themselves when first asked for."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar


class Plugin(Protocol):
    """What every detector, cause and format has: an id and a docstring that is its public page."""

    @property
    def id(self) -> str:
        """Unique, lower case, words joined by hyphens or underscores."""
        ...


P = TypeVar("P", bound=Plugin)


class Registry(Generic[P]):
    """The plugins of one package, one per module, built with their default settings."""

    def __init__(self, package: str) -> None:
        self.package = package
        self._plugins: dict[str, P] = {}
        self._loaded = False

    def register(self, plugin_class: type[P]) -> type[P]:
        """Class decorator: add one instance with default settings; ids must be unique."""
        plugin = plugin_class()
        if plugin.id in self._plugins:
            raise AssertionError(f"two plugins of {self.package} are called {plugin.id}")
        self._plugins[plugin.id] = plugin
        return plugin_class

    def load(self) -> Mapping[str, P]:
        """Import every module of the package once; return plugins by id, in alphabetical order."""
        if not self._loaded:
            path = importlib.import_module(self.package).__path__
            for module in pkgutil.iter_modules(path):
                importlib.import_module(f"{self.package}.{module.name}")
            self._loaded = True
        return MappingProxyType(dict(sorted(self._plugins.items())))
