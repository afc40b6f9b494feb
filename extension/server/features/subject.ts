import type { Expr, Node } from '../../../compiler-core/language/syntax/tree.ts'
import { nodeAt, spanOf, visit } from '../../../compiler-core/language/syntax/walk.ts'
import type { LayoutValue, MappingValue, Origin, SourceRange } from '../../../compiler-core/language/values.ts'
import { architectureNamed, defaultTarget } from '../../../compiler-core/target/architectures.ts'
import { nodeRange, present, rangeOf, textAt, valueOf, type Files, type SourceFile } from '../files.ts'
import { kindOf } from '../members.ts'
import type { PageSettings, Subject, SubjectAnswer, SubjectAtParams, TextPlace } from '../protocol.ts'

/**
 * The mapping or layout at an offset, for the explorer, and the factors in whose text the offset lies.
 *
 * The whole composition around the cursor is the subject, so that moving between the factors of one `let` keeps one
 * picture:
 *
 *     let tile = spatial(2, 2) * re<|>peat(2, 2)        `tile`, factor 1
 *     for (i, j) in ti<|>le.on(threadIdx.x) { ... }     `tile`
 *
 * Where nothing stands at the offset, `last` (what was drawn before) is answered anew, so that editing a number
 * elsewhere is seen at once.
 */
export function subjectAt(file: SourceFile, files: Files, offset: number, target: string, last?: SubjectAtParams['last']): SubjectAnswer {
  const here = whole(file, files, nodeAt(file.analysis.parsed, offset))
  const found = here.kind === 'nothing' ? lastDrawn(files, last) : here
  switch (found.kind) {
    case 'nothing': return { kind: 'none', reason: 'There is no task mapping or data layout at the cursor.' }
    case 'broken': return { kind: 'none', reason: reasonFor(found.file, found.node) }
    case 'found': return {
      kind: 'subject', subject: subjectOf(files, found), settings: pageSettings(target),
      factors: here.kind === 'found' ? factorsAt(file, found.value, offset) : [],
    }
  }
}

type Drawable = MappingValue | LayoutValue
type Found =
  | { readonly kind: 'found'; readonly file: SourceFile; readonly node: Node; readonly value: Drawable }
  /** There is a composition, or a declaration of one, but it has no value. */
  | { readonly kind: 'broken'; readonly file: SourceFile; readonly node: Node }
  | { readonly kind: 'nothing' }

// ---------------------------------------------------------------- what is at the cursor

/**
 * From the node at the cursor outwards: the innermost value that can be drawn, then the composition that it is part
 * of.
 */
function whole(file: SourceFile, files: Files, start: Node): Found {
  let inner: Node | undefined
  for (let node: Node | undefined = start; node !== undefined && inner === undefined; node = node.parent) {
    inner = drawnAt(file, node)
    if (inner === undefined && isBoundary(node)) {
      const value = valueNode(node)
      const kind = node.kind === 'CustomMapping' ? 'mapping' : value === undefined ? undefined : kindOf(file, files, value)
      return kind === 'mapping' || kind === 'layout' ? { kind: 'broken', file, node } : { kind: 'nothing' }
    }
  }
  return inner === undefined ? { kind: 'nothing' } : outermost(file, inner)
}

/** The node whose value is drawn when the cursor is at a node, and at nothing inside it that can be drawn. */
function drawnAt(file: SourceFile, node: Node): Node | undefined {
  if (drawable(file, node) !== undefined && node.kind !== 'Name') return node
  switch (node.kind) {
    case 'Member': return drawable(file, node.receiver) === undefined ? undefined : node.receiver
    case 'Call': return node.callee.kind === 'Member' ? drawnAt(file, node.callee) : undefined
    case 'Allocation': {
      const layout = node.type.kind === 'TensorType' ? node.type.layout : undefined
      return layout === undefined || drawable(file, layout) === undefined ? undefined : layout
    }
    default: return undefined
  }
}

function outermost(file: SourceFile, inner: Node): Found {
  let node = inner
  for (let outer = node.parent; outer !== undefined; outer = outer.parent) {
    if (!continues(outer, node)) break
    if (outer.kind === 'Member') continue // the call that follows tells
    if (drawable(file, outer) !== undefined) node = outer
    else if (outer.kind === 'Call' && !hasError(file, outer)) break
    else return { kind: 'broken', file, node: outer }
  }
  const value = drawable(file, node)
  return value === undefined ? { kind: 'nothing' } : { kind: 'found', file, node, value }
}

/** Whether an outer node goes on with the composition that an inner one belongs to. */
function continues(outer: Node, inner: Node): boolean {
  switch (outer.kind) {
    case 'Binary': return outer.operator === '*' || outer.operator === '+'
    case 'Member': return outer.receiver === inner && outer.parent?.kind === 'Call' && outer.parent.callee === outer
    case 'Call': return outer.callee.kind === 'Member' && outer.callee.receiver === inner
    case 'Parenthesized': case 'Let': return true
    case 'Tune': return outer.default === inner
    default: return false
  }
}

function isBoundary(node: Node): boolean {
  switch (node.kind) {
    case 'Let': case 'Tune': case 'CustomMapping': case 'Allocation': case 'Block': case 'For': case 'Kernel': case 'Schedule': case 'Fn': case 'File': return true
    default: return false
  }
}

function drawable(file: SourceFile, node: Node): Drawable | undefined {
  const value = valueOf(file, node.kind === 'CustomMapping' ? node.name : valueNode(node) ?? node)
  return value?.kind === 'mapping' || value?.kind === 'layout' ? value : undefined
}

function valueNode(node: Node): Expr | undefined {
  return node.kind === 'Let' ? node.value : node.kind === 'Tune' ? node.default : undefined
}

function lastDrawn(files: Files, last: SubjectAtParams['last']): Found {
  const file = last === undefined ? undefined : files.file(last.uri)
  if (file === undefined || last === undefined) return { kind: 'nothing' }
  let node: Node | undefined
  visit(file.root, n => {
    if ((n.kind === 'Let' || n.kind === 'Tune' || n.kind === 'CustomMapping') && titleOf(file, n) === last.title) node ??= n
    return node === undefined
  })
  const value = node === undefined ? undefined : drawable(file, node)
  if (node === undefined) return { kind: 'nothing' }
  return value === undefined ? { kind: 'broken', file, node } : { kind: 'found', file, node, value }
}

// ---------------------------------------------------------------- the answer

function subjectOf(files: Files, { file, node, value }: Extract<Found, { kind: 'found' }>): Subject {
  const written = valueNode(node) ?? node
  const place = { uri: file.uri, range: nodeRange(file, written) }
  const common = { title: titleOf(file, node), text: textAt(file, written), place }
  if (value.kind === 'layout') return { ...common, kind: 'layout', layout: value.layout }
  return { ...common, kind: 'mapping', mapping: value.mapping, factors: value.origins.map(origin => factorText(files, origin)) }
}

function factorText(files: Files, origin: Origin): { text: string; places: readonly TextPlace[] } {
  const [made] = origin
  const text = made === undefined ? '' : files.file(made.uri)?.analysis.text.slice(made.span.start, made.span.end) ?? ''
  return { text, places: origin.flatMap(range => placeOf(files, range)) }
}

function placeOf(files: Files, { uri, span }: SourceRange): readonly TextPlace[] {
  return present(files.file(uri)).map(file => ({ uri, range: rangeOf(file, span) }))
}

/** The factors of the shortest text around the offset; none where that is the text of all of them. */
function factorsAt(file: SourceFile, value: Drawable, offset: number): readonly number[] {
  if (value.kind !== 'mapping') return []
  const around = value.origins.map(origin => Math.min(...origin
    .filter(({ uri, span }) => uri === file.uri && span.start <= offset && offset <= span.end)
    .map(({ span }) => span.end - span.start)))
  const shortest = Math.min(...around)
  const factors = around.flatMap((length, i) => length === shortest && length < Infinity ? [i] : [])
  return factors.length === value.origins.length && factors.length > 1 ? [] : factors
}

function titleOf(file: SourceFile, node: Node): string {
  if (node.kind === 'Let' && node.target.kind === 'Name') return node.target.text
  if (node.kind === 'Tune' || node.kind === 'CustomMapping') return node.name.text
  const text = textAt(file, node).replace(/\s+/g, ' ')
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}

function hasError(file: SourceFile, node: Node): boolean { return errorIn(file, node) !== undefined }

function errorIn(file: SourceFile, node: Node): string | undefined {
  const { start, end } = spanOf(file.analysis.parsed, node)
  return file.analysis.diagnostics.find(d => d.severity === 'error' && d.span.end >= start && d.span.start <= end)?.message
}

/** What is wrong in the statement around a node. */
function reasonFor(file: SourceFile, node: Node): string {
  let statement = node
  while (statement.parent !== undefined && !isBoundary(statement)) statement = statement.parent
  return errorIn(file, statement) ?? 'It depends on values that are known only when the program is instantiated.'
}

function pageSettings(target: string): PageSettings {
  const architecture = architectureNamed(target) ?? architectureNamed(defaultTarget)
  return { warpSize: architecture?.warp_size ?? 32, banks: sharedMemoryBanks, bankBytes: sharedMemoryBankBytes }
}

/** On every architecture since compute capability 5.0 (CUDA C++ Programming Guide, "Shared Memory" of each). */
const sharedMemoryBanks = 32, sharedMemoryBankBytes = 4
