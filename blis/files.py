"""Reading and writing whole files: errors in one line, never half a file."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from blis.errors import EngineError, InputError


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file; `~` is the home folder. Raises InputError naming the file if it cannot be read."""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a UTF-8 text file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # a null character in the name; nobody of the name after ~
        raise InputError(f"{path!r}: {error}") from None


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 file with LF line ends, whole or not at all: a reader never sees a part of it.

    Raises EngineError naming the file if it cannot be written.
    """
    try:
        data = text.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair, from a file name of other bytes
        raise EngineError(f"{path}: {error}") from None
    write_bytes(path, data)


def write_bytes(path: str | Path, data: bytes) -> None:
    """The same of bytes."""
    try:
        target = Path(path).expanduser().resolve()  # a link keeps pointing where it did
        if target.exists() and not target.is_file():  # a pipe or a terminal cannot be replaced, only written to
            target.write_bytes(data)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the rename stays within one file system.
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)  # it is gone if the interrupt came right after the rename
            raise
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # a null character in the name; the home of nobody
        raise EngineError(f"{path!r}: {error}") from None


def check_writable(path: str | Path) -> None:
    """Raise EngineError naming the file if it could not be written: before a long computation, not after it.

    Whether there is room for it is not known.
    """
    try:
        target = Path(path).expanduser().resolve()
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not target.exists() or target.is_file():
            folder = next(parent for parent in target.parents if parent.exists())
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:
        raise EngineError(f"{path!r}: {error}") from None


def _umask() -> int:
    """The process's mask for new files; mkstemp ignores it and makes private ones."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
