"""The command line's options of a model: the worker and the measurement load it the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

import click

from .loading import CACHES, COMPILES, DTYPES, OFFLOADS, QUANTISATIONS, Loading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LoadingFlags", "loading_of", "loading_options"]

Command = TypeVar("Command", bound="Callable[..., Any]")


class LoadingFlags(TypedDict):
    """What `loading_options` adds to a command."""

    dtype: Any
    device: str
    compile: str
    offload: str
    quantisation: str
    attention: str
    cache: str
    random_weights: bool
    offline: bool


def loading_options(command: Command) -> Command:
    """Add every option of a `Loading` but the model's name."""
    options = (
        click.option("--dtype", type=click.Choice(DTYPES), default="auto", show_default=True,
                     help="Numbers to compute in; auto is bf16 on a card, fp32 on the CPU."),
        click.option("--device", default="auto", show_default=True, help="As torch spells it: cuda:0, mps, cpu."),
        click.option("--compile", type=click.Choice(tuple(COMPILES)), default="none", show_default=True,
                     help=_told(COMPILES)),
        click.option("--offload", type=click.Choice(tuple(OFFLOADS)), default="none", show_default=True,
                     help=_told(OFFLOADS)),
        click.option("--quantisation", type=click.Choice(tuple(QUANTISATIONS)), default="none", show_default=True,
                     help=_told(QUANTISATIONS)),
        click.option("--attention", default="auto", show_default=True,
                     help="A backend of diffusers by name, as in native, flash, _flash_3_hub, sage."),
        click.option("--cache", type=click.Choice(tuple(CACHES)), default="none", show_default=True,
                     help=_told(CACHES)),
        click.option("--random-weights", is_flag=True,
                     help="The real configuration of a card (flux-2-klein-4b) with random numbers, or a tiny one "
                          "(tiny-dev, tiny-klein, tiny-klein-base): no download, pictures of noise."),
        click.option("--offline", is_flag=True, help="Never ask the hub."))
    for option in reversed(options):
        command = option(command)
    return command


def loading_of(model: str, flags: Mapping[str, Any]) -> Loading:
    """The `Loading` that a command's flags mean.

    Raises:
        CannotLoad: options that exclude each other.
    """
    return Loading(model, **{name: flags[name] for name in LoadingFlags.__annotations__})


def _told(words: Mapping[str, str]) -> str:
    return "; ".join(f"{word}: {text}" for word, text in words.items()) + "."
