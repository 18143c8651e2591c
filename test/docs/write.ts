import { writeFileSync } from 'node:fs'
import { textOf } from './markdown.ts'
import { documents, withTables } from './tables.ts'

// node --import tsx test/docs/write.ts: writes the tables of the documents anew, after a change of what they are made from.
for (const [path, tables] of Object.entries(documents)) {
  writeFileSync(new URL(`../../${path}`, import.meta.url), withTables(textOf(path), tables))
}
