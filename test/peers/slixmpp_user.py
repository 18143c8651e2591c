"""A slixmpp user without TLS. Options as JSON in argv[1]: host, port, jid, password, reconnect."""
import json
import sys

from slixmpp import ClientXMPP
from slixmpp_driver import Driver

options = json.loads(sys.argv[1])
xmpp = ClientXMPP(options["jid"], options["password"])
# ejabberd and Prosody offer SCRAM first; PLAIN is what is left where a server stores only hashes.
xmpp["feature_mechanisms"].unencrypted_plain = True


def connect():
    xmpp.connect((options["host"], options["port"]), force_starttls=False, disable_starttls=True)


Driver(xmpp, options["jid"], False, options["reconnect"], connect).run()
