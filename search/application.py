"""The Hydra application: the one module that knows Hydra composes conf/ with overrides.

`launch` runs a job for every composed configuration (one, or all of a multirun); `compose_settings` gives
the settings without running anything. What is composed goes through `config.py` (its keys) to `settings.py`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from blis.errors import EngineError, InputError, one_line, unknown_name
from blis.files import read_text, write_text
from blis.stdout import note
from search import user_files
from search.config import conf_folder
from search.folder import claimed
from search.overrides import override_problem
from search.resumed import continued, key_of
from search.settings import Settings, make_settings
from search.uri import concealed, shown

EXIT_OK, EXIT_FAILURE, EXIT_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130

MULTIRUN = ("-m", "--multirun")

#: What Hydra raises for a command line that cannot be composed; ValueErrors for what its grammar takes and it does not.
COMPOSING = (HydraException, OmegaConfBaseException, ValueError, YAMLError)

#: Hydra's own keys with which a user names a run folder.
FOLDER_KEYS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")


def compose_settings(overrides: Sequence[str], run_dir: Path = Path("outputs")) -> Settings:
    """The settings that `python -m search <overrides>` would run with. Raises InputError for whatever is wrong."""
    user_files.register()
    with hydra.initialize_config_dir(str(conf_folder()), version_base="1.3"):
        try:
            composed = _plain(hydra.compose("config", list(overrides)))
        except COMPOSING as error:
            raise InputError(_in_short(error)) from None
    return make_settings(continued(composed, overrides), run_dir)


def launch(job: Callable[[Settings], int]) -> int:
    """Run `job` for every configuration that the command line composes, in a folder of its own each.

    Gives the highest of their exit codes. Wrong input gives one line on stderr and EXIT_INPUT; its run folder is not
    left behind. Any other failure that is known gives one line and EXIT_FAILURE. A job that was interrupted
    (EXIT_INTERRUPTED) ends a multirun.
    """
    codes, composing = [EXIT_OK], [True]

    def run(composed: DictConfig) -> None:
        composing[0] = False
        run_dir = Path(HydraConfig.get().runtime.output_dir)
        try:
            codes.append(_run(job, _plain(composed), run_dir))
        except (InputError, OmegaConfBaseException) as error:
            codes.append(_complain(error))
        except EngineError as error:
            codes.append(_complain(error, EXIT_FAILURE))
        except MemoryError:
            codes.append(_complain(MemoryError("a search of this size does not fit in memory"), EXIT_FAILURE))
        finally:
            with suppress(OSError):  # not empty: it holds results
                run_dir.rmdir()
        if codes[-1] == EXIT_INTERRUPTED:  # Hydra would go on with the next job
            raise KeyboardInterrupt
        composing[0] = True

    # Hydra prints errors in several lines of its own and exits with 1, unless asked for the full error:
    # then it raises them, and they come out here like all others.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    user_files.register()
    sys.argv[1:] = _multirun_first(sys.argv[1:])
    try:
        with _terminated_like_interrupted():
            hydra.main(config_path=str(conf_folder()), config_name="config", version_base="1.3")(run)()
    except COMPOSING as error:
        if not composing[0]:
            raise  # a mistake in the job, not in what the user wrote
        codes.append(_complain(error))
    except OSError as error:
        if error.filename is None:  # standard output
            raise
        codes.append(_complain(InputError(f"{error.filename}: {error.strerror}")))  # where Hydra puts run folders
    except KeyboardInterrupt:
        codes.append(EXIT_INTERRUPTED)
    return max(codes)


def _run(job: Callable[[Settings], int], composed: Mapping[str, Any], run_dir: Path) -> int:
    """The exit code of one job, which has its folder to itself."""
    overrides = HydraConfig.get().overrides
    settings = make_settings(continued(composed, list(overrides.task)), run_dir)
    for uri in (settings.tracking.uri, composed.get("evaluations", {}).get("store") or ""):
        _conceal_sweep(uri)
    movable = not any(key_of(override) in FOLDER_KEYS for override in overrides.hydra)
    with claimed(settings.run_dir, resumed=settings.resume is not None, movable=movable) as folder:
        return job(replace(settings, run_dir=folder, overrides=_told(overrides.task)))


def _conceal_sweep(uri: str) -> None:
    """Take the secrets of a store's address out of the file that Hydra writes of a multirun."""
    path = Path(HydraConfig.get().sweep.dir) / "multirun.yaml"
    if shown(uri) != uri and path.is_file():
        write_text(path, concealed(read_text(path), uri))


def _told(overrides: Sequence[str]) -> tuple[str, ...]:
    """What may be shown of a job's overrides, in a multirun: addresses of stores have secrets."""
    several = HydraConfig.get().mode is RunMode.MULTIRUN
    return tuple(
        override for override in overrides if several and not key_of(override).startswith(("tracking", "evaluations"))
    )


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """End a search like Ctrl-C does when the system asks for it (docker stop, Slurm), or its terminal is closed."""
    signals = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in signals}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:  # `nohup` says otherwise
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _multirun_first(arguments: Sequence[str]) -> list[str]:
    """The command line with -m at its start: Hydra's parser takes no override after an option that others precede."""
    others = [argument for argument in arguments if argument not in MULTIRUN]
    return others if len(others) == len(arguments) else [MULTIRUN[0], *others]


def _plain(composed: DictConfig) -> dict[str, Any]:
    """A composed configuration with interpolations resolved, as plain data."""
    container = OmegaConf.to_container(composed, resolve=True, throw_on_missing=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}


def _complain(error: Exception, code: int = EXIT_INPUT) -> int:
    """Say what is wrong in one line on stderr; the exit code."""
    note(f"error: {_in_short(error)}")
    return code


def _in_short(error: Exception) -> str:
    """The message of an error; Hydra's are cut to what the user can act on."""
    if isinstance(error, OverrideParseException):
        return override_problem(error)
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    key, parent = getattr(cause, "full_key", None), getattr(cause, "parent_node", None)
    if "not in struct" in str(cause) and isinstance(parent, DictConfig):
        unknown = unknown_name("key", key, [_sibling(str(key), str(name)) for name in parent])
        return f"{unknown}; a key that conf/ leaves out is added with '+{one_line(str(key))}=...'"
    useful = str(error).split("\nConfig search path")[0].split("\nSee https")[0]
    if useful.startswith("Config group override"):  # Hydra does not say which
        useful += "; a group (cluster, workload, …) is chosen by the name of a file in conf/, or by a path"
    if cause is not error:
        useful += f": {cause}".split("\n    full_key")[0]
    return one_line(useful)


def _sibling(full_key: str, name: str) -> str:
    """The full key of another key in the same mapping."""
    parents, dot, _ = full_key.rpartition(".")
    return parents + dot + name
