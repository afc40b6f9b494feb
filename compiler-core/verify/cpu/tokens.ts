/**
 * The tokens of a generated CUDA text: enough of C++ to find accesses, calls, loops and `asm` statements in it.
 *
 *     y[i] += x[i];  // sum   ->   y  [  i  ]  +=  x  [  i  ]  ;
 *
 * Comments and blanks are no tokens; a `#` line is one.
 */
import type { Span } from '../../ir/origin.ts'

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'directive' | 'symbol'
  readonly text: string
  readonly span: Span
}

export interface Tokens {
  readonly list: readonly Token[]
  /** The position of the other bracket of a pair; undefined for anything else. */
  readonly partner: (position: number) => number | undefined
}

const pattern = new RegExp([
  /(?<blank>\s+|\/\/[^\n]*)/, /(?<directive>#[^\n]*)/, /(?<word>[A-Za-z_]\w*)/, /(?<number>\.?\d(?:[eEpP][+-]|[\w.])*)/,
  /(?<string>"(?:[^"\\\n]|\\.)*")/,
  /(?<symbol><<=|>>=|\+\+|--|&&|\|\||<<|>>|[=!<>+\-*/%&|^]=|::|.)/
].map(r => r.source).join('|'), 'gs')

export function tokenize(text: string): Tokens {
  const list: Token[] = []
  for (const match of text.matchAll(pattern)) {
    const { blank, directive, word, number, string } = match.groups!
    if (blank !== undefined) continue
    const kind = directive !== undefined ? 'directive'
      : word !== undefined ? 'word' : number !== undefined ? 'number' : string !== undefined ? 'string' : 'symbol'
    list.push({ kind, text: match[0], span: { start: match.index, end: match.index + match[0].length } })
  }
  const partners = new Map<number, number>()
  const open: number[] = []
  list.forEach(({ kind, text: bracket }, i) => {
    if (kind !== 'symbol') return
    if ('([{'.includes(bracket)) open.push(i)
    else if (')]}'.includes(bracket)) {
      const start = open.pop()
      if (start === undefined) return
      partners.set(start, i)
      partners.set(i, start)
    }
  })
  return { list, partner: position => partners.get(position) }
}
