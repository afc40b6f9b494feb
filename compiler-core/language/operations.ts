/**
 * The operators of expressions on compile-time values: exact whole numbers, floats, truth values, mappings and layouts.
 */
import { concatenateLayouts, multiplyLayouts, rowMajor, type Layout } from '../mapping/layout.ts'
import { compose, mappingText } from '../mapping/mapping.ts'
import type { Problem } from '../mapping/result.ts'
import { shapeText } from '../mapping/shape.ts'
import { deviceBinary, deviceUnary } from './device.ts'
import { composeLaunchMappings } from './launch-mappings.ts'
import { spanOf } from './syntax/walk.ts'
import type { BinaryOperator, Node, Unary } from './syntax/tree.ts'
import { limits, problem, type Frame, type Run } from './run.ts'
import {
  asSymbolic, bool, describe, equalValues, float, int, itemsOf, layoutFactors, layoutWeight, symbolicBinary,
  unknown, valueWeight, type LayoutValue, type MappingValue, type Value
} from './values.ts'

/** `left operator right` where both are evaluated; `&&` and `||` short-circuit in evaluate.ts before. */
export function binaryValue(
  run: Run, frame: Frame, node: Node, operator: BinaryOperator, left: Value, right: Value,
  places: { readonly left: Node; readonly right: Node }
): Value {
  if (left.kind === 'unknown' || right.kind === 'unknown') return unknown
  if (left.kind === 'device' || right.kind === 'device') return deviceBinary(run, frame, node, operator, left, right, places)
  if (left.kind === 'launch-mapping' || right.kind === 'launch-mapping') return composeLaunchMappings(run, frame, operator, left, right, places)
  if (left.kind === 'int' && right.kind === 'int') return wholeNumbers(run, frame, node, operator, left.value, right.value, places.right)
  if (left.kind === 'symbolic' || right.kind === 'symbolic') {
    const a = asSymbolic(left), b = asSymbolic(right)
    const value = a && b && symbolicBinary(operator, a, b)
    if (value) return value
    run.gaveUp = true
    return unknown
  }
  const wrong = (place: Node, message: string): Value => {
    problem(run, frame.module, place, 'wrong-type', message)
    return unknown
  }
  if (operator === '==' || operator === '!=') {
    run.steps += valueWeight(left)
    const equal = equalValues(left, right)
    return equal === undefined ? wrong(node, `\`${operator}\` cannot compare ${describe(left)} with ${describe(right)}.`) : bool(equal === (operator === '=='))
  }
  if (operator === '&&' || operator === '||') {
    const other = left.kind === 'bool' ? right : left
    if (other.kind !== 'bool') return wrong(other === left ? places.left : places.right, `\`${operator}\` joins conditions; this is ${describe(other)}.`)
    return right
  }
  if (operator === '*' && left.kind === 'mapping' && right.kind === 'mapping') return composeMappings(run, frame, left, right, places)
  if ((operator === '*' || operator === '+') && (left.kind === 'layout' || right.kind === 'layout')) return joinLayouts(run, frame, node, operator, left, right, places)
  const a = numberOf(left), b = numberOf(right)
  if (a === undefined || b === undefined) {
    const composing = operator === '*' && (left.kind === 'mapping' || right.kind === 'mapping')
    const fits = composing ? left.kind === 'mapping' : a !== undefined
    const [other, place] = fits ? [right, places.right] : [left, places.left]
    return wrong(place, `\`${operator}\` ${composing ? 'composes two mappings' : 'needs numbers'}; this is ${describe(other)}.${adviceText(other)}`)
  }
  switch (operator) {
    case '+': return float(a + b)
    case '-': return float(a - b)
    case '*': return float(a * b)
    case '/': return float(a / b)
    case '%': return float(a - b * Math.floor(a / b))
    case '<': return bool(a < b)
    case '<=': return bool(a <= b)
    case '>': return bool(a > b)
    case '>=': return bool(a >= b)
    case '&': case '|': case '^': case '<<': case '>>': return wrong(left.kind === 'float' ? places.left : places.right, `\`${operator}\` works on the bits of whole numbers; this is ${describe(left.kind === 'float' ? left : right)}.`)
  }
}

function adviceText(v: Value): string {
  switch (v.kind) {
    case 'mapping': return ' Mappings are composed with `*`.'
    case 'layout': return ' Layouts are joined with `*` and `+`.'
    case 'tuple': case 'list': return ' Take its items: `t[0]`, `let (a, b) = t`.'
    default: return ''
  }
}

function numberOf(v: Value): number | undefined {
  return v.kind === 'int' ? Number(v.value) : v.kind === 'float' ? v.value : undefined
}

function wholeNumbers(
  run: Run, frame: Frame, node: Node, operator: BinaryOperator, a: bigint, b: bigint, right: Node
): Value {
  switch (operator) {
    case '+': return exact(run, frame, node, a + b)
    case '-': return exact(run, frame, node, a - b)
    case '*': return exact(run, frame, node, a * b)
    case '/': case '%':
      if (b === 0n) {
        problem(run, frame.module, right, 'division-by-zero', `\`${a} ${operator} 0\` has no value.`)
        return unknown
      }
      return exact(run, frame, node, operator === '/' ? floorQuotient(a, b) : a - b * floorQuotient(a, b))
    case '<': return bool(a < b)
    case '<=': return bool(a <= b)
    case '>': return bool(a > b)
    case '>=': return bool(a >= b)
    case '==': return bool(a === b)
    case '!=': return bool(a !== b)
    case '&': return int(a & b)
    case '|': return int(a | b)
    case '^': return int(a ^ b)
    case '<<': case '>>':
      if (b < 0n || b > 63n) {
        problem(run, frame.module, right, 'bad-shift', `Bits are shifted by 0 to 63 places; this is ${b}.`)
        return unknown
      }
      return exact(run, frame, node, operator === '<<' ? a << b : a >> b)
    case '&&': case '||':
      problem(run, frame.module, node, 'wrong-type', `\`${operator}\` joins conditions; these are whole numbers. Compare them first: \`x != 0\`.`)
      return unknown
  }
}

function floorQuotient(a: bigint, b: bigint): bigint {
  const q = a / b
  return a % b !== 0n && (a < 0n) !== (b < 0n) ? q - 1n : q
}

/** A whole number of at most 64 bits. */
export function exact(run: Run, frame: Frame, node: Node, value: bigint): Value {
  if (value === BigInt.asIntN(64, value)) return int(value)
  problem(run, frame.module, node, 'overflow', 'This whole number has more than 64 bits.')
  return unknown
}

export function unaryValue(run: Run, frame: Frame, node: Unary, v: Value): Value {
  switch (v.kind) {
    case 'unknown': return unknown
    default: break
    case 'int': if (node.operator === '-') return exact(run, frame, node, -v.value); else if (node.operator === '~') return int(~v.value); break
    case 'float': if (node.operator === '-') return float(-v.value); break
    case 'device': return deviceUnary(run, frame, node, v)
    case 'bool': if (node.operator === '!') return bool(!v.value); break
    case 'symbolic': {
      const zero = asSymbolic(int(0))
      const value = zero && (node.operator === '!' ? v.type === 'bool' ? symbolicBinary('!', v, v) : undefined : node.operator === '-' ? symbolicBinary('-', zero, v) : undefined)
      if (value) return value
      run.gaveUp = true
      return unknown
    }
  }
  const needs = node.operator === '!' ? 'a condition' : node.operator === '~' ? 'a whole number' : 'a number'
  problem(run, frame.module, node.operand, 'wrong-type', `\`${node.operator}\` needs ${needs}; this is ${describe(v)}.`)
  return unknown
}

// ---------------------------------------------------------------- mappings and layouts

export function composeMappings(
  run: Run, frame: Frame, left: MappingValue, right: MappingValue,
  places: { readonly left: Node; readonly right: Node }
): Value {
  const a = left.mapping, b = right.mapping
  if (a.rank !== b.rank) {
    const { module } = frame
    problem(run, module, places.right, 'rank-mismatch',
      `\`${mappingText(b)}\` has task shape ${shapeText(b.shape)} of rank ${b.rank}, but the mapping on its left, \`${mappingText(a)}\`, has task shape ${shapeText(a.shape)} of rank ${a.rank}. Composed mappings have equally many dimensions.`,
      { related: [{ uri: module.uri, span: spanOf(module.source, places.left), message: `task shape ${shapeText(a.shape)}` }] })
    return unknown
  }
  if (a.factors.length + b.factors.length > limits.factors) return tooLarge(run, frame, places.right, `A mapping has at most ${limits.factors} factors; this one would have ${a.factors.length + b.factors.length}.`)
  const composed = compose(a, b)
  return composed.ok ? { kind: 'mapping', mapping: composed.value, origins: [...left.origins, ...right.origins] } : fromProblem(run, frame, composed.problem, places.right)
}

function joinLayouts(
  run: Run, frame: Frame, node: Node, operator: '*' | '+', left: Value, right: Value,
  places: { readonly left: Node; readonly right: Node }
): Value {
  const a = asLayout(run, frame, left, places.left, operator), b = asLayout(run, frame, right, places.right, operator)
  if (!a || !b) return unknown
  if (layoutWeight(a.layout) + layoutWeight(b.layout) > limits.factors) return tooLarge(run, frame, node, `A layout has at most ${limits.factors} parts.`)
  const { module } = frame
  if (operator === '*' && a.layout.shape.length !== b.layout.shape.length) {
    problem(run, module, places.right, 'rank-mismatch',
      `This layout has shape ${shapeText(b.layout.shape)}, but the one on its left has shape ${shapeText(a.layout.shape)}. Composed layouts have equally many dimensions; \`+\` puts dimensions in front.`,
      { related: [{ uri: module.uri, span: spanOf(module.source, places.left), message: `shape ${shapeText(a.layout.shape)}` }] })
    return unknown
  }
  const joined = operator === '*' ? multiplyLayouts(a.layout, b.layout) : concatenateLayouts(a.layout, b.layout)
  return joined.ok ? { kind: 'layout', layout: joined.value, origins: [...a.origins, ...b.origins] } : fromProblem(run, frame, joined.problem, places.right)
}

/** A layout; for `+` also a shape, which means `row_major`. */
function asLayout(run: Run, frame: Frame, v: Value, place: Node, operator: string): LayoutValue | undefined {
  if (v.kind === 'layout') return v
  const numbers = itemsOf(v)?.map(item => item.kind === 'int' ? Number(item.value) : undefined)
  if (operator === '*' || !numbers || numbers.some(n => n === undefined)) {
    problem(run, frame.module, place, 'wrong-type', `\`${operator}\` joins two layouts; this is ${describe(v)}.`)
    return undefined
  }
  const layout = rowMajor(numbers.filter(n => n !== undefined))
  if (layout.ok) return layoutValue(layout.value, [{ uri: frame.module.uri, span: spanOf(frame.module.source, place) }])
  fromProblem(run, frame, layout.problem, place)
  return undefined
}

/** A layout whose every factor was made at one place. */
export function layoutValue(layout: Layout, made: LayoutValue['origins'][number]): LayoutValue {
  return { kind: 'layout', layout, origins: layoutFactors(layout).map(() => made) }
}

export function fromProblem(
  run: Run, frame: Frame, p: Problem, place: Node | { readonly start: number; readonly end: number }
): Value {
  problem(run, frame.module, place, p.code, p.message)
  return unknown
}

function tooLarge(run: Run, frame: Frame, place: Node, message: string): Value {
  problem(run, frame.module, place, 'too-large', message)
  return unknown
}
