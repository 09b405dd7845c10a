"""Reading and writing whole files: errors in one line, never half a file."""

from __future__ import annotations

import errno
import gzip
import io
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from blis.errors import EngineError, InputError, one_line

#: What compressed files begin with, whatever they are called.
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ENDINGS = (".gz", ".zst")


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file; `~` is the home folder. Raises InputError naming the file if it cannot be read.

    Line ends are LF, whatever the file has.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a UTF-8 text file") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def text_lines(path: str | Path) -> Iterator[str]:
    """The lines of such a file one by one, with their ends, so that it is never held whole. Raises InputError alike."""
    try:
        with _unpacked(Path(path).expanduser()) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
            yield from text
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a UTF-8 text file") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: a compressed file that cannot be unpacked: {one_line(error)}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except RuntimeError as error:  # nobody of the name after ~
        raise InputError(f"{path!r}: {error}") from None


def _unpacked(path: Path) -> BinaryIO:
    """The content of a file as `read_bytes` tells it, as a stream."""
    stream = path.open("rb")
    start = stream.peek(len(_ZSTD))
    if start.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    if not start.startswith(_ZSTD):
        return stream
    import pyarrow  # only here: it takes longer to import than most files take to read

    return cast(BinaryIO, pyarrow.CompressedInputStream(pyarrow.PythonFile(stream), "zstd"))


def read_bytes(path: str | Path) -> bytes:
    """The content of a file, of a compressed one (gzip or zstd, told by its first bytes) what is in it."""
    data = stored_bytes(path)
    try:
        if data.startswith(_GZIP):
            return gzip.decompress(data)
        return _from_zstd(data) if data.startswith(_ZSTD) else data
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: a compressed file that cannot be unpacked: {one_line(error)}") from None


def stored_bytes(path: str | Path) -> bytes:
    """The bytes of a file as they are stored. Raises InputError naming the file."""
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # a null character in the name; nobody of the name after ~
        raise InputError(f"{path!r}: {error}") from None


def unpacked_name(path: str | Path) -> Path:
    """The path without the ending that says how a file is compressed: trace.jsonl of trace.jsonl.zst."""
    named = Path(path)
    return named.with_suffix("") if named.suffix.lower() in _ENDINGS else named


def _from_zstd(data: bytes) -> bytes:
    import pyarrow  # only here: it takes longer to import than most files take to read

    with pyarrow.input_stream(pyarrow.BufferReader(data), compression="zstd") as stream:
        return bytes(stream.read())


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
    with WholeFile(path) as file:
        file.write(data)


class WholeFile:
    """A file that is written part by part: it is there once all of it is, and as it was if that is never.

    Every method raises EngineError naming the file if it cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        """Nothing is written to the file itself before the end."""
        self._path, self._temporary = path, Path()
        with _trouble_with(path):
            self._target = Path(path).expanduser().resolve()  # a link keeps pointing where it did
            # A pipe or a terminal cannot be replaced, only written to.
            self._replaces = not self._target.exists() or self._target.is_file()
            self._stream = self._beside() if self._replaces else self._target.open("wb")

    def _beside(self) -> BinaryIO:
        """A file beside the target, so that the rename stays within one file system."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self._target.parent, prefix=f".{self._target.name}.")
        self._temporary = Path(temporary)
        return os.fdopen(handle, "wb")

    def write(self, data: bytes) -> None:
        """The next part."""
        with _trouble_with(self._path):
            self._stream.write(data)

    def __enter__(self) -> WholeFile:
        """It is whole at the end of the block, or not at all."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        """Put it in its place if nothing was raised."""
        try:
            with _trouble_with(self._path):
                self._stream.close()
                if kind is None and self._replaces:
                    os.chmod(self._temporary, 0o666 & ~_umask())
                    os.replace(self._temporary, self._target)
        except BaseException:
            self._discard()  # it is gone if the interrupt came right after the rename
            raise
        if kind is not None:
            self._discard()

    def _discard(self) -> None:
        if self._replaces:
            self._temporary.unlink(missing_ok=True)


@contextmanager
def _trouble_with(path: str | Path) -> Iterator[None]:
    """Name the file that cannot be written."""
    try:
        yield
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror or error}") from None
    except (ValueError, RuntimeError) as error:  # a null character in the name; the home of nobody
        raise EngineError(f"{path!r}: {error}") from None


def check_writable(path: str | Path) -> None:
    """Raise EngineError naming the file if it could not be written: before a long computation, not after it.

    Whether there is room for it is not known.
    """
    with _trouble_with(path):
        target = Path(path).expanduser().resolve()
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not target.exists() or target.is_file():
            folder = next(parent for parent in target.parents if parent.exists())
            tempfile.TemporaryFile(dir=folder).close()


def _umask() -> int:
    """The process's mask for new files; mkstemp ignores it and makes private ones."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
