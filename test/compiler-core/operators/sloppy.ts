// An operator computed as carelessly as a right kernel may: each step rounded to its type, terms of sums in any order
// and grouping, products contracted or not, quotients by the reciprocal or not, functions as far off as CUDA allows.
import type { Buffer, Expr, IntrinsicCall, Reduce, Type, Variable } from '../../../compiler-core/ir/ir.ts'
import type { OperatorInstance } from '../../../compiler-core/operators/definition.ts'
import { erf, isFloatName, roundTo, roundToEven } from '../../../compiler-core/operators/floats.ts'

export type Random = () => number

/** The elements of each output. */
export function sloppily(
  operator: OperatorInstance, inputs: readonly Float64Array[], extents: ReadonlyMap<Variable, number>, random: Random
): readonly (readonly number[])[] {
  const c: Computing = { tensors: new Map(), random }
  operator.inputs.forEach((b, i) => c.tensors.set(b, { shape: shapeIn(b, extents), elements: [...inputs[i]!] }))
  for (const d of [...operator.stages, ...operator.outputs]) {
    const shape = d.axes.map(a => value(c, a.extent, extents)), elements: number[] = []
    forEachIndex(shape, index => {
      const variables = new Map([...extents, ...d.axes.map((a, i) => [a.variable, index[i]!] as const)])
      elements.push(value(c, d.value, variables))
    })
    c.tensors.set(d.buffer, { shape, elements })
  }
  return operator.outputs.map(d => c.tensors.get(d.buffer)!.elements)
}

interface Computing {
  readonly tensors: Map<Buffer, { readonly shape: readonly number[]; readonly elements: readonly number[] }>
  readonly random: Random
}
type Variables = ReadonlyMap<Variable, number>

function shapeIn(b: Buffer, extents: Variables): readonly number[] {
  return b.shape.map(e => value({ tensors: new Map(), random: Math.random }, e, extents))
}

function forEachIndex(shape: readonly number[], f: (index: readonly number[]) => void, index: number[] = []): void {
  if (index.length === shape.length) return f(index)
  for (let i = 0; i < shape[index.length]!; i++) forEachIndex(shape, f, [...index, i])
}

function round(type: Type, x: number): number {
  switch (type) {
    case 'i32': return x | 0
    case 'u32': return x >>> 0
    case 'i16': return x << 16 >> 16
    case 'u16': return x & 0xffff
    case 'i8': return x << 24 >> 24
    case 'u8': return x & 0xff
    default: return type === 'index' ? x : roundTo(type, x)
  }
}

function value(c: Computing, e: Expr, v: Variables): number {
  switch (e.kind) {
    case 'constant': return round(e.type, Number(e.value))
    case 'variable': return v.get(e.variable)!
    case 'select': return value(c, value(c, e.condition, v) !== 0 ? e.then : e.otherwise, v)
    case 'unary': {
      const x = value(c, e.operand, v)
      return e.operator === '!' ? 1 - x : round(e.type, e.operator === '-' ? -x : -1 - x)
    }
    case 'cast': {
      const x = value(c, e.value, v)
      return e.type === 'bool' ? Number(x !== 0) : round(e.type, isFloatName(e.type) ? x : Math.trunc(x))
    }
    case 'load': {
      const { shape, elements } = c.tensors.get(e.buffer)!, index = e.indices.map(i => value(c, i, v))
      const inside = index.every((i, d) => i >= 0 && i < shape[d]!)
      return !inside && e.outside ? value(c, e.outside, v) : elements[index.reduce((n, i, d) => n * shape[d]! + i, 0)]!
    }
    case 'call': return called(c, e, v)
    case 'reduce': return reduced(c, e, v)
    case 'binary': {
      const a = value(c, e.left, v)
      if (e.operator === '&&') return a === 0 ? 0 : value(c, e.right, v)
      if (e.operator === '||') return a !== 0 ? 1 : value(c, e.right, v)
      const b = value(c, e.right, v), isFloat = isFloatName(e.left.type)
      switch (e.operator) {
        case '+': return round(e.type, a + b)
        case '-': return round(e.type, a - b)
        case '*': return round(e.type, a * b)
        case '/':
          if (!isFloat) return Math.floor(a / b)
          return round(e.type, c.random() < 0.5 || !isModerate(b) ? a / b : a * round(e.type, 1 / b))
        case '%': return a - b * Math.floor(a / b)
        case 'min': return least(a, b)
        case 'max': return greatest(a, b)
        case '<': return Number(a < b)
        case '<=': return Number(a <= b)
        case '==': return Number(a === b)
        case '!=': return Number(a !== b)
        case '&': return round(e.type, a & b)
        case '|': return round(e.type, a | b)
        case '^': return round(e.type, a ^ b)
        case '<<': return round(e.type, a * 2 ** b)
        case '>>': return Math.floor(a / 2 ** b)
      }
    }
  }
}

/** Its reciprocal neither overflows nor loses bits. */
function isModerate(x: number): boolean {
  return Math.abs(x) > 2 ** -13 && Math.abs(x) < 2 ** 13
}

/** The maximum errors that CUDA states for f32, in ulps. */
const ulps: Readonly<Record<string, number>> = { exp: 2, log: 1, rsqrt: 2, tanh: 2, erf: 2, sin: 2, cos: 2, pow: 4 }

const exactly: Readonly<Record<string, (x: number, y: number) => number>> = {
  abs: Math.abs, exp: Math.exp, log: Math.log, sqrt: Math.sqrt, rsqrt: x => 1 / Math.sqrt(x), tanh: Math.tanh, erf,
  pow: Math.pow, floor: Math.floor, ceil: Math.ceil, round: roundToEven, sin: Math.sin, cos: Math.cos
}

function called(c: Computing, e: IntrinsicCall, v: Variables): number {
  const [x = 0, y = 0, z = 0] = e.args.map(a => value(c, a, v))
  if (e.intrinsic === 'fma') return round(e.type, x * y + z)
  const result = exactly[e.intrinsic]!(x, y), computed = e.type === 'f64' ? 'f64' : 'f32'
  const unit = computed === 'f64' ? 2 ** -52 : 2 ** -23
  const ulp = result === 0 ? 0 : 2 ** Math.floor(Math.log2(Math.abs(result))) * unit
  const off = (c.random() * 2 - 1) * (ulps[e.intrinsic] ?? 0)
  return round(e.type, round(computed, Number.isFinite(result) ? result + off * ulp : result))
}

/** A NaN gives way, as in C's `fmax`. */
function greatest(a: number, b: number): number {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b)
}

function least(a: number, b: number): number {
  return -greatest(-a, -b)
}

function reduced(c: Computing, e: Reduce, v: Variables): number {
  const terms: number[] = []
  const shape = e.axes.map(a => value(c, a.extent, v))
  const isFused = c.random() < 0.5 && e.body.kind === 'binary' && e.body.operator === '*'
  forEachIndex(shape, index => {
    const inner = new Map([...v, ...e.axes.map((a, i) => [a.variable, index[i]!] as const)])
    const { body } = e
    terms.push(isFused && body.kind === 'binary' ? value(c, body.left, inner) * value(c, body.right, inner) : value(c, body, inner))
  })
  const combine = (f: (a: number, b: number) => number) => {
    const parts = Array.from({ length: 1 + Math.floor(c.random() * 5) }, () => undefined as number | undefined)
    const order = c.random() < 0.5 ? terms
      : terms.map(t => ({ t, key: c.random() })).sort((a, b) => a.key - b.key).map(x => x.t)
    for (const t of order) {
      const i = Math.floor(c.random() * parts.length), part = parts[i]
      parts[i] = part === undefined ? round(e.type, t) : round(e.type, f(part, t))
    }
    return parts.filter(p => p !== undefined).reduce((a, b) => round(e.type, f(a, b)))
  }
  // the first of the best; a NaN is never better
  const best = (sign: number) => {
    const all = terms.map(t => Number.isNaN(t) ? -Infinity : sign * t)
    return all.indexOf(all.reduce(greatest, -Infinity))
  }
  switch (e.reducer) {
    case 'sum': return terms.length === 0 ? 0 : combine((a, b) => a + b)
    case 'avg': {
      const total = combine((a, b) => a + b)
      return isFloatName(e.type) ? round(e.type, total / terms.length) : Math.floor(total / terms.length)
    }
    case 'prod': return combine((a, b) => a * b)
    case 'max': return terms.reduce(greatest, -Infinity)
    case 'min': return terms.reduce(least, Infinity)
    case 'any': return Number(terms.some(t => t !== 0))
    case 'all': return Number(terms.every(t => t !== 0))
    case 'argmax': return best(1)
    case 'argmin': return best(-1)
  }
}
