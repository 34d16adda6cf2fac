"""Polars expressions of a company's own, given as text: read as a tree, never handed to Python's `eval`.

Belongs here: what such a text may say, and the expression it stands for. Does not: what it is evaluated on (`own`).

Allowed are `pl.` functions of a short list, methods of expressions but those that run code or look elsewhere,
operators, and plain values.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from features.own_errors import OwnFeatureTextError

FUNCTIONS = frozenset(
    {"col", "lit", "len", "when", "coalesce", "duration", "date", "datetime", "concat_str", "format"}
    | {f"{what}_horizontal" for what in ("sum", "min", "max", "mean", "any", "all")}
    | {"Int8", "Int32", "Int64", "Float64", "String", "Boolean", "Date", "Datetime"}
)
REFUSED = ("_", "map_", "register_", "deserialize", "from_", "rolling")
REFUSED_EXACTLY = frozenset({"pipe", "inspect", "shuffle", "sample", "over", "meta", "serialize", "explode", "plugin"})
OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
}


def polars_expression(text: str, *, name: str) -> pl.Expr:
    """The expression that a text stands for.

    Args:
        text: Python, such as `pl.col("amount").filter(pl.col("age_days") <= 30).sum()`.
        name: the feature's, for messages.

    Raises:
        OwnFeatureTextError: it is no such expression, or says something that is not allowed.
    """
    try:
        made = _made(ast.parse(text.strip(), mode="eval").body)
    except _Refused as error:
        raise OwnFeatureTextError(feature=name, text=text, reason=str(error)) from None
    except Exception as error:  # noqa: BLE001 Polars and Python raise all kinds of things at a wrong argument
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise OwnFeatureTextError(feature=name, text=text, reason=reason) from None
    if not isinstance(made, pl.Expr):
        raise OwnFeatureTextError(feature=name, text=text, reason="it is no expression of columns")
    return made


class _Refused(Exception):  # noqa: N818 never leaves this module
    """Says what is not allowed."""


def _made(node: ast.AST) -> Any:  # noqa: ANN401 an expression, a namespace of one, or a plain value
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_made(part) for part in parts]
        case ast.Call(func=ast.Attribute() as function, args=arguments, keywords=keywords):
            named = {keyword.arg: _made(keyword.value) for keyword in keywords if keyword.arg is not None}
            if len(named) < len(keywords):
                raise _Refused("** is not allowed")
            return _made(function)(*[_made(argument) for argument in arguments], **named)
        case ast.Attribute(value=ast.Name(id="pl"), attr=name):
            if name not in FUNCTIONS:
                raise _Refused(f"pl.{name} is not allowed; allowed are {', '.join(sorted(FUNCTIONS))}")
            return getattr(pl, name)
        case ast.Attribute(value=value, attr=name):
            return _attribute(_made(value), name)
        case _:
            return _operation(node)


def _operation(node: ast.AST) -> Any:  # noqa: ANN401 as above
    match node:
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_made(left), _made(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_made(left), _made(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_made(operand))
        case _:
            raise _Refused(f"{ast.unparse(node)} is not allowed here")


def _attribute(of: Any, name: str) -> Any:  # noqa: ANN401 as above
    if name.startswith(REFUSED) or name in REFUSED_EXACTLY:
        raise _Refused(f".{name} is not allowed")
    if isinstance(of, pl.Expr) or name in {"then", "otherwise", "when"} or type(of).__name__.startswith("Expr"):
        return getattr(of, name)
    raise _Refused(f".{name} of a plain value is not allowed")
