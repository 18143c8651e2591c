"""Says what expat makes of documents, as nothing but XML with namespaces.

Standard input is a JSON array of documents in base64; standard output a JSON array with, for each, null where expat takes all
of it as the beginning of a document, else why it refuses.
"""
import base64
import json
import sys

import pyexpat


def refusal(document):
    parser = pyexpat.ParserCreate(namespace_separator='\n')
    try:
        parser.Parse(document, False)
    except pyexpat.ExpatError as error:
        return pyexpat.errors.messages[error.code]
    except (LookupError, ValueError) as error:
        return str(error)
    return None


json.dump([refusal(base64.b64decode(document)) for document in json.load(sys.stdin)], sys.stdout)
