import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { lex } from '../../compiler-core/language/syntax/lexer.ts'

const configuration = JSON.parse(readFileSync('syntaxes/language-configuration.json', 'utf8'))
const increase = new RegExp(configuration.indentationRules.increaseIndentPattern)
const decrease = new RegExp(configuration.indentationRules.decreaseIndentPattern)
const onEnterRules: readonly { readonly beforeText: string }[] = configuration.onEnterRules
const [documentation = /^/, value = /^/] = onEnterRules.map(rule => new RegExp(rule.beforeText))

function check(pattern: RegExp, cases: Readonly<Record<string, boolean>>): void {
  test.each(Object.entries(cases))('%s', (line, expected) => { expect(pattern.test(line)).toBe(expected) })
}

describe('the next line is indented after', () => {
  check(increase, {
    'kernel main(grid: 1) {': true,
    'let shapes = [': true,
    'operator f(   // what it takes': true,
    '  require n > 0, "a { in a string"': false,
    '  // a comment {': false,
    'for i in 0..4 { c[i] = 0 }': false,
    'let x = a / b': false,
    'let unclosed = "text {': false
  })
})

describe('a line goes back before', () => {
  check(decrease, { '  }': true, ') -> y: T[n] {': true, ']': true, 'let x = (1)': false })
})

describe('Enter continues a documentation comment', () => {
  check(documentation, { '/// C = A x B': true, '  ///': true, '// plain': false, 'let x = 1 /// after code': false })
})

describe('Enter indents a value that starts on the next line', () => {
  check(value, { 'let x =': true, '  y[i, j] = ': true, 'let x = 1': false, 'require a ==': false, '// a =': false })
})

test('a word is a name or a number of the language', () => {
  const text = 'let block_k2 = 1_024 + 0xfF * 2.5e-3 .. "s" tile.workers 0..4'
  const words = text.match(new RegExp(configuration.wordPattern, 'g'))
  const named = lex(text).map(({ start, end }) => text.slice(start, end)).filter(part => /^\w/.test(part))
  expect(words?.filter(word => word !== 's')).toEqual(named)
})
