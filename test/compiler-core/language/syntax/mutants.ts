/**
 * Damage that typing and merging do to a file, and a measure of what a parser still understands of it.
 */
import { type Token, isTrivia, lex } from '../../../../compiler-core/language/syntax/lexer.ts'
import { type Parsed, parse } from '../../../../compiler-core/language/syntax/parser.ts'
import type { Node } from '../../../../compiler-core/language/syntax/tree.ts'
import { forEachChild } from '../../../../compiler-core/language/syntax/walk.ts'
import { dump } from './dump.ts'
import type { Random } from './random.ts'
import { anyToken } from './random-program.ts'

export const mutations = [
  'delete token', 'insert token', 'duplicate token', 'replace token', 'swap tokens', 'delete character', 'insert character', 'cut line',
  'delete line', 'delete bracket', 'open string', 'truncate file', 'half-typed statement',
] as const
export type Mutation = typeof mutations[number]

/** A damaged text; `line` (zero-based) is where, and with `rest` also everything behind it is gone. */
export interface Mutant { readonly text: string; readonly line: number; readonly rest: boolean }

const halfTyped = [
  'let x =', 'let x = foo(', 'acc[i, j] +=', 'for i in', 'for (i, j', 'if a <', 'shared t: T[', 'x.', 'tune q = 4 level 1 [', 'require a %', 'let (a, b',
  'c[i] =?', 'async for', 'let y = if a then', 'x[i', 'fn f(', 'kernel', 'return a +', 'let e = sum[p <', 'while', 'unroll',
]

/** Undefined where the text has no place for this kind of damage. */
export function mutate(g: Random, text: string, kind: Mutation): Mutant | undefined {
  const tokens = lex(text).filter(token => !isTrivia(token.kind) && token.kind !== 'eof')
  const at = g.below(tokens.length), token = tokens[at], other = tokens[g.below(tokens.length)]
  if (token === undefined || other === undefined) return undefined
  const { start, end } = token
  const lineStart = text.lastIndexOf('\n', start - 1) + 1
  const lineEnd = text.indexOf('\n', start) < 0 ? text.length : text.indexOf('\n', start)
  const cut = (from: number, to: number, put = '', rest = false): Mutant =>
    ({ text: text.slice(0, from) + put + text.slice(to), line: text.slice(0, from).split('\n').length - 1, rest })
  const place = g.below(text.length)
  switch (kind) {
    case 'delete token': return cut(start, end)
    case 'insert token': return cut(start, start, ` ${g.chance(0.5) ? g.pick(anyToken) : text.slice(other.start, other.end)} `)
    case 'duplicate token': return cut(end, end, ` ${text.slice(start, end)}`)
    case 'replace token': return cut(start, end, text.slice(other.start, other.end))
    case 'swap tokens': {
      const next = tokens[at + 1]
      const swapped = (n: Token): string =>
        text.slice(n.start, n.end) + text.slice(end, n.start) + text.slice(start, end)
      return next && cut(start, next.end, swapped(next))
    }
    case 'delete character': return cut(place, place + 1)
    case 'insert character': return cut(place, place, g.pick([...'abz019_(){}[]<>=+-*/.,:;"\'#$@!?~\n ']))
    case 'cut line': return cut(start, lineEnd)
    case 'delete line': return cut(lineStart, lineEnd + 1)
    case 'delete bracket': {
      const brackets = tokens.filter(({ kind }) => '(){}[]'.includes(kind))
      const bracket = brackets[g.below(brackets.length)]
      return bracket && cut(bracket.start, bracket.end)
    }
    case 'open string': {
      const strings = tokens.filter(({ kind }) => kind === 'string')
      const string = strings[g.below(strings.length)]
      return string && cut(string.end - 1, string.end)
    }
    case 'truncate file': return cut(start, text.length, '', true)
    case 'half-typed statement': return cut(lineEnd, lineEnd, `\n${' '.repeat(token.column && 6)}${g.pick(halfTyped)}`)
  }
}

/** Of the statements, members and declarations beside the damaged line: how many there were, how many are unchanged. */
function kept(original: Parsed, { line, rest }: Mutant, damaged: Parsed): { all: number; kept: number } {
  const expected = partsOf(original).filter(({ first, last }) =>
    last < line || (!rest && (first > line || (first < line && last > line))))
  const have = new Map<string, number>()
  for (const { key } of partsOf(damaged)) have.set(key, (have.get(key) ?? 0) + 1)
  let count = 0
  for (const { key } of expected) {
    const n = have.get(key) ?? 0
    if (n > 0) { count++; have.set(key, n - 1) }
  }
  return { all: expected.length, kept: count }
}

const parts: ReadonlySet<Node['kind']> = new Set<Node['kind']>([
  'Let', 'Var', 'Allocation', 'Assignment', 'CallStatement', 'Return', 'For', 'If', 'While', 'Break', 'Continue', 'Tune', 'Require', 'Definition',
  'Stage', 'Inverse', 'Workspace', 'Kernel', 'Device', 'Fn', 'Operator', 'Schedule', 'Graph', 'Instance', 'CustomMapping', 'Import',
])
interface Part { readonly key: string; readonly first: number; readonly last: number }

/** Each with the path of names and loops that lead to it, and without the statements and members that it holds. */
function partsOf(parsed: Parsed): Part[] {
  const list: Part[] = []
  const go = (node: Node, path: string): void => {
    let inner = path
    if (parts.has(node.kind)) {
      const last = parsed.tokens[Math.max(node.first, node.last - 1)]!
      list.push({ key: `${path} ${dump(shallow(node))}`, first: parsed.tokens[node.first]!.line, last: last.line })
      if (named.has(node.kind) && 'name' in node) inner = `${path}/${node.name?.text ?? ''}`
      else if (loops.has(node.kind)) inner = `${path}/${node.kind}`
    }
    forEachChild(node, child => { go(child, inner) })
  }
  go(parsed.file, '')
  return list
}
const named: ReadonlySet<Node['kind']> = new Set<Node['kind']>(['Operator', 'Schedule', 'Kernel', 'Device', 'Fn', 'Graph'])
const loops: ReadonlySet<Node['kind']> = new Set<Node['kind']>(['For', 'If', 'While'])
function shallow(node: Node): Node {
  const copy: Record<string, unknown> = { ...node }
  if ('members' in node) copy['members'] = []
  if ('branches' in node) { copy['branches'] = []; copy['otherwise'] = undefined }
  if ('body' in node && node.body?.kind === 'Block') copy['body'] = undefined
  return copy as unknown as Node
}

/** Parses a damaged text and measures it. */
export function survival(original: Parsed, mutant: Mutant): { readonly damaged: Parsed; readonly ratio: number } {
  const damaged = parse(mutant.text)
  const count = kept(original, mutant, damaged)
  return { damaged, ratio: count.all === 0 ? 1 : count.kept / count.all }
}
