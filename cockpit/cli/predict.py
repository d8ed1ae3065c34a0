"""`cockpit predict`: the answers of a model to the rows of a file."""

from __future__ import annotations

import click

from cockpit.cli.common import json_option, layout_to_read, store_option


@click.command("predict", short_help="Predict the rows of a file.")
@click.argument("model", metavar="MODEL@ALIAS|RUN|FOLDER")
@click.argument("rows", metavar="FILE")
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    required=True,
    help="Where the answers go: .parquet, .csv or .ndjson.",
)
@click.option(
    "--keep",
    metavar="COLUMN,…",
    help="The columns of the rows to keep beside the answers; '' none. [default: all]",
)
@click.option(
    "--unsafe-pickle", is_flag=True, help="Load a pickle, which runs any code that is in it."
)
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    rows: str,
    out: str,
    keep: str | None,
    unsafe_pickle: bool,
    as_json: bool,
    store: str | None,
) -> None:
    """Predict the rows of FILE (parquet, csv, ndjson, or a pattern) by a model, batch after batch.

    The answers are y_pred, and y_score where the model gives scores (y_score.LABEL of more than two labels),
    after the columns of the rows. Before anything is loaded the bundle is checked against its manifest; the
    rules of a version go before its model.
    """
    from pathlib import Path

    from cockpit.format import plain
    from cockpit.models.predicting import predict_file
    from cockpit.models.resolving import resolve
    from storage.events import to_json

    meant = resolve(layout_to_read(ctx, store), model, unsafe_pickle=unsafe_pickle)
    meant.bundle.check_example()
    kept = None if keep is None else [name.strip() for name in keep.split(",") if name.strip()]
    done = predict_file(meant.bundle, rows, Path(out), keep=kept, rules=meant.rules)
    if as_json:
        told = {
            "model": meant.label,
            "bundle": meant.bundle.digest,
            "format": meant.bundle.signature.formats[0],
            "rules": len(meant.rules),
            "rows": done.rows,
            "seconds": done.seconds,
            "unused": list(done.unused),
            "out": out,
        }
        click.echo(to_json(told))
        return
    count = len(meant.rules)
    rules = f", {count} rule{'s' * (count != 1)} before it" if count else ""
    click.echo(
        plain(
            f"{done.rows:,} rows of {rows} answered by {meant.label} "
            f"({meant.bundle.signature.formats[0]}{rules}) in {done.seconds:.1f} s: {out}"
        ),
        err=True,
    )
    if done.unused:
        click.echo(plain(f"not used by the model: {', '.join(done.unused)}"), err=True)
