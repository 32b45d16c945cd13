"""Train the model that links stations from the tuning part of the labelled sample.

Writes schemas/settings/place_model.json.

    python benchmarks/train_place_model.py

The same code and seed give the same bytes; a test compares them. Raise VERSION with a change of the model.
"""

from __future__ import annotations

from agrilake.linking.evaluation import Labelled
from agrilake.linking.model import Model, model_path
from agrilake.linking.training import as_json, train
from agrilake.sample.labelled_sites import SEED, divisions, labelled_sites, parts

VERSION = "1.0.0"


def trained() -> Model:
    """The model of the tuning part."""
    tuning, _ = parts(labelled_sites())
    labelled = Labelled.of(tuning, divisions())
    source = {"sample": "agrilake.sample.labelled_sites", "seed": SEED, "part": "tuning"}
    return train(labelled.stations, labelled.truth, VERSION, source)


if __name__ == "__main__":
    model_path().write_text(as_json(trained()), encoding="utf-8")
    print(f"wrote {model_path()}")
