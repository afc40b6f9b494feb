// The printed text means what the IR means: random expressions are printed, compiled as C++ and evaluated there, and
// evaluated here by the IR's own rules. What is proved is each parenthesis and conversion that the printer leaves out.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printCuda } from '../../../compiler-core/codegen/cuda.ts'
import type { BinaryOperator, ElementName, Expr, Stmt, Variable } from '../../../compiler-core/ir/ir.ts'
import { needs } from '../../harness/needs.ts'
import { buffer, choose, declare, expr, op, program, sm_80, store, to, variable } from './support.ts'

type Whole = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64'
const wholes: readonly Whole[] = ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64', 'u64']
const bits = (type: ElementName) => type === 'bool' ? 1 : Number(type.slice(1))
const wrap = (type: ElementName, value: bigint) =>
  type.startsWith('i') ? BigInt.asIntN(bits(type), value) : BigInt.asUintN(bits(type), value)

// ---------------------------------------------------------------- the IR's rules

function evaluate(e: Expr, values: ReadonlyMap<Variable, bigint>): bigint {
  const value = (inner: Expr) => evaluate(inner, values)
  switch (e.kind) {
    case 'constant': return BigInt(e.value)
    case 'variable': return values.get(e.variable)!
    case 'unary': return wrap(e.type as ElementName, e.operator === '-'
      ? -value(e.operand)
      : e.operator === '~' ? ~value(e.operand) : 1n - value(e.operand))
    case 'cast': return e.type === 'bool' ? BigInt(value(e.value) !== 0n) : wrap(e.type as ElementName, value(e.value))
    case 'select': return value(e.condition) !== 0n ? value(e.then) : value(e.otherwise)
    case 'binary': return wrap(e.type as ElementName, combine(e.operator, value(e.left), value(e.right)))
    default: throw new Error(e.kind)
  }
}

function combine(operator: BinaryOperator, a: bigint, b: bigint): bigint {
  const floor = () => (a - ((a % b) + b) % b) / b
  switch (operator) {
    case '+': return a + b
    case '-': return a - b
    case '*': return a * b
    case '/': return floor()
    case '%': return a - b * floor()
    case 'min': return a < b ? a : b
    case 'max': return a < b ? b : a
    case '&': return a & b
    case '|': return a | b
    case '^': return a ^ b
    case '<<': return a << b
    case '>>': return a >> b
    case '<': return BigInt(a < b)
    case '<=': return BigInt(a <= b)
    case '==': return BigInt(a === b)
    case '!=': return BigInt(a !== b)
    case '&&': return a & b
    case '||': return a | b
  }
}

// ---------------------------------------------------------------- random expressions

const variables = [...wholes, 'bool' as const].flatMap(type => [1, 2].map(n => variable(`${type}_${n}`, type, 'mutable')))
const interesting = (type: ElementName) => {
  const top = 2n ** BigInt(bits(type))
  return fc.oneof(fc.bigInt({ min: -20n, max: 20n }), fc.bigInt({ min: -top, max: top })).map(v => wrap(type, v))
}
const literal = (type: ElementName, value: bigint): Expr =>
  ({ kind: 'constant', type, origins: [], value: value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : value })
const leaf = (type: ElementName): fc.Arbitrary<Expr> => fc.oneof(
  fc.constantFrom(...variables.filter(v => v.type === type)).map(v => expr(v)),
  interesting(type).map(v => literal(type, v))
)

function whole(type: Whole, depth: number): fc.Arbitrary<Expr> {
  if (depth === 0) return leaf(type)
  const inner = whole(type, depth - 1)
  const binary = fc.tuple(
    fc.constantFrom<BinaryOperator>('+', '-', '*', '&', '|', '^', 'min', 'max'), inner, inner
  ).map(([o, a, b]) => op(o, a, b))
  // not by -1: the machine stops at the least number
  const divisor = fc.constantFrom(1n, 2n, 3n, 8n, 64n, ...type.startsWith('i') ? [-3n, -8n] : [])
  return fc.oneof(
    { weight: 4, arbitrary: binary },
    fc.tuple(fc.constantFrom<BinaryOperator>('/', '%'), inner, divisor).map(([o, a, b]) => op(o, a, literal(type, b))),
    fc.tuple(fc.constantFrom<BinaryOperator>('<<', '>>'), inner, fc.integer({ min: 0, max: bits(type) - 1 }))
      .map(([o, a, b]) => op(o, a, literal(type, BigInt(b)))),
    fc.tuple(fc.constantFrom('-' as const, '~' as const), inner)
      .map(([operator, operand]): Expr => ({ kind: 'unary', operator, operand, type, origins: [] })),
    fc.tuple(condition(depth - 1), inner, inner).map(([c, a, b]) => choose(c, a, b)),
    fc.constantFrom(...wholes).chain(from => whole(from, depth - 1)).map(e => to(type, e)),
    leaf(type)
  )
}

function condition(depth: number): fc.Arbitrary<Expr> {
  if (depth === 0) return leaf('bool')
  const inner = condition(depth - 1)
  return fc.oneof(
    fc.constantFrom(...wholes).chain(type => fc.tuple(
      fc.constantFrom<BinaryOperator>('<', '<=', '==', '!='), whole(type, depth - 1), whole(type, depth - 1)
    )).map(([o, a, b]) => op(o, a, b)),
    fc.tuple(fc.constantFrom<BinaryOperator>('&&', '||', '==', '!='), inner, inner).map(([o, a, b]) => op(o, a, b)),
    inner.map((operand): Expr => ({ kind: 'unary', operator: '!', operand, type: 'bool', origins: [] }))
  )
}

const anyExpression = fc.constantFrom(...wholes).chain(type => fc.tuple(whole(type, 4)).map(([e]) => ({ type, e })))
const anyValues = fc.tuple(...variables.map(v => interesting(v.type as ElementName)))
  .map(values => new Map(variables.map((v, i) => [v, values[i]!])))

// ---------------------------------------------------------------- C++

const prelude = `
#include <cstdio>
#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define overloads(T) \\
  static inline T min(T a, T b) { return a < b ? a : b; } \\
  static inline T max(T a, T b) { return a < b ? b : a; }
overloads(int) overloads(unsigned) overloads(long long) overloads(unsigned long long)
`

/** What the stores of a kernel with these variables leave behind, in order. */
function compiled(statements: readonly Stmt[], outputs: readonly ReturnType<typeof buffer>[], count: number): bigint[] {
  const { text } = printCuda(program('kernel', outputs, [{ body: statements }]), sm_80)
  const folder = mkdtempSync(path.join(tmpdir(), 'heddle-values-'))
  try {
    const types = /kernel\(([^)]*)\)/.exec(text)![1]!.split(',').map(p => p.replace(/\*.*/, '').trim())
    const main = [
      'int main() {', ...types.map((type, i) => `  static ${type} y${i}[${count}];`),
      `  kernel(${types.map((_, i) => `y${i}`).join(', ')});`,
      ...types.map((type, i) => `  for (auto v : y${i}) printf("${type.startsWith('unsigned') ? '%llu' : '%lld'}\\n", (${
        type.startsWith('unsigned') ? 'unsigned ' : ''}long long)v);`), '}'
    ]
    writeFileSync(path.join(folder, 'a.cpp'), `${prelude}${text}${main.join('\n')}\n`)
    execFileSync('g++', ['-O0', '-w', '-fwrapv', '-std=c++17', 'a.cpp', '-o', 'a'], { cwd: folder, stdio: 'pipe' })
    return execFileSync(path.join(folder, 'a'), { encoding: 'utf8' }).trim().split('\n').map(BigInt)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const compiler = needs('g++')
describe.skipIf(compiler.missing)(`whole numbers (${compiler.label})`, () => {
  it('random expressions have the same value in C++', () => {
    fc.assert(fc.property(
      fc.array(anyExpression, { minLength: 400, maxLength: 400 }), anyValues, (cases, values) => {
        const outputs = wholes.map(type => buffer(`y_${type}`, type, 'output', cases.length + 1))
        const body = [
          ...variables.map(v => declare(v, literal(v.type as ElementName, values.get(v)!))),
          ...cases.map(({ type, e }, i) => store(outputs[wholes.indexOf(type)]!, i, e)),
          // so that every buffer is a parameter, also one of a type that did not come up
          ...outputs.map(y => store(y, cases.length, literal(y.element, 0n)))
        ]
        const results = compiled(body, outputs, cases.length + 1)
        const wrong = cases.flatMap(({ type, e }, i) => {
          const [expected, got] = [evaluate(e, values), results[wholes.indexOf(type) * (cases.length + 1) + i]!]
          return expected === got ? [] : [{ i, type, expected, got }]
        })
        expect(wrong).toEqual([])
      }
    ), { numRuns: 4, endOnFailure: true })
  })
})
