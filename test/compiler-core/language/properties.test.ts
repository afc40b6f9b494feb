import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createProgram, evaluateExpression } from '../../../compiler-core/language/program.ts'
import type { Value } from '../../../compiler-core/language/values.ts'
import { equalMappings, mappingText } from '../../../compiler-core/mapping/mapping.ts'
import { attempt } from '../../fuzz/analysis.fuzz.ts'
import { atoms } from '../mapping/random.ts'

const program = createProgram({ read: () => undefined, roots: [] })

/** An expression over whole numbers, with its value by bigint; undefined: an error, anywhere inside. */
interface Sum { readonly text: string; readonly value: bigint | undefined }

const floor = (a: bigint, b: bigint): bigint => a / b - (a % b !== 0n && a < 0n !== b < 0n ? 1n : 0n)
const within = (n: bigint): bigint | undefined => BigInt.asIntN(64, n) === n ? n : undefined
const operators: Readonly<Record<string, (a: bigint, b: bigint) => bigint | undefined>> = {
  '+': (a, b) => a + b, '-': (a, b) => a - b, '*': (a, b) => a * b,
  '/': (a, b) => b === 0n ? undefined : floor(a, b), '%': (a, b) => b === 0n ? undefined : a - b * floor(a, b),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b, '^': (a, b) => a ^ b,
  '<<': (a, b) => b < 0n || b > 63n ? undefined : a << b, '>>': (a, b) => b < 0n || b > 63n ? undefined : a >> b,
}

const { sum } = fc.letrec<{ sum: Sum }>(tie => ({
  sum: fc.oneof({ maxDepth: 5, withCrossShrink: true },
    fc.oneof(fc.bigInt(-70n, 70n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)).map(n => ({ text: `(${n})`, value: n })),
    fc.tuple(fc.constantFrom(...Object.keys(operators)), tie('sum'), tie('sum')).map(([operator, a, b]) => {
      const known = a.value !== undefined && b.value !== undefined
      const result = known ? operators[operator]?.(a.value, b.value) : undefined
      return { text: `(${a.text} ${operator} ${b.text})`, value: result === undefined ? undefined : within(result) }
    })),
}))

describe('arithmetic', () => {
  it('is that of whole numbers, or one error', () => {
    fc.assert(fc.property(sum, ({ text, value }) => {
      const found = program.evaluateExpression(text)
      if (value === undefined) {
        expect(found.value.kind).toBe('unknown')
        expect(found.diagnostics.length).toBeGreaterThanOrEqual(1)
      } else expect(found).toEqual({ value: { kind: 'int', value }, diagnostics: [] })
    }), { numRuns: 2000 })
  })
  it('compares as numbers do', () => {
    fc.assert(fc.property(fc.bigInt(-9n, 9n), fc.bigInt(-9n, 9n), (a, b) => {
      const tests: readonly [string, boolean][] = [['<', a < b], ['<=', a <= b], ['>', a > b], ['>=', a >= b], ['==', a === b], ['!=', a !== b]]
      for (const [operator, expected] of tests) expect(program.evaluateExpression(`${a} ${operator} ${b}`).value).toEqual({ kind: 'bool', value: expected })
    }), { numRuns: 100 })
  })
})

describe('mappings', () => {
  it('evaluate to what the mapping API makes', () => {
    fc.assert(fc.property(atoms, m => {
      const { value, diagnostics } = program.evaluateExpression(mappingText(m))
      expect(diagnostics).toEqual([])
      expect(value.kind === 'mapping' && equalMappings(value.mapping, m)).toBe(true)
      expect(value.kind === 'mapping' && value.origins.length).toBe(value.kind === 'mapping' && value.mapping.factors.length)
    }), { numRuns: 1000 })
  })
  it('that are custom have the same tasks as formulas and as a table', () => {
    // `list[k]` of the second form needs the number of the worker, which makes a table of it
    const task = fc.tuple(fc.constantFrom('w / 2', 'w % 3', '(w + 5) % 4', 'w & 3', 'w ^ 1', 'w * 3 % 8', 'max(w, 2) - 2', 'min(w, 3)'), fc.constantFrom('0', 'w >> 1', '(w << 1) % 8', 'if w < 3 && w != 1 then w else 2'))
    fc.assert(fc.property(fc.array(task, { minLength: 1, maxLength: 3 }), tasks => {
      const list = tasks.map(([i, j]) => `(${i}, ${j})`).join(', ')
      const text = `mapping a(w < 8) -> (8, 8) = [${list}]\nmapping b(w < 8) -> (8, 8) = [t for t in [${list}] for i in 0..[1, 1, 1, 1, 1, 1, 1, 1][w]]\nlet same = a == b`
      const a = createProgram({ read: () => text, roots: [] }).analyse('file:///w/a.heddle')
      const value = (name: string): Value | undefined => {
        const definition = a?.resolved.exports.get(name)
        return definition && a?.values.get(definition.nameNode)
      }
      const kind = (v: Value | undefined): string | undefined => v?.kind === 'mapping' && v.mapping.factors[0]?.kind === 'custom' ? v.mapping.factors[0].tasks.kind : undefined
      expect(a?.diagnostics).toEqual([])
      expect([kind(value('a')), kind(value('b'))]).toEqual(['expressions', 'table'])
      expect(value('same')).toEqual({ kind: 'bool', value: true })
    }), { numRuns: 200 })
  })
})

describe('analysis', () => {
  it('ends on every damaged file', () => {
    for (let seed = 0; seed < 400; seed++) attempt(seed)
  })
  it('of any characters is an analysis', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
      expect(evaluateExpression(text).value).toBeDefined()
    }), { numRuns: 300 })
  })
})
