"""How commands are declared: with their options and their help, and where they are carried out."""

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

app = cyclopts.App(
    name="physent",
    help="Simulate physical systems and measure their entropy while they run.",
    version_flags=["--version"],
    version=lambda: __import__("importlib.metadata").metadata.version("physent"),
    result_action="return_value",
)


def command(module: str) -> Callable[[Callable[..., None]], Callable[..., int]]:
    """Declare a command with its options and its `--help` text. The function of the same name in
    physent.app.`module`, imported only when the command is called, takes the same arguments.
    """

    def declared(function: Callable[..., None]) -> Callable[..., int]:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> int:
            given = inspect.signature(function).bind(*arguments, **options)
            given.apply_defaults()
            there = importlib.import_module(f"physent.app.{module}")
            return getattr(there, function.__name__)(**given.arguments)

        return app.command(call)

    return declared


Flag = Annotated[bool, Parameter(negative="")]
Set = Annotated[
    list[str] | None,
    Parameter(
        name="--set", negative="", help="override a key, as in --set solver.n=1024; repeatable"
    ),
]
