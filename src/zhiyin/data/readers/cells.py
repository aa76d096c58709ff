"""One cell, one meaning: texts, ids, numbers, truths and lists as people and spreadsheets write them.

A cell that is empty gives None. A cell that means nothing raises InvalidData with what it was: the row
goes to the quarantine and nothing is guessed.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from datetime import date

import orjson

from zhiyin.data.readers.rows import Cell
from zhiyin.errors import InvalidData
from zhiyin.texts import clean_text
from zhiyin.types import Scalar

MISSING = frozenset({"", "\\N", "NULL", "null", "NaN", "nan", "NA", "N/A", "n/a", "None", "none", "-", "无"})
TRUE = frozenset(
    [
        "true",
        "t",
        "yes",
        "y",
        "on",
        "1",
        "是",
        "有",
        "有货",
        "上架",
        "在售",
        "available",
        "active",
        "instock",
        "in_stock",
    ]
)
FALSE = frozenset(
    [
        "false",
        "f",
        "no",
        "n",
        "off",
        "0",
        "否",
        "无",
        "缺货",
        "无货",
        "下架",
        "售罄",
        "unavailable",
        "inactive",
        "outofstock",
        "out_of_stock",
        "soldout",
        "sold_out",
    ]
)
_SIGN = r"(?:US\$|R\$|[$€£¥￥₩₹元]|USD|EUR|GBP|CNY|RMB|JPY|CHF|kr)"
_MONEY = re.compile(rf"^\s*(-?)\s*{_SIGN}?\s*(-?)\s*([\d.,'\s\u00a0\u202f]*\d)\s*{_SIGN}?\s*$", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED_COMMA = re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?")
_SPACE = re.compile(r"(?<=\d)['\s\u00a0\u202f](?=\d{3})")
_CONTROL = bytes(code for code in (*range(0x20), 0x7F) if code not in (9, 10, 13))


def is_missing(cell: Cell) -> bool:
    """Whether there is nothing in the cell, in the words of spreadsheets and databases."""
    if isinstance(cell, str):
        return cell in MISSING
    return cell is None or cell == [] or (isinstance(cell, float) and math.isnan(cell))


def text_of(cell: Cell) -> str:
    """The cell as text, "" when empty. A whole float is written as a whole number: 7.0 is the id 7."""
    if isinstance(cell, str):
        return "" if cell == "\\N" else cell.strip()
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "backslashreplace")  # two different ones must not become the same id
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, list | dict):
        return orjson.dumps(cell, default=str).decode()
    return str(cell)


def id_of(cell: Cell) -> str:
    """The cell as an id. Raises InvalidData for a number that is not exact: another id may be rounded to it."""
    if isinstance(cell, float) and abs(cell) >= 2**53:
        raise InvalidData(f"the id {cell!r} is a rounded number: write ids of more than 15 digits as text")
    return text_of(cell)


def number_of(cell: Cell, *, comma: bool = False) -> float | None:
    """A finite number, also of "1,234.50", "€ 3", "12 kr"; `comma` reads "1.234,50" and "3,5" instead."""
    if isinstance(cell, bool | int):
        return float(cell)
    if isinstance(cell, float):
        return None if math.isnan(cell) else _finite(cell, cell)
    if not isinstance(cell, str):
        return None if cell is None else _money(str(cell), comma=comma)
    if not comma:
        try:
            value = float(cell)
        except ValueError:
            return _money(cell, comma=False)
        return None if math.isnan(value) else _finite(value, cell)
    return _money(cell, comma=True)


def whole_of(cell: Cell) -> int | None:
    """A whole number, such as a position or an order."""
    value = number_of(cell)
    if value is None:
        return None
    if not value.is_integer() or abs(value) >= 2**63:
        raise InvalidData(f"{cell!r} is not a whole number")
    return int(value)


def truth_of(cell: Cell) -> bool | None:
    """Yes or no in words; a number, such as a stock, is yes above 0."""
    if isinstance(cell, bool):
        return cell
    word = text_of(cell).lower().replace(" ", "").replace("-", "_")
    if word in TRUE or word in FALSE:
        return word in TRUE
    if word in MISSING:
        return None
    try:
        value = number_of(word)
    except InvalidData:
        raise InvalidData(f"{str(cell)[:60]!r} is neither yes nor no") from None
    return value is not None and value > 0


def list_of(cell: Cell, separator: str) -> tuple[str, ...]:
    """The distinct parts of a list: a JSON or Python list, or text split by `separator`."""
    if isinstance(cell, str):
        parts: Sequence[Cell] | None = _written_list(cell)
        if parts is None:
            parts = cell.split(separator) if separator else [cell]
    elif isinstance(cell, list | tuple):
        parts = cell
    else:
        parts = [cell]
    names = (text_of(_name_in(part)) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name not in MISSING))


def scalar_of(cell: Cell) -> Scalar | None:
    """An attribute: numbers and truths as they are, "3" and "2.5" as numbers, all else as clean text."""
    if isinstance(cell, bool | int):
        return cell if abs(cell) < 2**63 else str(cell)
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    text = text_of(cell)
    if text in MISSING:
        return None
    if len(text) < 16 and not (text[0] == "0" and text[1:2].isdigit()):  # 007 is a name
        try:
            return int(text) if text.lstrip("-").isdigit() and text.isascii() else _finite(float(text), text)
        except (ValueError, InvalidData):
            pass
    return clean_text(text)


def cleaned(cell: Cell) -> tuple[str, bool]:
    """A text without NUL and control characters, and whether it had any."""
    text = text_of(cell)
    clean = clean_text(text)
    return clean, clean != text


def count_unclean(columns: Sequence[Sequence[Cell]]) -> int:
    """How many rows have a text that `cleaned` would change."""
    suspects = [column for column in columns if _may_be_unclean(column)]
    if not suspects:
        return 0
    return sum(any(cleaned(cell)[1] for cell in row) for row in zip(*suspects, strict=True))


def _may_be_unclean(cells: Sequence[Cell]) -> bool:
    """One pass over the bytes of a column instead of one search a cell; never False for an unclean one."""
    joined = "".join(cell for cell in cells if isinstance(cell, str)).encode("utf-8", "surrogatepass")
    return len(joined.translate(None, _CONTROL)) != len(joined) or b"\xed" in joined


def _money(text: str, *, comma: bool) -> float | None:
    if text.strip() in MISSING:
        return None
    match = _MONEY.match(" ".join(text.split()))  # on runs of spaces the pattern would take for ever
    if not match or (match[1] and match[2]):
        raise InvalidData(f"{text[:60]!r} is not a number")
    digits = _SPACE.sub("", match[3].strip())
    if comma:
        digits = (digits.replace(".", "") if _GROUPED_COMMA.fullmatch(digits) else digits).replace(",", ".")
    elif _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    try:
        value = float(digits)
    except ValueError:
        cure = "" if comma else "; where a comma marks decimals, set decimal_comma = true"
        raise InvalidData(f"{text[:60]!r} is not a number{cure}") from None
    return _finite(-value if match[1] or match[2] else value, text)


def _finite(value: float, cell: Cell) -> float:
    if not math.isfinite(value):
        raise InvalidData(f"{str(cell)[:60]!r} is not a finite number")
    return value


def _name_in(part: Cell) -> Cell:
    """The name of a part that is an object, such as {"id": 28, "name": "Action"}."""
    return part.get("name", next(iter(part.values()), None)) if isinstance(part, dict) else part


def _written_list(text: str) -> list[Cell] | None:
    inner = text.strip()
    if not (inner.startswith("[") and inner.endswith("]")):
        return None
    try:
        parts: Cell = orjson.loads(inner)
    except orjson.JSONDecodeError:
        try:
            parts = ast.literal_eval(inner) if len(inner) < 10_000 else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    return parts if isinstance(parts, list) else None
