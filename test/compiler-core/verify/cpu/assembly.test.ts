// The translation of `asm` statements: a few as text, and each wrapper that codegen can print, for each type and for
// architectures with and without their instructions, compiled with g++ and compared with what it has to compute.
import { describe, expect, it } from 'vitest'
import { wrapperText, type Arithmetic, type SmallFloat, type Wrapper } from '../../../../compiler-core/codegen/wrappers.ts'
import type { ElementName } from '../../../../compiler-core/ir/ir.ts'
import { architectureNamed } from '../../../../compiler-core/target/architectures.ts'
import { translateAssembly } from '../../../../compiler-core/verify/cpu/assembly.ts'
import { needs } from '../../../harness/needs.ts'
import { createRandom } from '../../language/syntax/random.ts'
import { compileCpp, inFolder, runProgram } from './support.ts'
import driver from './wrappers.cpp'

// ---------------------------------------------------------------- texts

/** The statements of the block, of an `asm` without a function around it. */
function check(assembly: string, ...expected: readonly string[]): void {
  it(assembly, () => {
    const translated = translateAssembly(assembly)
    const text = 'unknown' in translated ? translated.unknown : translated.text
    expect(text.replace(/^\{ | \}$/g, '').replace(/; /g, ';\n').split('\n')).toEqual(expected)
  })
}

describe('statements', () => {
  check('asm("add.rn.f16 %0, %1, %2;" : "=h"(c.bits) : "h"(a.bits), "h"(b.bits));',
    'uint16_t heddle__0;', 'const auto heddle__1 = heddle_bits<uint16_t>(a.bits);',
    'const auto heddle__2 = heddle_bits<uint16_t>(b.bits);', 'heddle__0 = ptx_add_rn_f16(heddle__1, heddle__2);',
    'heddle_set(c.bits, heddle__0);')
  check('asm("mul.rn.f64 %0, %1, %1;" : "=d"(x) : "d"(y));',
    'uint64_t heddle__0;', 'const auto heddle__1 = heddle_bits<uint64_t>(y);',
    'heddle__0 = heddle_bits<uint64_t>(ptx_mul_rn_f64(heddle_bits<double>(heddle__1), heddle_bits<double>(heddle__1)));',
    'heddle_set(x, heddle__0);')
  check('asm volatile("{ .reg .b32 low, high; mov.b64 {low, high}, %1; " "mov.b64 %0, {high, low}; }" : "=l"(x) : "l"(y));',
    'uint64_t heddle__0;', 'const auto heddle__1 = heddle_bits<uint64_t>(y);', 'uint32_t heddle__low;',
    'uint32_t heddle__high;', 'heddle__low = uint32_t(heddle__1);', 'heddle__high = uint32_t(heddle__1 >> 32);',
    'heddle__0 = uint64_t(heddle__low) << 32 | heddle__high;', 'heddle_set(x, heddle__0);')
  check('asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" :: "l"(to), "l"(from) : "memory");',
    'const auto heddle__0 = heddle_bits<uint64_t>(to);', 'const auto heddle__1 = heddle_bits<uint64_t>(from);',
    'heddle_copy_async(heddle__0, heddle__1, 8u, 8u, heddle__line);')
  check('asm volatile("cp.async.wait_group %0;" : : "n"(pending));', 'heddle_wait_group(uint32_t(pending), heddle__line);')
  check('asm volatile("trap;");', 'heddle_trap(heddle__line);')
})

describe('what is not known', () => {
  check('asm("bfind.u32 %0, %1;" : "=r"(x) : "r"(y));', 'bfind.u32 %0, %1')
  check('asm("trap; @p bra;");', '@p bra')
  check('asm("shfl.sync.idx.b32 %0, %1, 0, 31, -1;" : "=r"(x) : "r"(y));', 'shfl.sync.idx.b32 %0, %1, 0, 31, -1')
  check('asm("add.rn.f16 %0, %1;" : "=h"(x) : "h"(y));', 'add.rn.f16 %0, %1')
  check('asm("add.rn.f16 %0, %1, %1;" : "=h"(x) : "r"(y));', 'add.rn.f16 %0, %1, %1')
  check('asm("cvt.rn.f16.f32 %0, %1;" : "=r"(x) : "f"(y));', 'cvt.rn.f16.f32 %0, %1')
  check('asm("cvt.f32.f16 %0, %2;" : "=f"(x) : "h"(y));', 'cvt.f32.f16 %0, %2')
  check('asm("mov.b64 {%1, %1}, %0;" : "=r"(x) : "l"(y));', 'mov.b64 {%1, %1}, %0')
  check('asm("atom.shared.cas.b64 %0, [%1], %2, %3;" : "=l"(x) : "l"(a), "l"(b), "l"(c));',
    'atom.shared.cas.b64 %0, [%1], %2, %3')
  check('asm("trap;" : : "q"(y));', '"q"')
})

it('passes the line of a call to what needs other threads or memory', () => {
  const text = wrapperText([
    { kind: 'shuffle', type: 'f32', shuffle: 'shfl_xor_sync' }, { kind: 'trap' }, { kind: 'type', type: 'f16' },
    { kind: 'atomic', type: 'u8', scope: 'shared' }, { kind: 'arithmetic', type: 'f16', operator: '+' }
  ], architectureNamed('sm_80')!)
  const translated = translateAssembly(text)
  if ('unknown' in translated) throw new Error(translated.unknown)
  expect([...translated.located]).toEqual(['shfl_xor_sync', 'trap', 'atomic_add_shared'])
  expect(translated.text.match(/\w+\([^()]*unsigned heddle__line = __builtin_LINE\(\)\)/g)).toEqual([
    'shfl_xor_sync(float value, unsigned distance, unsigned heddle__line = __builtin_LINE())',
    'trap(unsigned heddle__line = __builtin_LINE())',
    'atomic_add_shared(unsigned char *element, unsigned char value, unsigned heddle__line = __builtin_LINE())'
  ])
  expect(translated.text).toContain('unsigned seen = heddle_volatile_read_b32(word, heddle__line);')
})

// ---------------------------------------------------------------- values

const gxx = needs('g++')
const smallFloats: readonly SmallFloat[] = ['f16', 'bf16', 'tf32']
const operators: readonly Arithmetic[] = ['+', '-', '*', '/', '<', '<=', '==', '!=', 'min', 'max', 'negate']
const elements: readonly ElementName[] = [
  'f64', 'f32', 'tf32', 'bf16', 'f16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8'
]
const all: readonly Wrapper[] = [
  ...smallFloats.map((type): Wrapper => ({ kind: 'type', type })),
  ...smallFloats.flatMap(type => operators.map((operator): Wrapper => ({ kind: 'arithmetic', type, operator }))),
  ...elements.flatMap((type): Wrapper[] => [
    { kind: 'shuffle', type, shuffle: 'shfl_xor_sync' }, { kind: 'shuffle', type, shuffle: 'shfl_down_sync' },
    { kind: 'atomic', type, scope: 'shared' }, { kind: 'atomic', type, scope: 'global' }
  ]),
  ...(['i32', 'i64'] as const).flatMap((type): Wrapper[] => [
    { kind: 'floor', type, operator: '/' }, { kind: 'floor', type, operator: '%' }
  ]),
  { kind: 'rounded product', type: 'f32' }, { kind: 'rounded product', type: 'f64' },
  { kind: 'sine', function: 'sin' }, { kind: 'sine', function: 'cos' }, { kind: 'trap' },
  { kind: 'commit group' }, { kind: 'wait group' },
  ...[4, 8, 16].flatMap(bytes => [false, true].map((guarded): Wrapper => ({ kind: 'asynchronous copy', bytes, guarded })))
]

/** The results by their names; for words: of 32 bits each. */
type Results = ReadonlyMap<string, Buffer>

function resultsOf(wrappers: string): Results {
  const translated = translateAssembly(wrappers)
  if ('unknown' in translated) throw new Error(translated.unknown)
  return inFolder({ 'wrappers.h': translated.text, 'driver.cpp': driver }, folder => {
    compileCpp(folder, [
      '-std=c++17', '-O2', '-w', '-march=native', '-ffp-contract=fast', '-fno-strict-aliasing', '-include', 'device.h',
      '-include', 'ptx.h', 'driver.cpp', '-o', 'driver'
    ])
    const counts = Uint32Array.of(words.length, words.length - pairs.length)
    const input = Buffer.concat([Buffer.from(counts.buffer), Buffer.from(words.buffer)])
    const output = runProgram(folder, 'driver', [], input)
    const results = new Map<string, Buffer>()
    for (let at = 0; at < output.length;) {
      const end = output.indexOf('\n', at)
      const [, name, bytes] = /^(.*) (\d+)$/.exec(output.subarray(at, end).toString())!
      results.set(name!, output.subarray(end + 1, end + 1 + Number(bytes)))
      at = end + 1 + Number(bytes)
    }
    return results
  })
}

/** The exact value nearest to `x` with so many digits; `away`: ties go away from zero, not to even. */
function rounded(x: number, digits: number, smallest: number, greatest: number, away: boolean): number {
  if (!Number.isFinite(x) || x === 0) return x
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(x))), smallest)
  // Math.log2 may be off by one beside a power of two
  const e = Math.abs(x) < 2 ** exponent && exponent > smallest ? exponent - 1
    : Math.abs(x) >= 2 ** (exponent + 1) ? exponent + 1 : exponent
  const unit = 2 ** (e - digits + 1), scaled = Math.abs(x) / unit, below = Math.floor(scaled)
  const up = scaled - below > 0.5 || (scaled - below === 0.5 && (away || below % 2 === 1))
  const value = (below + (up ? 1 : 0)) * unit
  return Math.sign(x) * (value > greatest ? Infinity : value)
}

const rules: Readonly<Record<SmallFloat, (x: number) => number>> = {
  f16: x => rounded(x, 11, -14, 65504, false),
  bf16: x => rounded(x, 8, -126, 2 ** 127 * (2 - 2 ** -7), false),
  tf32: x => rounded(x, 11, -126, 2 ** 127 * (2 - 2 ** -10), true)
}

const view = new DataView(new ArrayBuffer(8))
function floatOf(bits: number): number {
  view.setUint32(0, bits)
  return view.getFloat32(0)
}
function bitsOfFloat(x: number): number {
  view.setFloat32(0, x)
  return view.getUint32(0)
}
function f16Of(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 0x3ff
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}

/** A result's or an operand's value: of 16-bit floats the operand is the upper half of a word. */
const valueOf: Readonly<Record<SmallFloat, (bits: number) => number>> = {
  f16: f16Of, bf16: bits => floatOf(bits * 0x10000), tf32: floatOf
}
const operandOf: Readonly<Record<SmallFloat, (word: number) => number>> = {
  f16: word => f16Of(word >>> 16), bf16: word => floatOf((word & 0xffff0000) >>> 0),
  tf32: word => rules.tf32(floatOf(word))
}

/** All 16-bit patterns as upper halves; f32 beside and between the numbers of each type; then operands of pairs. */
function interestingWords(): Uint32Array {
  const list: number[] = []
  for (let upper = 0; upper < 0x10000; upper++) list.push(upper * 0x10000)
  const beside = (x: number) => {
    const bits = bitsOfFloat(x)
    for (const neighbour of [bits - 1, bits, bits + 1]) list.push(neighbour >>> 0, (neighbour | 0x80000000) >>> 0)
  }
  for (let bits = 0; bits < 0x7c00; bits++) beside((f16Of(bits) + (bits === 0x7bff ? 65536 : f16Of(bits + 1))) / 2)
  for (let upper = 0; upper < 0x7f80; upper += 7) beside(floatOf(upper * 0x10000 + 0x8000))
  for (let top = 0; top < 0x3fc00; top += 53) beside(floatOf(top * 0x2000 + 0x1000))
  const special = [
    0, 0x80000000, 0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000, 0xffffffff, 0x3c000000, 0xbc000000, 0x3f800000, 1,
    0x7bff0000, 0x00010000, 0x477fefff, 0x477ff000, 0x33000000, 0x33000001, 0xc2340000
  ]
  for (const a of special) for (const b of special) list.push(a, b)
  const random = createRandom(1)
  for (let i = 0; i < randomPairs; i++) list.push(random.below(2 ** 32))
  // near one: sums and products that are neither 0 nor infinite
  for (let i = 0; i < randomPairs; i++) list.push(bitsOfFloat((random.below(2 ** 32) - 2 ** 31) * 2 ** -29))
  return Uint32Array.from(list)
}

const randomPairs = 10_000
const words = interestingWords()
/** Each with the one behind it. */
const pairs = words.subarray(words.length - 2 * randomPairs - 2 * 18 ** 2)

/** Operands for which a case is wrong, at most five, as texts. */
function wrong(
  results: Results, name: string, operands: Uint32Array, right: (found: number, a: number, b: number) => boolean
): readonly string[] {
  const given = results.get(name)!
  const found = new Uint32Array(given.buffer.slice(given.byteOffset, given.byteOffset + given.length))
  expect(found.length).toBe(operands.length - 1)
  const wrongs: string[] = []
  found.forEach((result, i) => {
    const [a, b] = [operands[i]!, operands[i + 1]!]
    if (wrongs.length < 5 && !right(result, a, b)) {
      wrongs.push(`${name}: ${a.toString(16)}, ${b.toString(16)} -> ${result.toString(16)}`)
    }
  })
  return wrongs
}

/** Where a result is not what it has to be. `native`: sm_80 and newer have instructions for more types. */
function mistakes(results: Results, native: boolean): readonly string[] {
  const same = (a: number, b: number) => Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b))
  const found: string[] = []
  const each = (name: string, right: (found: number, a: number) => boolean) => {
    found.push(...wrong(results, name, words, right))
  }
  const pair = (name: string, right: (found: number, a: number, b: number) => boolean) => {
    found.push(...wrong(results, name, pairs, right))
  }
  for (const type of smallFloats) {
    const [rule, value, operand] = [rules[type], valueOf[type], operandOf[type]]
    const canonical = type === 'tf32' ? 0x7fffffff : 0x7fff
    const exact = native || type === 'f16'
    each(`${type} from`, (bits, a) => {
      const x = floatOf(a)
      if (Number.isNaN(x)) return exact ? bits === canonical : Number.isNaN(value(bits))
      return Object.is(value(bits), rule(x))
    })
    each(`${type} to`, (bits, a) => same(floatOf(bits), operand(a)))
    const narrow = (x: number) => rule(type === 'f16' ? x : Math.fround(x))
    pair(`${type} +`, (bits, a, b) => same(value(bits), narrow(operand(a) + operand(b))))
    pair(`${type} -`, (bits, a, b) => same(value(bits), narrow(operand(a) - operand(b))))
    pair(`${type} *`, (bits, a, b) => same(value(bits), narrow(operand(a) * operand(b))))
    pair(`${type} /`, (bits, a, b) => same(value(bits), rule(Math.fround(operand(a) / operand(b)))))
    pair(`${type} negate`, (bits, a) => same(value(bits), -operand(a)))
    pair(`${type} <`, (bits, a, b) => bits === Number(operand(a) < operand(b)))
    pair(`${type} <=`, (bits, a, b) => bits === Number(operand(a) <= operand(b)))
    pair(`${type} ==`, (bits, a, b) => bits === Number(operand(a) === operand(b)))
    pair(`${type} !=`, (bits, a, b) => bits === Number(operand(a) !== operand(b)))
    const extreme = (of: (a: number, b: number) => number) => (bits: number, a: number, b: number) => {
      const [x, y] = [operand(a), operand(b)]
      const expected = Number.isNaN(x) ? y : Number.isNaN(y) ? x : of(x, y)
      if (native && type !== 'tf32') return same(value(bits), expected)
      // fminf leaves the sign of a zero open, and g++'s makes no number of one that signals
      const isNone = Number.isNaN(value(bits)) && (Number.isNaN(x) || Number.isNaN(y))
      return isNone || same(value(bits) + 0, expected + 0)
    }
    pair(`${type} min`, extreme(Math.min))
    pair(`${type} max`, extreme(Math.max))
  }
  const near = (x: number, y: number) => same(x, y) || Math.abs(x - y) <= 2e-7
  pair('sin', (bits, a) => near(floatOf(bits), Math.sin(floatOf(a))))
  pair('cos', (bits, a) => near(floatOf(bits), Math.cos(floatOf(a))))
  pair('mul_rn', (bits, a, b) =>
    same(floatOf(bits), Math.fround(Math.fround(floatOf(a) * floatOf(b)) + floatOf(a))))
  const divisor = (b: number) => (b | 1) === -1 ? 3 : b | 1
  pair('floor_div', (bits, a, b) => (bits | 0) === Math.floor((a | 0) / divisor(b)))
  pair('floor_mod', (bits, a, b) => (bits | 0) === (a | 0) - divisor(b) * Math.floor((a | 0) / divisor(b)))
  for (const [name, expected] of Object.entries(expectedBytes)) {
    if (results.get(name)?.toString('hex') !== Buffer.from(expected).toString('hex')) found.push(name)
  }
  return found
}

const bytes = (...parts: readonly ArrayBufferView[]): Uint8Array =>
  Buffer.concat(parts.map(p => Buffer.from(p.buffer, p.byteOffset, p.byteLength)))
/** Three times the distances 5 and 3, up and down: what the test's shuffles do to a word. */
const moved64 = (x: bigint): Uint8Array => {
  const halves = (d: bigint) => BigInt.asUintN(32, x + d) | BigInt.asUintN(32, (x >> 32n) + d) << 32n
  return bytes(BigUint64Array.of(halves(15n), halves(-9n)))
}
const moved32 = (x: number) => bytes(Uint32Array.of(x + 15, x - 9))
const moved16 = (x: number) => bytes(Uint16Array.of(x + 15, x - 9))
const moved8 = (x: number) => bytes(Uint8Array.of(x + 15, x - 9))
const bits64 = (x: number) => new BigUint64Array(Float64Array.of(x).buffer)[0]!
/** Neighbour, element, neighbour, and the former values of two additions. */
const added = <T extends ArrayBufferView>(make: (...x: number[]) => T, start: number, once: number, twice: number) =>
  bytes(make(start, twice, start, start, once))
const bothMemories = (name: string, expected: Uint8Array) =>
  ({ [`atomic ${name} 0 1`]: expected, [`atomic ${name} 1 1`]: expected })
const copySeen = (to: number, from: number, size: number, source: number) =>
  bytes(BigUint64Array.of(BigInt(to) | 1n << 60n, BigInt(from) | 1n << 61n), Uint32Array.of(size, source))

const expectedBytes: Readonly<Record<string, Uint8Array>> = {
  'shuffle f64 11': moved64(bits64(1.25)), 'shuffle i64 11': moved64(0x123456789an),
  'shuffle u64 11': moved64(0xfedcba9876543210n), 'shuffle f32 11': moved32(bitsOfFloat(1.25)),
  'shuffle i32 11': moved32(-70000), 'shuffle u32 11': moved32(4000000000), 'shuffle tf32 11': bytes(Float32Array.of(2.5, 2.5)),
  'shuffle i16 11': moved16(-300), 'shuffle u16 11': moved16(60000), 'shuffle i8 11': moved8(-100),
  'shuffle u8 11': moved8(200), 'shuffle f16 11': moved16(0x3e00), 'shuffle bf16 11': moved16(0xbfc0),
  ...bothMemories('f64', added(Float64Array.of.bind(Float64Array), 1.25, 0.75, 0.25)),
  ...bothMemories('f32', added(Float32Array.of.bind(Float32Array), 1.25, 0.75, 0.25)),
  ...bothMemories('i64', bytes(BigInt64Array.of(-5n, 7999999999995n, -5n, -5n, 3999999999995n))),
  ...bothMemories('u64', bytes(BigUint64Array.of(5n, 8000000000005n, 5n, 5n, 4000000000005n))),
  ...bothMemories('i32', added(Int32Array.of.bind(Int32Array), -5, 69995, 139995)),
  ...bothMemories('u32', added(Uint32Array.of.bind(Uint32Array), 5, 4000000005, 8000000005)),
  ...bothMemories('i16', added(Int16Array.of.bind(Int16Array), 32000, 32700, 33400)),
  ...bothMemories('u16', added(Uint16Array.of.bind(Uint16Array), 65000, 65700, 66400)),
  ...bothMemories('i8', added(Int8Array.of.bind(Int8Array), 100, 200, 300)),
  ...bothMemories('u8', added(Uint8Array.of.bind(Uint8Array), 200, 300, 400)),
  // 2048 + 3 is a tie between 2050 and 2052, 2052 + 3 one between 2054 and 2056: both to even
  ...bothMemories('f16', added(Uint16Array.of.bind(Uint16Array), 0x6800, 0x6802, 0x6804)),
  ...bothMemories('bf16', added(Uint16Array.of.bind(Uint16Array), 0x4380, 0x4382, 0x4384)),
  ...bothMemories('tf32', added(Float32Array.of.bind(Float32Array), 1.5, 1.75, 2)),
  effects: bytes(Uint32Array.of(1, 1, 2)),
  ...Object.fromEntries([4, 8, 16].flatMap(size => [
    [`copy ${size}`, copySeen(0x1000, 0x2000, size, size)],
    [`copy ${size} outside`, copySeen(0x3000, 0x4000, size, 0)],
    [`copy ${size} inside`, copySeen(0x5000, 0x6000, size, size)]
  ]))
}

describe(`wrappers as C++ (${gxx.label})`, () => {
  it.skipIf(gxx.missing).each(['sm_75', 'sm_80', 'sm_90'])('compute what they have to, for %s', target => {
    expect(mistakes(resultsOf(wrapperText(all, architectureNamed(target)!)), target !== 'sm_75')).toEqual([])
  })

  it.skipIf(gxx.missing)('do not with operands exchanged', () => {
    const exchanges: ReadonlyArray<readonly [string, string]> = [
      ['sub.rn.f16 %0, %1, %2;', 'sub.rn.f16 %0, %2, %1;'],
      ['mov.b64 {low, high}, %1;', 'mov.b64 {high, low}, %1;'],
      ['%0, %1, %2, 31, -1;"\n    : "=f"', '%0, %2, %1, 31, -1;"\n    : "=f"'],
      ['cas.b32 %0, [address], %2, %3;', 'cas.b32 %0, [address], %3, %2;'],
      ['shared.u64 to, %0; cvta.to.global.u64 from, %1;', 'shared.u64 to, %1; cvta.to.global.u64 from, %0;']
    ]
    const text = exchanges.reduce(
      (t, [from, to]) => t.replace(from, to), wrapperText(all, architectureNamed('sm_80')!))
    const wrongs = new Set(mistakes(resultsOf(text), true).map(w => w.replace(/:.*/, '')))
    expect([...wrongs]).toEqual(['f16 -', 'shuffle f64 11', 'shuffle f32 11', 'atomic tf32 1 1', 'copy 4'])
  })
})
