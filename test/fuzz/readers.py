"""Reads streams with expat and with libxml2, for round-trip.ts.

A request is three texts, each behind a big-endian 32-bit length:

  what came        a stream, or nothing: it may be broken anywhere
  what was taken   the canonical text of its first-level elements as far as they were taken, or nothing
  what goes out    a stream of our own making, whole

and then, to its end, the canonical text of the elements of what goes out. The answer is null where expat and libxml2
read what goes out as that text, and expat reads what came as a stream that begins with what was taken; otherwise who
read what instead. See trees.ts for the canonical text.
"""
import struct

import pyexpat
from lxml import etree

from records import serve

OPEN, ATTRIBUTE, VALUE, CONTENT, CLOSE = '\x01', '\x02', '\x03', '\x04', '\x05'
# What libxml2 says of a namespace that is no absolute URI, or of an xml:id that is no name: no word about the document's form.
HARMLESS = {'WAR_NS_URI', 'WAR_NS_URI_RELATIVE', 'NS_ERR_XML_NAMESPACE', 'DTD_XMLID_VALUE', 'DTD_XMLID_TYPE', 'DTD_ID_REDEFINED'}


def with_expat(document, final):
    """The first-level elements in canonical text, and what is wrong with the rest."""
    parts = []
    depth = 0
    elements = []

    def start(name, attributes):
        nonlocal depth
        depth += 1
        if depth == 1:
            return
        parts.append(OPEN + name)
        for key in sorted(attributes):
            parts.append(ATTRIBUTE + key + VALUE + attributes[key])
        parts.append(CONTENT)

    def end(_):
        nonlocal depth
        depth -= 1
        if depth == 0:
            return
        parts.append(CLOSE)
        if depth == 1:
            elements.append(''.join(parts))
            parts.clear()

    def text(data):
        if depth > 1:
            parts.append(data)

    parser = pyexpat.ParserCreate(namespace_separator='\n')
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(document, final)
    except (pyexpat.ExpatError, LookupError) as error:
        return elements, str(error)
    return elements, None


def with_libxml2(document):
    # Without resolving, it would leave `&#38;` for `&amp;` in a namespace: there is no DTD, so there are the five only.
    parser = etree.XMLParser(resolve_entities=True, no_network=True, huge_tree=True, recover=True, strip_cdata=False)
    root = etree.fromstring(document, parser)
    for entry in parser.error_log:
        if entry.level > etree.ErrorLevels.WARNING and entry.type_name not in HARMLESS:
            return [], f'{entry.type_name}: {entry.message}'
    if root is None:
        return [], 'no element'
    elements = []
    for child in root:
        parts = []
        write(child, parts)
        elements.append(''.join(parts))
    return elements, None


def write(element, parts):
    parts.append(OPEN + name_of(element.tag))
    attributes = element.attrib
    if len(attributes) > 0:
        for key, value in sorted((name_of(key), value) for key, value in attributes.items()):
            parts.append(ATTRIBUTE + key + VALUE + value)
    parts.append(CONTENT)
    if element.text is not None:
        parts.append(element.text)
    for child in element:
        write(child, parts)
        if child.tail is not None:
            parts.append(child.tail)
    parts.append(CLOSE)


def name_of(name):
    if not isinstance(name, str):
        return 'no element'
    return name[1:].replace('}', '\n', 1) if name[0] == '{' else name


def answer(request):
    texts = []
    at = 0
    for _ in range(3):
        size, = struct.unpack_from('>I', request, at)
        texts.append(request[at + 4:at + 4 + size])
        at += 4 + size
    came, taken, out = texts
    canonical = request[at:].decode()
    if came:
        elements, wrong = with_expat(came, False)
        if not ''.join(elements).startswith(taken.decode()):
            return difference('expat of what came', elements, wrong, taken.decode())
    for reader, (elements, wrong) in [('expat', with_expat(out, True)), ('libxml2', with_libxml2(out))]:
        if wrong is not None or ''.join(elements) != canonical:
            return difference(reader, elements, wrong, canonical)
    return None


def difference(reader, elements, wrong, expected):
    text = ''.join(elements)
    at = next((i for i, (a, b) in enumerate(zip(text, expected)) if a != b), min(len(text), len(expected)))
    return {'reader': reader, 'wrong': wrong, 'at': at, 'reads': text[max(at - 80, 0):at + 80], 'not': expected[max(at - 80, 0):at + 80]}


serve(answer)
