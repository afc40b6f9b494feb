import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTrivia, lex, stringValue } from '../../../../compiler-core/language/syntax/lexer.ts'
import { anyToken } from './random-program.ts'

/** Kinds of the tokens, each with its text where that differs, white space left out. */
function kinds(text: string): string {
  return lex(text).filter(({ kind }) => kind !== 'space' && kind !== 'eof')
    .map(({ kind, start, end }) => kind === text.slice(start, end) ? kind : `${kind}:${text.slice(start, end)}`).join(' ')
}

describe('tokens', () => {
  const cases: readonly [string, string][] = [
    ['let a = 1', 'let name:a = int:1'],
    ['kernel level reuses', 'name:kernel name:level reuses'],
    ['letter in_ _ x1', 'name:letter name:in_ name:_ name:x1'],
    ['42 1_024 0xff 0XFF_00', 'int:42 int:1_024 int:0xff int:0XFF_00'],
    ['0.5 1e5 1e-5 2.5E+3 1_0.2_5', 'float:0.5 float:1e5 float:1e-5 float:2.5E+3 float:1_0.2_5'],
    ['0..4 1 .. 2 a..b', 'int:0 .. int:4 int:1 .. int:2 name:a .. name:b'],
    ['a ..+ 3 a..+b ...s', 'name:a ..+ int:3 name:a ..+ name:b ... name:s'],
    ['1.x 1.', 'int:1 . name:x int:1 .'],
    ['y =? v y==v', 'name:y =? name:v name:y == name:v'],
    ['a<<b>>c<=d>=e<f>g', 'name:a << name:b >> name:c <= name:d >= name:e < name:f > name:g'],
    ['a&&b||c&d|e', 'name:a && name:b || name:c & name:d | name:e'],
    ['+= -= *= /= %= &= |= ^= ->', '+= -= *= /= %= &= |= ^= ->'],
    ['"a b" "\\"" ""', 'string:"a b" string:"\\"" string:""'],
    ['"open // not a comment', 'string:"open // not a comment'],
    ['a // b\n/// c\nd', 'name:a comment:// b doc:/// c name:d'],
    ['////', 'doc:////'],
    ['a @# b', 'name:a error:@# name:b'],
    ['größe + é', 'name:größe + name:é'],
    ['a /* b */ c', 'name:a error:/* b */ name:c'],
    ['a /* b\nc', 'name:a error:/* b name:c'],
    ['\ufefflet', 'let'],
    ['a\ufeffb', 'name:a error:\ufeff name:b'],
    ['3abc 0x', 'int:3abc int:0x'],
  ]
  it.each(cases)('%j', (text, expected) => { expect(kinds(text)).toBe(expected) })
})

describe('places', () => {
  const cases: readonly [string, string][] = [
    ['a b', 'a@0:0* b@0:2'],
    ['a\n  b c', 'a@0:0* b@1:2* c@1:4'],
    ['a\r\nb\rc', 'a@0:0* b@1:0* c@2:0*'],
    ['  a\n\n\tb // c', 'a@0:2* b@2:1* // c@2:3'],
  ]
  it.each(cases)('%j', (text, expected) => {
    const places = lex(text).filter(({ kind }) => kind !== 'space' && kind !== 'eof')
      .map(t => `${text.slice(t.start, t.end)}@${t.line}:${t.column}${t.firstOnLine ? '*' : ''}`)
    expect(places.join(' ')).toBe(expected)
  })
})

it.each([['"a"', 'a'], ['"a\\"b"', 'a"b'], ['"\\\\n\\n"', '\\n\n'], ['"open', 'open'], ['"open\\"', 'open"'], ['"', '']])(
  'the value of %s', (token, value) => { expect(stringValue(token)).toBe(value) })

it('puts every character in exactly one token', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom(...anyToken)).map(words => words.join('')))
  fc.assert(fc.property(texts, text => {
    const tokens = lex(text)
    expect(tokens.map(({ start, end }) => text.slice(start, end)).join('')).toBe(text)
    expect(tokens.every(({ kind, start, end }) => kind === 'eof' || end > start)).toBe(true)
  }), { numRuns: 3000 })
})

it('reads tokens alone as it reads them between others', () => {
  fc.assert(fc.property(fc.array(fc.constantFrom(...anyToken), { maxLength: 8 }), words => {
    const separate = words.map(word => lex(word).filter(({ kind }) => !isTrivia(kind) && kind !== 'eof').map(({ kind }) => kind)).flat()
    const together = lex(words.join('\n')).filter(({ kind }) => !isTrivia(kind) && kind !== 'eof').map(({ kind }) => kind)
    expect(together).toEqual(separate)
  }))
})
