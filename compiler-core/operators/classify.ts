/**
 * What fusion may do with an operator, each answer with its reason for the person who asks why not.
 *
 *     relu           injective; inverse of x: [...j] -> [...j]
 *     add(a, bias)   injective; inverse of a; none of bias: "one element of `bias` is used for all `i0`"
 *     batch_matmul   not injective: "`c` is a reduction"
 *
 * Injective: one output, each element of which is an expression of input elements. It can be computed where the output
 * is loaded (a prologue). With an inverse map of an input it can be applied where that input is stored (an epilogue).
 */
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Expr } from '../ir/ir.ts'
import { sameValue } from '../ir/prove.ts'
import { forEachExpr, freeVariables } from '../ir/visit.ts'
import type { DeclaredInverse, Definition, OperatorInstance } from './definition.ts'
import { axisFacts, inlinedDefinition, isPointwise } from './inline.ts'
import { checkInverse, inferInverse, isOne, sameSize, type InverseMap } from './inverse.ts'

export type Injectivity =
  | { readonly injective: true; readonly output: Definition }
  | { readonly injective: false; readonly reason: string }

export type Inversion =
  | { readonly inverse: InverseMap }
  | { readonly inverse: undefined; readonly reason: string }

/** The output's definition comes with its stages inlined. */
export function injectivityOf(instance: OperatorInstance): Injectivity {
  const [output, ...others] = instance.outputs
  const definition = output && inlinedDefinition(instance, output.buffer)
  if (!definition || others.length > 0) {
    return { injective: false, reason: `\`${instance.name}\` has ${instance.outputs.length} outputs` }
  }
  return isPointwise(instance)
    ? { injective: true, output: definition }
    : { injective: false, reason: `\`${instance.name}\` is a reduction` }
}

/**
 * Whether it only reorders dimensions, and another one comes last: whoever reads neighbours does not write neighbours,
 * so that such an operator is worth a schedule of its own.
 */
export function isTransposition(instance: OperatorInstance): boolean {
  const [output, ...others] = instance.outputs, value = output?.value
  if (value?.kind !== 'load' || others.length > 0 || value.indices.length !== output?.axes.length) return false
  const read = value.indices.map(e => (e.kind === 'variable' ? e.variable : undefined))
  const isReordered = output.axes.every(a => read.includes(a.variable))
  return isReordered && read.at(-1) !== output.axes.at(-1)?.variable
}

/** Where the elements of an input arrive in the one output of an injective operator. */
export function inversionOf(instance: OperatorInstance, input: Buffer): Inversion {
  const known = inversions.get(instance) ?? new Map<Buffer, Inversion>()
  inversions.set(instance, known)
  const inversion = known.get(input) ?? invert(instance, input)
  known.set(input, inversion)
  return inversion
}

/** Declared inverse maps that are wrong, and those that nobody can tell, which are not used. */
export function checkInverses(instance: OperatorInstance): readonly Finding[] {
  return instance.inverses.flatMap(declared => {
    const read = readByDeclared(instance, declared)
    if (typeof read === 'string') return finding(declared, 'error', `${read}, so it has no inverse map.`)
    const verdict = checkInverse(read.definition, read.indices, declared)
    switch (verdict.kind) {
      case 'proved': return []
      case 'refuted': return finding(declared, 'error', verdict.message)
      case 'unknown': return finding(
        declared, 'information', 'That this inverse map holds could not be proved for all indices; it is not used.'
      )
    }
  })
}

const inversions = new WeakMap<OperatorInstance, Map<Buffer, Inversion>>()

function invert(instance: OperatorInstance, input: Buffer): Inversion {
  const injectivity = injectivityOf(instance)
  if (!injectivity.injective) return { inverse: undefined, reason: injectivity.reason }
  const definition = injectivity.output, y = definition.buffer.name
  const indices = readOf(definition, input)
  if (typeof indices === 'string') return { inverse: undefined, reason: indices }
  const inferred = inferInverse(definition, input, indices)
  if (inferred) return { inverse: inferred }
  const declared = instance.inverses.find(i => i.input === input && i.output === definition.buffer)
  if (declared && checkInverse(definition, indices, declared).kind === 'proved') return { inverse: declared }
  const used = new Set(indices.flatMap(i => [...freeVariables(i)]))
  const repeated = definition.axes.filter(a => !used.has(a.variable) && !isOne(a.extent))
  const names = repeated.map(a => `\`${a.variable.name}\``).join(', ')
  const reason = repeated.length > 0
    ? `one element of \`${input.name}\` is used for all ${names} of \`${y}\``
    : sameSize(input.shape, definition.buffer.shape)
      ? `where the elements of \`${input.name}\` arrive in \`${y}\` is not found; \`inverse\` declares it`
      : `\`${input.name}\` and \`${y}\` differ in their number of elements`
  return { inverse: undefined, reason }
}

/** The index at which all reads of an input take place, or why there is none. */
function readOf(definition: Definition, input: Buffer): readonly Expr[] | string {
  const reads: (readonly Expr[])[] = []
  forEachExpr(definition.value, e => {
    if (e.kind === 'load' && e.buffer === input) reads.push(e.indices)
  })
  const [first, ...others] = reads
  if (!first) return `\`${definition.buffer.name}\` does not depend on \`${input.name}\``
  const facts = axisFacts(definition.axes)
  return others.every(other => other.every((e, d) => sameValue(facts, e, first[d]!)))
    ? first
    : `\`${definition.buffer.name}\` reads \`${input.name}\` at several indices`
}

function readByDeclared(
  instance: OperatorInstance, declared: DeclaredInverse
): { readonly definition: Definition; readonly indices: readonly Expr[] } | string {
  const injectivity = injectivityOf(instance)
  if (!injectivity.injective) return injectivity.reason
  const indices = readOf(injectivity.output, declared.input)
  return typeof indices === 'string' ? indices : { definition: injectivity.output, indices }
}

function finding(declared: DeclaredInverse, severity: Finding['severity'], message: string): readonly Finding[] {
  return [{ code: 'wrong-inverse', severity, message, origins: declared.origins, related: [] }]
}
