#!/bin/sh
# watchdog 7.1.0 (Linux): when the kernel's queue of events overflows, an Observer writes a line to the
# log; its handlers are not told, by event or by call.
#
# The process that watches is stopped while another makes 1,000 files more than `max_queued_events`
# (16,384 by default) has room for, and then goes on. The handler gets events for part of the files
# and, of all kinds, only such as a quiet day has.
#
# It matters to who watches a build cache, where one push touches tens of thousands of files: a
# handler cannot know that it must look at everything anew. The reader below the Observer knows it.
set -eu
dir=$(mktemp -d)
watcher=
finish() {
    [ -z "$watcher" ] || kill -KILL "$watcher" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q watchdog==7.1.0
mkdir "$dir/tree"
cat >"$dir/watch.py" <<'END'
import pathlib
import sys
import time
from collections import Counter

from watchdog.events import FileSystemEventHandler
from watchdog.observers import Observer

here = pathlib.Path(sys.argv[1])
kinds = Counter()
created = set()


class Handler(FileSystemEventHandler):
    def on_any_event(self, event):
        kinds[type(event).__name__] += 1
        if event.event_type == "created":
            created.add(event.src_path)


observer = Observer()
observer.schedule(Handler(), str(here / "tree"))
observer.start()
(here / "ready").touch()
while not (here / "done").exists():
    time.sleep(0.05)
seen = -1
while seen != kinds.total():  # until nothing came for a second
    seen = kinds.total()
    time.sleep(1)
observer.stop()
observer.join()
print(dict(kinds))
(here / "created").write_text(str(len(created)))
END
"$dir/venv/bin/python" "$dir/watch.py" "$dir" &
watcher=$!
until [ -e "$dir/ready" ]; do
    kill -0 "$watcher" && sleep 0.1
done
kill -STOP "$watcher"
room=$(cat /proc/sys/fs/inotify/max_queued_events)
files=$((room + 1000))
python3 - "$dir/tree" "$files" <<'END'
import os
import sys

for number in range(int(sys.argv[2])):
    os.close(os.open(f"{sys.argv[1]}/{number}", os.O_CREAT | os.O_WRONLY))
END
touch "$dir/done"
kill -CONT "$watcher"
wait "$watcher"
watcher=
created=$(cat "$dir/created")
echo "$files files made, $created reported as created, room for $room events"
if [ "$created" -ge "$files" ]; then
    echo "changed: every file was reported" >&2
    exit 1
fi
