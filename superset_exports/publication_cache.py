"""Where Superset keeps the data of charts: for as long as the publication that they come from is the current one.

Read by Superset (`DATA_CACHE_CONFIG`) in an environment of its own, so nothing of `agrilake` is imported here.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import g, has_request_context
from flask_caching.backends import FileSystemCache

CURRENT = Path(os.environ["AGRILAKE_HOME"]).resolve() / "publications" / "current"


class PublicationCache(FileSystemCache):
    """A file for each answer and publication: after a swap nothing is found, so that the new one is seen at once."""

    def _get_filename(self, key: str) -> str:
        own = key == self._fs_count_file
        return str(super()._get_filename(key if own else f"{_publication()}|{key}"))


def _publication() -> str:
    """The publication that was current when the request first asked: an answer that is on its way during a swap is
    never kept as one of the new publication."""
    if not has_request_context():
        return str(CURRENT.resolve())
    if "publication" not in g:
        g.publication = str(CURRENT.resolve())
    return str(g.publication)
