"""What a contract says, in the words of the lake: the one model that everything else is derived from.

The YAML is ODCS 3; `agrilake.contract.load` turns it into these frozen objects and is the only reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path


class LogicalType(StrEnum):
    """ODCS logical types that the lake stores."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    TIMESTAMP = "timestamp"
    BOOLEAN = "boolean"


class Load(StrEnum):
    """How a later delivery meets an earlier one."""

    SNAPSHOT = "snapshot"
    APPEND = "append"
    UPSERT = "upsert"


class Frequency(StrEnum):
    """Length of a delivery's period; the value is what `slaProperties.frequency` says."""

    YEAR = "year"
    QUARTER = "quarter"
    MONTH = "month"
    DAY = "day"


SHARING = ("无条件共享", "有条件共享", "不予共享")
"""How other departments get a resource (政务信息资源共享管理暂行办法, 国发〔2016〕51号, article 9)."""


class Privacy(StrEnum):
    """What silver keeps of a column: all of it, a keyed token under the same name, or nothing."""

    OPEN = "open"
    PSEUDONYM = "pseudonym"
    DROP = "drop"


@dataclass(frozen=True)
class EnumValue:
    """An allowed code, its Chinese label and other spellings that departments write."""

    value: str
    label: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """A foreign key: `dataset.column`, ODCS `relationships[].to`."""

    dataset: str
    column: str


@dataclass(frozen=True)
class Check:
    """A named check (see `agrilake.checks`); `arguments` are its keyword arguments."""

    name: str
    severity: str = "error"
    arguments: dict[str, object] = field(default_factory=dict)
    description: str = ""


@dataclass(frozen=True)
class Feed:
    """Which of today's columns a column of an earlier layout fills; `codes` are pairs of a code of then and the value
    of today that it means (None: nothing), empty where values are taken as they are."""

    column: str
    codes: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Column:
    """One column. `type` with `precision` and `scale` gives the stored type; `unit` is the canonical unit as shown.

    `division_level` is set ("county", "township", "village" or "any") where the column holds a division;
    the intake then takes codes of both systems and names. `pii` names the kind of a personal column
    (id_no, name, phone, bank_card, address), which decides its mask. `words` are pairs of a text that stands for a
    value of a number or boolean column, and that value (未检出, 0). `required_since` is the first period whose rows
    must have a required column, None where all must. `feeds` matters in an earlier layout alone. `counts` names the
    quantity (agrilake.contract.counts) of persons or households that a number counts.
    """

    name: str
    title: str
    description: str
    type: LogicalType
    required: bool = False
    required_since: str | None = None
    primary_key: bool = False
    unique: bool = False
    precision: int | None = None
    scale: int | None = None
    unit: str | None = None
    words: tuple[tuple[str, str], ...] = ()
    synonyms: tuple[str, ...] = ()
    enum: tuple[EnumValue, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    division_level: str | None = None
    pii: str | None = None
    privacy: Privacy = Privacy.OPEN
    reference: Reference | None = None
    checks: tuple[Check, ...] = ()
    example: str = ""
    feeds: tuple[Feed, ...] = ()
    counts: str = ""

    @property
    def never_null(self) -> bool:
        """Whether rows of every period have it."""
        return self.required and self.required_since is None

    @property
    def in_silver(self) -> bool:
        """Whether silver keeps the column (possibly as a token)."""
        return self.privacy is not Privacy.DROP

    @property
    def is_free_text(self) -> bool:
        """Whether people write into it what they like: neither a code nor a place nor something that a check judges."""
        told = self.enum or self.pattern or self.division_level or self.reference or self.checks or self.pii
        return self.type is LogicalType.STRING and not told

    @property
    def is_title(self) -> bool:
        """Whether it names what the row is about (主体名称): such a name is public, even where a person is in it."""
        return self.title.endswith("名称")

    @property
    def is_personal(self) -> bool:
        """Whether its values may never be shown."""
        return self.pii is not None


@dataclass(frozen=True)
class Dataset:
    """One department dataset (or, with `inputs`, one gold table).

    `due_day` counts days after the period's end until the delivery is overdue. `history` is "scd2" where
    silver keeps validity intervals, in `history_table`. `reference` marks what others are resolved against.
    `made_by` says who writes a gold table: the "transform" of its name, record "linking", the "indicators" engine, or
    the "publication", which has it in its files alone.
    `sharing` is one of SHARING; `sharing_terms` says what others may do with it, or on what ground they do not get it.
    `period_column` names the column that must agree with the delivery's period, if the file carries one;
    `reaches_back` counts the periods before its own that a delivery holds too. `rows_count` names the quantity that its
    rows count, where each is of a person or a household.

    `earlier` are the layouts that files had before, oldest first: each a dataset of the same id, which holds up to the
    period `valid_until` and whose columns feed those of this one. `fingerprint` of such a layout changes with anything
    by which its rows would be read otherwise.
    """

    id: str
    department: str
    title: str
    description: str
    version: str
    status: str
    load: Load
    frequency: Frequency
    columns: tuple[Column, ...]
    path: Path
    owner: str = ""
    department_title: str = ""
    due_day: int = 10
    encoding: str = "gb18030"
    crs: str | None = None
    history: str | None = None
    reference: bool = False
    period_column: str | None = None
    reaches_back: int = 0
    large: bool = False
    grain: str = ""
    synonyms: tuple[str, ...] = ()
    sharing: str = "有条件共享"
    sharing_terms: str = ""
    checks: tuple[Check, ...] = ()
    inputs: tuple[str, ...] = ()
    made_by: str = "transform"
    subject: str = ""
    lineage: dict[str, dict[str, str]] = field(default_factory=dict)
    published: tuple[str, ...] = ()
    division_column: str | None = None
    rows_count: str = ""
    valid_until: str | None = None
    fingerprint: str = ""
    earlier: tuple[Dataset, ...] = ()

    def layout(self, period: str) -> Dataset:
        """What a file of the canonical period is read by: the earlier layout that held then, else this contract, whose
        columns that are required since a later period may be empty."""
        found = next((item for item in self.earlier if period <= (item.valid_until or "")), self)
        later = [item.name for item in found.columns if item.required_since and period < item.required_since]
        if not later:
            return found
        columns = tuple(replace(item, required=False) if item.name in later else item for item in found.columns)
        return replace(found, columns=columns)

    @property
    def edition(self) -> str:
        """The version as people read it, with the last period of an earlier layout."""
        return self.version if self.valid_until is None else f"{self.version}（适用至 {self.valid_until}）"

    @property
    def key(self) -> tuple[str, ...]:
        """Primary key columns in declared order."""
        return tuple(column.name for column in self.columns if column.primary_key)

    @property
    def is_gold(self) -> bool:
        """Whether it is a table of the support database, not a department's dataset."""
        return self.department == "gold"

    @property
    def history_table(self) -> str | None:
        """Silver table of the states that each key has had; None where no history is kept."""
        return f"{self.id}_history" if self.history else None

    @property
    def silver_columns(self) -> tuple[Column, ...]:
        """Columns that silver holds."""
        return tuple(column for column in self.columns if column.in_silver)

    @property
    def personal_columns(self) -> tuple[Column, ...]:
        """Columns with direct identifiers."""
        return tuple(column for column in self.columns if column.is_personal)

    @property
    def privacy_grade(self) -> str:
        """Grade for the catalogue: 个人信息 where any column is personal, else 一般."""
        return "个人信息" if self.personal_columns else "一般"

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
