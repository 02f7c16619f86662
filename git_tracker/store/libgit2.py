"""libgit2 through the extension module of pygit2 alone: the rest of that package takes six times as long to import.

Offers what `objects` needs and no more. Where pygit2 is imported whole already, or is built in another way than we
know, it is used as it stands.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ExtensionFileLoader, PathFinder
from typing import Any

_WINDOW = 4 * 1024 * 1024  # bytes of a pack mapped at once by who reads frugally
_WINDOWS = 8  # of those
_CERTIFICATES = "SSL_CERT_FILE"  # as OpenSSL knows it
_PACKAGE, _EXTENSION, _ENUMS = "pygit2", "pygit2._pygit2", "pygit2.enums"


class ObjectType:
    """Kinds of objects, numbered as in gitformat-pack(5)."""

    COMMIT, TREE, BLOB = 1, 2, 3


class _Numbers:
    """Stands for the enum classes that the extension asks the Python half for: numbers do as well."""

    def __getattr__(self, name: str) -> type[int]:
        if name.startswith("_"):
            raise AttributeError(name)
        return int


def _extension() -> Any:
    if _PACKAGE not in sys.modules:
        package = PathFinder.find_spec(_PACKAGE)
        found = package and PathFinder.find_spec(_EXTENSION, package.submodule_search_locations)
        if found and isinstance(found.loader, ExtensionFileLoader):
            try:
                with _without_certificates():
                    module = found.loader.create_module(found)
                return _loaded(module, found.loader)
            except (ImportError, AttributeError, TypeError):
                pass
    import pygit2

    return pygit2._pygit2


@contextmanager
def _without_certificates() -> Iterator[None]:
    """Let libgit2 begin without reading certificates: where there are some, that is most of its beginning.

    We let it talk to nobody; pygit2 imported whole reads them itself, for whoever does.
    """
    before = os.environ.get(_CERTIFICATES)
    os.environ[_CERTIFICATES] = os.devnull
    try:
        yield
    finally:
        if before is None:
            del os.environ[_CERTIFICATES]
        else:
            os.environ[_CERTIFICATES] = before


def _loaded(module: Any, loader: ExtensionFileLoader) -> Any:
    sys.modules[_EXTENSION] = module  # where a later import of the whole finds it: there is one libgit2
    sys.modules[_PACKAGE] = sys.modules[_ENUMS] = _Numbers()  # type: ignore[assignment]
    try:
        loader.exec_module(module)
        module._cache_enums()
        return module
    except BaseException:
        del sys.modules[_EXTENSION]
        raise
    finally:
        del sys.modules[_PACKAGE], sys.modules[_ENUMS]


_pygit2 = _extension()
Oid, GitError = _pygit2.Oid, _pygit2.GitError


def opened(path: str) -> Any:
    """Open a repository; raises `GitError`. The result has `odb`, `lookup_reference` and `descendant_of`."""
    return _pygit2.Repository(_pygit2.init_file_backend(path, 0))


def packs(folders: Iterable[str]) -> Any:
    """Return what reads the packs in folders of objects, and nothing else there. It has `read` and `read_header`."""
    odb = _pygit2.Odb()
    for priority, folder in enumerate(folders, 1):
        odb.add_backend(_pygit2.OdbBackendPack(folder), priority)
    return odb


def remotes(path: str) -> list[str]:
    """Return the names of the remotes a repository has configured; needs the whole of pygit2."""
    import pygit2

    return [name for name in pygit2.Repository(path).remotes.names() if name]


def tips(repository: Any) -> set[str]:
    """Return what the refs of an opened repository hold, ours or not; broken and symbolic ones hold nothing."""
    found = set[str]()
    for name in repository.raw_listall_references():
        with suppress(GitError, KeyError, ValueError):
            target = repository.lookup_reference(os.fsdecode(name)).target
            found |= {str(target)} if isinstance(target, Oid) else set()
    return found


def read_once() -> None:
    """Keep no objects in memory, map packs in small windows and leave it to us to check what is read, in this process.

    libgit2 looks for collisions in each object, as git did when it came in; that takes twice as long as its hash.
    """
    name = f"{_PACKAGE}._libgit2"  # the calls with any number of arguments, which the extension does not offer
    package = PathFinder.find_spec(_PACKAGE)
    found = package and PathFinder.find_spec(name, package.submodule_search_locations)
    if found and isinstance(found.loader, ExtensionFileLoader) and _PACKAGE not in sys.modules:
        calls = found.loader.create_module(found)
        found.loader.exec_module(calls)
        lib, cast = calls.lib, calls.ffi.cast
    else:
        from pygit2.ffi import C as lib
        from pygit2.ffi import ffi

        cast = ffi.cast
    lib.git_libgit2_opts(lib.GIT_OPT_ENABLE_CACHING, cast("int", 0))
    lib.git_libgit2_opts(lib.GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, cast("int", 0))
    lib.git_libgit2_opts(lib.GIT_OPT_SET_MWINDOW_SIZE, cast("size_t", _WINDOW))
    lib.git_libgit2_opts(lib.GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, cast("size_t", _WINDOWS * _WINDOW))
