"""All files of a month as a district does it today: pandas finds the header, checks cell by cell, writes CSV, counts.

    python pandas_wave.py INBOX COLUMNS OUT

COLUMNS lists each dataset's columns with their titles. Tables are not joined, nothing is superseded or published.
"""

import sys
from pathlib import Path

import pandas as pd

EMPTY = {"", "-", "—", "/", "无", "NULL"}
PERIODS = ("period", "month", "year")
MARGINS = ("合计", "小计", "总计", "注", "填表", "制表", "说明", "备注：")


def cells(path):
    """All sheets of a file as text, without header."""
    if path.suffix in (".xlsx", ".xls"):
        engine = "openpyxl" if path.suffix == ".xlsx" else "xlrd"
        sheets = pd.read_excel(path, header=None, dtype=str, sheet_name=None, engine=engine)
        return list(sheets.values())
    data = path.read_bytes()
    text = None
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None:
        raise ValueError("the encoding is unknown")
    lines = text.splitlines()
    delimiter = max(",;\t，", key=lambda mark: sum(line.count(mark) for line in lines[:20]))
    split = [line.replace('"', "").split(delimiter) for line in lines]
    width = max(map(len, split))
    return [pd.DataFrame([row + [""] * (width - len(row)) for row in split], dtype=str)]


def table(sheet, titles):
    """Rows under the header, with the columns' names; None where no row looks like a header."""
    for at in range(min(10, len(sheet))):
        found = [titles.get(str(cell).split("（")[0].split("(")[0].strip()) for cell in sheet.iloc[at]]
        if len({name for name in found if name}) >= 3:
            break
    else:
        return None
    rows = sheet.iloc[at + 1 :, [number for number, name in enumerate(found) if name]]
    rows.columns = [name for name in found if name]
    rows = rows.loc[:, ~rows.columns.duplicated()].apply(lambda column: column.str.strip())
    rows = rows.where(~rows.isin(EMPTY)).dropna(how="all")
    first = rows.iloc[:, 0].fillna("")
    return rows[~first.str.startswith(MARGINS)]


def problems(rows, columns):
    """The rules that cells break: line, column, rule."""
    found = []
    for column in columns.drop_duplicates("column").itertuples():
        if column.column not in rows:
            continue
        cell = rows[column.column]
        wrong = {"required": cell.isna() & (column.required == "true")}
        if column.type in ("integer", "number"):
            plain = cell.str.extract(r"^(-?[\d,]+(?:\.\d+)?)\s*\D*$")[0]
            number = pd.to_numeric(plain.str.replace(",", ""), errors="coerce")
            wrong["type"] = number.isna() & cell.notna()
            if pd.notna(column.minimum):
                wrong["minimum"] = number < float(column.minimum)
            if pd.notna(column.maximum):
                wrong["maximum"] = number > float(column.maximum)
        elif column.type in ("date", "timestamp"):
            plain = cell.str.replace("[年月]", "-", regex=True).str.replace("日", "")
            wrong["type"] = pd.to_datetime(plain, errors="coerce", format="mixed").isna() & cell.notna()
        elif pd.notna(column.pattern) and column.column not in PERIODS:
            wrong["pattern"] = ~cell.str.fullmatch(column.pattern, na=True)
        for rule, at in wrong.items():
            found += [(line, column.column, rule) for line in rows.index[at.fillna(False)]]
    return pd.DataFrame(found, columns=["line", "column", "rule"])


def main(inbox, columns, out):
    known = pd.read_csv(columns, dtype=str)
    names = {
        **dict(zip(known.dataset, known.dataset, strict=True)),
        **dict(zip(known.dataset_title, known.dataset, strict=True)),
    }
    counts = []
    for path in sorted(path for path in inbox.rglob("*") if path.suffix in (".csv", ".txt", ".xlsx", ".xls")):
        dataset = names.get(path.name.split("__")[0])
        if dataset is None:
            continue
        own = known[known.dataset == dataset]
        titles = dict(zip(own.title, own.column, strict=True))
        try:
            sheets = [rows for rows in (table(sheet, titles) for sheet in cells(path)) if rows is not None]
        except Exception as error:
            print(f"{path.name}: {error}")
            continue
        if not sheets:
            print(f"{path.name}: no header was found")
            continue
        rows = pd.concat(sheets, ignore_index=True)
        wrong = problems(rows, own)
        good = rows[~rows.index.isin(wrong.line)].drop_duplicates()
        wrong.to_csv(out / f"{path.stem}.problems.csv", index=False, encoding="utf-8-sig")
        good.to_csv(out / f"{path.stem}.csv", index=False, encoding="utf-8-sig")
        place = next((name for name in ("division_code", "site_no") if name in good), None)
        if place:
            counted = good.groupby(place).size().rename("rows").reset_index()
            counts.append(counted.assign(dataset=dataset))
    pd.concat(counts).to_csv(out / "counts.csv", index=False)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
