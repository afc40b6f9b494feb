// The printed text means what the IR means: random expressions are printed, compiled as C++ and evaluated there, and
// evaluated here by the IR's own rules. What is proved is each parenthesis and conversion that the printer leaves out.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printCuda } from '../../../compiler-core/codegen/cuda.ts'
import { cType } from '../../../compiler-core/codegen/wrappers.ts'
import { bytesOf } from '../../../compiler-core/ir/memory.ts'
import type {
  BinaryOperator, Buffer, Constant, ElementName, Expr, Program, Variable
} from '../../../compiler-core/ir/ir.ts'
import { needs } from '../../harness/needs.ts'
import {
  architecture, at, buffer, choose, declare, expr, fn, loop, op, program, store, to, variable
} from './support.ts'

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
#include <cmath>
#include <cstdio>
#define __global__
#define __device__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define overloads(T) \\
  static inline T min(T a, T b) { return a < b ? a : b; } \\
  static inline T max(T a, T b) { return a < b ? b : a; }
overloads(int) overloads(unsigned) overloads(long long) overloads(unsigned long long)
`

/** What the kernel of a printed program leaves in its outputs, in order, as bits. `x`: the bits of its f32 input. */
function executed(p: Program, target: string, x: readonly number[] = []): bigint[] {
  const { text } = printCuda(p, architecture(target))
  const folder = mkdtempSync(path.join(tmpdir(), 'heddle-values-'))
  try {
    const outputs = p.parameters.filter(b => b.scope === 'output')
    const cells = (b: Buffer) => Number((b.shape[0] as Constant).value)
    const unsigned = (b: Buffer) => `unsigned ${{ 1: 'char', 2: 'short', 4: 'int', 8: 'long long' }[bytesOf(b.element)]}`
    const main = [
      `static unsigned x[] = {${[...x, 0].join(', ')}};`,
      ...outputs.map(b => `static ${unsigned(b)} ${b.name}[${cells(b)}];`), 'int main() {',
      `  kernel(${p.parameters.map(b => `(${cType(b.element)} *)${b.name}`).join(', ')});`,
      ...outputs.map(b => `  for (auto v : ${b.name}) printf("%llu\\n", (unsigned long long)v);`), '}'
    ]
    writeFileSync(path.join(folder, 'a.cpp'), `${prelude}${text}${main.join('\n')}\n`)
    const flags = ['-O0', '-w', '-fwrapv', '-fno-strict-aliasing', '-ffp-contract=off', '-std=c++17']
    execFileSync('g++', [...flags, 'a.cpp', '-o', 'a'], { cwd: folder, stdio: 'pipe' })
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
        const size = cases.length + 1
        const outputs = wholes.map(type => buffer(`y_${type}`, type, 'output', size))
        const body = [
          ...variables.map(v => declare(v, literal(v.type as ElementName, values.get(v)!))),
          ...cases.map(({ type, e }, i) => store(outputs[wholes.indexOf(type)]!, i, e)),
          // so that every buffer is a parameter, also one of a type that did not come up
          ...outputs.map(y => store(y, cases.length, literal(y.element, 0n)))
        ]
        const results = executed(program('kernel', outputs, [{ body }]), 'sm_80')
        const wrong = cases.flatMap(({ type, e }, i) => {
          const [expected, got] = [evaluate(e, values), wrap(type, results[wholes.indexOf(type) * size + i]!)]
          return expected === got ? [] : [{ i, type, expected, got }]
        })
        expect(wrong).toEqual([])
      }
    ), { numRuns: 4, endOnFailure: true })
  })
})

describe.skipIf(compiler.missing)(`floats (${compiler.label})`, () => {
  const f32 = new Float32Array(1)
  const u32 = new Uint32Array(f32.buffer)
  const valueOf = (bits: number) => {
    u32[0] = bits
    return f32[0]!
  }
  const specials = [
    0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f7fffff, 1, 0x3f800000, 0x477fffff, 0x47800000
  ]
  /** All exponents, both signs; every fourth a tie of bf16 or of tf32, or of moderate size. */
  const inputs = [...specials, ...fc.sample(fc.nat(0xffffffff), { numRuns: 4000, seed: 1 }).map((bits, i) => {
    const moderate = bits & 0x807fffff | 0x3f000000 + i % 8 * 2 ** 23
    return [bits, bits & 0xffff8000, bits & 0xfffff000, moderate][i % 4]! >>> 0
  })]

  function apply(element: ElementName, value: (x: Expr) => Expr): readonly bigint[] {
    const x = buffer('x', 'f32', 'input', inputs.length)
    const y = buffer('y', element, 'output', inputs.length)
    const body = [loop('i', inputs.length, i => [store(y, i, value(at(x, i)))], 'automatic')]
    return executed(program('kernel', [x, y], [{ body }]), 'sm_75', inputs)
  }
  /** The nearer one of the neighbours whose last `dropped` bits are 0; `tie`: which one of two that are as near. */
  function nearest(bits: number, dropped: number, tie: (low: number) => boolean): bigint {
    const step = 2 ** dropped
    const low = Math.floor(bits / step) * step
    const [below, above] = [bits - low, low + step - bits]
    return BigInt(below < above || (below === above && tie(low)) ? low : low + step)
  }
  const numbers = inputs.flatMap((bits, i) => Number.isNaN(valueOf(bits)) ? [] : [{ bits, i }])

  it('become bf16 by rounding to the nearest, of ties to even, without an instruction for it', () => {
    const got = apply('bf16', x => to('bf16', x))
    const even = (low: number) => low / 2 ** 16 % 2 === 0
    expect(numbers.filter(({ bits, i }) => got[i] !== nearest(bits, 16, even) >> 16n)).toEqual([])
    expect(inputs.filter((bits, i) => Number.isNaN(valueOf(bits)) !== ((got[i]! & 0x7fffn) > 0x7f80n))).toEqual([])
  })
  it('become tf32 by rounding to the nearest, of ties away from zero, without an instruction for it', () => {
    const got = apply('tf32', x => to('tf32', x))
    expect(numbers.filter(({ bits, i }) => got[i] !== nearest(bits, 13, () => false))).toEqual([])
    const stays = (bits: number, i: number) => Number.isNaN(valueOf(bits)) === Number.isNaN(valueOf(Number(got[i])))
    expect(inputs.every(stays)).toBe(true)
  })
  it.each(['sin', 'cos'] as const)('%s is right to two units in the last place', name => {
    const got = apply('f32', x => fn(name, x))
    const results = inputs.map((bits, i) => (
      { x: valueOf(bits), expected: Math[name](valueOf(bits)), value: valueOf(Number(got[i])) }
    ))
    expect(results.filter(({ expected, value }) => {
      const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(expected) || 1e-45)), -126) - 23)
      return Number.isNaN(expected) ? !Number.isNaN(value) : !(Math.abs(value - expected) <= 2 * unit)
    })).toEqual([])
  })
})
