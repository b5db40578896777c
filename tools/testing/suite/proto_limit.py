# SPDX-License-Identifier: GPL-2.0
"""rswapd lends exactly --memory: slabs and reservations together never exceed it, and nothing is lost.

A client may always have as many slabs as it reserved and more only while there is room; a reservation
that does not fit is refused with the figures that explain it. A random sequence of clients that come,
allocate, free and go is compared with a model after each step.
"""
from lab import memserver, proto

GROUP = "host"
TOPOLOGY = "host"
TIMEOUT = 120

SLAB = 1 << 20
LIMIT = 16


def no_space(server, reserve, free, **args):
    """A reservation is refused, and told how much would be free."""
    c = server.client(hello=False, **args)
    try:
        c.hello(reserve=reserve)
        raise AssertionError(f"reserved {reserve} though {free} are free")
    except proto.Refused as error:
        assert error.status == proto.NOSPACE, error
    r = c.reply
    assert (r.memory_limit, r.memory_free, r.slab_size) == (LIMIT * SLAB, free, SLAB), r
    c.closed()
    c.close()


def reservations(server):
    with server.client(reserve=10 * SLAB) as a:
        assert a.reply.memory_free == LIMIT * SLAB
        assert server.state()["memory_committed"] == 10 * SLAB
        no_space(server, 6 * SLAB + 1, 6 * SLAB)
        no_space(server, 200 << 20, 6 * SLAB)
        # Rounded up to slabs: one byte takes one slab
        with server.client(reserve=5 * SLAB + 1) as b:
            assert server.state()["memory_committed"] == LIMIT * SLAB
            with server.client() as c:
                assert c.reply.memory_free == 0
                assert c.status(proto.SLAB_ALLOC, slab=0) == proto.NOSPACE
                for slab in range(6):
                    b.alloc(slab)
                assert b.status(proto.SLAB_ALLOC, slab=6) == proto.NOSPACE
                for slab in range(10):
                    a.alloc(slab + 100)
                assert a.status(proto.SLAB_ALLOC, slab=0) == proto.NOSPACE
                # A slab freed within a reservation stays promised
                a.free(100)
                assert b.status(proto.SLAB_ALLOC, slab=6) == proto.NOSPACE
                assert c.status(proto.SLAB_ALLOC, slab=0) == proto.NOSPACE
                a.alloc(1)
                b.bye()
                for slab in range(6):
                    c.alloc(slab)
                assert c.status(proto.SLAB_ALLOC, slab=6) == proto.NOSPACE
                # Existing ones are no matter of space
                c.alloc(5)
                c.free(5)
                a.alloc(0)
                assert c.status(proto.SLAB_ALLOC, slab=5) == proto.NOSPACE
                a.free(0)
                c.alloc(5)
                c.bye()
            a.bye()
    assert server.state()["memory_committed"] == 0


class Model:
    """What the server should say."""

    def __init__(self):
        self.clients = {}               # proto.Client -> (reserve, set of slabs)

    @property
    def used(self):
        return sum(max(r, len(s)) for r, s in self.clients.values())


def step(lab, server, model):
    rng = lab.rng
    what = rng.choice(["come", "go", "alloc", "alloc", "alloc", "free", "free"])
    client = rng.choice(list(model.clients)) if model.clients else None
    if what == "come" and len(model.clients) < 6:
        reserve = rng.choice([0, 0, 1, 3, 7, LIMIT])
        expect = proto.OK if reserve <= LIMIT - model.used else proto.NOSPACE
        c = server.client(hello=False, size=32 * SLAB)
        try:
            c.hello(reserve=reserve * SLAB)
            got = proto.OK
            model.clients[c] = (reserve, set())
        except proto.Refused as error:
            got = error.status
            c.close()
    elif client and what == "go":
        client.bye()
        client.close()
        del model.clients[client]
        got = expect = proto.OK
    elif client and what == "alloc":
        reserve, slabs = model.clients[client]
        slab = rng.randrange(32)
        fits = slab in slabs or len(slabs) < reserve or model.used < LIMIT
        expect = proto.OK if fits else proto.NOSPACE
        got = client.status(proto.SLAB_ALLOC, slab=slab)
        if fits:
            slabs.add(slab)
    elif client and what == "free":
        slab = rng.randrange(32)
        client.free(slab)
        model.clients[client][1].discard(slab)
        got = expect = proto.OK
    else:
        return
    assert got == expect, f"{what}: {proto.STATUSES[got]} instead of {proto.STATUSES[expect]}"


def random_steps(lab, server, count):
    model = Model()
    for i in range(count):
        step(lab, server, model)
        committed = server.state()["memory_committed"]
        assert committed == model.used * SLAB, f"step {i}: {committed} committed, {model.used} slabs expected"
        assert committed <= LIMIT * SLAB
    for client, (_, slabs) in model.clients.items():
        assert client.list() == sorted(slabs)
        client.bye()
        client.close()
    assert server.state()["memory_committed"] == 0


def test(lab):
    lab.log(f"seed {lab.seed}")
    for build in memserver.BUILDS:
        # Half a slab more than 16: only whole ones are lent
        server = memserver.MemServer(lab, build=build, memory=str(LIMIT * SLAB + SLAB // 2))
        reservations(server)
        random_steps(lab, server, 1000 if build == memserver.PLAIN else 300)
        server.stop()
