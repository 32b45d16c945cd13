"""The publication: versioned DuckDB files made from gold in one go and swapped in atomically."""

from agrilake.publish.content import FORMAT
from agrilake.publish.model import Publication
from agrilake.publish.opening import open_publication
from agrilake.publish.publish import publish
from agrilake.publish.store import current_publication, publications

__all__ = ["FORMAT", "Publication", "current_publication", "open_publication", "publications", "publish"]
