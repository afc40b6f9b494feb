/**
 * What fusing an operator costs: how often its inputs are read, at how many places, and what an element takes to
 * compute.
 *
 *     batch_matmul, m = 128, k = 768, n = 2304      a: 36 loads an element (n in tiles of 64), b: 2
 *     max over windows of 3 x 3, stride 2           x: 2.25 loads an element
 *     gelu                                          x: one load an element, at the same index; 26 operations
 */
import type { Axis, Buffer, Expr, Intrinsic, Load } from '../ir/ir.ts'
import { sameValue } from '../ir/prove.ts'
import { childrenOf, equalExpr, forEachExpr, freeVariables } from '../ir/visit.ts'
import { injectivityOf } from './classify.ts'
import type { Definition, OperatorInstance } from './definition.ts'
import { axisFacts, inlinedDefinition } from './inline.ts'

/**
 * How many elements of each input the operator's kernel loads, in the order of the inputs. NaN where extents are known
 * only at launch.
 */
export function loadsOf(operator: OperatorInstance): readonly number[] {
  return remembered(loads, operator, () => {
    const counts = new Map<Buffer, number>(operator.inputs.map(x => [x, 0]))
    for (const definition of definitionsOf(operator)) {
      const { axes, value } = definition, isTiled = isContraction(definition)
      countLoads(value, volumeOf(axes), ({ buffer }, times) => {
        const size = volumeOf(buffer.shape)
        const loaded = isTiled ? Math.max(Math.min(size, times), times / tileExtent) : times
        if (counts.has(buffer)) counts.set(buffer, counts.get(buffer)! + loaded)
      })
    }
    return operator.inputs.map(x => counts.get(x)!)
  })
}

/**
 * The different indices at which one element of an injective operator's output reads each input, in the order of the
 * inputs: whether it is the output's own index.
 */
export function placesOf(operator: OperatorInstance): ReadonlyArray<readonly { readonly isSame: boolean }[]> {
  return remembered(places, operator, () => {
    const injectivity = injectivityOf(operator)
    if (!injectivity.injective) return []
    const { axes, value } = injectivity.output, facts = axisFacts(axes)
    const found = operator.inputs.map((): Load[] => [])
    forEachExpr(value, e => {
      const input = e.kind === 'load' ? operator.inputs.indexOf(e.buffer) : -1
      if (e.kind !== 'load' || input < 0) return
      if (!found[input]!.some(other => sameIndices(e.indices, other.indices))) found[input]!.push(e)
    })
    return found.map(all => all.map(({ indices, buffer }) => ({
      isSame: indices.length === axes.length && indices.every((index, d) =>
        (index.kind === 'variable' && index.variable === axes[d]!.variable)
        || (equalExpr(buffer.shape[d]!, axes[d]!.extent) && sameValue(facts, index, axisIndex(axes[d]!))))
    })))
  })
}

/**
 * How often one element of an injective operator's output reads each input, in the order of the inputs; with choices in
 * it, as often again for each of them: conditions are looked at wherever something depends on them.
 */
export function readsOf(operator: OperatorInstance): readonly number[] {
  return remembered(reads, operator, () => {
    const injectivity = injectivityOf(operator), counts = new Map<Buffer, number>()
    let choices = 0
    if (!injectivity.injective) return []
    forEachExpr(injectivity.output.value, e => {
      if (e.kind === 'load') counts.set(e.buffer, (counts.get(e.buffer) ?? 0) + 1)
      if (e.kind === 'select') choices++
    })
    return operator.inputs.map(x => (counts.get(x) ?? 0) * (1 + choices))
  })
}

/**
 * What one element of an injective operator's output takes to compute: additions and their like count one, other
 * operations as much as they cost on a GPU, about; loads beyond the first count as well, where to load does not.
 */
export function operationsOf(operator: OperatorInstance): number {
  return remembered(operations, operator, () => {
    const injectivity = injectivityOf(operator)
    if (!injectivity.injective) return Infinity
    const { output } = injectivity
    return Math.max(0, operationsIn(output.value) - loadCost)
  })
}

/**
 * Rows and columns of a matmul's result that a block computes at once, at least: an element of an operand is loaded
 * once for so many of them.
 */
const tileExtent = 64

/** From the chip's rates (16 of 128 lanes for functions) and the lengths of CUDA's implementations in f32, about. */
const callCosts: Readonly<Record<Intrinsic, number>> = {
  abs: 0, fma: 1, floor: 1, ceil: 1, round: 1, sqrt: 8, rsqrt: 6, exp: 8, log: 10, sin: 15, cos: 15, tanh: 15, erf: 20,
  pow: 30, shfl_xor_sync: 0, shfl_down_sync: 0
}
const divisionCost = 8, loadCost = 4

function operationsIn(e: Expr): number {
  if (e.type === 'index' || e.kind === 'constant' || e.kind === 'variable') return 0
  if (e.kind === 'load') return loadCost
  const inside = childrenOf(e).reduce((n, child) => n + operationsIn(child), 0)
  switch (e.kind) {
    case 'binary':
      if (e.left.type === 'index') return inside
      return inside + (e.operator === '/' || e.operator === '%' ? divisionCost : 1)
    case 'call': return inside + callCosts[e.intrinsic]
    case 'cast': return inside
    default: return inside + 1
  }
}

/** Outputs and stages that have elements of their own in memory or registers. */
function definitionsOf(operator: OperatorInstance): readonly Definition[] {
  const all = [...operator.stages, ...operator.outputs].flatMap(d => inlinedDefinition(operator, d.buffer) ?? [])
  const read = new Set<Buffer>(operator.outputs.map(o => o.buffer))
  return all.toReversed().filter(({ buffer, value }) => {
    if (!read.has(buffer)) return false
    forEachExpr(value, e => {
      if (e.kind === 'load') read.add(e.buffer)
    })
    return true
  })
}

/** A sum of products whose factors are each used for many elements of the result: schedules compute it in tiles. */
function isContraction({ axes, value }: Definition): boolean {
  let tiled = false
  forEachExpr(value, e => {
    if (e.kind !== 'reduce' || e.reducer !== 'sum') return
    const factors: Load[] = []
    forEachExpr(e.body, part => {
      if (part.kind === 'load') factors.push(part)
    })
    const unused = (load: Load) => {
      const used = new Set(load.indices.flatMap(i => [...freeVariables(i)]))
      return axes.some(a => !used.has(a.variable))
    }
    const [a, b] = factors
    tiled ||= factors.length === 2 && a!.buffer !== b!.buffer && unused(a!) && unused(b!)
  })
  return tiled
}

/** Each different load of a value, and how often it takes place. */
function countLoads(value: Expr, times: number, found: (load: Load, times: number) => void): void {
  const seen: { readonly load: Load; readonly times: number }[] = []
  visit(value, times)
  for (const { load, times: t } of seen) found(load, t)

  function visit(e: Expr, t: number): void {
    if (e.kind === 'load' && !seen.some(s => s.load.buffer === e.buffer && sameIndices(s.load.indices, e.indices))) {
      seen.push({ load: e, times: t })
    }
    const inside = e.kind === 'reduce' ? t * volumeOf(e.axes) : t
    for (const child of childrenOf(e)) visit(child, inside)
  }
}

function sameIndices(a: readonly Expr[], b: readonly Expr[]): boolean {
  return a.length === b.length && a.every((e, d) => equalExpr(e, b[d]!))
}

function axisIndex({ variable }: Axis): Expr {
  return { kind: 'variable', variable, type: variable.type, origins: [] }
}

/** NaN where an extent is known only at launch. */
export function volumeOf(shape: readonly (Axis | Expr)[]): number {
  return shape.reduce((n, part) => {
    const extent = 'extent' in part ? part.extent : part
    return n * (extent.kind === 'constant' ? Number(extent.value) : Number.NaN)
  }, 1)
}

const loads = new WeakMap<OperatorInstance, readonly number[]>()
const places = new WeakMap<OperatorInstance, ReadonlyArray<readonly { readonly isSame: boolean }[]>>()
const reads = new WeakMap<OperatorInstance, readonly number[]>()
const operations = new WeakMap<OperatorInstance, number>()

function remembered<T>(known: WeakMap<OperatorInstance, T>, operator: OperatorInstance, compute: () => T): T {
  const before = known.get(operator)
  if (before !== undefined) return before
  const value = compute()
  known.set(operator, value)
  return value
}
