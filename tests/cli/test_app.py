"""No drift between commands, their help and the documents."""


def every_command() -> list[tuple[str, object]]:
    import click

    from cachesync.cli.app import COMMANDS, cli

    found: list[tuple[str, object]] = [("", cli)]
    context = click.Context(cli)
    for name in sorted(COMMANDS):
        command = cli.get_command(context, name)
        found.append((name, command))
        if isinstance(command, click.Group):
            found.extend((f"{name} {sub}", made) for sub, made in sorted(command.commands.items()))
    return found


def test_every_command_and_option_has_help(site):
    """`--help` of every command is status 0, and no option is without a word of explanation."""
    import click

    for name, command in every_command():
        assert "Usage" in site.run(*name.split(), "--help").out
        assert command.help or command.short_help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"
    listing = site.run("--help").out
    for name, _ in every_command()[1:]:
        assert name.split()[0] in listing


def test_no_example_of_help_is_wider_than_a_terminal():
    """Lines that click leaves as they are fit 80 columns: an address that is cut is copied wrong."""
    from inspect import cleandoc

    wide = [
        (name, line)
        for name, command in every_command()
        for part in cleandoc(getattr(command, "help", None) or "").split("\n\n")
        if part.startswith("\b")
        for line in part.splitlines()
        if len(line) > 77 and name != "search"  # whose lines it lays out itself
    ]
    assert wide == []


def test_every_command_and_option_is_documented():
    """Every command and option stands in README.md, in docs/ or in the man page."""
    import click

    from tests.support.documents import documents, read

    text = "\n".join(map(read, [*documents(), "config/cachesync.1"])).replace("\\-", "-")
    missing = [name for name, _ in every_command() if name not in text]
    for name, command in every_command():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                missing += [
                    f"{name} {o}" for o in parameter.opts if o.startswith("--") and o not in text
                ]
    assert missing == []


def test_version(site):
    """`--version` names the program and its version."""
    from cachesync import __version__

    assert site.run("--version").out == f"cachesync {__version__}\n"


def test_the_help_lists_every_command_once():
    """Below what one comes for."""
    from cachesync.cli.app import COMMANDS, SECTIONS

    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(COMMANDS)
