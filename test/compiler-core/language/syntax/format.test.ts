import { describe, expect, it } from 'vitest'
import { format, formatEdits } from '../../../../compiler-core/language/syntax/format.ts'
import { parse } from '../../../../compiler-core/language/syntax/parser.ts'
import { fixtures, samples } from './corpus.ts'
import { marked } from './marks.ts'

function check(text: string, expected: string): void {
  const formatted = format(parse(text))
  expect(formatted).toBe(expected)
  expect(format(parse(formatted))).toBe(formatted)
}

describe('spaces in a line', () => {
  const cases: readonly [string, string][] = [
    ['let  x=1', 'let x = 1'],
    ['let (a,b)=f( x ,y:2 , ...s )', 'let (a, b) = f(x, y: 2, ...s)'],
    ['let x = a+b*-c<<1', 'let x = a + b * -c << 1'],
    ['let x = ! a&&- - b', 'let x = !a && --b'],
    ['let x = s [ i , .. , a .. b , c..+d , ... r ]', 'let x = s[i, .., a..b, c ..+ d, ...r]'],
    ['let x = f (a) . g [0]', 'let x = f(a).g[0]'],
    ['let x = [ (i,j)for i in 0 .. 4 ]', 'let x = [(i, j) for i in 0..4]'],
    ['let x = sum [p<k]a[p]??0', 'let x = sum[p < k] a[p] ?? 0'],
    ['let x = if(a)then(b)else(c)', 'let x = if (a) then (b) else (c)'],
    ['let x = a * ( b )', 'let x = a * (b)'],
    ['let x = 2 [0]', 'let x = 2 [0]'],
    ['fn f < T : float|f16 , U >( a:T [ n ,...s ] in l )->T = a', 'fn f<T: float | f16, U>(a: T[n, ...s] in l) -> T = a'],
    ['operator o<T>(x:T)->y:T{y[i]=x}', 'operator o<T>(x: T) -> y: T { y[i] = x }'],
    ['schedule s for o given n applies when (n%8==0) { }', 'schedule s for o given n applies when (n % 8 == 0) {}'],
    ['device d(){x[i]=?1;y+=2 ; f()}', 'device d() { x[i] =? 1; y += 2; f() }'],
    ['instance i=o . s ( T:f32 )', 'instance i = o.s(T: f32)'],
    ['mapping m ( w<32 )->( 4 , 8 )=x', 'mapping m(w < 32) -> (4, 8) = x'],
    ['import   "a  b"', 'import "a  b"'],
    // what would be read otherwise keeps its blank
    ['let x = 1 . 5', 'let x = 1 . 5'],
    ['let x = 1 .5', 'let x = 1 .5'],
    ['let x = a. .b', 'let x = a. .b'],
    ['let x = a @ b§ c', 'let x = a @ b§ c'],
  ]
  it.each(cases)('%s', (text, expected) => { check(text, `${expected}\n`) })
})

describe('lines', () => {
  const cases: readonly [name: string, text: string, expected: string][] = [
    ['indentation by depth', 'device d() {\nfor i in a {\n        x = 1\n }\n}', 'device d() {\n  for i in a {\n    x = 1\n  }\n}\n'],
    ['at most one empty line', '\n\nlet a = 1\n\n\n\nlet b = 2\n\n', 'let a = 1\n\nlet b = 2\n'],
    ['no blanks at the end', 'let a = 1  \n// b  \n', 'let a = 1\n// b\n'],
    ['nothing', ' \n ', ''],
    ['line ends are kept', 'let  a = 1\r\nlet b = 2\r\n', 'let a = 1\r\nlet b = 2\r\n'],
    ['else on its own line', 'device d() {\nif a {\n}\nelse if b {\n}\n    else {\n}\n}', 'device d() {\n  if a {\n  }\n  else if b {\n  }\n  else {\n  }\n}\n'],
    ['a header over several lines', 'operator f(\nx: T,\n    y: T\n) -> z: T\nwhere a = b,\n      c = d\n{\nz[i] = a\n}',
      'operator f(\n  x: T,\n  y: T\n) -> z: T\n  where a = b,\n        c = d\n{\n  z[i] = a\n}\n'],
    ['parts that were aligned', 'operator f() -> z: T\n   where a = b,\n         c = d\n{ }', 'operator f() -> z: T\n   where a = b,\n         c = d\n{}\n'],
    ['arguments that were aligned', 'let x = f( a,\n           b,\n           c)', 'let x = f(a,\n          b,\n          c)\n'],
    ['operators that were aligned', 'let x =  a\n       + b\n       + c', 'let x = a\n       + b\n       + c\n'],
    ['a continuation is indented', 'let x = a +\nb', 'let x = a +\n  b\n'],
    ['hanging brackets', 'let x = f(\n a,\n  g(\nb,\n      c +\n        d\n  ),\n)', 'let x = f(\n  a,\n  g(\n    b,\n    c +\n      d\n  ),\n)\n'],
    ['comments go with what follows', '  // a\nlet x = 1\ndevice d() {\n// b\nx = 1\n   // c\n}\n // d', '// a\nlet x = 1\ndevice d() {\n  // b\n  x = 1\n  // c\n}\n// d\n'],
    ['comments behind code stay in their column', 'let a=1    // a\nlet bb = 2 // b', 'let a = 1  // a\nlet bb = 2 // b\n'],
    ['a comment keeps its distance', 'let a=1   // a', 'let a = 1   // a\n'],
    ['columns of tune', 'schedule s for o {\n tune block = 8    level 1 [8]  level 2 [4]\n tune k     = 128  level 1 [128]\n}',
      'schedule s for o {\n  tune block = 8    level 1 [8]  level 2 [4]\n  tune k     = 128  level 1 [128]\n}\n'],
    ['columns of `=`', 'let a   = 1\nlet bcd =2', 'let a   = 1\nlet bcd = 2\n'],
    ['no column where none was', 'let a   = 1\nlet bcde = 2', 'let a = 1\nlet bcde = 2\n'],
    ['braces that do not balance: indentation is kept', 'device d() {\n      for i in a {\n   x=1\n}\n', 'device d() {\n      for i in a {\n   x = 1\n}\n'],
    ['junk stays in its block', 'device d() {\n) x\n   y = 1\n}', 'device d() {\n  ) x\n  y = 1\n}\n'],
    ['an unclosed string keeps its blanks', 'import "a  ', 'import "a  \n'],
  ]
  it.each(cases)('%s', (_, text, expected) => { check(text, expected) })
})

const tidy = [...fixtures, ...samples('compiler-core/library/std'), ...samples('docs/examples')]
it.each(tidy.map(({ name, text }) => [name, text]))('%s is formatted', (_, text) => { check(text, text) })

describe('edits', () => {
  const apply = (text: string, edits: ReturnType<typeof formatEdits>): string => edits.toReversed()
    .reduce((text, { span, newText }) => text.slice(0, span.start) + newText + text.slice(span.end), text)
  it('are what differs, no more', () => {
    const text = 'let  a = 1\nlet b = 2\n'
    expect(formatEdits(parse(text))).toEqual([{ span: { start: 3, end: 5 }, newText: ' ' }])
    expect(formatEdits(parse('let a = 1\n'))).toEqual([])
  })
  it.each([
    ['let  a=1\n<|let  b=2|>\nlet  c=3\n', 'let  a=1\nlet b = 2\nlet  c=3\n'],
    ['let  a=1\nlet  <|>b=2\nlet  c=3', 'let  a=1\nlet b = 2\nlet  c=3'],
    ['<|let  a=1\nlet  b=2\nlet  c=3|>', 'let a = 1\nlet b = 2\nlet c = 3\n'],
  ])('of a range: %j', (source, expected) => {
    const { text, start, end } = marked(source)
    expect(apply(text, formatEdits(parse(text), { start, end }))).toBe(expected)
  })
  it('together are the formatted text', () => {
    for (const { text } of fixtures) {
      const messy = text.replaceAll(' = ', '=').replaceAll('  ', ' ')
      expect(apply(messy, formatEdits(parse(messy)))).toBe(format(parse(messy)))
    }
  })
})
