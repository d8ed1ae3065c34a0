"""`cockpit export`: a model as a folder that needs no cockpit."""

from __future__ import annotations

import click

from cockpit.cli.common import json_option, layout_to_read, store_option


@click.command("export", short_help="Write a model into a folder of its own.")
@click.argument("model", metavar="MODEL@ALIAS|RUN|FOLDER")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--mlflow", is_flag=True, help="As a folder that mlflow.pyfunc.load_model takes.")
@click.option("--without-rules", is_flag=True, help="Leave out the rules of the version.")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    folder: str,
    mlflow: bool,
    without_rules: bool,
    as_json: bool,
    store: str | None,
) -> None:
    """Write the bundle of a model into DIR, which is made, after it was checked against its manifest.

    Of a model in ONNX there is loader.py beside it: it needs numpy and onnxruntime alone, and carries out the
    rules of a version too where they are comparisons (age < 18 and job in ('smith', 'clerk')); of others the
    export is refused. Exit code 2: nothing was written.
    """
    from pathlib import Path

    from cockpit.format import plain
    from cockpit.models.export import export
    from cockpit.models.resolving import resolve
    from storage.events import to_json

    meant = resolve(layout_to_read(ctx, store), model)
    signature = meant.bundle.signature
    if signature.formats[0] in ("onnx", "skops"):
        meant.bundle.check_example()
    rules = () if without_rules else meant.rules
    files = export(meant.bundle, Path(folder), mlflow=mlflow, rules=rules)
    if as_json:
        told = {
            "model": meant.label,
            "bundle": meant.bundle.digest,
            "folder": folder,
            "files": list(files),
            "rules": list(rules),
            "left_out": len(meant.rules) - len(rules),
        }
        click.echo(to_json(told))
        return
    click.echo(plain(f"{meant.label} ({', '.join(signature.formats)}) is in {folder}"), err=True)
    if rules:
        who = "the loader" if "onnx" in signature.formats else f"cockpit predict {folder}"
        count = "1 rule goes" if len(rules) == 1 else f"{len(rules)} rules go"
        click.echo(plain(f"{count} before it, carried out by {who}"), err=True)
    elif meant.rules:
        left = "1 rule" if len(meant.rules) == 1 else f"{len(meant.rules)} rules"
        click.echo(f"without the {left} of its version, as was asked for", err=True)
    if "onnx" in signature.formats and not mlflow:
        there = "from loader import load; predict = load('model')"
        click.echo(plain(f"in {folder}: {there}; predict({{COLUMN: VALUES, …}})"), err=True)
