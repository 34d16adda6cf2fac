"""Features of a company's own: what `[[features]]` of the settings may say.

Belongs here: the form of a declaration, and which of its keys go together. Does not: whether its text means anything,
or how it is computed (`features`).
"""

import math
import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_contracts.contracts import Entity

FORMS = ("sql", "polars", "python", "expression")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

OwnType = Literal["number", "integer", "boolean", "text"]


class OwnFeature(BaseModel):
    """One feature of a company's own, made in exactly one of four ways.

    Attributes:
        name: the column's name.
        meaning: one sentence.
        unit: what one of it is.
        null_means: when it is null.
        type: number (Float64), integer (Int64), boolean (Int8, 0 or 1) or text (String).
        entity: whose rows `sql` or `polars` aggregates.
        sql: a DuckDB expression that aggregates a customer's rows.
        polars: a Polars expression that does.
        python: `module:function` in the settings file's folder: of frames of `entities`, one value a customer.
        entities: whose rows `python` is given.
        expression: a DuckDB expression of other features of the same row.
        when_null: the value where there would be none, say of a customer without rows; by default null.
        window_days: how many days back it looks, for the catalogue; none: the whole history.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    meaning: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    null_means: str = "nothing is known before the snapshot"
    type: OwnType = "number"
    entity: Entity | None = None
    sql: str | None = None
    polars: str | None = None
    python: str | None = None
    entities: tuple[Entity, ...] = ()
    expression: str | None = None
    when_null: bool | int | float | str | None = None
    window_days: int | None = Field(default=None, ge=1)

    @property
    def form(self) -> str:
        """Which of `FORMS` it is made in."""
        return next(form for form in FORMS if getattr(self, form) is not None)

    @property
    def text(self) -> str:
        """What that key says."""
        said: str = getattr(self, self.form)
        return said

    @model_validator(mode="after")
    def _made_in_one_way(self) -> Self:
        given = [form for form in FORMS if getattr(self, form) is not None]
        if len(given) != 1:
            raise ValueError(
                f'"{self.name}": give exactly one of {", ".join(FORMS)}; given: {", ".join(given) or "none"}'
            )
        if (self.form in {"sql", "polars"}) != (self.entity is not None):
            raise ValueError(f'"{self.name}": entity is for sql and polars, which need it: whose rows are aggregated')
        if (self.form == "python") != bool(self.entities):
            raise ValueError(f'"{self.name}": entities is for python, which needs it: whose rows the function is given')
        if self.form == "expression" and self.when_null is not None:
            raise ValueError(f'"{self.name}": when_null is not for expression; say coalesce(…, 0) in it')
        if self.python is not None and not _FUNCTION.fullmatch(self.python):
            raise ValueError(f'"{self.name}": python = "module:function", such as "our_features:basket_size"')
        return self

    @model_validator(mode="after")
    def _when_null_fits(self) -> Self:
        fits = {"text": str, "boolean": bool, "integer": int, "number": int | float}[self.type]
        odd = isinstance(self.when_null, bool) and self.type != "boolean"
        odd = odd or (isinstance(self.when_null, float) and not math.isfinite(self.when_null))
        if self.when_null is not None and (odd or not isinstance(self.when_null, fits)):
            raise ValueError(f'"{self.name}": when_null is no {self.type}')
        return self
