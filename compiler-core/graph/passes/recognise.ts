/**
 * Operators of the library that a model spells out: as one operator they are one kernel, or an epilogue, since what
 * they read is then read once. Numbers may be off by a rounding to f32; the order of factors does not matter.
 *
 *     x * sigmoid(x)                                        ->  silu(x)
 *     x * clip(x + 3, 0, 6) / 6,  x * hard_sigmoid(x)       ->  hard_swish(x)
 *     0.5 * x * (erf(x / sqrt(2)) + 1)                      ->  gelu(x)
 *     0.5 * x * (tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)) + 1)      ->  gelu_tanh(x)
 *     d = x - avg(x);  d / sqrt(avg(d * d) + epsilon)       ->  standardise(x)           over the last dimensions
 */
import type { Buffer } from '../../ir/ir.ts'
import { extentsOf } from '../builder.ts'
import type { Node } from '../flow.ts'
import { countOf } from '../tensor-data.ts'
import type { Editing } from './editing.ts'
import { applied, innerProducer, isWide, knownNumber, knownOperand, sameShape, sourcesOf, type Rule } from './rules.ts'

export const recognitionRules: readonly Rule[] = [activation, standardised]

// ---------------------------------------------------------------- activations

function activation(editing: Editing, node: Node): Buffer | undefined {
  const product = node.operator.name === 'multiply' || node.operator.name === 'divide' ? productOf(editing, node) : undefined
  if (!product || product.factors.length !== 2 || !isWide(node.outputs[0]!.element)) return undefined
  const { scale, nodes } = product
  const either = product.factors.map((x, i) => [x, product.factors[1 - i]!] as const)
  for (const [x, other] of either) {
    const last = editing.producerOf(other)
    if (!last || !isOnlyIn(editing, other, nodes) || !sameShape(extentsOf(x), extentsOf(node.outputs[0]!))) continue
    const found = functionOf(editing, x, last, scale)
    if (found) return applied(editing, found.name, { x }, sourcesOf(...found.nodes, ...nodes))
  }
  return undefined
}

interface Found { readonly name: string; readonly nodes: readonly Node[] }

/** The activation that `scale * x * factor` is. */
function functionOf(editing: Editing, x: Buffer, factor: Node, scale: number): Found | undefined {
  const { name } = factor.operator
  if (name === 'sigmoid' && factor.inputs[0] === x && isNear(scale, 1)) return { name: 'silu', nodes: [factor] }
  if (name === 'hard_sigmoid' && factor.inputs[0] === x && isNear(scale, 1)) {
    const { alpha = 0.2, beta = 0.5 } = factor.attributes
    return isNear(alpha, 1 / 6) && isNear(beta, 0.5) ? { name: 'hard_swish', nodes: [factor] } : undefined
  }
  if (name === 'clip' && isNear(scale, 1 / 6)) {
    const { low, high } = factor.attributes, sum = innerProducer(editing, factor.inputs[0]!, 'add')
    const isSum = sum && addedNumber(editing, sum, 3) === x
    return isSum && low === 0 && high === 6 ? { name: 'hard_swish', nodes: [sum, factor] } : undefined
  }
  const wave = name === 'add' && isNear(scale, 0.5) ? addedNumber(editing, factor, 1) : undefined
  const last = wave && innerProducer(editing, wave)
  const argument = last && productOf(editing, innerProducer(editing, last.inputs[0]!))
  if (!last || !argument || argument.factors.length !== 1) return undefined
  const [inner] = argument.factors as [Buffer], nodes = [...argument.nodes, last, factor]
  if (last.operator.name === 'error_function') {
    return inner === x && isNear(argument.scale, Math.SQRT1_2) ? { name: 'gelu', nodes } : undefined
  }
  const cubic = last.operator.name === 'hyperbolic_tangent' && isNear(argument.scale, Math.sqrt(2 / Math.PI))
    ? cubicNodes(editing, x, inner) : undefined
  return cubic && { name: 'gelu_tanh', nodes: [...cubic, ...nodes] }
}

/** What computes `x + 0.044715 * x * x * x`. */
function cubicNodes(editing: Editing, x: Buffer, tensor: Buffer): readonly Node[] | undefined {
  const sum = innerProducer(editing, tensor, 'add'), other = sum?.inputs.find(t => t !== x)
  if (!sum || !other || sum.inputs.length !== 2 || !sum.inputs.includes(x)) return undefined
  const product = productOf(editing, innerProducer(editing, other))
  if (!product || !isNear(product.scale, 0.044715)) return undefined
  const nodes = [...product.nodes, sum]
  if (product.factors.length === 3 && product.factors.every(f => f === x)) return nodes
  const [cube] = product.factors, power = cube && innerProducer(editing, cube, 'cube')
  return product.factors.length === 1 && power?.inputs[0] === x ? [power, ...nodes] : undefined
}

/** `x` of `x + number`. */
function addedNumber(editing: Editing, sum: Node, number: number): Buffer | undefined {
  const known = knownOperand(editing, sum, 'add'), added = known && knownNumber(editing, known.c)
  return added !== undefined && isNear(added, number) ? known?.x : undefined
}

interface Product { readonly factors: readonly Buffer[]; readonly scale: number; readonly nodes: readonly Node[] }

/** The factors of nested products and of quotients by known numbers, with the numbers together. */
function productOf(editing: Editing, node: Node | undefined): Product | undefined {
  const name = node?.operator.name
  if (!node || (name !== 'multiply' && name !== 'divide')) return undefined
  const known = knownOperand(editing, node, name), number = known && knownNumber(editing, known.c)
  if (known && (number === undefined || (name === 'divide' && known.isFirst))) return undefined
  if (!known && name === 'divide') return undefined
  const scale = number === undefined ? 1 : name === 'divide' ? 1 / number : number
  const operands = known ? [known.x] : node.inputs
  const parts = operands.map((tensor): Product =>
    productOf(editing, innerProducer(editing, tensor)) ?? { factors: [tensor], scale: 1, nodes: [] })
  return {
    factors: parts.flatMap(p => p.factors), scale: parts.reduce((s, p) => s * p.scale, scale),
    nodes: [...parts.flatMap(p => p.nodes), node]
  }
}

function isOnlyIn(editing: Editing, tensor: Buffer, nodes: readonly Node[]): boolean {
  return !editing.isResult(tensor) && editing.usersOf(tensor).every(user => nodes.includes(user))
}

function isNear(found: unknown, number: number): boolean {
  return typeof found === 'number' && Math.abs(found - number) <= 1e-5 * Math.abs(number)
}

// ---------------------------------------------------------------- normalisations

function standardised(editing: Editing, node: Node): Buffer | undefined {
  const [d, root] = node.operator.name === 'divide' ? node.inputs : []
  const difference = d && editing.producerOf(d), deviation = root && innerProducer(editing, root, 'square_root')
  if (!d || !deviation || difference?.operator.name !== 'subtract' || !isWide(d.element)) return undefined
  const sum = innerProducer(editing, deviation.inputs[0]!, 'add'), known = sum && knownOperand(editing, sum, 'add')
  const epsilon = known && knownNumber(editing, known.c), variance = known && innerProducer(editing, known.x, 'reduce')
  const square = variance && innerProducer(editing, variance.inputs[0]!)
  const [x, average] = difference.inputs, mean = average && innerProducer(editing, average, 'reduce')
  if (!x || !mean || !square || epsilon === undefined || mean.inputs[0] !== x) return undefined
  if (!isSquareOf(square, d) || !isOnlyIn(editing, d, [node, square])) return undefined
  const rows = averagedDimensions(mean), shape = extentsOf(x)
  if (rows === undefined || rows !== averagedDimensions(variance)) return undefined
  const sources = sourcesOf(mean, difference, square, variance, sum, deviation, node)
  const flat = rows === 1 ? x
    : applied(editing, 'reshape', { x, to: [...shape.slice(0, -rows), countOf(shape.slice(-rows))] }, [])
  const result = flat && applied(editing, 'standardise', { x: flat, epsilon }, sources)
  return rows === 1 ? result : result && applied(editing, 'reshape', { x: result, to: shape }, [])
}

function isSquareOf({ operator, inputs, attributes }: Node, d: Buffer): boolean {
  switch (operator.name) {
    case 'square': return inputs[0] === d
    case 'multiply': return inputs.length === 2 && inputs.every(t => t === d)
    case 'power': return inputs[0] === d && attributes['b'] === 2
    default: return false
  }
}

/** How many of the last dimensions a mean is taken over, if they are kept and no others are. */
function averagedDimensions({ inputs: [x], attributes: { axes, op, keep } }: Node): number | undefined {
  const rank = extentsOf(x!).length, all = (typeof axes === 'number' ? [axes] : axes) as readonly number[]
  const isMean = typeof op === 'object' && 'reducer' in op && op.reducer === 'avg' && keep === true
  const isLast = all.length < rank && all.toSorted((a, b) => a - b).every((axis, i) => axis === rank - all.length + i)
  return isMean && isLast ? all.length : undefined
}
