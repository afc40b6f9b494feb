/** The number that an index expression is, for given variables. */
import { foldWhole } from '../ir/build.ts'
import type { Expr, Variable } from '../ir/ir.ts'

/** Undefined where something else than known variables decides it, or where it has no value. */
export function indexValue(e: Expr, variables: ReadonlyMap<Variable, number>): number | undefined {
  switch (e.kind) {
    case 'constant': return Number(e.value)
    case 'variable': return variables.get(e.variable)
    case 'binary': {
      const left = indexValue(e.left, variables), right = indexValue(e.right, variables)
      const value = left === undefined || right === undefined ? undefined : foldWhole(e.operator, left, right)
      return value === undefined ? undefined : Number(value)
    }
    case 'unary': {
      const operand = indexValue(e.operand, variables)
      if (operand === undefined) return undefined
      return e.operator === '-' ? -operand + 0 : e.operator === '!' ? Number(operand === 0) : -operand - 1
    }
    case 'select': {
      const condition = indexValue(e.condition, variables)
      return condition === undefined ? undefined : indexValue(condition !== 0 ? e.then : e.otherwise, variables)
    }
    case 'cast': return e.type === 'index' ? indexValue(e.value, variables) : undefined
    case 'load': case 'call': case 'reduce': return undefined
  }
}
