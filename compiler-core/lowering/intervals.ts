/**
 * Between which numbers an index lies, from the ranges of its variables alone: no conditions, no relations between
 * variables. It takes one look at each node, so passes ask it first and the prover only where it does not decide.
 */
import type { Expr, Type, Variable } from '../ir/ir.ts'
import { isFloat, typeRange } from '../ir/build.ts'

export interface Interval { readonly low: number; readonly high: number }

export const anyNumber: Interval = { low: -Infinity, high: Infinity }

/** The range of each variable, as far as it is known by itself. */
export type VariableRange = (v: Variable) => Interval

/** Of a whole number; a `bool` lies between 0 and 1. */
export function intervalOf(e: Expr, range: VariableRange): Interval {
  switch (e.kind) {
    case 'constant': {
      const value = Number(e.value)
      return { low: value, high: value }
    }
    case 'variable': return range(e.variable)
    case 'binary':
      // of floats nothing is claimed: NaN is in no interval
      if (isFloat(e.left.type)) return ofType(e.type)
      return wrapped(ofBinary(e.operator, intervalOf(e.left, range), intervalOf(e.right, range)), e.type)
    case 'unary': {
      if (e.operator !== '-' || isFloat(e.type)) return ofType(e.type)
      const { low, high } = intervalOf(e.operand, range)
      return wrapped({ low: -high, high: -low }, e.type)
    }
    case 'select': return union(intervalOf(e.then, range), intervalOf(e.otherwise, range))
    case 'cast': return isFloat(e.value.type) || isFloat(e.type)
      ? ofType(e.type)
      : wrapped(intervalOf(e.value, range), e.type)
    case 'load': case 'call': case 'reduce': return ofType(e.type)
  }
}

export function union(a: Interval, b: Interval): Interval {
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }
}

function ofType(type: Type): Interval {
  return typeRange(type) ?? anyNumber
}

/** A machine's number that leaves its type comes back somewhere else. */
function wrapped(exact: Interval, type: Type): Interval {
  const all = ofType(type)
  return all.low <= exact.low && exact.high <= all.high ? exact : all
}

function ofBinary(operator: string, a: Interval, b: Interval): Interval {
  switch (operator) {
    case '+': return exact(a.low + b.low, a.high + b.high)
    case '-': return exact(a.low - b.high, a.high - b.low)
    case '*': {
      const corners = [times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)]
      return exact(Math.min(...corners), Math.max(...corners))
    }
    case '/': return b.low < 1 ? anyNumber : {
      low: Math.floor(a.low / (a.low < 0 ? b.low : b.high)),
      high: a.high < 0 ? Math.min(Math.floor(a.high / b.high), -1) : Math.floor(a.high / b.low)
    }
    case '%':
      if (b.low < 1) return anyNumber
      return a.low >= 0 && a.high < b.low ? a : { low: 0, high: a.low >= 0 ? Math.min(a.high, b.high - 1) : b.high - 1 }
    case 'min': return { low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) }
    case 'max': return { low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) }
    case '<': return ofCondition(a.high < b.low, a.low >= b.high)
    case '<=': return ofCondition(a.high <= b.low, a.low > b.high)
    case '==': return ofCondition(isSame(a, b), a.high < b.low || b.high < a.low)
    case '!=': return ofCondition(a.high < b.low || b.high < a.low, isSame(a, b))
    case '&&': return { low: Math.min(a.low, b.low), high: Math.min(a.high, b.high) }
    case '||': return { low: Math.max(a.low, b.low), high: Math.max(a.high, b.high) }
    case '&': return a.low >= 0 && b.low >= 0 ? { low: 0, high: Math.min(a.high, b.high) } : anyNumber
    case '|': case '^': {
      const high = Math.max(a.high, b.high)
      return a.low >= 0 && b.low >= 0 && high < 2 ** 31
        ? { low: 0, high: 2 ** (32 - Math.clz32(high)) - 1 }
        : anyNumber
    }
    default: return anyNumber
  }
}

function ofCondition(always: boolean, never: boolean): Interval {
  return always ? { low: 1, high: 1 } : never ? { low: 0, high: 0 } : { low: 0, high: 1 }
}

function isSame(a: Interval, b: Interval): boolean {
  return a.low === a.high && b.low === b.high && a.low === b.low
}

function times(a: number, b: number): number {
  return a === 0 || b === 0 ? 0 : a * b
}

/** Beyond the exact numbers a bound is none. */
function exact(low: number, high: number): Interval {
  return {
    low: low >= -Number.MAX_SAFE_INTEGER ? low : -Infinity, high: high <= Number.MAX_SAFE_INTEGER ? high : Infinity
  }
}
