# SPDX-License-Identifier: GPL-2.0
"""Results of other programs are counted, and broken ones are failures."""

from lab import meta

GROUP = "meta"
TOPOLOGY = "host"

OK = 'TOPOLOGY = "host"\ndef test(lab):\n    pass\n'
GOOD = """KTAP version 1
1..1
    KTAP version 1
    # Subtest: slabs
    1..2
    ok 1 map
    ok 2 unmap # SKIP no memory
ok 1 slabs
"""
BAD = "1..3\nok 1 a\nnot ok 2 b\n"
LATE = "ok 1 early\nok 2 earlier\n1..2\n"


def test(lab):
    paths = {}
    for name, text in (("good", GOOD), ("bad", BAD), ("late", LATE), ("empty", "")):
        paths[name] = lab.tmp / f"{name}.ktap"
        paths[name].write_text(text)
    skips = lab.tmp / "skips"
    skips.write_text("good/unmap it may\n")
    arguments = ["--skips", skips]
    for path in (*paths.values(), lab.tmp / "absent.ktap"):
        arguments += ["--results", path]
    run = meta.run(lab, {"one": OK}, *arguments)
    assert run.rc != 0
    # one, map, a, early and earlier pass; b, the plan of bad, the empty and the absent file fail.
    assert "5 passed, 4 failed, 1 skipped" in run.out.splitlines(), run.out
    assert "1 results of the plan are missing" in run.failed("plan")
