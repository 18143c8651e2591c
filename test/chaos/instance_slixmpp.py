"""A slixmpp component as an instance. Options as JSON in argv[1]; standard input and output as for instance-raw.ts."""
import asyncio
import json
import os
import socket
import struct
import sys
import time

from slixmpp import ComponentXMPP
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

NS = "urn:switchyard:chaos"
options = json.loads(sys.argv[1])
xmpp = ComponentXMPP(options["domain"], options["secret"], "127.0.0.1", options["port"])
xmpp.register_plugin("xep_0199")


def report(what, *words):
    """At once, before anything else is read: a stanza that is confirmed has been reported."""
    os.write(1, (" ".join([what, *map(str, words)]) + "\n").encode())


def now():
    return time.monotonic_ns() // 1000


def on_stanza(stanza):
    report("got", now(), stanza.xml.get("id", ""))


def on_iq(iq):
    if iq["type"] in ("result", "error"):
        report("answered", now(), iq.xml.get("id", ""))
        return
    query = iq.xml.find("{%s}q" % NS)
    if query is None:
        return
    report("got", now(), query.get("n"))
    reply = iq.reply()
    reply.xml.append(ET.Element("{%s}a" % NS))
    reply.send()


async def ask():
    count = 0
    while options["askEvery"] > 0:
        await asyncio.sleep(options["askEvery"] / 1000)
        count += 1
        name = "q.%s.%d" % (options["name"], count)
        report("asked", now(), name)
        head = (name, options["domain"])
        xmpp.send_raw(
            "<iq type='get' id='%s' from='bot@%s' to='u1@users.localhost/r'>" % head
            + "<q xmlns='%s' n='%s'/></iq>" % (NS, name))


def on_session(_):
    report("ready", xmpp.transport.get_extra_info("sockname")[1])
    xmpp.asking = xmpp.loop.create_task(ask())


def reset():
    raw = xmpp.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    xmpp.transport.abort()


async def obey():
    reader = asyncio.StreamReader()
    await xmpp.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if line.strip() == b"hush":
            options["askEvery"] = 0
        elif line.strip() == b"reset":
            reset()
        else:
            xmpp.disconnect(wait=5.0)
    os._exit(0)


for name, handler in (("message", on_stanza), ("presence", on_stanza), ("iq", on_iq)):
    xmpp.register_handler(Callback("chaos " + name, MatchXPath("{%s}%s" % (xmpp.default_ns, name)), handler))
xmpp.add_event_handler("session_start", on_session)
xmpp.add_event_handler("disconnected", lambda _: os._exit(0))
xmpp.add_event_handler("connection_failed", lambda _: os._exit(1))
xmpp.obeying = xmpp.loop.create_task(obey())
xmpp.connect()
xmpp.loop.run_forever()
