"""Files of the user's in place of names in conf/: `cluster=/path/mine.yaml`, `workload=traffic/chat.yaml`.

Hydra asks its sources of configuration one after the other; this one, the first, answers for paths and leaves names
to conf/. Files are read as strictly as all others.
"""

from __future__ import annotations

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from blis.errors import InputError
from blis.files import read_text
from blis.yaml_strict import check_mapping, parse_yaml
from search.config import conf_folder

YAML = (".yaml", ".yml")
DATA = (".csv", ".json", ".jsonl")
_STARTS = ("/", "./", "../", "~")


def is_path(name: str) -> bool:
    """Whether a choice is a file's path, not a name in conf/."""
    return name.startswith(_STARTS) or name.endswith(YAML + DATA)


class UserFiles(ConfigSource):
    """Configuration by path. What Hydra asks for is `<group>/<choice>`."""

    @staticmethod
    def scheme() -> str:
        """How the source is named in Hydra's search path."""
        return "path"

    def is_config(self, config_path: str) -> bool:
        """Whether the choice is a path; a name that conf/ has with its ending stays conf/'s."""
        group, _, choice = config_path.partition("/")
        in_conf = choice == Path(choice).name and (conf_folder() / group / choice).is_file()
        return is_path(choice) and not in_conf

    def load_config(self, config_path: str) -> ConfigResult:
        """The file's mapping. Raises InputError."""
        group, _, choice = config_path.partition("/")
        if not choice.endswith(YAML):
            hint = "; a trace is given as workload=trace workload.path=…" if group == "workload" else ""
            raise InputError(f"{group}={choice}: a file that is chosen must be YAML (.yaml, .yml){hint}")
        text = read_text(choice)
        document = parse_yaml(text, choice)
        mapping = check_mapping({} if document is None else document, choice)
        return ConfigResult(self.provider, self.full_path(), OmegaConf.create(mapping), self._get_header_dict(text))

    def is_group(self, config_path: str) -> bool:
        """There are no groups: nobody lists all files."""
        return False

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Nothing can be listed."""
        return []

    def available(self) -> bool:
        """Paths can always be asked for."""
        return True


class UserFilesFirst(SearchPathPlugin):
    """Puts the source before conf/."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """One entry more."""
        search_path.prepend("blis", f"{UserFiles.scheme()}://")


def register() -> None:
    """Tell Hydra; once is enough, more often changes nothing."""
    for plugin in (UserFiles, UserFilesFirst):
        Plugins.instance().register(plugin)
