"""`cockpit export`: a model as a folder that needs no cockpit."""

from __future__ import annotations

import click

from cockpit.cli.common import json_option, layout_to_read, store_option


@click.command("export", short_help="Write a model into a folder of its own.")
@click.argument("model", metavar="MODEL@ALIAS|RUN|FOLDER")
@click.argument("folder", metavar="DIR", type=click.Path())
@click.option("--mlflow", is_flag=True, help="As a folder that mlflow.pyfunc.load_model takes.")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context, model: str, folder: str, mlflow: bool, as_json: bool, store: str | None
) -> None:
    """Write the bundle of a model into DIR, which is made, after it was checked against its manifest.

    Of a model in ONNX there is loader.py beside it: it needs numpy and onnxruntime alone. The rules of a
    version are cockpit's own and are not part of the folder.
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
    files = export(meant.bundle, Path(folder), mlflow=mlflow)
    if as_json:
        told = {
            "model": meant.label,
            "bundle": meant.bundle.digest,
            "folder": folder,
            "files": list(files),
            "rules": list(meant.rules),
        }
        click.echo(to_json(told))
        return
    click.echo(plain(f"{meant.label} ({', '.join(signature.formats)}) is in {folder}"), err=True)
    if meant.rules:
        click.echo("the rules of the version are not: cockpit predict carries them out", err=True)
    if "onnx" in signature.formats and not mlflow:
        click.echo(
            plain(f"from loader import load; predict = load({folder + '/model'!r})"), err=True
        )
