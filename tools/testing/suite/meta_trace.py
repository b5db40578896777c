# SPDX-License-Identifier: GPL-2.0
"""An allowed complaint allows the stack trace that belongs to it, and no other."""

from lab import dmesg, meta

GROUP = "meta"
TOPOLOGY = "host"
TIMEOUT = 300

OOM = "hog invoked oom-killer: gfp_mask=0x140dca(GFP_KERNEL), order=0, oom_score_adj=0"
FAILURE = "kworker/0:1: page allocation failure: order:0, mode:0x820(GFP_ATOMIC), nodemask=(null)"
ALLOW = ((r"hog invoked oom-killer", "the test takes all memory"),
         (r": page allocation failure: ", "and other things fail"))


def dump(name, *more):
    """Return what dump_stack() prints for process NAME."""
    return [f"CPU: 1 UID: 0 PID: 118 Comm: {name} Not tainted 6.12.117-rswap #2 ", *more,
            "Call Trace:", " <TASK>", " dump_stack_lvl+0x57/0x70", " </TASK>"]


def left(*messages):
    """Return how many anomalies are left when MESSAGES, lists among them, have been printed."""
    flat = [line for m in messages for line in (m if isinstance(m, list) else [m])]
    return len(dmesg.scan([f"[   11.94456{i % 10}] {line}" for i, line in enumerate(flat)], ALLOW))


def rules():
    assert left(OOM, dump("hog"), "Mem-Info:") == 0
    assert left(FAILURE, dump("kworker/0:1", "Hardware name: QEMU Q35", "Workqueue: events x")) == 0
    # Two CPUs at once: one dump waits for the other
    assert left(OOM, FAILURE, dump("kworker/0:1"), "rswap: hello", dump("hog")) == 1
    assert left(OOM, FAILURE, dump("hog")[:3], dump("kworker/0:1")) == 0
    # Another trace: of another process, a second one, one too late, one that nobody announced
    assert left(OOM, dump("sh")) == 1
    assert left(OOM, dump("hogger")) == 1
    assert left(OOM, dump("hog"), dump("hog")) == 1
    assert left(OOM, dump("hog"), "task:hog state:D", "Call Trace:") == 1
    assert left(OOM, ["Mem-Info:"] * 20, dump("hog")) == 1
    assert left(dump("hog")) == 1
    assert left("sh invoked oom-killer: gfp_mask=0", dump("sh")) == 2
    # What else is wrong in between stays wrong
    assert left(OOM, dump("hog", "WARNING: CPU: 0 PID: 1 at mm/slub.c:1")) == 1
    try:
        dmesg.scan([], (("Out of memory|Call Trace:", "any trace at all"),))
    except ValueError:
        return
    assert False, "any trace at all could be allowed"


# SysRq-f makes the kernel's own report, SysRq-l traces that are no part of it.
KILL = """
TOPOLOGY = "client"
ALLOW_DMESG = ((r"kworker/\\S+ invoked oom-killer|Out of memory: Killed process \\d+ \\(sleep\\)",
                "the test makes it kill"),)
def test(lab):
    job = lab.client.start_job("echo 1000 > /proc/self/oom_score_adj; echo ready; exec sleep 100")
    job.wait_output("ready")
    lab.client.run("echo f > /proc/sysrq-trigger")
    assert job.wait(check=False).rc == -9, job.out
"""
MORE = KILL + """
    lab.client.run("echo l > /proc/sysrq-trigger")
"""


def test(lab):
    rules()
    run = meta.run(lab, {"kill": KILL, "more": MORE})
    run.passed("kill")
    text = run.failed("more")
    assert "the kernel complained" in text and dmesg.TRACE in text, text
