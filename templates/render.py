"""Rendering of the files in this folder.

A template takes exactly the values that it names: a value missing and a value that it does not know are both errors,
so that a misspelt name cannot silently leave a default in place on a host.
"""

from __future__ import annotations

import json
import shlex
from functools import cache
from pathlib import Path

import jinja2
from jinja2 import meta

FOLDER = Path(__file__).resolve().parent
"""Where the templates are."""


class TemplateError(Exception):
    """A template could not be rendered. Its text names the template and what is wrong with its values."""


def render(name: str, **values: object) -> str:
    """The text of one file.

    Args:
        name: the template, relative to this folder, for example ``host/sshd.conf.j2``; README.md lists each with the
            values that it takes.
        values: exactly those values.

    Raises:
        TemplateError: no such template, values missing or unknown, or a value that the template cannot use.
    """
    wanted = variables(name)
    missing = sorted(wanted - set(values))
    unknown = sorted(set(values) - wanted)
    if missing or unknown:
        problems = [f"no value for {', '.join(missing)}"] * bool(missing)
        problems += [f"does not know {', '.join(unknown)}"] * bool(unknown)
        raise TemplateError(f"{name}: {'; '.join(problems)}; it takes {', '.join(sorted(wanted)) or 'no values'}")
    try:
        return _environment().get_template(name).render(**values)
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise TemplateError(f"{name}: {error}") from error


@cache
def variables(name: str) -> frozenset[str]:
    """Names of the values that a template takes.

    Raises:
        TemplateError: no such template, or it is not valid Jinja.
    """
    environment = _environment()
    try:
        source, _, _ = environment.loader.get_source(environment, name)  # type: ignore[union-attr]
        return frozenset(meta.find_undeclared_variables(environment.parse(source))) - set(environment.globals)
    except jinja2.TemplateNotFound:
        raise TemplateError(f"{name}: no such template in {FOLDER.name}/") from None
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{name}, line {error.lineno}: {error.message}") from error


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # nothing here is HTML; each file quotes with the filter of its own language
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["sh"] = lambda value: shlex.quote(str(value))
    environment.filters["json"] = lambda value: json.dumps(value, indent=2, sort_keys=True)
    return environment
