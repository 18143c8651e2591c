"""Judges XMPP streams with expat, for against-expat.ts and framer.test.ts.

Its requests:

  'J' + document   the verdict as JSON: what a stream-wise reader finds in the document, see judge()
  'I' + document   the infoset of a whole document as JSON, see infoset()
"""
import pyexpat

from records import serve

# The separators that expat's users put between a namespace and a local name: a namespace that holds one is refused by them.
SEPARATORS = [' ', '\n', '\t', '\r', '|', '}']
UNDEFINED_ENTITY = pyexpat.errors.codes[pyexpat.errors.XML_ERROR_UNDEFINED_ENTITY]
UNKNOWN_ENCODING = pyexpat.errors.codes[pyexpat.errors.XML_ERROR_UNKNOWN_ENCODING]
INCORRECT_ENCODING = pyexpat.errors.codes[pyexpat.errors.XML_ERROR_INCORRECT_ENCODING]
STREAMS = 'http://etherx.jabber.org/streams'


class Refused(Exception):
    pass


def refuse(condition):
    def handler(*_):
        raise Refused(condition)
    return handler


class Reader:
    """What RFC 6120 makes of the events of one parser."""

    def __init__(self, separator):
        self.depth = 0
        self.elements = 0
        self.closed = False
        self.separator = separator
        parser = self.parser = pyexpat.ParserCreate(namespace_separator=separator)
        parser.buffer_text = False
        self.namespaces = set()
        parser.StartNamespaceDeclHandler = lambda _, uri: self.namespaces.add(uri)
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.XmlDeclHandler = self.declaration
        parser.StartCdataSectionHandler = self.cdata
        # RFC 6120 section 11.1
        parser.CommentHandler = refuse('restricted-xml')
        parser.ProcessingInstructionHandler = refuse('restricted-xml')
        parser.StartDoctypeDeclHandler = refuse('restricted-xml')
        parser.SkippedEntityHandler = refuse('restricted-xml')

    def start(self, name, _):
        self.depth += 1
        if self.depth == 2 and name == STREAMS + self.separator + 'stream':
            raise Refused('not-well-formed')

    def end(self, _):
        self.depth -= 1
        if self.depth == 1:
            self.elements += 1
        if self.depth == 0:
            self.closed = True

    def text(self, data):
        if self.depth != 1:
            return
        # White space as a reference is no white space of RFC 6120's grammar: who sends it tests a parser.
        if data.strip(' \t\r\n') != '' or self.document[self.parser.CurrentByteIndex] == ord('&'):
            raise Refused('bad-format')

    def cdata(self):
        if self.depth == 1:
            raise Refused('bad-format')

    def declaration(self, _version, encoding, _standalone):
        if encoding is not None and encoding.lower() != 'utf-8':
            raise Refused('unsupported-encoding')

    def read(self, document):
        self.document = document
        try:
            self.parser.Parse(document, False)
        except Refused as refused:
            return str(refused)
        except LookupError:
            return 'unsupported-encoding'
        except pyexpat.ExpatError as error:
            if error.code == UNDEFINED_ENTITY:
                return 'restricted-xml'
            if error.code in (UNKNOWN_ENCODING, INCORRECT_ENCODING):
                return 'unsupported-encoding'
            return 'not-well-formed'
        return 'whole' if self.closed and self.ends() else 'open'

    def ends(self):
        """Whether nothing that is begun stands behind the stream's end."""
        try:
            self.parser.Parse(b'', True)
        except pyexpat.ExpatError:
            return False
        return True


def judge(document):
    """The earliest verdict over all separators: [what, first-level elements before it]."""
    at, verdict, namespaces = judge_with(SEPARATORS[0], document)
    # Another separator changes nothing but for a namespace that holds it, which this one has passed.
    for separator in SEPARATORS[1:]:
        if any(uri and separator in uri for uri in namespaces):
            at, verdict, _ = min((at, verdict, namespaces), judge_with(separator, document), key=lambda found: found[:2])
    return verdict


def judge_with(separator, document):
    reader = Reader(separator)
    what = reader.read(document)
    at = len(document) + 1 if what in ('whole', 'open') else reader.parser.CurrentByteIndex
    return at, (what, reader.elements), reader.namespaces


def infoset(document):
    """The children of the root as nested [name, {attribute: value}, [child or text, ...]], names with namespaces."""
    root = []
    stack = [root]

    def start(name, attributes):
        element = [name, attributes, []]
        stack[-1].append(element)
        stack.append(element[2])

    def text(data):
        children = stack[-1]
        if children and isinstance(children[-1], str):
            children[-1] += data
        else:
            children.append(data)

    parser = pyexpat.ParserCreate(namespace_separator='\n')
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = text
    parser.Parse(document, True)
    return [child for child in root[0][2] if not isinstance(child, str)]


def answer(request):
    try:
        return judge(request[1:]) if request[:1] == b'J' else infoset(request[1:])
    except (pyexpat.ExpatError, LookupError) as error:
        return ['error', str(error)]


serve(answer)
