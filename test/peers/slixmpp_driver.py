"""Drives one slixmpp stream over stdin and stdout, one JSON object a line.

In:  {"do": "message" | "messages" | "presence" | "iq" | "command" | "raw", "ref": int, ...}
Out: {"event": "ready" | "message" | "iq" | "done" | "failed" | "stream_error" | "disconnected", ...}
Each command is answered by exactly one of done, failed or (for iq) iq, with its ref; command is answered with iq, too.
"""
import asyncio
import json
import signal
import sys

from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatcherId, MatchXPath
from slixmpp.xmlstream.tostring import tostring

TESTS = "urn:switchyard:tests"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
LINE_BYTES = 16 * 1024 * 1024
REDIAL_SECONDS = 0.2


def emit(event, **fields):
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


def condition(stanza):
    """The condition of an error stanza, None for any other."""
    for child in stanza.xml:
        if not child.tag.endswith("}error"):
            continue
        return next((e.tag.removeprefix(STANZAS) for e in child if e.tag.startswith(STANZAS)), None)
    return None


def head(stanza):
    return {
        "from": stanza.xml.get("from", ""),
        "to": stanza.xml.get("to", ""),
        "id": stanza.xml.get("id", ""),
        "type": stanza.xml.get("type", ""),
        "condition": condition(stanza),
    }


class Driver:
    def __init__(self, xmpp, name, echo, reconnect, connect):
        self.xmpp = xmpp
        self.name = name
        self.echo = echo
        self.connect = connect
        self.reconnect = reconnect
        self.stopping = False
        self.was_ready = False
        ns = xmpp.default_ns
        for plugin in ("xep_0030", "xep_0199", "xep_0092", "xep_0004", "xep_0050"):
            xmpp.register_plugin(plugin)
        xmpp.register_handler(Callback("tests message", MatchXPath("{%s}message" % ns), self.on_message))
        xmpp.register_handler(Callback("tests who", MatchXPath("{%s}iq/{%s}who" % (ns, TESTS)), self.on_who))
        xmpp.add_event_handler("session_start", self.on_session)
        xmpp.add_event_handler("stream_error", lambda e: emit("stream_error", condition=e["condition"]))
        xmpp.add_event_handler("failed_auth", lambda _: emit("failed_auth"))
        xmpp.add_event_handler("disconnected", self.on_disconnected)

    def on_session(self, _):
        if not self.xmpp.is_component:
            self.xmpp.send_presence()
        self.was_ready = True
        emit("ready", jid=self.xmpp.boundjid.full)

    def on_disconnected(self, reason):
        emit("disconnected", reason=str(reason or ""))
        if self.reconnect and not self.stopping:
            self.xmpp.loop.call_later(REDIAL_SECONDS, self.connect)
        elif self.stopping or not self.was_ready:
            self.xmpp.loop.stop()

    def on_message(self, message):
        emit("message", **head(message), body=message["body"])
        # An echo of an error would be answered with an error.
        if self.echo and message["type"] != "error" and message["body"]:
            self.send_message(
                {"to": message["from"].full, "from": message["to"].full, "body": message["body"],
                 "type": message.xml.get("type"), "id": message["id"]})

    def on_who(self, iq):
        """Answers <who/> with the name of this instance; an error or result that quotes one is none of it."""
        if iq["type"] != "get":
            return
        reply = iq.reply()
        reply.xml.append(ET.Element("{%s}who" % TESTS, {"name": self.name}))
        reply.send()

    def send_message(self, command):
        message = self.xmpp.make_message(mto=command["to"], mbody=command["body"], mfrom=command.get("from"))
        if command.get("type"):
            message["type"] = command["type"]
        if command.get("id"):
            message["id"] = command["id"]
        message.send()

    def do_message(self, command):
        self.send_message(command)
        emit("done", ref=command["ref"])

    def do_messages(self, command):
        for n in range(command["count"]):
            text = "%s%d" % (command["prefix"], n)
            self.send_message({**command, "body": text, "id": text})
        emit("done", ref=command["ref"])

    def do_presence(self, command):
        self.xmpp.send_presence(pto=command.get("to"), pfrom=command.get("from"), ptype=command.get("type"))
        emit("done", ref=command["ref"])

    def do_iq(self, command):
        """Matches the reply by id alone: what came back, and from whom, is for the test to judge."""
        iq = self.xmpp.make_iq(self.xmpp.new_id(), command.get("from"), command["to"], command["type"])
        iq.xml.append(ET.fromstring(command["payload"]))
        handler = "tests iq " + iq["id"]

        def on_reply(reply):
            timer.cancel()
            payload = [tostring(child) for child in reply.xml]
            emit("iq", ref=command["ref"], **head(reply), payload=payload[0] if payload else "")

        def on_timeout():
            self.xmpp.remove_handler(handler)
            emit("failed", ref=command["ref"], reason="no reply within %s s" % command["seconds"])

        timer = self.xmpp.loop.call_later(command["seconds"], on_timeout)
        self.xmpp.register_handler(Callback(handler, MatcherId(iq["id"]), on_reply, once=True))
        super(type(iq), iq).send()

    def do_command(self, command):
        """Carries out an ad-hoc command as the plugin does, filling in one form after the other; answers with the last iq."""
        adhoc = self.xmpp["xep_0050"]
        forms = iter(command["forms"])

        def done(iq, _):
            payload = [tostring(child) for child in iq.xml]
            emit("iq", ref=command["ref"], **head(iq), payload=payload[0] if payload else "")

        def on_next(iq, session):
            values = next(forms, None)
            if iq["command"]["status"] != "executing" or values is None:
                return done(iq, session)
            form = self.xmpp["xep_0004"].make_form(ftype="submit")
            for var, value in values.items():
                form.add_field(var=var, value=value)
            session["payload"] = form
            if "complete" in iq["command"]["actions"]:
                adhoc.complete_command(session)
            else:
                adhoc.continue_command(session)

        adhoc.start_command(command["to"], command["node"], {"next": on_next, "error": done})

    def do_raw(self, command):
        self.xmpp.send_raw(command["xml"])
        emit("done", ref=command["ref"])

    def obey(self, line):
        command = json.loads(line)
        try:
            getattr(self, "do_" + command["do"])(command)
        except Exception as error:  # whatever it is, the test that asked has to hear of it
            emit("failed", ref=command["ref"], reason=repr(error))

    async def read_commands(self):
        reader = asyncio.StreamReader(limit=LINE_BYTES)
        await self.xmpp.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self.obey(line)
        self.stop()

    def stop(self):
        self.stopping = True
        if not self.xmpp.is_connected():
            self.xmpp.loop.stop()
            return
        self.xmpp.disconnect(wait=1.0)

    def run(self):
        loop = self.xmpp.loop
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        self.commands = loop.create_task(self.read_commands())
        self.connect()
        loop.run_forever()
