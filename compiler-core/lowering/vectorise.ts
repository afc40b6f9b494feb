/**
 * Innermost loops over neighbouring elements become wide accesses of 4, 8 or 16 bytes, where the elements are proved to
 * be neighbours and the first of them to be aligned.
 *
 *     unroll for i in 0..4 { ra[i] = sa[p * 128 + row + i] }           ra[0 ..+ 4] = sa[p * 128 + row ..+ 4]
 *
 *     unroll for i in 0..4 { y[t * 4 + i] = max(x[t * 4 + i], 0) }     register x4: f32[4]
 *                                                                      x4[0 ..+ 4] = x[t * 4 ..+ 4]
 *                                                                 ->   register y4: f32[4]
 *                                                                      unroll for i in 0..4 { y4[i] = max(x4[i], 0) }
 *                                                                      y[t * 4 ..+ 4] = y4[0 ..+ 4]
 *
 * A condition that is the same for all lanes is asked once, for the first. Tensors begin at multiples of 16 bytes.
 */
import { and, binary, conjuncts, constant, load, not, ref } from '../ir/build.ts'
import { assuming, withRange, type Facts } from '../ir/facts.ts'
import type { Finding } from '../ir/finding.ts'
import type { Allocate, Buffer, Copy, Expr, For, Load, Program, Stmt, Store, Variable } from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import { joinOrigins, type Origins } from '../ir/origin.ts'
import { prove, sameValue } from '../ir/prove.ts'
import {
  changedIn, childrenOf, equalExpr, exprsOf, forEachExpr, freeVariables, mapChildren, mapExpr, mapOwnExprs, someExpr,
  substitute
} from '../ir/visit.ts'
import { guardedCopies, isWideEnough, movedBy } from './async.ts'
import { findingList } from './finding-list.ts'
import { isKnown, strideOf } from './linear.ts'
import { folded } from './rewrite.ts'
import { rewriteProgram, type Names, type Scope } from './scope.ts'

/** Information: `not-vectorised`, where the word `vector` asked for what cannot be. */
export function vectoriseLoops(program: Program): { program: Program; findings: readonly Finding[] } {
  const findings = findingList()
  const vectorised = rewriteProgram(program, {
    stmt: (s, scope) => {
      if (s.kind !== 'for' || s.unroll === 'never') return s
      const result = wideForm(s, scope)
      if (typeof result !== 'string') return result
      if (s.vector && result !== registersOnly) findings.add(notVectorised(s, result))
      return s
    }
  })
  return { program: vectorised, findings: findings.all() }
}

function notVectorised(s: For, reason: string): Finding {
  return {
    code: 'not-vectorised', severity: 'information', origins: s.origins, related: [],
    message: `This loop stays a loop over single elements: ${reason}.`
  }
}

// ---------------------------------------------------------------- what a loop does

/** A body that is a list of simple statements, behind conditions. */
interface Body {
  /** Of `if`s around all of the rest. */
  readonly conditions: readonly Expr[]
  readonly simple: readonly Stmt[]
  readonly stores: readonly Store[]
}

function bodyOf(stmts: readonly Stmt[]): Body | undefined {
  const simple: Stmt[] = []
  for (const [n, s] of stmts.entries()) {
    switch (s.kind) {
      case 'let': case 'store': case 'assign': case 'declare':
        simple.push(s)
        break
      case 'if': {
        const inner = n === stmts.length - 1 && s.otherwise.length === 0 ? bodyOf(s.then) : undefined
        if (!inner || simple.some(x => x.kind !== 'let')) return undefined
        return {
          ...inner,
          conditions: [...conjuncts(s.condition), ...inner.conditions], simple: [...simple, ...inner.simple]
        }
      }
      default:
        return undefined
    }
  }
  return { conditions: [], simple, stores: simple.filter(s => s.kind === 'store') }
}

/** The loop as lanes: `lanes` neighbouring turns at a time. */
interface Lanes {
  readonly count: number
  /** The number of the lane. */
  readonly lane: Variable
  /** In front of the lanes, where there are several turns of them. */
  readonly turn: Variable | undefined
  /** Asked for rarely, so made then. */
  readonly facts: () => Facts
  readonly names: Names
  /** An expression of the body for each lane, and for the first. */
  readonly each: (e: Expr) => Expr
  readonly first: (e: Expr) => Expr
  /** Names of the body replaced by their values. */
  readonly full: (e: Expr) => Expr
  readonly loop: Variable
}

interface Form {
  readonly stmts: readonly Stmt[]
  /** How many accesses of memory are wide, and whether all are. */
  readonly wide: number
  readonly all: boolean
}

interface WideLoad {
  /** With full values for names. */
  readonly load: Load
  readonly temporary: Buffer
  readonly width: number
  /** The same in all lanes; elsewhere the element is not read. */
  readonly conditions: readonly Expr[]
}

interface WideStore { readonly store: Store; readonly temporary: Buffer; readonly width: number }

/** Nothing is asked of such a loop: a mapping with the word serves those over registers too. */
const registersOnly = 'it accesses no memory but registers'

/** The wide form of a loop, or why it has none. */
function wideForm(s: For, scope: Scope): readonly Stmt[] | string {
  if (s.extent.kind !== 'constant') return 'its extent is known only at launch'
  const extent = Number(s.extent.value), body = bodyOf(s.body)
  if (!body || body.simple.length === 0) return 'its body does more than to read, compute and store elements'
  const memory = memoryBuffers(body)
  if (memory.length === 0) return registersOnly
  const most = 16 / Math.min(...memory.map(b => bytesOf(b.element)))
  const counts = [16, 8, 4, 2].filter(n => n <= most && extent % n === 0)
  if (!hasNeighbours(s, body, scope.names)) return 'no access of memory is contiguous'
  if (counts.length === 0) return `it has ${extent} iterations, which 2, 4 or 8 do not divide`
  let best: Form | undefined, reason = ''
  for (const count of counts) {
    const tried = withLanes(s, body, lanesOf(s, body, count, extent, scope))
    if (typeof tried === 'string') reason = reason === '' ? tried : reason
    else if (!best || tried.wide > best.wide) best = tried
    if (best?.all) break
  }
  return best ? best.stmts : reason
}

/** Is there an access of memory whose element moves by one, as far as can be seen at once? */
function hasNeighbours(s: For, body: Body, names: Names): boolean {
  const moves = (buffer: Buffer, [index]: readonly Expr[]) => {
    if (buffer.scope === 'register' || !index) return false
    const sum = names.open.of(index)
    return !isKnown(sum) || (strideOf(sum, s.variable, e => freeVariables(e).has(s.variable)) ?? 1) === 1
  }
  return body.simple.some(x => (x.kind === 'store' && moves(x.buffer, x.indices))
    || exprsOf(x).some(e => someExpr(e, y => y.kind === 'load' && moves(y.buffer, y.indices))))
}

function memoryBuffers(body: Body): readonly Buffer[] {
  const buffers = new Set<Buffer>()
  for (const s of body.simple) {
    if (s.kind === 'store') buffers.add(s.buffer)
    for (const e of exprsOf(s)) {
      forEachExpr(e, x => { if (x.kind === 'load') buffers.add(x.buffer) })
    }
  }
  return [...buffers].filter(b => b.scope !== 'register')
}

function lanesOf(s: For, body: Body, count: number, extent: number, scope: Scope): Lanes {
  const turn: Variable | undefined = count === extent ? undefined : { ...s.variable }
  const lane: Variable = turn ? { name: 'lane', type: 'index', role: 'loop' } : s.variable
  const start = turn ? binary('*', ref(turn), constant(count)) : constant(0)
  const zero = constant(0)
  let made: Facts | undefined
  const facts = () => {
    if (made) return made
    const one = withRange(scope.facts(), lane, zero, constant(count - 1))
    return made = turn ? withRange(one, turn, zero, constant(extent / count - 1)) : one
  }
  scope.names.ranges.set(lane, { low: 0, high: count - 1 })
  if (turn) scope.names.ranges.set(turn, { low: 0, high: extent / count - 1 })
  const each = new Map([[s.variable, binary('+', start, ref(lane))]]), first = new Map([[s.variable, start]])
  const names = new Map(body.simple.flatMap(x => x.kind === 'let' ? [[x.variable, x.value] as const] : []))
  const full = (e: Expr): Expr => mapExpr(e, x => {
    const value = x.kind === 'variable' ? names.get(x.variable) : undefined
    return value ? full(value) : x
  })
  return {
    count, lane, turn, facts, full, names: scope.names, loop: s.variable,
    each: e => folded(substitute(e, each)), first: e => folded(substitute(e, first))
  }
}

// ---------------------------------------------------------------- which accesses are wide

function withLanes(s: For, body: Body, lanes: Lanes): Form | string {
  const changing = changedIn(body.simple)
  const steady = (e: Expr) =>
    [...freeVariables(e)].every(v => !changing.variables.has(v)) && !reads(e, changing.buffers)
  const conditions = body.conditions.map(lanes.full)
  if (!conditions.every(c => steady(c) && sameInAllLanes(c, lanes))) {
    return 'its condition is not proved to be the same for neighbouring elements'
  }
  const inside: Lanes = {
    ...lanes, facts: () => conditions.reduce((f, c) => assuming(f, lanes.first(c), true), lanes.facts())
  }
  const form = copyForm(body, inside, steady) ?? elementForm(body, inside) ?? laneForm(body, inside, steady)
  if (typeof form === 'string') return form
  const guarded = conditions.length === 0 ? form.stmts : [{
    kind: 'if' as const, condition: and(...conditions.map(lanes.first)),
    then: form.stmts, otherwise: [], origins: s.origins
  }]
  if (!lanes.turn) return { ...form, stmts: guarded }
  const turns = constant(s.extent.kind === 'constant' ? Number(s.extent.value) / lanes.count : 1)
  return { ...form, stmts: [{ ...s, variable: lanes.turn, extent: turns, vector: false, body: guarded }] }
}

/** How many lanes one access of a buffer has here; undefined where the lanes are no aligned neighbours. */
function widthAt(buffer: Buffer, offset: Expr, lanes: Lanes): number | undefined {
  const bytes = bytesOf(buffer.element), width = Math.min(lanes.count, 16 / bytes)
  if (width < 2 || width * bytes < 4) return undefined
  return growsByOne(offset, lanes) && startsAtMultiple(offset, width, lanes) ? width : undefined
}

/** From lane to lane. */
function growsByOne(e: Expr, lanes: Lanes): boolean {
  const sum = lanes.names.open.of(e), mentions = (x: Expr) => freeVariables(x).has(lanes.loop)
  const stride = isKnown(sum) ? strideOf(sum, lanes.loop, mentions) : undefined
  if (stride !== undefined) return stride === 1
  const lane = (x: Expr) => freeVariables(x).has(lanes.lane)
  const each = lanes.names.open.of(lanes.each(e))
  if (isKnown(each)) return strideOf(each, lanes.lane, lane) === 1
  return sameValue(lanes.facts(), lanes.each(e), binary('+', lanes.first(e), ref(lanes.lane)))
}

/** In the first lane. */
function startsAtMultiple(e: Expr, of: number, lanes: Lanes): boolean {
  const sum = lanes.names.open.of(e)
  const plain = isKnown(sum) && sum.constant % of === 0 && sum.terms.every(t =>
    t.coefficient % of === 0 || (t.digit.kind === 'variable' && t.digit.variable === lanes.loop))
  return plain || prove(lanes.facts(), binary('==', binary('%', lanes.first(e), constant(of)), constant(0))) === true
}

/** Every lane's condition is the first one's. */
function sameInAllLanes(condition: Expr, lanes: Lanes): boolean {
  return conjuncts(condition).every(c => {
    if (!freeVariables(c).has(lanes.loop)) return true
    if (endsTogether(c, lanes)) return true
    const first = lanes.first(c), each = lanes.each(c)
    return prove(assuming(lanes.facts(), first, true), each) === true
      && prove(assuming(lanes.facts(), first, false), each) === false
  })
}

/** `a + lane < b` where both `a` and `b` are multiples of the number of lanes, and what is the same as that. */
function endsTogether(c: Expr, lanes: Lanes): boolean {
  if (c.kind !== 'binary' || (c.operator !== '<' && c.operator !== '<=')) return false
  const moving = freeVariables(c.left).has(lanes.loop) ? c.left : c.right
  const still = moving === c.left ? c.right : c.left
  if (freeVariables(still).has(lanes.loop) || moving.type !== 'index') return false
  const beyond = (c.operator === '<') === (moving === c.left) ? still : binary('+', still, constant(1))
  return growsByOne(moving, lanes)
    && startsAtMultiple(moving, lanes.count, lanes) && startsAtMultiple(beyond, lanes.count, lanes)
}

function reads(e: Expr, buffers: ReadonlySet<Buffer>): boolean {
  return someExpr(e, x => x.kind === 'load' && buffers.has(x.buffer))
}

// ---------------------------------------------------------------- elements that only move

type Steady = (e: Expr) => boolean

/** One store of one load, perhaps with a value for where the load is guarded. */
function copyForm(body: Body, lanes: Lanes, steady: Steady): Form | undefined {
  const [store] = body.stores
  if (!store || body.simple.some(s => s !== store && s.kind !== 'let')) return undefined
  const value = lanes.full(store.value), [to = constant(0)] = store.indices.map(lanes.full)
  const guarded = value.kind === 'select' && value.then.kind === 'load' && steady(value.condition) ? value : undefined
  const source = guarded?.then ?? value
  if (source.kind !== 'load' || source.buffer.element !== store.buffer.element) return undefined
  if (source.buffer.scope === 'register' && store.buffer.scope === 'register') return undefined
  const [from = constant(0)] = source.indices
  if (source.buffer === store.buffer || !steady(from) || !steady(to)) return undefined
  const width = widthAt(store.buffer, to, lanes)
  if (width === undefined || widthAt(source.buffer, from, lanes) !== width) return undefined
  if (guarded && !sameInAllLanes(guarded.condition, lanes)) return undefined
  const origins = joinOrigins(store.origins, source.origins)
  const copies = copiesOf(store.buffer, lanes.first(to), source.buffer, lanes.first(from), width, lanes, origins)
  const wide = Number(store.buffer.scope !== 'register') + Number(source.buffer.scope !== 'register')
  const condition = guarded && lanes.first(guarded.condition)
  const otherwise: readonly Stmt[] = guarded
    ? [laneLoop([{ ...store, indices: [lanes.each(to)], value: lanes.each(guarded.otherwise) }], lanes, origins)]
    : []
  const moved = movedBy(store, value)
  const stmts = moved ? guardedCopies(copies, { ...moved, condition }, otherwise)
    : condition ? [{ kind: 'if' as const, condition, then: copies, otherwise, origins }] : copies
  return { stmts, wide, all: true }
}

/** Asynchronous copies of single elements: collected in registers they would be none. */
function elementForm(body: Body, lanes: Lanes): string | undefined {
  return body.stores.some(s => isWideEnough(s) && movedBy(s, lanes.full(s.value)))
    ? 'its elements are not proved to be aligned neighbours with one condition for all'
    : undefined
}

function copiesOf(
  to: Buffer, toFirst: Expr, from: Buffer, fromFirst: Expr, width: number, lanes: Lanes, origins: Origins
): readonly Copy[] {
  const place = (buffer: Buffer, first: Expr, n: number) =>
    ({ buffer, offset: binary('+', first, constant(n * width), origins) })
  return Array.from({ length: lanes.count / width }, (_, n) =>
    ({ kind: 'copy', lanes: width, to: place(to, toFirst, n), from: place(from, fromFirst, n), origins }))
}

function laneLoop(body: readonly Stmt[], lanes: Lanes, origins: Origins): For {
  return {
    kind: 'for', variable: lanes.lane, extent: constant(lanes.count), unroll: 'full', vector: false, body, origins
  }
}

// ---------------------------------------------------------------- elements that are computed

/** Loads into registers, all lanes, stores from registers. */
function laneForm(body: Body, lanes: Lanes, steady: Steady): Form | string {
  const loads = wideLoads(body, lanes, steady)
  const scalar = scalarReads(body, lanes, loads)
  const stores = body.stores.flatMap((store): WideStore[] => {
    const [to = constant(0)] = store.indices.map(lanes.full)
    if (store.buffer.scope === 'register' || !steady(to) || scalar.has(store.buffer)) return []
    if (body.stores.some(o => o !== store && o.buffer === store.buffer)) return []
    const width = widthAt(store.buffer, to, lanes)
    return width === undefined ? [] : [{ store, temporary: temporaryFor(store.buffer, lanes), width }]
  })
  const wide = loads.length + stores.length
  if (wide === 0) return 'no access of memory is proved to be contiguous and aligned'
  const own = body.simple.map((s): Stmt => {
    const mapped = mapOwnExprs(s, e => lanes.each(inLane(e, lanes, loads, steady)))
    const target = stores.find(w => w.store === s)
    return mapped.kind === 'store' && target
      ? { ...mapped, buffer: target.temporary, indices: [ref(lanes.lane)] }
      : mapped
  })
  const origins = joinOrigins(...body.simple.map(s => s.origins))
  return {
    wide, all: stores.length === body.stores.length && [...scalar].every(b => b.scope === 'register'),
    stmts: [
      ...loads.flatMap(w => loadStmts(w, lanes)),
      ...stores.map(w => allocation(w.temporary, w.store.origins)),
      laneLoop(own, lanes, origins),
      ...stores.flatMap(w => copiesOf(w.store.buffer, lanes.first(lanes.full(w.store.indices[0] ?? constant(0))),
        w.temporary, constant(0), w.width, lanes, w.store.origins))
    ]
  }
}

/** Loads that are wide wherever they stand. */
function wideLoads(body: Body, lanes: Lanes, steady: Steady): readonly WideLoad[] {
  return placedLoads(body, lanes, steady).flatMap(({ load: from, places: all }): WideLoad[] => {
    const { buffer, indices: [offset = constant(0)] } = from
    if (buffer.scope === 'register' || !steady(offset)) return []
    const inPlace = body.stores.every(s =>
      s.buffer !== buffer || s.indices.every(i => equalExpr(lanes.full(i), offset)))
    const width = inPlace ? widthAt(buffer, offset, lanes) : undefined
    if (width === undefined) return []
    const places = all.map(place => place())
    const conditions = places.find(p => p?.length === 0) ?? places[0]
    if (!conditions) return []
    const everywhere = conditions.length === 0 || places.every(p => p?.length === conditions.length
      && p.every((c, i) => equalExpr(c, conditions[i] ?? c)))
    return everywhere ? [{ load: from, temporary: temporaryFor(buffer, lanes), width, conditions }] : []
  })
}

/**
 * Under which conditions an expression is evaluated; undefined: different ones for different lanes. Few ask, and it is
 * proved.
 */
type Place = () => readonly Expr[] | undefined

interface PlacedLoad { readonly load: Load; readonly places: readonly Place[] }

/** Each load once, with the places where it stands. */
function placedLoads(body: Body, lanes: Lanes, steady: Steady): readonly PlacedLoad[] {
  const found: Array<PlacedLoad & { places: Place[] }> = []
  const under = (place: Place, c: Expr, holds: boolean): Place => () => {
    const around = place()
    return around && steady(c) && sameInAllLanes(c, lanes) ? [...around, holds ? c : not(c)] : undefined
  }
  const look = (e: Expr, place: Place): void => {
    if (e.kind === 'select') {
      look(e.condition, place)
      look(e.then, under(place, e.condition, true))
      look(e.otherwise, under(place, e.condition, false))
    } else if (e.kind === 'binary' && (e.operator === '&&' || e.operator === '||')) {
      look(e.left, place)
      look(e.right, under(place, e.left, e.operator === '&&'))
    } else {
      if (e.kind === 'load') {
        const known = found.find(f => equalExpr(f.load, e))
        if (known) known.places.push(place)
        else found.push({ load: e, places: [place] })
      }
      for (const child of childrenOf(e)) look(child, place)
    }
  }
  for (const s of body.simple) {
    if (s.kind !== 'let') for (const e of exprsOf(s)) look(lanes.full(e), () => [])
  }
  return found
}

/** Buffers that some lane reads by itself. */
function scalarReads(body: Body, lanes: Lanes, loads: readonly WideLoad[]): ReadonlySet<Buffer> {
  const buffers = new Set<Buffer>()
  for (const s of body.simple) {
    for (const e of exprsOf(s)) {
      forEachExpr(lanes.full(e), x => {
        if (x.kind === 'load' && !loads.some(w => equalExpr(w.load, x))) buffers.add(x.buffer)
      })
    }
  }
  return buffers
}

/** Wide loads are read from their registers; a condition that is the same in all lanes is the first one's. */
function inLane(e: Expr, lanes: Lanes, loads: readonly WideLoad[], steady: Steady): Expr {
  if (e.kind === 'load') {
    const whole = lanes.full(e), wide = loads.find(w => equalExpr(w.load, whole))
    if (wide) return load(wide.temporary, [ref(lanes.lane)], undefined, e.origins)
    if (whole.kind === 'load' && freeVariables(whole).has(lanes.loop) && isSameElement(whole, lanes)) {
      return { ...e, indices: whole.indices.map(lanes.first) }
    }
  }
  const inner = mapChildren(e, child => inLane(child, lanes, loads, steady))
  if (inner.kind !== 'select' || e.kind !== 'select') return inner
  const condition = lanes.full(e.condition)
  return freeVariables(condition).has(lanes.loop) && steady(condition) && sameInAllLanes(condition, lanes)
    ? { ...inner, condition: lanes.first(condition) }
    : inner
}

/** Do all lanes read one element, though the index mentions the lane? */
function isSameElement({ indices }: Load, lanes: Lanes): boolean {
  return indices.every(i => {
    const sum = lanes.names.open.of(i)
    return isKnown(sum) && sum.terms.every(t => !freeVariables(t.digit).has(lanes.loop))
  })
}

function loadStmts(w: WideLoad, lanes: Lanes): readonly Stmt[] {
  const { load: { buffer, indices: [from = constant(0)], origins }, temporary, width } = w
  const copies = copiesOf(temporary, constant(0), buffer, lanes.first(from), width, lanes, origins)
  const condition = and(...w.conditions.map(lanes.first))
  const guarded: readonly Stmt[] = condition.kind === 'constant'
    ? copies
    : [{ kind: 'if', condition, then: copies, otherwise: [], origins }]
  return [allocation(temporary, origins), ...guarded]
}

function temporaryFor(buffer: Buffer, lanes: Lanes): Buffer {
  return {
    name: `${buffer.name}${lanes.count}`, element: buffer.element, scope: 'register',
    shape: [constant(lanes.count)], layout: undefined, origins: buffer.origins
  }
}

function allocation(buffer: Buffer, origins: Origins): Allocate {
  return { kind: 'allocate', buffer, value: undefined, reuses: [], origins }
}
