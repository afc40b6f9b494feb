import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { limits } from '../../../../compiler-core/language/syntax/cursor.ts'
import { contextualWords, reservedWords, signs } from '../../../../compiler-core/language/syntax/lexer.ts'

const page = readFileSync(path.join(import.meta.dirname, '../../../../docs/grammar.md'), 'utf8')

it.each([...reservedWords, ...contextualWords])('docs/grammar.md names the word %s, also in a rule', word => {
  expect(page).toContain(`\`${word}\``)
  expect(page).toContain(`'${word}'`)
})
it.each([...signs])('docs/grammar.md has the sign %s in a rule', sign => { expect(page).toContain(`'${sign}'`) })
it('docs/grammar.md tells the limits', () => {
  expect(page).toContain(`${limits.nesting} levels`)
  expect(page).toContain(`height of ${limits.height}`)
})
