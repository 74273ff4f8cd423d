"""The daemon with another pace: `python -m tests.support.paced STUCK LOOK REST python -m cachesync ... run`.

All of it is the real one; only `Pace`, in seconds, is said here.
"""

import sys
from pathlib import Path

from cachesync.cli.configuration import load_config
from cachesync.cli.display import talk
from cachesync.cli.options import split_globals
from cachesync.daemon.service import Pace, serve


def main() -> int:
    pace, command = sys.argv[1:4], sys.argv[4:]
    options, rest = split_globals(command[3:])
    assert rest == ["run"], rest

    def load():
        config = load_config(options)
        talk.set_up(config.log, options, None)
        return config

    assert options.state_dir is not None
    return serve(Path(options.state_dir), load, pace=Pace(*map(float, pace)))


if __name__ == "__main__":
    sys.exit(main())
