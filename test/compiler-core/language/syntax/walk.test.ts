import { describe, expect, it } from 'vitest'
import { parse } from '../../../../compiler-core/language/syntax/parser.ts'
import type { Node } from '../../../../compiler-core/language/syntax/tree.ts'
import {
  childFields, children, documentationOf, nodeAt, spanOf, textOf, visit,
} from '../../../../compiler-core/language/syntax/walk.ts'
import { fixtures } from './corpus.ts'
import { dump } from './dump.ts'
import { marked } from './marks.ts'
import { randomProgram } from './random-program.ts'

const programs = [...fixtures.map(({ text }) => text), ...Array.from({ length: 60 }, (_, seed) => randomProgram(seed))]

describe('the node at an offset', () => {
  const cases: readonly [string, string][] = [
    ['let t<|>ile = a', 'Name tile'],
    ['let tile = a.sha<|>pe', 'NameRef shape'],
    ['let tile = til<|>e.shape', 'NameRef tile'],
    ['let tile = tile<|>.shape', 'NameRef tile'],
    ['let tile = tile.<|>shape', 'NameRef shape'],
    ['let tile = spatial<|>(4, 8)', 'NameRef spatial'],
    ['let tile = spatial(<|>4, 8)', 'NumberLiteral 4'],
    ['let tile = spatial(4,<|> 8)', 'Call (Call spatial [4 8])'],
    ['let x = a <|>* b', 'Binary (* a b)'],
    ['let x = a <|>', 'File'],
    ['let x = sum[p<|> < k] a', 'Name p'],
    ['<|>', 'File'],
    ['let x <|>= a', 'Let'],
    ['let x = /* <|> */ a', 'Let'],
  ]
  it.each(cases)('%s', (source, expected) => {
    const { text, start } = marked(source)
    const node = nodeAt(parse(text), start)
    expect(`${node.kind} ${dump(node)}`.startsWith(expected)).toBe(true)
  })
})

it('gives ranges without the space around', () => {
  const parsed = parse('  let x = f( a , 1 ) // c\n')
  const [item] = parsed.file.items
  expect(item?.kind === 'Let' && [item, item.target, item.value].map(node => textOf(parsed, node))).toEqual(['let x = f( a , 1 )', 'x', 'f( a , 1 )'])
})

it('puts what is missing behind the token before', () => {
  const parsed = parse('let x =  // c\n')
  const [item] = parsed.file.items
  expect(item?.kind === 'Let' && spanOf(parsed, item.value)).toEqual({ start: 7, end: 7 })
})

describe('documentation', () => {
  const cases: readonly [string, string | undefined][] = [
    ['/// One.\n///  Two.\nlet x = 1', 'One.\n Two.'],
    ['/// Far.\n\nlet x = 1', undefined],
    ['/// Other.\n\n/// One.\nlet x = 1', 'One.'],
    ['/// One.\n// not this\nlet x = 1', undefined],
    ['// comment\nlet x = 1', undefined],
    ['let x = 1', undefined],
    ['///\nlet x = 1', ''],
    ['let y = 1 /// not above\nlet x = 1', undefined],
  ]
  it.each(cases)('%j', (text, expected) => {
    const parsed = parse(text)
    const last = parsed.file.items.at(-1)
    expect(last && documentationOf(parsed, last)).toBe(expected)
  })
})

it('knows every field that holds nodes', () => {
  const seen = new Set<string>()
  for (const text of programs) {
    visit(parse(text).file, node => {
      seen.add(node.kind)
      const fields: readonly string[] = childFields[node.kind]
      for (const [field, value] of Object.entries(node)) {
        const holds = Array.isArray(value) ? value.length > 0 : typeof value === 'object' && value !== null
        if (field !== 'parent' && holds) expect(fields).toContain(field)
      }
    })
  }
  expect([...seen].sort()).toEqual(Object.keys(childFields).filter(kind => kind !== 'Missing').sort())
})

it('gives children that lie in their parent, in order, and know it', () => {
  for (const text of programs) {
    const parsed = parse(text)
    visit(parsed.file, node => {
      let end = node.first
      for (const child of children(node)) {
        expect(child.parent).toBe(node)
        expect(child.first).toBeGreaterThanOrEqual(end)
        expect(child.last).toBeLessThanOrEqual(node.last)
        end = child.last
      }
    })
  }
})

it('leaves out the children of a node that `enter` refuses, and leaves nodes in reverse order', () => {
  const parsed = parse('let x = f(1)')
  const order: string[] = []
  visit(parsed.file, (node: Node) => { order.push(`+${node.kind}`); return node.kind !== 'Call' }, node => { order.push(`-${node.kind}`) })
  expect(order).toEqual(['+File', '+Let', '+Name', '-Name', '+Call', '-Call', '-Let', '-File'])
})
