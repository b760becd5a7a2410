"""Which services there are: found by entry point, by module or file, or added by hand."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from service_tasks.contract import MARK, ContractError, ServiceContract, contract_of

ENTRY_POINT_GROUP = "partitur.services"


class Registry:
    """The services of one process, by name.

    A registry is filled before it is handed to a worker and to the engine; two services of one name are refused.
    """

    def __init__(self) -> None:
        self._contracts: dict[str, ServiceContract] = {}
        self._built_in: set[str] = set()

    def __iter__(self) -> Iterator[ServiceContract]:
        return iter(sorted(self._contracts.values(), key=lambda contract: contract.name))

    def __len__(self) -> int:
        return len(self._contracts)

    def __contains__(self, name: object) -> bool:
        return name in self._contracts

    def get(self, name: str) -> ServiceContract | None:
        """The contract of the service `name`, or None."""
        return self._contracts.get(name)

    @property
    def contracts(self) -> Mapping[str, ServiceContract]:
        """All contracts by name."""
        return self._contracts

    def add(self, *services: Any) -> None:
        """Register services: functions or bound methods declared with `@service_task`, objects that have such
        methods, or modules that have any of these at their top level.

        Raises ContractError if something is no service, or its name is taken by another one.
        """
        for service in services:
            found = list(_services_in(service))
            if not found:
                raise ContractError(f"Expected {service!r} to be or to contain a @service_task, but there is none.")
            for function in found:
                self._add(contract_of(function))

    def load(self, source: str | Path) -> None:
        """Register what a module holds; `source` is its dotted name, a Python file, or a folder with a `clients.py`.

        Raises ContractError if there is no such module, or it holds no service.
        """
        self.add(import_source(str(source)))

    def discover(self) -> None:
        """Register what installed packages offer under the entry point group `partitur.services`."""
        for entry_point in metadata.entry_points(group=ENTRY_POINT_GROUP):
            self.add(entry_point.load())

    def replace(self, other: Registry) -> None:
        """Hold what another registry holds, and what is built in here.

        Raises ContractError if a name of the other one is built in here.
        """
        built_in = {name: self._contracts[name] for name in self._built_in}
        for name in built_in.keys() & other._contracts.keys():
            raise ContractError(f"Expected another name than {name!r} for a service, but that one is built in.")
        self._contracts = {**other._contracts, **built_in}

    def build_in(self, service: Any) -> None:
        """Register a service of Partitur itself, which stays when the others are read again. Raises ContractError."""
        before = set(self._contracts)
        self.add(service)
        self._built_in |= self._contracts.keys() - before

    def own(self) -> list[ServiceContract]:
        """The contracts that are not built in, by name."""
        return [contract for contract in self if contract.name not in self._built_in]

    def _add(self, contract: ServiceContract) -> None:
        known = self._contracts.get(contract.name)
        if known is not None and known.function != contract.function:
            raise ContractError(
                f"Expected one service named {contract.name!r}, but {_where(known)} and {_where(contract)} both are."
            )
        self._contracts[contract.name] = contract


def _services_in(service: Any) -> Iterator[Any]:
    if callable(service) and hasattr(service, MARK):
        yield service
    elif isinstance(service, ModuleType):
        for value in list(vars(service).values()):
            if inspect.isclass(value) or isinstance(value, ModuleType):
                continue
            yield from _services_in(value)
    else:
        for name, value in inspect.getmembers_static(type(service)):
            if callable(value) and hasattr(value, MARK):
                yield getattr(service, name)


def module_name(source: str) -> str:
    """The name under which a source is imported (see `import_source`)."""
    path = _file_of(source)
    if path is None:
        return source
    # The folder's name keeps two files of the same name apart; a module must have an identifier for a name.
    return "partitur_services_" + "".join(c if c.isalnum() else "_" for c in f"{path.parent.name}_{path.stem}")


def _file_of(source: str) -> Path | None:
    """The file that a source names; None for the dotted name of a module."""
    path = Path(source)
    if path.is_dir():
        path = path / "clients.py"
    return path.resolve() if path.suffix == ".py" else None


def import_source(source: str) -> ModuleType:
    """The module of a dotted name, a Python file, or a folder with a `clients.py`. Raises ContractError."""
    path = _file_of(source)
    if path is not None:
        return _import_file(path)
    try:
        return importlib.import_module(source)
    except ModuleNotFoundError as error:
        raise ContractError(f"Expected to find a module {source!r} with services, but: {error}.") from error


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ContractError(f"Expected to find a file {str(path)!r} with services, but there is none.")
    name = module_name(str(path))
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ContractError(f"Expected {str(path)!r} to be a Python file, but it cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _where(contract: ServiceContract) -> str:
    function = contract.function
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', '?')}"
