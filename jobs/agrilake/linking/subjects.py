"""Business entities and households across departments: exact keys first, a name only where there is no key.

Pure and deterministic: nothing here is a guess with a probability. A record that fits several subjects fits none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

Frames = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Naming:
    """How a dataset names a business entity: its own key, the column with the credit code, and that with a name."""

    key: str
    code: str = "credit_code"
    name: str | None = None


ENTITY_RECORDS = {
    "agri_machinery": Naming("machine_no", "owner_credit_code"),
    "agri_quality_inspection": Naming("credit_code"),
    "agri_smart_farm": Naming("farm_id", name="name"),
    "agri_trace_batch": Naming("credit_code"),
    "commerce_cold_chain": Naming("facility_no", name="name"),
    "commerce_ecommerce_sales": Naming("credit_code"),
}
"""Registers record by record; events (batches, samples, sales) by the entity that they name."""
ENTITIES = "agri_business_entity"
LEGAL_FORMS = re.compile(
    "(?:农业|农产品|食品|生态|科技|发展|开发|种植|养殖|水产|果蔬|农机)*(?:股份有限公司|有限责任公司|有限公司|集团|专业合作联社|专业合作社|股份合作社"
    "|合作社|家庭农场|种养大户|大户)$"
)
SHORTEST_NAME = 3
"""Characters that a name must keep without its legal form: 丰收 alone fits too many."""
PROVENANCE = {"delivery_id": "_delivery_id", "line": "_line", "sheet": "_sheet"}


def entity_links(records: Frames, entities: pl.DataFrame) -> pl.DataFrame:
    """One row a record that names a business entity, by source_dataset and record_no.

    `credit_code` is that of the register of entities: by the record's own code, else by its name within the
    township where that names exactly one. `linked_by` is credit_code, name or none; `records` counts the dataset's
    rows behind the row, the newest of which gives the way back. A record with neither code nor name (a machine that a
    household owns) names no entity and is left out.
    """
    parts = [_entity_records(name, naming, records[name]) for name, naming in ENTITY_RECORDS.items() if name in records]
    known = entities.select("credit_code", entity_name="name")
    schema = dict.fromkeys(("source_dataset", "record_no", "given_code", "record_name", "division_code"), pl.String)
    empty = pl.DataFrame(
        schema=schema | {"records": pl.Int64, "delivery_id": pl.String, "line": pl.Int64, "sheet": pl.String}
    )
    gathered = pl.concat([empty, *parts], how="vertical")
    by_code = gathered.join(known, left_on="given_code", right_on="credit_code", how="left", maintain_order="left")
    by_name = _by_name(gathered, entities)
    found = by_code.join(by_name, on=["source_dataset", "record_no"], how="left", maintain_order="left")
    has_code, has_name = pl.col("entity_name").is_not_null(), pl.col("code_by_name").is_not_null()
    return found.with_columns(
        credit_code=pl.when(has_code).then("given_code").otherwise("code_by_name"),
        entity_name=pl.coalesce("entity_name", "name_by_name"),
        linked_by=pl.when(has_code)
        .then(pl.lit("credit_code"))
        .when(has_name)
        .then(pl.lit("name"))
        .otherwise(pl.lit("none")),
    ).sort("source_dataset", "record_no")


def _entity_records(dataset: str, naming: Naming, frame: pl.DataFrame) -> pl.DataFrame:
    named = frame.select(
        pl.lit(dataset).alias("source_dataset"),
        pl.col(naming.key).alias("record_no"),
        pl.col(naming.code).alias("given_code"),
        (pl.col(naming.name) if naming.name else pl.lit(None, pl.String)).alias("record_name"),
        (pl.col("division_code") if "division_code" in frame.columns else pl.lit(None, pl.String)).alias(
            "division_code"
        ),
        pl.col("_period"),
        *(pl.col(own).alias(name) for name, own in PROVENANCE.items()),
    ).filter(pl.col("record_no").is_not_null(), pl.coalesce("given_code", "record_name").is_not_null())
    newest = named.sort("record_no", "_period", "delivery_id", "line", nulls_last=False)
    return (
        newest.group_by("record_no", maintain_order=True)
        .agg(pl.all().last(), records=pl.len().cast(pl.Int64))
        .select("source_dataset", "record_no", "given_code", "record_name", "division_code", "records", *PROVENANCE)
    )


def _by_name(gathered: pl.DataFrame, entities: pl.DataFrame) -> pl.DataFrame:
    """Records without a code whose name holds that of exactly one entity of their township."""
    open_ones = gathered.filter(pl.col("given_code").is_null() & pl.col("record_name").is_not_null())
    town = pl.col("division_code").str.head(9).alias("_town")
    cores = entities.select("credit_code", "name", town).with_columns(
        core=pl.col("name").map_elements(core_name, return_dtype=pl.String)
    )
    plain = open_ones.select(
        "source_dataset", "record_no", town, pl.col("record_name").map_elements(_plain, return_dtype=pl.String)
    )
    pairs = plain.join(cores.filter(pl.col("core").str.len_chars() >= SHORTEST_NAME), on="_town", how="inner")
    fitting = pairs.filter(pl.col("record_name").str.contains(pl.col("core"), literal=True))
    key = ["source_dataset", "record_no"]
    only = fitting.filter(pl.col("credit_code").n_unique().over(key) == 1).unique(key, maintain_order=True)
    return only.select(*key, code_by_name="credit_code", name_by_name="name")


def core_name(name: str) -> str:
    """An entity's name without its legal form: 双井禾和家庭农场 is 双井禾和."""
    return LEGAL_FORMS.sub("", _plain(name))


def _plain(name: str) -> str:
    return re.sub(r"[\s()（）·\-—]+", "", unicodedata.normalize("NFKC", name))


def household_links(households: pl.DataFrame, elders: pl.DataFrame, assisted: pl.DataFrame) -> pl.DataFrame:
    """What civil affairs knows of agriculture's households: an elder who is a household's head (the same pseudonym of
    the identity number), and assistance paid to a household (its number), newest period; by household and record.

    No pseudonym leaves this function. `same_division` is false where the two departments place the household in
    different villages. A pseudonym that two households share links neither.
    """
    heads = households.drop_nulls("head_id_no").filter(pl.col("head_id_no").is_unique())
    elder = elders.drop_nulls("id_no").join(
        heads.select("household_id", "head_id_no", home="division_code"),
        left_on="id_no",
        right_on="head_id_no",
        how="inner",
    )
    newest = assisted.sort("household_id", "_period", "_line").unique("household_id", keep="last", maintain_order=True)
    paid = newest.join(households.select("household_id", home="division_code"), on="household_id", how="inner")
    parts = [
        _household_part(elder, "civil_elder", "elder_id", "pseudonym"),
        _household_part(paid, "civil_assistance", "household_id", "household_id"),
    ]
    return pl.concat(parts).sort("household_id", "source_dataset", "record_no")


def _household_part(frame: pl.DataFrame, dataset: str, key: str, linked_by: str) -> pl.DataFrame:
    return frame.select(
        "household_id",
        pl.lit(dataset).alias("source_dataset"),
        pl.col(key).alias("record_no"),
        pl.lit(linked_by).alias("linked_by"),
        pl.col("home").alias("division_code"),
        (pl.col("division_code") == pl.col("home")).alias("same_division"),
        *(pl.col(own).alias(name) for name, own in PROVENANCE.items()),
    )
