// Small models of the kinds that networks are made of, each from a seed: chains of convolutions with residuals,
// branches and pooling; transformer blocks; graphs of element-wise operators, reductions and changes of shape.
import { countOf, dataOf, type TensorData } from '../../compiler-core/graph/tensor-data.ts'
import { createRandom, type Random } from '../compiler-core/language/syntax/random.ts'
import { onnxModel, type OnnxAttribute, type OnnxNode, type OnnxType } from './onnx.ts'

export interface RandomModel {
  readonly kind: 'convolutions' | 'transformer' | 'operators'
  readonly bytes: Uint8Array
  readonly inputs: Readonly<Record<string, TensorData>>
  /** The operator types in order, for the title of a failure. */
  readonly text: string
}

export function randomModel(seed: number): RandomModel {
  const g = createRandom(seed)
  const [kind, make] = g.pick([['convolutions', convolutions], ['transformer', transformer], ['operators', operators]] as const)
  const model = createWriter(g)
  make(g, model)
  return { kind, ...model.finished() }
}

interface Tensor { readonly name: string; readonly shape: readonly number[] }

interface Writer {
  input(...shape: readonly number[]): Tensor
  /** Around `mean`; small enough that a layer keeps the order of magnitude if `spread` is 1 / sqrt(terms of a sum). */
  weight(shape: readonly number[], spread: number, mean?: number): Tensor
  wholes(numbers: readonly number[]): Tensor
  add(
    type: string, inputs: readonly Tensor[], shape: readonly number[],
    attributes?: Readonly<Record<string, OnnxAttribute>>
  ): Tensor
  /** What the model gives; several times for several results. */
  give(tensor: Tensor): void
  finished(): Omit<RandomModel, 'kind'>
}

function createWriter(g: Random): Writer {
  const inputs: Record<string, OnnxType> = {}, given: Record<string, TensorData> = {}
  const constants: Record<string, TensorData> = {}, outputs: Record<string, OnnxType> = {}, nodes: OnnxNode[] = []
  let names = 0
  const numbers = (shape: readonly number[], spread: number, mean: number): TensorData =>
    dataOf('f32', shape, Float32Array.from({ length: countOf(shape) }, () => mean + spread * (g.below(2001) - 1000) / 577))
  return {
    input(...shape) {
      const name = `x${names++}`
      inputs[name] = ['f32', ...shape]
      given[name] = numbers(shape, 1, 0)
      return { name, shape }
    },
    weight(shape, spread, mean = 0) {
      const name = `w${names++}`
      constants[name] = numbers(shape, spread, mean)
      return { name, shape }
    },
    wholes(values) {
      const name = `i${names++}`
      constants[name] = dataOf('i64', [values.length], values)
      return { name, shape: [values.length] }
    },
    add(type, read, shape, attributes) {
      const name = `t${names++}`
      nodes.push([type, read.map(t => t.name), [name], attributes ?? {}])
      return { name, shape }
    },
    give({ name, shape }) { outputs[name] = ['f32', ...shape] },
    finished: () => ({
      bytes: onnxModel({ inputs, outputs, constants, nodes }), inputs: given, text: nodes.map(([type]) => type).join(' ')
    })
  }
}

// ---------------------------------------------------------------- convolutions

function convolutions(g: Random, m: Writer): void {
  let x = m.input(1 + g.below(2), 1 + g.below(6), 7 + g.below(12), 7 + g.below(12))
  for (let blocks = 2 + g.below(3); blocks > 0; blocks--) {
    const [, channels = 1, height = 1, width = 1] = x.shape
    switch (g.pick(['convolution', 'residual', 'branches', 'pool', 'depthwise'] as const)) {
      case 'convolution': x = activated(g, m, normalised(g, m, convolution(g, m, x, 1 + g.below(9)))); break
      case 'residual': {
        const inner = activated(g, m, normalised(g, m, convolution(g, m, x, 1 + g.below(9), 'same')))
        x = activated(g, m, m.add('Add', [normalised(g, m, convolution(g, m, inner, channels, 'same')), x], x.shape))
        break
      }
      case 'branches': {
        const branches = [1, 1 + g.below(4), 1 + g.below(4)].slice(g.below(2)).map(c => activated(g, m, convolution(g, m, x, c, 'same')))
        const all = branches.reduce((sum, b) => sum + b.shape[1]!, 0)
        x = m.add('Concat', branches, [x.shape[0]!, all, height, width], { axis: 1 })
        break
      }
      case 'pool': if (height > 3 && width > 3) x = pooled(g, m, x); break
      case 'depthwise': x = activated(g, m, normalised(g, m, convolution(g, m, x, channels, 'depthwise'))); break
    }
  }
  if (g.chance(0.4)) {
    m.give(g.chance(0.5) ? x : activated(g, m, x))
    return
  }
  const [n = 1, c = 1] = x.shape
  const flat = m.add('Flatten', [m.add('GlobalAveragePool', [x], [n, c, 1, 1])], [n, c], { axis: 1 })
  const classes = 2 + g.below(12)
  const scores = m.add('Gemm', [flat, m.weight([classes, c], 1 / Math.sqrt(c)), m.weight([classes], 0.3)], [n, classes], { transB: 1 })
  m.give(g.chance(0.5) ? scores : m.add('Softmax', [scores], [n, classes], { axis: -1 }))
}

function convolution(g: Random, m: Writer, x: Tensor, channels: number, how?: 'same' | 'depthwise'): Tensor {
  const [n = 1, c = 1, ...extents] = x.shape
  const kernel = how === undefined ? extents.map(() => 1 + g.below(3)) : extents.map(() => g.pick([1, 3]))
  const stride = how === 'same' ? 1 : 1 + g.below(2), dilation = how === undefined ? 1 + g.below(2) : 1
  const before = kernel.map(k => how === undefined ? g.below(2) : (k - 1) / 2)
  const after = kernel.map((_, d) => (how === undefined ? g.below(2) : before[d]!))
  const groups = how === 'depthwise' ? c : 1
  const out = extents.map((e, d) =>
    Math.floor((e + before[d]! + after[d]! - dilation * (kernel[d]! - 1) - 1) / stride) + 1)
  if (out.some(e => e < 1)) return x
  const terms = c / groups * kernel.reduce((a, b) => a * b, 1)
  const bias = g.chance(0.5) ? [m.weight([channels], 0.3)] : []
  return m.add('Conv', [x, m.weight([channels, c / groups, ...kernel], 1 / Math.sqrt(terms)), ...bias], [n, channels, ...out], {
    kernel_shape: kernel, strides: kernel.map(() => stride), dilations: kernel.map(() => dilation), group: groups,
    pads: [...before, ...after]
  })
}

function normalised(g: Random, m: Writer, x: Tensor): Tensor {
  if (g.chance(0.4)) return x
  const c = [x.shape[1]!]
  const parameters = [m.weight(c, 0.2, 1), m.weight(c, 0.2), m.weight(c, 0.2), m.weight(c, 0.2, 1)]
  return m.add('BatchNormalization', [x, ...parameters], x.shape, { epsilon: { float: 1e-5 } })
}

function activated(g: Random, m: Writer, x: Tensor): Tensor {
  switch (g.pick(['Relu', 'Relu', 'LeakyRelu', 'HardSwish', 'silu', 'none'] as const)) {
    case 'Relu': return m.add('Relu', [x], x.shape)
    case 'LeakyRelu': return m.add('LeakyRelu', [x], x.shape, { alpha: { float: 0.1 } })
    case 'HardSwish': return m.add('HardSwish', [x], x.shape)
    case 'silu': return m.add('Mul', [x, m.add('Sigmoid', [x], x.shape)], x.shape)
    case 'none': return x
  }
}

function pooled(g: Random, m: Writer, x: Tensor): Tensor {
  const [n = 1, c = 1, ...extents] = x.shape
  const kernel = 2 + g.below(2), stride = 1 + g.below(2), pad = g.below(2), ceil = g.below(2)
  const out = extents.map(e => (ceil === 1 ? Math.ceil : Math.floor)((e + 2 * pad - kernel) / stride) + 1)
  // a window that would start in the padding after the image is left out
  const kept = out.map((o, d) => (o - 1) * stride >= extents[d]! + pad ? o - 1 : o)
  const attributes = {
    kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], ceil_mode: ceil
  }
  return g.chance(0.5)
    ? m.add('MaxPool', [x], [n, c, ...kept], attributes)
    : m.add('AveragePool', [x], [n, c, ...kept], { ...attributes, ceil_mode: 0, count_include_pad: g.below(2) })
}

// ---------------------------------------------------------------- transformer

function transformer(g: Random, m: Writer): void {
  const batch = 1 + g.below(2), length = 2 + g.below(9), heads = 1 + g.below(3), width = heads * (2 + g.below(6))
  let x = m.input(batch, length, width)
  for (let blocks = 1 + g.below(2); blocks > 0; blocks--) {
    x = m.add('Add', [x, attention(g, m, layerNorm(m, x), heads)], x.shape)
    x = m.add('Add', [x, feedForward(g, m, layerNorm(m, x))], x.shape)
  }
  m.give(g.chance(0.5) ? layerNorm(m, x) : x)
}

function linear(g: Random, m: Writer, x: Tensor, width: number): Tensor {
  const from = x.shape.at(-1)!, shape = [...x.shape.slice(0, -1), width]
  const product = m.add('MatMul', [x, m.weight([from, width], 1 / Math.sqrt(from))], shape)
  return g.chance(0.3) ? product : m.add('Add', [product, m.weight([width], 0.2)], shape)
}

function layerNorm(m: Writer, x: Tensor): Tensor {
  const width = [x.shape.at(-1)!]
  return m.add('LayerNormalization', [x, m.weight(width, 0.2, 1), m.weight(width, 0.2)], x.shape, { axis: -1, epsilon: { float: 1e-5 } })
}

function attention(g: Random, m: Writer, x: Tensor, heads: number): Tensor {
  const [batch = 1, length = 1, width = 1] = x.shape, each = width / heads
  const head = (perm: readonly number[]): Tensor => {
    const split = m.add('Reshape', [linear(g, m, x, width), m.wholes([batch, length, heads, each])], [batch, length, heads, each])
    return m.add('Transpose', [split], perm.map(d => split.shape[d]!), { perm })
  }
  const q = head([0, 2, 1, 3]), k = head([0, 2, 3, 1]), v = head([0, 2, 1, 3]), square = [batch, heads, length, length]
  const scores = m.add('Div', [m.add('MatMul', [q, k], square), m.weight([], 0, Math.sqrt(each))], square)
  const masked = g.chance(0.5) ? m.add('Add', [scores, m.weight([length, length], 1)], square) : scores
  const mixed = m.add('MatMul', [m.add('Softmax', [masked], square, { axis: -1 }), v], [batch, heads, length, each])
  const joined = m.add('Transpose', [mixed], [batch, length, heads, each], { perm: [0, 2, 1, 3] })
  return linear(g, m, m.add('Reshape', [joined, m.wholes([0, 0, -1])], x.shape), width)
}

function feedForward(g: Random, m: Writer, x: Tensor): Tensor {
  const inner = linear(g, m, x, x.shape.at(-1)! * 2)
  const apply = (type: string, ...read: readonly Tensor[]): Tensor => m.add(type, read, inner.shape)
  const number = (value: number): Tensor => m.weight([], 0, value)
  const erf = apply('Erf', apply('Div', inner, number(Math.SQRT2)))
  const gelu = apply('Mul', apply('Mul', inner, apply('Add', erf, number(1))), number(0.5))
  return linear(g, m, g.chance(0.5) ? gelu : apply('Tanh', inner), x.shape.at(-1)!)
}

// ---------------------------------------------------------------- operators

const unary = ['Relu', 'Sigmoid', 'Tanh', 'Neg', 'Abs', 'Exp', 'Erf', 'Softplus', 'Elu'] as const
const binary = ['Add', 'Sub', 'Mul', 'Max', 'Min'] as const
const reductions = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin'] as const

function operators(g: Random, m: Writer): void {
  const shape = Array.from({ length: 1 + g.below(4) }, () => 1 + g.below(7))
  const known: Tensor[] = [m.input(...shape), m.weight(broadcastable(g, shape), 1)]
  if (g.chance(0.5)) known.push(m.input(...broadcastable(g, shape)))
  const used = new Set<Tensor>()
  for (let steps = 3 + g.below(8); steps > 0; steps--) {
    const x = g.pick(known), made = step(g, m, x, known, used)
    if (!made) continue
    used.add(x)
    known.push(made)
  }
  for (const tensor of known) if (tensor.name.startsWith('t') && !used.has(tensor)) m.give(tensor)
  if (used.size === 0) m.give(m.add('Neg', [known[0]!], shape))
}

function step(g: Random, m: Writer, x: Tensor, known: readonly Tensor[], used: Set<Tensor>): Tensor | undefined {
  const rank = x.shape.length
  switch (g.pick(['unary', 'unary', 'binary', 'binary', 'reduce', 'transpose', 'reshape', 'slice', 'softmax', 'concat'] as const)) {
    // kept small: a chain of exponentials would leave the numbers
    case 'unary': return m.add(g.pick(unary), [m.add('Tanh', [x], x.shape)], x.shape)
    case 'binary': {
      const y = g.pick(known), shape = broadcast(x.shape, y.shape)
      if (!shape) return undefined
      used.add(y)
      return m.add(g.pick(binary), g.chance(0.5) ? [x, y] : [y, x], shape)
    }
    case 'reduce': {
      if (rank === 0) return undefined
      const axis = g.below(rank), keep = g.below(2), type = g.pick(reductions)
      const shape = x.shape.flatMap((e, d) => (d === axis ? keep === 1 ? [1] : [] : [e]))
      return type === 'ReduceSum'
        ? m.add(type, [x, m.wholes([axis])], shape, { keepdims: keep })
        : m.add(type, [x], shape, { axes: [axis], keepdims: keep })
    }
    case 'transpose': {
      const perm = x.shape.map((_, d) => d).sort(() => g.below(3) - 1)
      return rank === 0 ? undefined : m.add('Transpose', [x], perm.map(d => x.shape[d]!), { perm })
    }
    case 'reshape': {
      const shape = g.pick([[countOf(x.shape)], [1, ...x.shape], [...x.shape.slice(0, -2), countOf(x.shape.slice(-2))]])
      return m.add('Reshape', [x, m.wholes(shape)], shape)
    }
    case 'slice': {
      const axis = rank === 0 ? -1 : g.below(rank), extent = x.shape[axis] ?? 0
      if (extent < 2) return undefined
      const start = g.below(extent - 1), stride = 1 + g.below(2)
      const shape = x.shape.map((e, d) => (d === axis ? Math.ceil((extent - start) / stride) : e))
      return m.add('Slice', [x, m.wholes([start]), m.wholes([extent]), m.wholes([axis]), m.wholes([stride])], shape)
    }
    case 'softmax': return rank === 0 ? undefined : m.add('Softmax', [x], x.shape, { axis: g.below(rank) })
    case 'concat': {
      const axis = rank === 0 ? -1 : g.below(rank)
      return rank === 0 ? undefined : m.add('Concat', [x, m.add('Neg', [x], x.shape)], x.shape.map((e, d) => d === axis ? 2 * e : e), { axis })
    }
  }
}

function broadcastable(g: Random, shape: readonly number[]): readonly number[] {
  return shape.slice(g.below(shape.length)).map(e => g.chance(0.3) ? 1 : e)
}

function broadcast(a: readonly number[], b: readonly number[]): readonly number[] | undefined {
  const rank = Math.max(a.length, b.length)
  const at = (s: readonly number[], d: number): number => s[s.length - rank + d] ?? 1
  const fits = Array.from({ length: rank }, (_, d) => at(a, d) === at(b, d) || at(a, d) === 1 || at(b, d) === 1)
  return fits.every(Boolean) ? fits.map((_, d) => Math.max(at(a, d), at(b, d))) : undefined
}
