/**
 * Known summands and factors are gathered, so that they meet each other and the weights that they can be folded into
 * (reference 5.2). a and b are constants.
 *
 *     a + x  ->  x + a                      a * x  ->  x * a
 *     x - a  ->  x + (-a)
 *     (x + a) + b  ->  x + (a + b)
 *     (x + a) * b  ->  x * b + a * b        where x is a convolution or a matrix product with known weights
 *     (x + a) + (y + b)  ->  (x + y) + (a + b)
 *     power(x, 2)  ->  square(x);  1: x;  -1: reciprocal;  3: cube;  1/2: square_root;  -1/2: inverse_square_root
 *     batch_norm(x, gain, shift, mean, variance)  ->  x * s + t,
 *         s = gain / sqrt(variance + epsilon), t = shift - mean * s
 */
import { isFloat } from '../../ir/build.ts'
import type { Buffer } from '../../ir/ir.ts'
import { extentsOf, type Arguments } from '../builder.ts'
import type { Node } from '../flow.ts'
import type { Editing } from './editing.ts'
import {
  applied, combined, constantOf, innerProducer, isWide, knownNumber, knownOperand, sameShape, sourcesOf,
  type Rule
} from './rules.ts'

export const arithmeticRules: readonly Rule[] = [
  knownSecond, differenceAsSum, sumOfSum, productOfSum, sumOfSums, powerByNumber, normWithConstants
]

function knownSecond(editing: Editing, node: Node): Buffer | undefined {
  const operator = node.operator.name
  if (operator !== 'add' && operator !== 'multiply') return undefined
  const known = knownOperand(editing, node, operator)
  return known?.isFirst ? applied(editing, operator, { a: known.x, b: known.c }, node.sources) : undefined
}

function differenceAsSum(editing: Editing, node: Node): Buffer | undefined {
  const known = knownOperand(editing, node, 'subtract')
  if (!known || known.isFirst || !isFloat(known.x.element)) return undefined
  const { x, c } = known
  const negative = typeof c === 'number' ? -c : constantOf(editing, applied(editing, 'negate', { x: c }, []))
  return negative === undefined ? undefined : applied(editing, 'add', { a: x, b: negative }, node.sources)
}

/** A whole chain at once, from its last sum on. */
function sumOfSum(editing: Editing, node: Node): Buffer | undefined {
  const last = knownOperand(editing, node, 'add'), [output] = node.outputs
  const [next] = editing.isInner(output!) ? editing.usersOf(output!) : []
  if (!last || !isWide(last.x.element) || (next && knownOperand(editing, next, 'add'))) return undefined
  const nodes = [node]
  let { x, c } = last
  for (;;) {
    const before = innerProducer(editing, x, 'add'), inner = before && knownOperand(editing, before, 'add')
    const both = inner && combined(editing, 'add', inner.c, c, x.element)
    if (!inner || both === undefined) break
    nodes.push(before)
    x = inner.x
    c = both
  }
  return nodes.length > 1 ? applied(editing, 'add', { a: x, b: c }, sourcesOf(...nodes.toReversed())) : undefined
}

function productOfSum(editing: Editing, node: Node): Buffer | undefined {
  const outer = knownOperand(editing, node, 'multiply'), before = outer && innerProducer(editing, outer.x, 'add')
  const inner = before && knownOperand(editing, before, 'add')
  const weighted = inner && innerProducer(editing, inner.x)
  if (!outer || !inner || !weighted || !isWide(outer.x.element) || !hasWeights(editing, weighted)) return undefined
  const c = combined(editing, 'multiply', inner.c, outer.c, outer.x.element)
  const product = applied(editing, 'multiply', { a: inner.x, b: outer.c }, sourcesOf(node))
  if (c === undefined || !product) return undefined
  return applied(editing, 'add', { a: product, b: c }, sourcesOf(before, node))
}

function hasWeights({ constants }: Editing, { operator: { name }, inputs }: Node): boolean {
  return ['conv', 'conv_transpose', 'batch_matmul'].includes(name) && inputs.some(tensor => constants.has(tensor))
}

function sumOfSums(editing: Editing, node: Node): Buffer | undefined {
  const [left, right] = node.operator.name === 'add' ? node.inputs : []
  if (!left || !right || left === right || !isWide(left.element)) return undefined
  const a = innerProducer(editing, left, 'add'), b = innerProducer(editing, right, 'add')
  const x = a && knownOperand(editing, a, 'add'), y = b && knownOperand(editing, b, 'add')
  const c = x && y && combined(editing, 'add', x.c, y.c, left.element)
  if (!x || !y || c === undefined) return undefined
  const sum = applied(editing, 'add', { a: x.x, b: y.x }, sourcesOf(node))
  return sum && applied(editing, 'add', { a: sum, b: c }, sourcesOf(a, b, node))
}

const powers: ReadonlyMap<number, string> = new Map([
  [2, 'square'], [-1, 'reciprocal'], [3, 'cube'], [0.5, 'square_root'], [-0.5, 'inverse_square_root']
])

function powerByNumber(editing: Editing, node: Node): Buffer | undefined {
  const known = knownOperand(editing, node, 'power')
  if (!known || known.isFirst || !sameShape(extentsOf(known.x), extentsOf(node.outputs[0]!))) return undefined
  const exponent = knownNumber(editing, known.c)
  if (exponent === 1) return known.x
  const operator = exponent === undefined ? undefined : powers.get(exponent)
  return operator === undefined ? undefined : applied(editing, operator, { x: known.x }, node.sources)
}

function normWithConstants(editing: Editing, node: Node): Buffer | undefined {
  if (node.operator.name !== 'batch_norm') return undefined
  const [x, gain, shift, mean, variance] = node.inputs as readonly [Buffer, Buffer, Buffer, Buffer, Buffer]
  const { epsilon = 1e-5 } = node.attributes
  const places = extentsOf(x).slice(2).map(() => 1)
  const known = (name: string, args: Arguments) => constantOf(editing, applied(editing, name, args, []))
  const safe = known('add', { a: variance, b: epsilon })
  const root = safe && known('inverse_square_root', { x: safe })
  const scale = root && known('multiply', { a: gain, b: root })
  const moved = scale && known('multiply', { a: mean, b: scale })
  const rest = moved && known('subtract', { a: shift, b: moved })
  const byChannel = (c: Buffer) => known('reshape', { x: c, to: [...extentsOf(c), ...places] })
  const s = scale && byChannel(scale), t = rest && byChannel(rest)
  if (!s || !t) return undefined
  const product = applied(editing, 'multiply', { a: x, b: s }, node.sources)
  return product && applied(editing, 'add', { a: product, b: t }, node.sources)
}
