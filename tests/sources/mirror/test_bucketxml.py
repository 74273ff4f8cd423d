"""What servers of buckets say in XML: listings and errors, and what is refused of them."""

from urllib.parse import quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachesync.errors import SourceError
from cachesync.sources.mirror import bucketxml

AMAZON = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>v3/</Prefix>
<NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken>
<KeyCount>2</KeyCount><MaxKeys>2</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<Contents><Key>v3/a%2Bb+c</Key><LastModified>2026-11-27T10:00:00.000Z</LastModified>
<ETag>&quot;70ee1738b6b21e2c8a43f3a5ab0eee71&quot;</ETag><Size>1111</Size>
<Owner><ID>x</ID><DisplayName>somebody</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>
<Contents><Key>v3/d%25</Key><ETag>9c8af9a76df052144598c115ef33e511-2</ETag><Size>0</Size></Contents>
<CommonPrefixes><Prefix>v3/e/</Prefix></CommonPrefixes>
</ListBucketResult>"""


def listing(*contents, truncated="false", more=""):
    return f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{''.join(contents)}</ListBucketResult>".encode()


def test_a_page_is_its_keys_and_how_to_go_on():
    """ETags without quotes, which some servers list and others do not; keys decoded as they are encoded."""
    page = bucketxml.keys(AMAZON)
    assert page.next_token == "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="
    assert page.found == (
        bucketxml.Key("v3/a+b c", "70ee1738b6b21e2c8a43f3a5ab0eee71", 1111),
        bucketxml.Key("v3/d%", "9c8af9a76df052144598c115ef33e511-2", 0),
    )


def test_a_server_that_does_not_encode_is_not_decoded():
    data = listing("<Contents><Key>a%2B+b</Key><Size>1</Size></Contents>")
    assert bucketxml.keys(data) == ((bucketxml.Key("a%2B+b", "", 1),), None)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_key_survives_being_encoded(key):
    contents = f"<Contents><Key>{escape(quote_plus(key))}</Key><Size>7</Size></Contents>"
    data = listing(contents, more="<EncodingType>url</EncodingType>")
    assert bucketxml.keys(data).found == (bucketxml.Key(key, "", 7),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no XML"),
        (b"<html><p>log in", "no XML"),
        (b"<html></html>", "no listing"),
        (AMAZON[:-30], "no XML"),
        (b"\xff\xfe<\0a\0/\0>\0", "no listing"),
        (b"<ListBucketResult></ListBucketResult>", "whether it is whole"),
        (listing(truncated="perhaps"), "whether it is whole"),
        (listing(truncated="true"), "not how to go on"),
        (listing("<Contents><Size>1</Size></Contents>"), "without key or size"),
        (listing("<Contents><Key>a</Key></Contents>"), "without key or size"),
        (listing("<Contents><Key>a</Key><Size>-1</Size></Contents>"), "without key or size"),
        (b"<a>" * 9 + b"</a>" * 9, "too deep"),
        (b"<a>" + b"<b/>" * 50_000 + b"</a>", "too large"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares entities"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "declares entities"),
        (b"<ListBucketResult>&b;</ListBucketResult>", "no XML"),
    ],
)
def test_what_is_no_whole_listing_is_refused(data, reason):
    with pytest.raises(SourceError, match=reason):
        bucketxml.keys(data)


@pytest.mark.parametrize(
    ("data", "code", "region"),
    [
        (b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>", "NoSuchKey", ""),
        (b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>",
         "AuthorizationHeaderMalformed", "eu-west-1"),
        (b"<Error><Code>A1</Code><Region>\xc2\x9b2J</Region></Error>", "A1", ""),
        (b"<Error><Code>\xc2\x9b2J</Code></Error>", "", ""),
        (b"<Error></Error>", "", ""),
        (b"<html><Code>NoSuchKey</Code></html>", "", ""),
        (b"<!doctype html><title>404", "", ""),
        (b"", "", ""),
    ],
)  # fmt: skip
def test_an_error_is_its_code(data, code, region):
    """A word that can be shown, or nothing."""
    assert bucketxml.fault(data) == (code, region)


@given(st.binary(max_size=200))
def test_anything_is_an_error_or_none(data):
    assert isinstance(bucketxml.fault(data), bucketxml.Fault)
