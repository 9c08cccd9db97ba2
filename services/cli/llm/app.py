"""`keyart llm`: from logged decisions to a prior that serves."""

import typer

from keyart.services.cli.llm import data_commands, knowledge, serve_commands, train_commands

app = typer.Typer(
    help="Post-train a language model on logged decisions, and let it score artworks.",
    no_args_is_help=True,
)
for command in (
    data_commands.prepare,
    data_commands.caption,
    data_commands.rationales,
    data_commands.export_dpo,
    train_commands.train,
    train_commands.evaluate,
    serve_commands.export,
    serve_commands.score,
    serve_commands.encoder,
    serve_commands.read,
    knowledge.distil,
    knowledge.words,
):
    app.command()(command)
