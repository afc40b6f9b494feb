/**
 * All passes over a model's graph, in their order. Each is described where it is written, as before -> after.
 *
 *     fold constants, simplify (arithmetic, transforms, weights, recognise), cast where it is read, merge products,
 *     convolutions as products, flatten batches, split long sums
 */
import type { FlowGraph } from '../flow.ts'
import type { Model } from '../model.ts'
import { arithmeticRules } from './arithmetic.ts'
import { edit } from './editing.ts'
import { convolutionRule, flattenRule, mergeProducts, splitSums, type ParallelK } from './products.ts'
import { recognitionRules } from './recognise.ts'
import { rewrite } from './rules.ts'
import { castWhereRead, transformRules } from './transforms.ts'
import { weightRules } from './weights.ts'

export type { ParallelK } from './products.ts'

export interface OptimiseOptions {
  /** Streaming multiprocessors of the device. */
  readonly sms: number
  readonly parallelK?: ParallelK | undefined
}

/** A pass and the graph behind it; unchanged parts are shared. */
export interface OptimiseStep { readonly name: string; readonly graph: FlowGraph }

export function optimise(model: Model, { sms, parallelK = 'default' }: OptimiseOptions): {
  readonly model: Model
  readonly steps: readonly OptimiseStep[]
} {
  const passes: readonly (readonly [string, (before: Model) => Model])[] = [
    ['fold constants', foldConstants],
    ['simplify', before => rewrite(before, [...transformRules, ...arithmeticRules, ...weightRules, ...recognitionRules])],
    ['cast where read', castWhereRead],
    ['merge products', before => mergeProducts(before, sms)],
    ['convolutions', before => rewrite(before, [convolutionRule])],
    ['flatten batches', before => rewrite(before, [flattenRule, ...transformRules])],
    ['split long sums', before => splitSums(before, parallelK, sms)],
  ]
  let now = model
  const steps: OptimiseStep[] = [{ name: 'import', graph: model.graph }]
  for (const [name, pass] of passes) {
    now = pass(now)
    steps.push({ name, graph: now.graph })
  }
  return { model: now, steps }
}

/** node over constants  ->  a constant, whose elements are computed when somebody needs them. */
export function foldConstants(model: Model): Model {
  return edit(model, (editing, node) => {
    editing.fold(node)
  })
}
