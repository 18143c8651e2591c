"""A slixmpp component as an instance. Options as JSON in argv[1]: host, port, domain, secret, name, echo, reconnect."""
import json
import sys

from slixmpp import ComponentXMPP
from slixmpp_driver import Driver

options = json.loads(sys.argv[1])
xmpp = ComponentXMPP(options["domain"], options["secret"], options["host"], options["port"])
Driver(xmpp, options["name"], options["echo"], options["reconnect"], xmpp.connect).run()
