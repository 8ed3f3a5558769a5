"""`check`: every problem of the campaign at once, as a compiler tells them."""

from __future__ import annotations

import click

from bot.app.content import prove_files
from bot.cli.output import Places, json_option, places, print_json
from bot.errors import Problem, Severity


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "github"]), default="text",
              show_default=True, help="github writes annotations for a pull request.")  # fmt: skip
@json_option
@places
def command(where: Places, form: str, as_json: bool) -> int:
    """Validate everything and print every problem as file:line:col: where: what to do."""
    content = prove_files(where.config, where.posts)
    if as_json:
        print_json({"problems": content.problems, "tree": content.tree_sha256})
    else:
        for problem in content.problems:
            click.echo(_annotation(problem) if form == "github" else str(problem))
    if not as_json and form == "text":
        posts = len(content.campaign.posts) if content.campaign else 0
        click.echo(_summary(content.problems, posts))
    return 1 if content.errors else 0


def _summary(problems: tuple[Problem, ...], posts: int) -> str:
    counts = {kind: sum(one.severity is kind for one in problems) for kind in Severity}
    if counts[Severity.ERROR]:
        return f"{counts[Severity.ERROR]} problem(s); nothing is applied before they are mended"
    rest = counts[Severity.WARNING], counts[Severity.NOTICE]
    return f"no problem in {posts} posts; {rest[0]} warning(s), {rest[1]} notice(s)"


def _annotation(problem: Problem) -> str:
    """Write a workflow command that GitHub shows beside the line (docs: workflow commands)."""
    text = f"{problem.where}: {problem.message}" if problem.where else problem.message
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    file = problem.file.replace("%", "%25").replace(",", "%2C").replace(":", "%3A")
    return f"::{problem.severity} file={file},line={problem.line},col={problem.column}::{escaped}"
