"""An archive: what is told of tarballs that are not whole, or not what they seem."""

import gzip
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from cachesync.errors import SourceError
from cachesync.net import Response
from cachesync.net.fake import FakeFetcher
from cachesync.selection import Selection
from cachesync.sources import remote
from cachesync.sources.base import (
    Changed,
)
from tests.support import stubserver as stub
from tests.support.passes import ERROR_PAGE, OTHER, PAGE, PAGES, TAR, WHOLE, Pass, archive_source

ROOT = Path(__file__).resolve().parents[2]

PATHS = ["develop/hdf5/specs.md", "develop/zlib/specs.md", "v1.0/zlib/specs.md"]


def test_an_archive_is_read_once_and_remembered(server, fetcher):
    """An unchanged one costs a conditional request; of a new one only what changed is kept."""
    url = server.script("/a", stub.cached(stub.tarball(PAGES)))
    done = Pass(archive_source(fetcher, url))
    assert done.data() == dict(zip(PATHS, (PAGE, OTHER, OTHER), strict=True))
    assert done.memory["etag"] == '"one"'
    idle = Pass(archive_source(fetcher, url), done.past())
    assert idle.listing.as_before == ("",)
    assert idle.memory == done.memory
    assert len(server.seen) == 2

    pages = {**PAGES, "v1.0": {"zlib": PAGE}}
    server.script("/a", stub.cached(stub.tarball(pages), etag='"two"'))
    source = archive_source(fetcher, url)
    source.listing(past=idle.past())
    assert list(source._kept) == ["v1.0/zlib/specs.md"]
    changed = Pass(archive_source(fetcher, url), idle.past())
    assert changed.data() == {"v1.0/zlib/specs.md": PAGE}
    assert changed.memory["etag"] == '"two"'


def test_other_settings_read_the_archive_anew(server, fetcher):
    """Globs that were widened may want pages that were passed over."""
    url = server.script("/a", stub.cached(stub.tarball(PAGES)))
    narrow = Pass(archive_source(fetcher, url, selection=Selection(("v*",))))
    assert narrow.paths() == PATHS[2:]
    wide = archive_source(fetcher, url)
    assert [e.path for e in wide.listing(past=narrow.past()).entries] == PATHS
    assert isinstance(wide.read(PATHS[2], remote.blob_sha(OTHER), remote.blob_sha(OTHER)), Changed)


def test_content_is_kept_compressed_and_forgotten_when_read(fetcher):
    """A large cache fits into memory, and leaves it again."""
    big = b"spec " * 10_000
    fake = FakeFetcher(
        {"http://a/": Response(200, {}, stub.tarball({"v": {str(n): big for n in range(9)}}))}
    )
    source = archive_source(fake, "http://a/")
    entries = source.listing().entries
    assert sum(map(len, source._kept.values())) < len(big) / 10
    for entry in entries:
        assert source.read(*entry).data == big
    assert source._kept == {}
    assert source.read(*entries[0]).is_passing


def test_an_archive_whose_pages_were_not_read_is_not_remembered(fetcher):
    """The next pass must deliver them; nothing is held meanwhile."""
    fake = FakeFetcher({"http://a/": Response(200, {"etag": '"one"'}, stub.tarball(PAGES))})
    source = archive_source(fake, "http://a/")
    source.listing()
    assert source.memory() == {}
    assert source._kept == {}


def test_a_page_that_is_to_be_read_again_is_fetched_again(server, fetcher):
    """No conditional request then."""
    url = server.script("/a", stub.cached(stub.tarball(PAGES)))
    past = Pass(archive_source(fetcher, url)).past()
    past.signatures[PATHS[1]] = None
    assert list(Pass(archive_source(fetcher, url), past).data()) == [PATHS[1]]


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (stub.reply(WHOLE[: len(WHOLE) // 2]), "ends early"),
        (stub.reply(WHOLE[:-4]), "ends early"),
        (stub.reply(WHOLE[:-8] + b"\0\0\0\0" + WHOLE[-4:]), "is damaged"),
        (stub.reply(gzip.compress(TAR[:700])), "ends early"),
        (stub.reply(gzip.compress(TAR[: TAR.rindex(b"zlib")])), "ends early"),
        (stub.reply(WHOLE + b"more"), "data after the end"),
        (stub.reply(ERROR_PAGE), "neither gzip nor tar"),
        (stub.reply(ERROR_PAGE * 20), "neither gzip nor tar"),
        (stub.reply(gzip.compress(ERROR_PAGE * 20)), "is not a tar archive"),
        (stub.reply(b""), "is empty"),
        (stub.reply(gzip.compress(b"")), "ends early"),
        (stub.reply(gzip.compress(bytes(1024))), "holds no selected page"),
        (stub.reply(stub.tarball(PAGES, root="repo/elsewhere")), "holds no selected page"),
        (stub.status(404), "answered 404"),
        (stub.status(500), "answered 500"),
        (stub.status(304), "304"),
        (stub.cut(WHOLE), "announced|complete"),
        (stub.dripping(WHOLE, every=0.3), "no complete answer"),
        (stub.reply(bytes(1_000_001)), "larger than the limit"),
    ],
)
def test_an_archive_that_is_not_whole_tells_nothing(server, hasty, behaviour, why):
    """Cut, damaged, an error page, no page at all: an error, and nothing is remembered."""
    source = archive_source(hasty, server.script("/a", behaviour))
    found = []
    with pytest.raises(SourceError, match=why):
        source.listing(found.extend)
    assert found == []
    assert source.memory() == {}
    assert source._kept == {}


def member(name, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def listed(fetcher, tar, **more):
    fake = FakeFetcher({"http://a/": Response(200, {}, gzip.compress(tar))}, chunk_bytes=100)
    return Pass(archive_source(fake, "http://a/", **more))


def test_what_lies_in_an_archive_is_not_trusted(fetcher):
    """Names that lead out, links, devices and pages too large; the rest is taken."""
    good = {
        f"r/_cache/{path}": data for path, data in zip(PATHS, (PAGE, OTHER, OTHER), strict=True)
    }
    tar = stub.tar_of(
        {
            **good,
            "r/_cache/../up/specs.md": PAGE, "/_cache/a/b/specs.md": PAGE, "../_cache/a/c/specs.md": PAGE,
            "r/_cache/a\nb/specs.md": PAGE, "r/_cache/big/x/specs.md": bytes(100_001), "r/_cache/a/b/README": b"x",
            "r/_cache/.git/b/specs.md": PAGE, "r/specs.md": PAGE,
        },
        member("r/_cache/l/link/specs.md", tarfile.SYMTYPE, "/etc/passwd"),
        member("r/_cache/l/hard/specs.md", tarfile.LNKTYPE, "r/_cache/x"),
        member("r/_cache/l/pipe/specs.md", tarfile.FIFOTYPE),
        member("r/_cache/l/device/specs.md", tarfile.CHRTYPE),
        member("r/_cache/l/directory/specs.md", tarfile.DIRTYPE),
    )  # fmt: skip
    done = listed(fetcher, tar)
    assert done.paths() == PATHS
    faults = {fault.path: fault.reason for fault in done.listing.faults}
    assert len(faults) == 5
    assert all(remote.hostile(path) is None for path in faults)
    assert [note.path for note in done.listing.notes] == [
        f"l/{kind}/specs.md" for kind in ("link", "hard", "pipe", "device")
    ]


def test_of_two_members_of_one_name_the_last_counts(fetcher):
    """As it does when an archive is unpacked."""
    twice = [
        ("r/_cache/v/a/specs.md", PAGE),
        ("r/_cache/v/b/specs.md", PAGE),
        ("r/_cache/v/a/specs.md", OTHER),
    ]
    assert listed(fetcher, stub.tar_of(twice)).data() == {
        "v/a/specs.md": OTHER,
        "v/b/specs.md": PAGE,
    }
    linked = stub.tar_of(twice, member("r/_cache/v/b/specs.md", tarfile.SYMTYPE, "a"))
    assert listed(fetcher, linked).data() == {"v/a/specs.md": OTHER}


def test_archives_of_other_shapes(fetcher):
    """Not packed, packed twice by an overeager server, at its root, made by `tar .`."""
    tar = stub.tar_of({f"./_cache/{path}": PAGE for path in PATHS})
    assert listed(fetcher, tar).paths() == PATHS
    root = stub.tar_of({f"r/{path}": PAGE for path in PATHS})
    assert listed(fetcher, root, path="").paths() == PATHS
    fake = FakeFetcher({"http://a/": Response(200, {}, tar)})
    assert Pass(archive_source(fake, "http://a/")).paths() == PATHS


def test_an_archive_that_unpacks_to_too_much_is_refused(server, fetcher):
    """A bomb in front of the pages, or in one: the cap holds, however small the download."""
    huge = tarfile.TarInfo("r/filler")
    huge.size = 64 * stub.MIB
    bomb = stub.zeros_gzipped(64, before=huge.tobuf())
    with pytest.raises(SourceError, match="unpacks to more than 20,000,000 bytes"):
        archive_source(fetcher, server.script("/a", stub.reply(bomb))).listing()
    page = tarfile.TarInfo("r/_cache/v/a/specs.md")
    page.size = 64 * stub.MIB
    bomb = stub.zeros_gzipped(64, before=page.tobuf())
    with pytest.raises(SourceError, match="unpacks to more than"):
        archive_source(fetcher, server.script("/b", stub.reply(bomb))).listing()


BOMB = """
import sys, threading
from cachesync.config.settings import Limits
from cachesync.config.sourceconfigs import ArchiveSourceConfig
from cachesync.errors import SourceError
from cachesync.net import Request, open_fetcher
from cachesync.sources.archive import ArchiveSource
def kib(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))
with open_fetcher(request_seconds=20, stop=threading.Event()) as fetcher:
    fetcher.fetch(Request(sys.argv[1] + "/small", 1000))
    before = kib("VmRSS")
    for download in (8 << 20, 1 << 30):
        limits = Limits(page_bytes=4 << 20, download_bytes=download)
        try:
            ArchiveSource(ArchiveSourceConfig("a", sys.argv[1] + "/bomb"), limits, fetcher).listing()
        except SourceError as error:
            print(error)
    print((kib("VmHWM") - before) // 1024)
"""


def test_a_bomb_costs_no_memory(server):
    """512 MiB in 500 kB, refused at the cap or passed over: less than 32 MiB, in a process of its own."""
    page = tarfile.TarInfo("r/_cache/v/a/specs.md")
    page.size = 511 * stub.MIB
    server.script("/bomb", stub.reply(stub.zeros_gzipped(512, before=page.tobuf())))
    server.script("/small", stub.reply(b"x"))
    done = subprocess.run(
        [sys.executable, "-c", BOMB, server.origin],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    first, second, grown = done.stdout.splitlines()
    assert "unpacks to more than 167,772,160 bytes" in first
    assert "is damaged" in second  # a wrong checksum, found at the very end
    assert int(grown) < 32
