/**
 * What engineers get wrong, one mistake at a time: a program in, each program with one mistake out.
 *
 *     syncthreads()                                     drop the barrier; wait a statement too early, too late
 *     if i < m && j < n { ... }                         without `i < m`; `i < m + 1`
 *     sa[s, i, p] = ga[i, p]                            ga[i + 1, p]; sa[s, i - 1, p]; sa[s, p, i]
 *     let s = (t + 1) % 2                               let s = (t + 1 + 1) % 2
 *     shared sb: f32[2, 8, 128]                         both stages in one place
 *     for (i, p) in (spatial(32, 8) * repeat(4, 1))     repeat(4, 1) * spatial(32, 8)
 *     acc[i, j] = acc[i, j] + ra[q, i] * rb[q, j]       acc[i, j] = ra[q, i] * rb[q, j]
 *
 * Mutants are made of programs whose bounds are explicit (lowering/guards.ts), where nothing protects an access but the
 * conditions that stand there. `slips` are made before: there the guard of `??` and `=?` follows a wrong index.
 */
import { binary, compare, conjuncts, constant, ref, select } from '../../compiler-core/ir/build.ts'
import {
  dimensions, threadIdx,
  type Allocate, type Binary, type Buffer, type Expr, type Program, type Stmt, type Tasks
} from '../../compiler-core/ir/ir.ts'
import type { Origins } from '../../compiler-core/ir/origin.ts'
import { printExpr, printStatements } from '../../compiler-core/ir/print.ts'
import { equalExpr, mapExpr, mapOwnExprs, mapStmts } from '../../compiler-core/ir/visit.ts'
import {
  columnMajor, layoutText, localLayout, multiplyLayouts, rowMajor, stridesLayout, type Layout
} from '../../compiler-core/mapping/layout.ts'
import {
  factorShape, factorText, factorWorkers, mappingText, type Atom, type Factor, type Mapping
} from '../../compiler-core/mapping/mapping.ts'
import type { Result } from '../../compiler-core/mapping/result.ts'
import { childSites, nodesOf, rootsOf, statementsOf, type ExpressionSite, type StatementSite } from './sites.ts'

export const mutantKinds =
  ['barrier', 'predicate', 'index', 'layout', 'mapping', 'stage', 'extent', 'value', 'slip'] as const
export type MutantKind = typeof mutantKinds[number]

export interface Mutant {
  readonly kind: MutantKind
  /** `drop barrier`, `b[r, p, j]: p + 1`: the same for the same program, not unique. */
  readonly what: string
  readonly origins: Origins
  readonly program: Program
}

/** In a fixed order. Many come to the same program in different ways, and some are no mistake. */
export function mutantsOf(program: Program): readonly Mutant[] {
  const sites = statementsOf(program)
  return [
    ...sites.flatMap(barrierMutants),
    ...sites.flatMap(waitMutants),
    ...sites.flatMap(predicateMutants),
    ...sites.flatMap(stageMutants),
    ...buffersOf(program).flatMap(b => layoutMutants(program, b)),
    ...sites.flatMap(mappingMutants),
    ...sites.flatMap(indexMutants),
    ...extentMutants(program, sites),
    ...sites.flatMap(valueMutants)
  ]
}

/** Wrong indices of guarded accesses, in a program whose guards are still part of the access. */
export function slipsOf(program: Program): readonly Mutant[] {
  const sites = statementsOf(program)
  return [
    ...sites.flatMap(site => {
      const { statement } = site
      if (statement.kind !== 'store' || !statement.guarded) return []
      return rootsOf(site).slice(0, statement.indices.length).flatMap(e => shifted(e, 'slip', accessText(statement)))
    }),
    ...sites.flatMap(site => rootsOf(site).flatMap(nodesOf).flatMap(node => {
      const { expression } = node
      if (expression.kind !== 'load' || expression.outside === undefined) return []
      return childSites(node).slice(0, expression.indices.length).flatMap(e => shifted(e, 'slip', accessText(expression)))
    }))
  ]
}

// ---------------------------------------------------------------- waiting

function barrierMutants({ statement, body, at, replace, replaceBody }: StatementSite): readonly Mutant[] {
  if (statement.kind !== 'barrier') return []
  const mutant = (what: string, program: Program): Mutant =>
    ({ kind: 'barrier', what, origins: statement.origins, program })
  const before = body[at - 1], after = body[at + 1]
  return [
    mutant('drop barrier', replace([])),
    ...before && before.kind !== 'barrier'
      ? [mutant('barrier a statement early', replaceBody(body.toSpliced(at - 1, 2, statement, before)))] : [],
    ...after && after.kind !== 'barrier'
      ? [mutant('barrier a statement late', replaceBody(body.toSpliced(at, 2, after, statement)))] : [],
    ...before?.kind === 'if'
      ? [mutant('barrier inside of the condition before it',
        replaceBody(body.toSpliced(at - 1, 2, { ...before, then: [...before.then, statement] })))] : []
  ]
}

function waitMutants({ statement, replace }: StatementSite): readonly Mutant[] {
  if (statement.kind !== 'effect') return []
  const mutant = (what: string, by: readonly Stmt[]): Mutant =>
    ({ kind: 'barrier', what, origins: statement.origins, program: replace(by) })
  switch (statement.effect) {
    case 'commit_group': return [mutant('drop commit_group', [])]
    case 'wait_group': {
      const { pending } = statement
      return [
        mutant('drop wait_group', []),
        mutant(`wait_group(${pending + 1}) for wait_group(${pending})`, [{ ...statement, pending: pending + 1 }])
      ]
    }
    default: return []
  }
}

// ---------------------------------------------------------------- predicates

function predicateMutants(site: StatementSite): readonly Mutant[] {
  const { statement, replace } = site
  const ofStatement = statement.kind === 'if'
    ? weakened(statement.condition, condition => replace(condition ? [{ ...statement, condition }] : statement.then))
    : []
  return [
    ...ofStatement,
    ...rootsOf(site).flatMap(nodesOf).flatMap(({ expression, replace: put }) => expression.kind === 'select'
      ? weakened(expression.condition, condition => put(condition ? { ...expression, condition } : expression.then))
      : [])
  ]
}

/** Without each conjunct, and with each comparison a step off. `put(undefined)`: as if the condition held. */
function weakened(condition: Expr, put: (condition: Expr | undefined) => Program): readonly Mutant[] {
  const all = conjuncts(condition)
  const joined = (parts: readonly Expr[]): Expr | undefined =>
    parts.length === 0 ? undefined : parts.reduce((left, right) => ({ ...asBinary(condition), left, right }))
  return all.flatMap((part, n): readonly Mutant[] => {
    const mutant = (what: string, parts: readonly Expr[]): Mutant =>
      ({ kind: 'predicate', what, origins: part.origins, program: put(joined(parts)) })
    return [
      mutant(`without ${printExpr(part)}`, all.toSpliced(n, 1)),
      ...[1, -1].flatMap(step => {
        const off = comparedTo(part, step)
        return off ? [mutant(`${printExpr(off)} for ${printExpr(part)}`, all.with(n, off))] : []
      })
    ]
  })
}

/** Only asked for where there are several conjuncts. */
function asBinary(e: Expr): Binary {
  return e.kind === 'binary' ? e : compare('==', e, e) as Binary
}

/** A comparison of whole numbers with its right side `step` larger. */
function comparedTo(e: Expr, step: number): Expr | undefined {
  if (e.kind !== 'binary' || e.left.type !== 'index' || !['<', '<=', '==', '!='].includes(e.operator)) return undefined
  return { ...e, right: moved(e.right, step) }
}

// ---------------------------------------------------------------- indices

function indexMutants(site: StatementSite): readonly Mutant[] {
  const { statement } = site, roots = rootsOf(site)
  return [...ofStatement(), ...roots.flatMap(nodesOf).flatMap(ofLoad)]

  function ofStatement(): readonly Mutant[] {
    switch (statement.kind) {
      case 'let': return statement.variable.type === 'index' && roots[0]
        ? shifted(roots[0], 'index', `let ${statement.variable.name}`) : []
      case 'tasks': return roots.flatMap(e => shifted(e, 'index', `worker of ${tasksText(statement)}`))
      case 'store': return [
        ...roots.slice(0, statement.indices.length).flatMap(e => shifted(e, 'index', accessText(statement))),
        ...transposed(statement.indices, indices => site.replace([{ ...statement, indices }]), accessText(statement),
          statement.origins)
      ]
      case 'effect': return statement.effect === 'atomic_add'
        ? roots.slice(0, statement.indices.length).flatMap(e => shifted(e, 'index', accessText(statement))) : []
      default: return []
    }
  }

  function ofLoad(node: ExpressionSite): readonly Mutant[] {
    const { expression } = node
    if (expression.kind !== 'load') return []
    return [
      ...childSites(node).slice(0, expression.indices.length)
        .flatMap(e => shifted(e, 'index', accessText(expression))),
      ...transposed(expression.indices, indices => node.replace({ ...expression, indices }), accessText(expression),
        expression.origins)
    ]
  }
}

/** Each term of an index one larger and one smaller; indices of loads inside are the loads' own. */
function shifted(index: ExpressionSite, kind: MutantKind, where: string): readonly Mutant[] {
  const { expression, replace } = index
  switch (expression.kind) {
    case 'binary': case 'unary': case 'select': case 'cast':
      return childSites(index).flatMap(e => shifted(e, kind, where))
    case 'constant': case 'variable': case 'load': {
      if (expression.type === 'bool') return []
      const whole = expression.kind === 'constant'
      return [1, -1].filter(step => !(whole && Number(expression.value) + step === 0 && Number(expression.value) !== 0))
        .map((step): Mutant => {
          const by = moved(expression, step)
          return { kind, what: `${where}: ${printExpr(by)} for ${printExpr(expression)}`, origins: expression.origins, program: replace(by) }
        })
    }
    default: return []
  }
}

function moved(e: Expr, step: number): Expr {
  return binary('+', e, constant(step, e.type, e.origins), e.origins)
}

/** The last two indices exchanged. */
function transposed(
  indices: readonly Expr[], put: (indices: readonly Expr[]) => Program, where: string, origins: Origins
): readonly Mutant[] {
  const [row, column] = indices.slice(-2)
  if (indices.length < 2 || !row || !column || equalExpr(row, column)) return []
  return [{
    kind: 'index', what: `${where}: last indices exchanged`, origins, program: put([...indices.slice(0, -2), column, row])
  }]
}

// ---------------------------------------------------------------- stages of a pipeline

/** `p % 2` is the other stage; so for rings of up to eight stages. */
function stageMutants(site: StatementSite): readonly Mutant[] {
  return rootsOf(site).flatMap(nodesOf).flatMap(({ expression: e, replace }): readonly Mutant[] => {
    if (e.kind !== 'binary' || e.operator !== '%' || e.type !== 'index') return []
    const { left, right } = e
    if (right.kind !== 'constant' || right.value < 2 || right.value > 8) return []
    const by: Expr = { ...e, left: moved(left, 1) }
    return [{ kind: 'stage', what: `${printExpr(by)} for ${printExpr(e)}`, origins: e.origins, program: replace(by) }]
  })
}

// ---------------------------------------------------------------- layouts

function layoutMutants(program: Program, buffer: Buffer): readonly Mutant[] {
  return [...oneSided(program, buffer), ...otherLayouts(buffer).map(([what, layout]): Mutant => ({
    kind: 'layout', what: `${buffer.name} in ${what}`, origins: buffer.origins,
    program: withBuffer(program, buffer, { ...buffer, layout })
  }))]
}

/**
 * Readers, or writers, that take a matrix to lie column after column where the others have it row after row: element
 * (i, j) of m x n is then the one at j * m + i.
 */
function oneSided(program: Program, buffer: Buffer): readonly Mutant[] {
  const [m, n] = buffer.shape.slice(-2)
  if (buffer.scope === 'register' || buffer.shape.length < 2 || !m || !n || isOne(m) || isOne(n)) return []
  const elsewhere = (indices: readonly Expr[]): readonly Expr[] => {
    const [i, j] = indices.slice(-2) as [Expr, Expr]
    const at = binary('+', binary('*', j, m, j.origins), i, i.origins)
    return [...indices.slice(0, -2), binary('/', at, n, i.origins), binary('%', at, n, j.origins)]
  }
  const readers = rewritten(program, s => s, e => e.kind === 'load' && e.buffer === buffer
    ? { ...e, indices: elsewhere(e.indices) } : e)
  const writers = rewritten(program, s => s.kind === 'store' && s.buffer === buffer
    ? { ...s, indices: elsewhere(s.indices) } : s, e => e)
  const mutant = (who: string, mutated: Program): Mutant =>
    ({ kind: 'layout', what: `${who} of ${buffer.name} take rows for columns`, origins: buffer.origins, program: mutated })
  return [
    ...readers === program ? [] : [mutant('readers', readers)],
    ...writers === program ? [] : [mutant('writers', writers)]
  ]
}

/** For everybody who uses the buffer: some are as good, in others elements share a cell or have none. */
function otherLayouts(buffer: Buffer): ReadonlyArray<readonly [what: string, layout: Layout]> {
  if (buffer.scope !== 'shared' && buffer.scope !== 'register') return []
  const shape = buffer.shape.map(e => e.kind === 'constant' ? Number(e.value) : 1)
  const layouts: Layout[] = []
  const offer = (made: Result<Layout>): void => { layouts.push(valueOf(made)) }
  const { layout } = buffer, stages = layout?.kind === 'concatenation' ? layout : undefined
  const tile = stages?.second ?? layout
  const staged = (inner: Layout): Layout =>
    stages ? { ...stages, second: inner, size: stages.first.size * inner.size } : inner
  if (stages) layouts.push({ ...stages, first: valueOf(localLayout(stages.first.shape)), size: stages.second.size })
  if (tile?.kind === 'product') layouts.push(staged(valueOf(multiplyLayouts(tile.inner, tile.outer))))
  if (buffer.scope === 'shared') {
    offer(rowMajor(shape))
    if (shape.length > 1) offer(columnMajor(shape))
    const strides = shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1))
    const [step = 0] = strides
    for (const less of step > 1 ? [0, step - 1] : []) offer(stridesLayout(shape, strides.with(0, less)))
  }
  const own = layout ?? valueOf(rowMajor(shape))
  return layouts.filter(l => layoutText(l) !== layoutText(own)).map(l => [layoutText(l), l])
}

/** Of shapes that a program has already. */
function valueOf<T>(made: Result<T>): T {
  if (!made.ok) throw new Error(made.problem.message)
  return made.value
}

function isOne(e: Expr): boolean { return e.kind === 'constant' && Number(e.value) === 1 }

function buffersOf(program: Program): readonly Buffer[] {
  const allocated = statementsOf(program).flatMap(({ statement }) => statement.kind === 'allocate' ? [statement.buffer] : [])
  return [...program.parameters, ...program.workspaces.map(w => w.buffer), ...allocated]
}

/** The program with another object in the place of a buffer of a kernel. */
function withBuffer(program: Program, from: Buffer, to: Buffer): Program {
  const other = (b: Buffer): Buffer => b === from ? to : b
  return rewritten(program, s => {
    switch (s.kind) {
      case 'allocate': return { ...s, buffer: other(s.buffer), reuses: s.reuses.map(other) }
      case 'store': return { ...s, buffer: other(s.buffer) }
      case 'effect': return s.effect === 'atomic_add' ? { ...s, buffer: other(s.buffer) } : s
      default: return s
    }
  }, e => e.kind === 'load' ? { ...e, buffer: other(e.buffer) } : e)
}

function rewritten(program: Program, ofStatement: (s: Stmt) => Stmt, ofExpr: (e: Expr) => Expr): Program {
  const kernels = program.kernels.map(k => {
    const body = mapStmts(k.body, s => ofStatement(mapOwnExprs(s, e => mapExpr(e, ofExpr))))
    return body === k.body ? k : { ...k, body }
  })
  return kernels.every((k, i) => k === program.kernels[i]) ? program : { ...program, kernels }
}

// ---------------------------------------------------------------- mappings

function mappingMutants({ statement, replace }: StatementSite): readonly Mutant[] {
  if (statement.kind !== 'tasks') return []
  const { mapping, origins } = statement
  return otherMappings(mapping).map(([what, other]): Mutant => ({
    kind: 'mapping', what: `${tasksText(statement)}: ${what}`, origins,
    program: replace([{ ...statement, mapping: other, factorOrigins: other.factors.map(() => origins) }])
  }))
}

function otherMappings(m: Mapping): ReadonlyArray<readonly [what: string, other: Mapping]> {
  return m.factors.flatMap((f, n) => {
    const next = m.factors[n + 1]
    const changed = f.kind === 'custom' ? [] : otherAtoms(f).map(a =>
      [`${factorText(a, m.rank)} for ${factorText(f, m.rank)}`, ofFactors(m, m.factors.with(n, a))] as const)
    return [
      ...next ? [[`${factorText(next, m.rank)} before ${factorText(f, m.rank)}`,
        ofFactors(m, m.factors.toSpliced(n, 2, next, f))] as const] : [],
      ...changed
    ]
  })
}

/** Workers for steps, rows for columns, one order for the other. */
function otherAtoms(a: Atom): readonly Atom[] {
  const several = a.extents.filter(e => e > 1).length > 1
  return [
    a.kind === 'spatial'
      ? { ...a, kind: 'repeat', loops: a.extents.map(() => ({ kind: 'automatic' })) }
      : { ...a, kind: 'spatial', loops: [] },
    ...several ? [{ ...a, ranks: a.ranks.toReversed() }] : [],
    ...new Set(a.extents).size > 1 ? [{ ...a, extents: a.extents.toReversed() }] : []
  ]
}

function ofFactors(m: Mapping, factors: readonly Factor[]): Mapping {
  const shape = m.shape.map((_, axis) => factors.reduce((n, f) => n * (factorShape(f, m.rank)[axis] ?? 1), 1))
  return { ...m, factors, shape, workers: factors.reduce((n, f) => n * factorWorkers(f), 1) }
}

// ---------------------------------------------------------------- extents

function extentMutants(program: Program, sites: readonly StatementSite[]): readonly Mutant[] {
  return [
    ...sites.flatMap(({ statement, replace }) => statement.kind !== 'for' ? [] : [1, -1].map((step): Mutant => ({
      kind: 'extent', what: `for ${statement.variable.name} in 0..${printExpr(moved(statement.extent, step))}, not 0..${printExpr(statement.extent)}`,
      origins: statement.extent.origins.length > 0 ? statement.extent.origins : statement.origins,
      program: replace([{ ...statement, extent: moved(statement.extent, step) }])
    }))),
    ...program.kernels.flatMap((kernel, k) => kernel.grid.flatMap((blocks, d) => {
      const steps = isOne(blocks) ? [1] : [1, -1]
      return steps.map((step): Mutant => {
        const grid = kernel.grid.with(d, moved(blocks, step)) as unknown as typeof kernel.grid
        return {
          kind: 'extent', what: `one block ${step > 0 ? 'more' : 'less'} along ${dimensions[d]!}`,
          origins: kernel.origins, program: { ...program, kernels: program.kernels.with(k, { ...kernel, grid }) }
        }
      })
    }))
  ]
}

// ---------------------------------------------------------------- values

function valueMutants(site: StatementSite): readonly Mutant[] {
  const { statement, replace } = site
  const mutant = (what: string, program: Program, origins = statement.origins): Mutant =>
    ({ kind: 'value', what, origins, program })
  return [...ofStatement(), ...rootsOf(site).flatMap(nodesOf).flatMap(ofNode)]

  function ofStatement(): readonly Mutant[] {
    switch (statement.kind) {
      case 'store': case 'assign': {
        const text = printStatements([statement])
        const rest = withoutItself(statement.value, e => statement.kind === 'store'
          ? isElement(e, statement.buffer, statement.indices)
          : e.kind === 'variable' && e.variable === statement.variable)
        return [
          mutant(`drop ${text}`, replace([])),
          ...rest ? [mutant(`${text}: does not accumulate`, replace([{ ...statement, value: rest }]))] : []
        ]
      }
      case 'allocate': return initialMutants(statement)
      default: return []
    }
  }

  function initialMutants(s: Allocate): readonly Mutant[] {
    return s.value ? [mutant(`${s.buffer.name} without its first value`, replace([{ ...s, value: undefined }]))] : []
  }

  function ofNode({ expression: e, replace: put }: ExpressionSite): readonly Mutant[] {
    const change = (by: Expr): Mutant => mutant(`${printExpr(by)} for ${printExpr(e)}`, put(by), e.origins)
    switch (e.kind) {
      case 'binary': {
        const operator = isIndexOrTruth(e) ? undefined : otherOperators[e.operator]
        return operator ? [change({ ...e, operator })] : []
      }
      case 'constant':
        if (e.type === 'index' || e.type === 'bool' || typeof e.value === 'bigint') return []
        return [change({ ...e, value: Math.abs(e.value) > 1e9 ? 0 : e.value + 1 })]
      case 'call': {
        const [value, distance] = e.args
        if (!e.intrinsic.startsWith('shfl') || !value || distance?.kind !== 'constant') return []
        const other = Number(distance.value) === 1 ? 2 : Number(distance.value) / 2
        return [
          change({ ...e, args: [value, { ...distance, value: other }] }),
          mutant(`only half of a warp: ${printExpr(e)}`, put(select(halfOfWarp(), e, value, e.origins)), e.origins)
        ]
      }
      default: return []
    }
  }
}

const otherOperators: Readonly<Partial<Record<Binary['operator'], Binary['operator']>>> =
  { '+': '-', '-': '+', '*': '+', '/': '*', 'min': 'max', 'max': 'min' }

function isIndexOrTruth(e: Binary): boolean { return e.type === 'index' || e.type === 'bool' }

function halfOfWarp(): Expr {
  return compare('<', binary('%', ref(threadIdx[0]), constant(32)), constant(16))
}

/** `x + rest`, `max(rest, x)`: the rest, where `x` is what is stored to. */
function withoutItself(value: Expr, isItself: (e: Expr) => boolean): Expr | undefined {
  if (value.kind !== 'binary') return undefined
  if (isItself(value.left)) return value.right
  return isItself(value.right) ? value.left : undefined
}

function isElement(e: Expr, buffer: Buffer, indices: readonly Expr[]): boolean {
  return e.kind === 'load' && e.buffer === buffer && e.indices.every((x, d) => equalExpr(x, indices[d] ?? x))
}

// ---------------------------------------------------------------- names

function accessText({ buffer, indices }: { readonly buffer: Buffer; readonly indices: readonly Expr[] }): string {
  return `${buffer.name}[${indices.map(printExpr).join(', ')}]`
}

function tasksText(s: Tasks): string { return s.name ?? mappingText(s.mapping) }
