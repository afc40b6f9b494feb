/** Arithmetic, functions, comparisons, logic, bits and conversions, element by element. */
import type { Buffer, ElementName } from '../../../ir/ir.ts'
import { bytesOf } from '../../../ir/memory.ts'
import { countOf, holdsWholes } from '../../tensor-data.ts'
import type { Conversion, NodeContext, OperatorEntry, OperatorTable } from '../conversion.ts'
import { binary, commonShape, elementwise, operands, sameTypes, unary, withNumbers } from './broadcasting.ts'

/** Computed by series in f32. */
const double = 'elements of type f64'

export const elementwiseOperators: OperatorTable = {
  Abs: unary('absolute', [1, 26]),
  Acos: series('arc_cosine', 7),
  Acosh: series('inverse_hyperbolic_cosine', 9),
  Add: binary('add', [1, 26]),
  And: binary('logical_and', [1, 26], 'bool'),
  Asin: series('arc_sine', 7),
  Asinh: series('inverse_hyperbolic_sine', 9),
  Atan: series('arc_tangent', 7),
  Atanh: series('inverse_hyperbolic_tangent', 9),
  BitCast: { opsets: [26, 26], convert: bitCast, limits: 'inputs that are no constants' },
  BitShift: { opsets: [11, 26], convert: bitShift },
  BitwiseAnd: binary('bitwise_and', [18, 26]),
  BitwiseNot: unary('bitwise_not', [18, 26]),
  BitwiseOr: binary('bitwise_or', [18, 26]),
  BitwiseXor: binary('bitwise_xor', [18, 26]),
  Cast: { opsets: [6, 26], convert: node => [node.cast(node.input(0), node.elementType('to'))], limits: 'texts, types below 8 bits, 8-bit floats' },
  CastLike: { opsets: [15, 26], convert: node => [node.cast(node.input(0), node.input(1).element)], limits: 'texts, types below 8 bits, 8-bit floats' },
  Ceil: unary('ceiling_of', [1, 26]),
  Celu: withNumbers('celu', [12, 26], { alpha: 1 }),
  Clip: { opsets: [1, 26], convert: clip },
  Cos: unary('cosine', [7, 26]),
  Cosh: series('hyperbolic_cosine', 9),
  Div: { opsets: [1, 26], convert: divide },
  Dropout: { opsets: [1, 26], convert: dropout, limits: 'training' },
  Elu: withNumbers('elu', [1, 26], { alpha: 1 }),
  Equal: binary('equal', [1, 26], 'bool'),
  Erf: unary('error_function', [9, 26]),
  Exp: unary('exponential', [1, 26]),
  Floor: unary('floor_of', [1, 26]),
  Gelu: { opsets: [20, 26], convert: gelu },
  Greater: binary('greater', [1, 26], 'bool'),
  GreaterOrEqual: binary('greater_equal', [12, 26], 'bool'),
  HardSigmoid: withNumbers('hard_sigmoid', [1, 26], { alpha: 0.2, beta: 0.5 }),
  HardSwish: unary('hard_swish', [14, 26]),
  Identity: { opsets: [1, 26], convert: node => [node.input(0)] },
  IsInf: { opsets: [10, 26], convert: isInfinite },
  IsNaN: { opsets: [9, 26], convert: node => [elementwise(node, 'is_nan', { x: node.input(0) }, {}, 'bool')] },
  LeakyRelu: withNumbers('leaky_relu', [1, 26], { alpha: 0.01 }),
  Less: binary('less', [1, 26], 'bool'),
  LessOrEqual: binary('less_equal', [12, 26], 'bool'),
  Log: unary('logarithm', [1, 26]),
  Max: { opsets: [1, 26], convert: node => [combined(node, 'maximum')] },
  Mean: { opsets: [1, 26], convert: mean },
  Min: { opsets: [1, 26], convert: node => [combined(node, 'minimum')] },
  Mish: unary('mish', [18, 26]),
  Mod: { opsets: [10, 26], convert: modulo },
  Mul: binary('multiply', [1, 26]),
  Neg: unary('negate', [1, 26]),
  Not: unary('logical_not', [1, 26]),
  Or: binary('logical_or', [1, 26], 'bool'),
  PRelu: { opsets: [1, 26], convert: prelu },
  Pow: { opsets: [1, 26], convert: power },
  Reciprocal: unary('reciprocal', [1, 26]),
  Relu: unary('relu', [1, 26]),
  Round: unary('rounded', [11, 26]),
  Selu: withNumbers('selu', [1, 26], { alpha: 1.6732631921768188, gamma: 1.0507010221481323 }),
  Shrink: { opsets: [9, 26], convert: shrink },
  Sigmoid: unary('sigmoid', [1, 26]),
  Sign: { opsets: [9, 26], convert: sign },
  Sin: unary('sine', [7, 26]),
  Sinh: series('hyperbolic_sine', 9),
  Softplus: unary('softplus', [1, 26]),
  Softsign: unary('softsign', [1, 26]),
  Sqrt: unary('square_root', [1, 26]),
  Sub: binary('subtract', [1, 26]),
  Sum: { opsets: [1, 26], convert: node => [combined(node, 'add')] },
  Swish: withNumbers('swish', [24, 26], { alpha: 1 }),
  Tan: series('tangent', 7),
  Tanh: unary('hyperbolic_tangent', [1, 26]),
  ThresholdedRelu: withNumbers('thresholded_relu', [10, 26], { alpha: 1 }),
  Where: { opsets: [9, 26], convert: where },
  Xor: binary('logical_xor', [1, 26], 'bool')
}

function series(operator: string, since: number): OperatorEntry {
  return {
    opsets: [since, 26], limits: double,
    convert: node => {
      const x = node.input(0)
      return x.element === 'f64' ? node.refuse(`It has ${double}, which is not supported.`) : [elementwise(node, operator, { x })]
    }
  }
}

function isUnsigned(element: ElementName): boolean {
  return element.startsWith('u')
}

export function isFloat(element: ElementName): boolean {
  return !holdsWholes(element) && element !== 'bool'
}

// ---------------------------------------------------------------- arithmetic

/** Whole numbers are rounded towards 0. */
function divide(node: NodeContext): readonly Buffer[] {
  const [a, b] = operands(node)
  sameTypes(node, [a, b])
  const operator = !holdsWholes(a.element) || isUnsigned(a.element) ? 'divide' : 'truncated_divide'
  return [elementwise(node, operator, { a, b })]
}

function modulo(node: NodeContext): readonly Buffer[] {
  const a = node.input(0), b = node.input(1), fmod = node.flag('fmod', false)
  sameTypes(node, [a, b])
  if (!fmod && !holdsWholes(a.element)) node.invalid('Numbers with a fraction need `fmod` = 1.', 'fmod')
  const whole = fmod && !isUnsigned(a.element) ? 'remainder' : 'modulo'
  return [elementwise(node, holdsWholes(a.element) ? whole : 'float_remainder', { a, b })]
}

/** The result has the type of the base. */
function power(node: NodeContext): readonly Buffer[] {
  const [a, b] = operands(node), { element } = a
  const exponent = node.operand(b, a)
  if (exponent === 1) return [a]
  if (exponent === 2) return [elementwise(node, 'square', { x: a })]
  if (exponent === 3) return [elementwise(node, 'cube', { x: a })]
  if (exponent === 0.5 && isFloat(element)) return [elementwise(node, 'square_root', { x: a })]
  if (exponent === -1 && isFloat(element)) return [elementwise(node, 'reciprocal', { x: a })]
  const within = isFloat(element) ? element : 'f64'
  const raised = elementwise(node, 'power', { a: node.cast(a, within), b: node.cast(b, within) })
  return [node.cast(raised, element)]
}

/** Any number of tensors, two at a time. */
function combined(node: NodeContext, operator: string): Buffer {
  const [first, ...rest] = node.allInputs()
  if (!first) return node.invalid('It has no input.')
  sameTypes(node, [first, ...rest])
  return rest.reduce((a, b) => elementwise(node, operator, { a, b }), first)
}

function mean(node: NodeContext): readonly Buffer[] {
  const total = combined(node, 'add')
  return [elementwise(node, 'divide', { a: total, b: node.constantOf(total.element, [], [node.inputCount]) })]
}

function sign(node: NodeContext): readonly Buffer[] {
  const x = node.input(0)
  return isUnsigned(x.element)
    ? [elementwise(node, 'minimum', { a: x, b: node.constantOf(x.element, [], [1]) })]
    : [elementwise(node, 'sign_of', { x })]
}

// ---------------------------------------------------------------- functions with numbers

function gelu(node: NodeContext): readonly Buffer[] {
  const approximate = node.string('approximate', 'none')
  if (approximate !== 'none' && approximate !== 'tanh') node.invalid(`It is \`none\` or \`tanh\`, not \`${approximate}\`.`, 'approximate')
  return [elementwise(node, approximate === 'tanh' ? 'gelu_tanh' : 'gelu', { x: node.input(0) })]
}

function shrink(node: NodeContext): readonly Buffer[] {
  const numbers = { bias: node.float('bias', 0), limit: node.float('lambd', 0.5) }
  return [elementwise(node, 'shrink', { x: node.input(0) }, numbers)]
}

function isInfinite(node: NodeContext): readonly Buffer[] {
  const signs = { positive: node.flag('detect_positive', true), negative: node.flag('detect_negative', true) }
  return [elementwise(node, 'is_infinite', { x: node.input(0) }, signs, 'bool')]
}

/** The slope is broadcast to the input, whose shape is the result's; before opset 7 it has one element a channel. */
function prelu(node: NodeContext): readonly Buffer[] {
  const x = node.input(0), given = node.input(1)
  const [extent] = node.shape(given), shape = node.shape(x)
  const perChannel = node.opset < 7 && node.shape(given).length === 1 && extent !== 1 && shape.length > 1
  const slope = perChannel ? node.reshape(given, [extent!, ...shape.slice(2).map(() => 1)]) : given
  return [elementwise(node, 'prelu', { x, slope })]
}

/** Bounds are attributes before opset 11; where a lower bound is above the upper one, the upper one counts. */
function clip(node: NodeContext): readonly Buffer[] {
  const x = node.input(0)
  const bound = (index: number, name: string) => node.opset < 11
    ? node.has(name) ? node.constantOf(x.element, [], [node.float(name)]) : undefined
    : node.optional(index)
  const low = bound(1, 'min'), high = bound(2, 'max')
  for (const tensor of [low, high]) {
    if (tensor && countOf(node.shape(tensor)) !== 1) node.invalid('Its bounds are single elements.')
  }
  const from = low ? node.operand(low, x) : -Infinity, to = high ? node.operand(high, x) : Infinity
  if (isFloat(x.element) && typeof from === 'number' && typeof to === 'number' && from <= to) {
    return from === -Infinity && to === Infinity
      ? [x]
      : [elementwise(node, 'clip', { x }, { ...from === -Infinity ? {} : { low: from }, ...to === Infinity ? {} : { high: to } })]
  }
  const above = low ? elementwise(node, 'maximum', { a: x, b: node.reshape(low, []) }) : x
  return [high ? elementwise(node, 'minimum', { a: above, b: node.reshape(high, []) }) : above]
}

/** Nothing is dropped. */
function dropout(node: NodeContext): readonly (Buffer | undefined)[] {
  const x = node.input(0)
  const training = node.optional(2) ? node.known(2, 'whether it trains').some(n => n !== 0) : false
  if (training || (node.opset < 7 && !node.flag('is_test', false))) node.refuse('Training is not supported.')
  if (!node.wants(1)) return [x]
  return [x, node.by('Expand', [node.constantOf('bool', [], [1]), node.constantOf('i64', [node.shape(x).length], node.shape(x))])[0]]
}

// ---------------------------------------------------------------- choices, bits, types

function where(node: NodeContext): readonly Buffer[] {
  const choose = node.input(0), a = node.input(1), b = node.input(2)
  sameTypes(node, [a, b])
  commonShape(node, [choose, a, b])
  return [elementwise(node, 'select', { choose, a, b }, {}, a.element)]
}

function bitShift(node: NodeContext): readonly Buffer[] {
  const direction = node.string('direction')
  if (direction !== 'LEFT' && direction !== 'RIGHT') node.invalid(`It is \`LEFT\` or \`RIGHT\`, not \`${direction}\`.`, 'direction')
  const a = node.input(0), b = node.input(1)
  sameTypes(node, [a, b])
  if (!isUnsigned(a.element)) node.invalid(`Its inputs are unsigned, not ${a.element}.`)
  return [elementwise(node, direction === 'LEFT' ? 'shift_left' : 'shift_right', { a, b })]
}

function bitCast(node: NodeContext): ReturnType<Conversion> {
  const x = node.input(0), element = node.elementType('to')
  if (bytesOf(element) !== bytesOf(x.element)) node.invalid(`Elements of ${x.element} and of ${element} have different sizes.`, 'to')
  if (element === x.element) return [x]
  const data = node.isConstant(x) ? node.data(x) : undefined
  return data ? [node.constant({ ...data, element })] : node.refuse(`The bits of ${x.element} cannot be taken as ${element} when the model runs.`)
}
