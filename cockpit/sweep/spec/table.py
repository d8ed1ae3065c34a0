"""What every table of a spec has in common, and how a check of ours says what is wrong."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

BAD_TABLE = "spec_table"
BAD_VALUE = "spec_value"


class Table(BaseModel):
    """A table of the spec: every key known, every value of its own type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def bad_table(text: str, key: str = "") -> PydanticCustomError:
    """Keys that do not go together; `key` is the one whose line is shown."""
    return PydanticCustomError(BAD_TABLE, "{text}", {"text": text, "key": key})


def bad_value(text: str) -> PydanticCustomError:
    """A value that cannot be; the text goes on after `key = value`."""
    return PydanticCustomError(BAD_VALUE, "{text}", {"text": text})


def tag(model: type[Table]) -> str:
    """The name (of a sampler, a pruner) or the type (of a parameter) that stands for the model."""
    field = "name" if "name" in model.model_fields else "type"
    kind = model.model_fields[field].annotation
    return str(kind.__args__[0])  # type: ignore[union-attr]


def keys(model: type[Table]) -> tuple[str, ...]:
    """The keys as they stand in the file."""
    return tuple(field.alias or name for name, field in model.model_fields.items())
