"""How bash, zsh and fish ask for completions. Registered with click, which has defaults for them.

bash breaks words at `:` and `=`, and so would `tag:develop` or `target=zen4` be: it hands over the
line as it is typed, and gets back what follows the last break.
"""

from __future__ import annotations

import os
from typing import Any, ClassVar

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    ZshComplete,
    add_completion_class,
    split_arg_string,
)

__all__ = ["Bash", "Zsh"]

_BASH = """\
%(complete_func)s() {
    local type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                COMPREPLY+=("$value")
                [[ $value == *[:=] ]] && compopt -o nospace
                ;;
        esac
    done < <(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH_ADD = "compadd -U -V unsorted -a completions"
_ZSH_ADD_OPEN = """\
local -a open
        open=(${(M)completions:#*[:=]})
        completions=(${completions:#*[:=]})
        (( $#open )) && compadd -U -S '' -V unsorted -a open
        (( $#completions )) && compadd -U -V unsorted -a completions"""


@add_completion_class
class Bash(BashComplete):
    """bash from 4.4 on."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and what there is of it."""
        line = os.environ.get("COMP_LINE")
        if line is None:  # a script that an earlier release printed
            return super().get_completion_args()
        words = split_arg_string(line)
        self._incomplete = words.pop() if words and not line[-1:].isspace() else ""
        return words[1:], self._incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """An item from the last break on, where bash takes over: behind it, but with an `@`.

        readline leaves that in the word (`rl_special_prefixes`).
        """
        breaks = set(os.environ.get("COMP_WORDBREAKS", "")) & set(":=@")
        typed = getattr(self, "_incomplete", "")
        kept = max((0, *(typed.rfind(c) + (c != "@") for c in breaks)))
        value = item.value[kept:] if item.value.startswith(typed[:kept]) else item.value
        return f"{item.type},{value}"


@add_completion_class
class Zsh(ZshComplete):
    """zsh, which is told not to put a space behind `tag:` and `api=`."""

    name: ClassVar[str] = "zsh"
    source_template: ClassVar[str] = ZshComplete.source_template.replace(_ZSH_ADD, _ZSH_ADD_OPEN)
