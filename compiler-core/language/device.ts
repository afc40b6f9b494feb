/**
 * Expressions whose values are known only at launch or while a kernel runs: each operation of the language on such
 * values becomes a node of the intermediate representation, with the place that was written for it as its origin.
 *
 *     bi * bm + i        bi, i: device values, bm: 128      ->  binary +, of type index, origin `bi * bm + i`
 *
 * Types follow the language: a compile-time number takes the type of the other operand, operands of one kind take the
 * wider type, and everything else needs a written conversion.
 */
import {
  binary as binaryNode, call as callNode, cast as castNode, constant, ref, select as selectNode, unary as unaryNode
} from '../ir/build.ts'
import type { Expr as DeviceExpr, Intrinsic, Type } from '../ir/ir.ts'
import type { Origins } from '../ir/origin.ts'
import { forEachExpr } from '../ir/visit.ts'
import { problem, type Frame, type Run } from './run.ts'
import type { BinaryOperator, Node, Unary } from './syntax/tree.ts'
import { spanOf } from './syntax/walk.ts'
import { describe, elementType, tuple, unknown, type DeviceValue, type ElementType, type Value } from './values.ts'

export function originsAt(run: Run, frame: Frame, node: Node): Origins {
  return [{ range: { uri: frame.module.uri, span: spanOf(frame.module.source, node) }, through: run.device?.through }]
}

export function device(expr: DeviceExpr): DeviceValue { return { kind: 'device', expr } }

// ---------------------------------------------------------------- values as expressions

/**
 * A value as an expression: of the given type where it converts without a written cast, otherwise of its own. Undefined
 * after a problem, which has been reported.
 */
export function exprOf(run: Run, frame: Frame, v: Value, node: Node, type?: Type): DeviceExpr | undefined {
  const origins = originsAt(run, frame, node)
  switch (v.kind) {
    case 'device': return type === undefined ? v.expr : converted(run, frame, v.expr, node, type)
    case 'int': {
      const { value } = v
      if (type !== undefined && isFloat(type)) return constant(Number(value), type, origins)
      if (type === 'bool') break
      const limits = type === undefined || type === 'index' ? undefined : elementType(type)
      if (limits && (value < limits.min || value > limits.max)) {
        problem(run, frame.module, node, 'overflow', `\`${type}\` holds ${limits.min} to ${limits.max}; this is ${value}.`)
        return undefined
      }
      return constant(Number.isSafeInteger(Number(value)) ? Number(value) : value, type ?? 'index', origins)
    }
    case 'float':
      if (type !== undefined && !isFloat(type)) break
      return constant(v.value, type ?? 'f32', origins)
    case 'bool':
      if (type !== undefined && type !== 'bool') break
      return constant(v.value ? 1 : 0, 'bool', origins)
    case 'unknown':
      notKnown(run, frame, node)
      return undefined
    default: break
  }
  const wanted = type === undefined ? 'a number or a condition' : type === 'index' ? 'a whole number' : `of type \`${type}\``
  problem(run, frame.module, node, 'wrong-type', `This is ${describe(v)}; here it must be ${wanted}.`)
  return undefined
}

/** Something without a value that nobody has complained about. */
function notKnown(run: Run, frame: Frame, node: Node): void {
  if (run.problems === 0) problem(run, frame.module, node, 'no-value', 'This has no value here.')
}

/** A compile-time number as the given type would hold it, a device value as it is. */
function converted(
  run: Run, frame: Frame, e: DeviceExpr, node: Node, type: Type
): DeviceExpr | undefined {
  if (e.type === type) return e
  if (widens(e.type, type)) return castNode(e, type, e.origins)
  problem(run, frame.module, node, 'wrong-type', `This is ${typePhrase(e.type)}, but ${typePhrase(type)} is needed here. Write the conversion: \`${type === 'index' ? 'int' : type}(...)\`.`)
  return undefined
}

/** Whether a device value has a fraction. */
export function isFloating(v: DeviceValue): boolean { return isFloat(v.expr.type) }

const isFloat = (t: Type): boolean => /^(t|b)?f\d/.test(t)
const isWhole = (t: Type): boolean => t === 'index' || /^[iu]\d/.test(t)
const bits = (t: Type): number => t === 'index' ? 64 : t === 'tf32' ? 19 : Number(/\d+/.exec(t)?.[0] ?? 1)

/** Whether every value of a type is one of the other, so that no conversion needs to be written. */
function widens(from: Type, to: Type): boolean {
  if (isFloat(from) && isFloat(to)) return to === 'f64' || (to === 'f32' && from !== 'f64') || (to === 'tf32' && (from === 'f16' || from === 'bf16'))
  if (!isWhole(from) || !isWhole(to)) return false
  if (to === 'index') return true
  if (from === 'index') return to === 'i64' || to === 'i32'
  return bits(from) < bits(to) && (from.startsWith('u') || to.startsWith('i'))
}

function typePhrase(t: Type): string { return t === 'index' ? 'a whole number' : t === 'bool' ? 'a condition' : `\`${t}\`` }

/** Two operands in their common type; undefined after a problem. */
function unified(
  run: Run, frame: Frame, node: Node, operator: string, left: Value, right: Value,
  places: { readonly left: Node; readonly right: Node }
): readonly [DeviceExpr, DeviceExpr] | undefined {
  const before = run.problems
  const typeOf = (v: Value): Type | undefined => v.kind === 'device' ? v.expr.type : undefined
  const lt = typeOf(left), rt = typeOf(right)
  let type: Type | undefined
  if (left.kind === 'device' && right.kind === 'device') {
    const l = left.expr, r = right.expr
    // shape variables are numbers like those known at compile time
    if (isFloat(l.type) && r.type === 'index' && isLaunch(r)) return [l, castNode(r, l.type, r.origins)]
    if (isFloat(r.type) && l.type === 'index' && isLaunch(l)) return [castNode(l, r.type, l.origins), r]
  }
  if (lt === undefined || rt === undefined) type = lt ?? rt
  else if (lt === rt || widens(rt, lt)) type = lt
  else if (widens(lt, rt)) type = rt
  if (type === undefined || (lt === undefined && !fits(left, type)) || (rt === undefined && !fits(right, type))) {
    const what = (v: Value): string => v.kind === 'device' ? typePhrase(v.expr.type) : describe(v)
    problem(run, frame.module, node, 'wrong-type', `\`${operator}\` needs two values of one type; these are ${what(left)} and ${what(right)}.${conversionAdvice(left, right)}`)
    return undefined
  }
  const l = exprOf(run, frame, left, places.left, type), r = exprOf(run, frame, right, places.right, type)
  return l && r && run.problems === before ? [l, r] : undefined
}

function fits(v: Value, type: Type): boolean {
  return v.kind === 'unknown' || (v.kind === 'int' && type !== 'bool') || (v.kind === 'float' && isFloat(type)) || (v.kind === 'bool' && type === 'bool')
}

function conversionAdvice(left: Value, right: Value): string {
  const types = [left, right].map(v => v.kind === 'device' ? v.expr.type : undefined)
  const float = types.find(t => t !== undefined && isFloat(t)), whole = types.find(t => t !== undefined && isWhole(t))
  if (float !== undefined && whole !== undefined) return ` Convert the whole number: \`${float}(...)\`.`
  if (whole !== undefined) return ' Convert the whole number: `f32(...)`.'
  return types.includes('bool') ? '' : ' Convert one of them: `f32(...)`.'
}

// ---------------------------------------------------------------- operators

const logical: ReadonlySet<string> = new Set(['&&', '||'])
const onBits: ReadonlySet<string> = new Set(['&', '|', '^', '<<', '>>'])

/** `left operator right` where at least one side is a device value. */
export function deviceBinary(
  run: Run, frame: Frame, node: Node, operator: BinaryOperator | 'min' | 'max', left: Value, right: Value,
  places: { readonly left: Node; readonly right: Node }
): Value {
  const operands = unified(run, frame, node, operator, left, right, places)
  if (!operands) return unknown
  const [l, r] = operands
  const wrong = (needs: string): Value => {
    problem(run, frame.module, node, 'wrong-type', `\`${operator}\` needs ${needs}; this is ${typePhrase(l.type)}.`)
    return unknown
  }
  if (logical.has(operator) !== (l.type === 'bool') && operator !== '==' && operator !== '!=') {
    return wrong(l.type === 'bool' ? 'numbers' : 'conditions')
  }
  if (onBits.has(operator) && !isWhole(l.type)) return wrong('whole numbers')
  if (operator === '%' && isFloat(l.type)) return wrong('whole numbers')
  if ((operator === '/' || operator === '%') && right.kind === 'int' && right.value === 0n && isWhole(l.type)) {
    problem(run, frame.module, places.right, 'division-by-zero', 'Whole numbers have no quotient by zero.')
    return unknown
  }
  const origins = originsAt(run, frame, node)
  if (operator === '>' || operator === '>=') return device(binaryNode(operator === '>' ? '<' : '<=', r, l, origins))
  return device(binaryNode(operator, l, r, origins))
}

export function deviceUnary(run: Run, frame: Frame, node: Unary, v: DeviceValue): Value {
  const { type } = v.expr
  const right = node.operator === '!' ? type === 'bool' : node.operator === '~' ? isWhole(type) : type !== 'bool'
  if (right) return device(unaryNode(node.operator, v.expr, originsAt(run, frame, node)))
  const needs = node.operator === '!' ? 'a condition' : node.operator === '~' ? 'a whole number' : 'a number'
  problem(run, frame.module, node.operand, 'wrong-type', `\`${node.operator}\` needs ${needs}; this is ${typePhrase(type)}.`)
  return unknown
}

/** `if condition then a else b` with a device condition; tuples are chosen item by item. */
export function deviceSelect(
  run: Run, frame: Frame, node: Node, condition: DeviceExpr, then: Value, otherwise: Value,
  places: { readonly left: Node; readonly right: Node }
): Value {
  if (then.kind === 'tuple' && otherwise.kind === 'tuple' && then.items.length === otherwise.items.length) {
    return tuple(then.items.map((item, i) =>
      deviceSelect(run, frame, node, condition, item, otherwise.items[i] ?? unknown, places)))
  }
  const typed = then.kind === 'device' || otherwise.kind === 'device'
  const sides = typed ? unified(run, frame, node, 'if', then, otherwise, places) : bothKnown(run, frame, then, otherwise, places)
  return sides ? device(selectNode(condition, sides[0], sides[1], originsAt(run, frame, node))) : unknown
}

/** Two compile-time sides: both floats if one is. */
function bothKnown(
  run: Run, frame: Frame, then: Value, otherwise: Value,
  places: { readonly left: Node; readonly right: Node }
): readonly [DeviceExpr, DeviceExpr] | undefined {
  const type = then.kind === 'float' || otherwise.kind === 'float' ? 'f32' : undefined
  const l = exprOf(run, frame, then, places.left, type), r = exprOf(run, frame, otherwise, places.right, type)
  return l && r ? [l, r] : undefined
}

/** A device condition: undefined after a problem. */
export function conditionExpr(run: Run, frame: Frame, node: Node, v: Value): DeviceExpr | undefined {
  if (v.kind === 'device' && v.expr.type !== 'bool') {
    problem(run, frame.module, node, 'wrong-type', `A condition is true or false; this is ${typePhrase(v.expr.type)}. Compare it: \`!= 0\`.`)
    return undefined
  }
  return exprOf(run, frame, v, node, 'bool')
}

// ---------------------------------------------------------------- functions

const intrinsics: ReadonlySet<string> = new Set<Intrinsic>([
  'abs', 'exp', 'log', 'sqrt', 'rsqrt', 'tanh', 'erf', 'pow', 'floor', 'ceil', 'round', 'sin', 'cos', 'fma',
])
export function isIntrinsic(name: string): name is Intrinsic { return intrinsics.has(name) }

/** `exp(x)` and the like, whose arguments have one type. */
export function deviceCall(
  run: Run, frame: Frame, node: Node, name: Intrinsic,
  args: ReadonlyArray<{ readonly value: Value; readonly node: Node }>
): Value {
  const typed = args.find(a => a.value.kind === 'device')?.value
  const type = typed?.kind === 'device' ? typed.expr.type : 'f32'
  if (name !== 'abs' && !isFloat(type)) {
    problem(run, frame.module, args[0]?.node ?? node, 'wrong-type', `\`${name}\` takes a float; this is ${typePhrase(type)}. Convert it: \`f32(...)\`.`)
    return unknown
  }
  const exprs = args.map(a => exprOf(run, frame, a.value, a.node, type))
  const known = exprs.filter(e => e !== undefined)
  return known.length === exprs.length ? device(callNode(name, known, originsAt(run, frame, node))) : unknown
}

/** `f32(x)`, `int(x)`: a written conversion. */
export function deviceCast(run: Run, frame: Frame, node: Node, to: ElementType | 'int' | 'float', v: DeviceValue): Value {
  const type = to === 'int' ? 'index' : to === 'float' ? 'f32' : to.name as Type
  return v.expr.type === type ? v : device(castNode(v.expr, type, originsAt(run, frame, node)))
}

// ---------------------------------------------------------------- stages

/** Reports that something must be known earlier than it is. */
export function laterThan(run: Run, frame: Frame, node: Node, v: DeviceValue, what: string): void {
  const launch = isLaunch(v.expr)
  const names = [...new Set(launchNames(v.expr))].map(n => `\`${n}\``).join(', ')
  problem(run, frame.module, node, 'not-compile-time', launch
    ? `${what} must be known at compile time, but ${names} is known only at launch. Bind it in the instance, or add \`given\` to the schedule.`
    : `${what} must be known at compile time, but this is known only while the kernel runs.`)
}

/** Whether an expression depends on nothing but shape variables. */
export function isLaunch(e: DeviceExpr): boolean {
  let launch = true
  forEachExpr(e, x => { if (x.kind === 'load' || x.kind === 'reduce' || (x.kind === 'variable' && x.variable.role !== 'extent' && x.variable.launch !== true)) launch = false })
  return launch
}

function launchNames(e: DeviceExpr): readonly string[] {
  const names: string[] = []
  forEachExpr(e, x => { if (x.kind === 'variable') names.push(x.variable.name) })
  return names
}

/** A variable read at a place. */
export function reading(run: Run, frame: Frame, node: Node, v: DeviceValue): DeviceValue {
  const { expr } = v
  return expr.kind === 'variable' ? device(ref(expr.variable, originsAt(run, frame, node))) : v
}
