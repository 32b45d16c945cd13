"""The accounts of agricultural growth, year by year."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

from agrilake.gold.columns import Inputs, sourced, yuan

FIGURES = ("gross_output_wan_yuan", "material_cost_wan_yuan", "labour", "sown_area_mu", "price_index")
MONEY = "decimal(20,2)"


def agri_growth(inputs: Inputs) -> DataFrame:
    """Every year as the newest delivery has it, at current prices and at those of the first year.

    A file holds several years and revises the last of the file before. `price_level` is the product of the yearly
    indices since the first year, which is 100; amounts at constant prices are divided by it.
    """
    reported = sourced(inputs["stats_agri_growth"], "stats_agri_growth")
    of_year = Window.partitionBy("division_code", "year")
    newest = (
        reported.withColumns(
            {
                "_rank": f.row_number().over(of_year.orderBy(f.col("_period").desc())),
                "_versions": f.size(f.collect_set(f.struct(*FIGURES)).over(of_year)),
                "_first_gross": f.min_by("gross_output_wan_yuan", "_period").over(of_year),
            }
        )
        .filter("_rank = 1")
        .withColumn("_indices", f.collect_list("price_index").over(Window.partitionBy("division_code").orderBy("year")))
        .withColumn("price_level", _chained("_indices"))
    )
    return newest.withColumns(
        {
            "period": f.col("year"),
            "township_code": f.lit(None).cast("string"),
            "gross_output_yuan": yuan("gross_output_wan_yuan"),
            "material_cost_yuan": yuan("material_cost_wan_yuan"),
            "gross_output_constant_yuan": _deflated("gross_output_wan_yuan"),
            "material_cost_constant_yuan": _deflated("material_cost_wan_yuan"),
            "revised": f.col("_versions") > 1,
            "first_gross_output_yuan": yuan("_first_gross"),
        }
    )


def _chained(indices: str) -> Column:
    """The product of all indices after the first year's, which stands on the year before it, as percent."""
    later = f.slice(f.col(indices), 2, f.size(indices))
    return f.aggregate(later, f.lit(100.0), lambda level, index: level * index.cast("double") / 100)


def _deflated(wan_yuan: str) -> Column:
    return (yuan(wan_yuan).cast("double") * 100 / f.col("price_level")).cast(MONEY)
