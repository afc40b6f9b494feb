/**
 * Accesses to memory as JavaScript, with the checks that are not decided while it is written.
 *
 *     sa[s, i, 0]       const _9 = (_7 + 64 | 0)
 *                       race?  uninitialised?        by comparing numbers, see shadow.ts and memory.ts
 *
 * What is cheap stands in the text; what is rare, and what finds a fault, is called.
 */
import type { Buffer, Effect, Expr, Load, Store } from '../../ir/ir.ts'
import type { Origins } from '../../ir/origin.ts'
import { volume } from '../../mapping/shape.ts'
import { noValue } from './arithmetic.ts'
import {
  barrierText, bind, branch, elementsChange, fresh, heldElement, indexAtom, line, local, named, sharedChanges,
  siteNumber, type Generation, type Value
} from './code.ts'
import { atomOf, atomOfType, chosen, convertedTo, indexOf, valueOf } from './expressions.ts'
import { constantOf, keyOf, knownValue, linearText, ofLocal, plus, times, type Linear } from './linear.ts'
import { cellTable, type Storage } from './memory.ts'
import { cellsOfAccess, elementSum, type Cell } from './registers.ts'
import type { Shadow, Touch } from './shadow.ts'

/** One element; outside of the shape, what the load says, or a fault. */
export function loadText(g: Generation, e: Load): Value {
  const { buffer, outside } = e
  const storage = storageOf(g, buffer), indices = e.indices.map(i => indexOf(g, i))
  const inside = insideOf(g, storage, indices)
  const site = siteNumber(g, e, 'read', e.origins, storage)
  const read = (): Value => readText(g, storage, indices, site)
  if (inside === 'true') return read()
  return chosen(g, inside, outside ? e.type : buffer.element, outside ? () => convertedTo(g, read(), e.type) : read,
    () => {
      if (outside) return convertedTo(g, valueOf(g, outside), e.type)
      line(g, `outside(${[site, 'tid', ...indices.map(i => indexAtom(g, i))].join(', ')})`)
      return atomValue(noValue(buffer.element), buffer.element)
    })
}

export function storeText(g: Generation, s: Store): void {
  const storage = storageOf(g, s.buffer)
  const indices = s.indices.map(i => indexOf(g, i)), inside = insideOf(g, storage, indices)
  const site = siteNumber(g, s, 'write', s.origins, storage)
  if (inside === 'true') return writeText(g, storage, indices, s.value, site)
  branch(g, inside, () => { writeText(g, storage, indices, s.value, site) }, s.guarded ? undefined : () => {
    line(g, `outside(${[site, 'tid', ...indices.map(i => indexAtom(g, i))].join(', ')})`)
  })
}

export function atomicText(g: Generation, s: Effect & { effect: 'atomic_add' }, assign: (old: Value) => void): void {
  const storage = storageOf(g, s.buffer), { element } = s.buffer
  const indices = s.indices.map(i => indexOf(g, i)), inside = insideOf(g, storage, indices)
  const site = siteNumber(g, s, 'atomic', s.origins, storage)
  branch(g, inside, () => {
    const at = addressAtom(g, storage, indices)
    const addend = atomOfType(g, s.value, element)
    const old = unstored(g, fetched(g, storage, at, elementText(storage, indices), site, 'atomic'), element)
    changed(g, storage)
    const sum = `add_${element}(${atomOf(g, old)}, ${addend})`
    line(g, `${bind(g, 'm', storage.data)}[${at}] = ${stored(element, sum)}`)
    if (storage.written) line(g, `${bind(g, 'i', storage.written)}[${at}] = 1`)
    assign(old)
  }, () => { line(g, `outside(${[site, 'tid', ...indices.map(i => indexAtom(g, i))].join(', ')})`) })
}

/** Fresh memory of a thread, or set; shared memory is fresh when a block starts. */
export function allocateText(
  g: Generation, buffer: Buffer, value: Expr | undefined, node: object, origins: Origins
): void {
  const storage = storageOf(g, buffer), { element } = buffer
  if (buffer.scope === 'shared') {
    if (!value) return
    const first = atomOfType(g, value, element)
    const site = siteNumber(g, buffer, 'write', origins, storage)
    const barrier = siteNumber(g, node, 'barrier', origins)
    line(g, `setAll(${bind(g, 's', storage)}, ${shadowName(g, buffer)}, ${site}, tid, ${stored(element, first)})`)
    barrierText(g, barrier)
    return
  }
  const base = baseOf(storage), tags = g.tagged.has(buffer) ? tagsName(g, storage) : undefined
  const end = `${base} + ${storage.cells}`
  elementsChange(g, bind(g, 'm', storage.data))
  if (tags !== undefined) line(g, `${tags}.fill(${value ? -1 : 0}, ${base}, ${end})`)
  if (!value) {
    line(g, `forget(${bind(g, 's', storage)}, ${base}, ${end})`)
    return
  }
  line(g, `${bind(g, 'm', storage.data)}.fill(${stored(element, atomOfType(g, value, element))}, ${base}, ${end})`)
  if (storage.written) line(g, `${bind(g, 'i', storage.written)}.fill(1, ${base}, ${end})`)
}

// ---------------------------------------------------------------- places

function storageOf(g: Generation, buffer: Buffer): Storage {
  return g.storages.get(buffer) ?? fail(`${buffer.name} has no memory`)
}

function fail(message: string): never {
  throw new Error(message)
}

function atomValue(js: string, type: Buffer['element']): Value {
  return { kind: 'atom', js, type }
}

/** The condition that all indices lie within the declared shape. */
function insideOf(g: Generation, { shape }: Storage, indices: readonly Linear[]): string {
  const conditions: string[] = []
  for (const [axis, e] of indices.entries()) {
    const extent = shape[axis] ?? 1
    if (e.high < 0 || e.low >= extent) return 'false'
    if (e.low < 0) conditions.push(`${indexAtom(g, e)} >= 0`)
    if (e.high >= extent) conditions.push(`${indexAtom(g, e)} < ${extent}`)
  }
  if (conditions.length === 0) return 'true'
  const text = conditions.join(' && ')
  return named(g, text, () => text)
}

/** The number of an element that is known to lie inside. */
function elementIndex({ shape }: Storage, indices: readonly Linear[]): Linear {
  const sum = elementSum(indices, shape)
  return { ...sum, low: Math.max(sum.low, 0), high: Math.min(sum.high, volume(shape) - 1) }
}

function elementText(storage: Storage, indices: readonly Linear[]): string {
  return linearText(elementIndex(storage, indices))
}

function addressAtom(g: Generation, storage: Storage, indices: readonly Linear[]): string {
  const element = elementIndex(storage, indices)
  if (!storage.cellOf) return indexAtom(g, element)
  return indexAtom(g, lookup(g, storage.cellOf, element, storage.cells))
}

function lookup(g: Generation, table: Int32Array, at: Linear, cells: number): Linear {
  const known = knownValue(at)
  if (known !== undefined) return constantOf(table[known] ?? 0)
  const array = bind(g, 'table', table)
  return local(g, `${array}[${keyOf(at)}]`, () => `${array}[${indexAtom(g, at)}]`, 0, cells - 1)
}

function shadowName(g: Generation, buffer: Buffer): string {
  return bind(g, 'h', g.shadows.get(buffer))
}

/** Where a register tensor's cells of the thread begin; declared by the function that uses it. */
function baseOf(storage: Storage): string {
  return `base_${storage.cells}`
}

const tagsOfStorages = new WeakMap<Storage, Int32Array>()

/** The elements that cells hold, counted from 1; 0: none, -1: any. */
function tagsName(g: Generation, storage: Storage): string {
  let tags = tagsOfStorages.get(storage)
  if (!tags) tagsOfStorages.set(storage, tags = new Int32Array(storage.data.length))
  return bind(g, 'tags', tags)
}

/** The cell of a register tensor, in the thread's own cells. */
function registerCell(g: Generation, storage: Storage, indices: readonly Linear[]): Linear {
  const { buffer } = storage, spread = g.spreads.get(buffer)
  const element = elementIndex(storage, indices)
  if (!spread) return element
  const cells = g.tagged.has(buffer) ? undefined : cellsOfAccess(spread, indices, g.threads)
  if (!cells) {
    if (!g.tagged.has(buffer)) {
      g.tagged.add(buffer)
      g.again = true
    }
    return lookup(g, cellTable(spread.layout), element, storage.cells)
  }
  return cells.reduce((sum, { cell, scale }) => plus(sum, times(cellSum(g, cell), scale)), constantOf(0))
}

function cellSum(g: Generation, cell: Cell): Linear {
  switch (cell.kind) {
    case 'same': return constantOf(cell.cell)
    case 'table': {
      const array = bind(g, 'table', cell.values), { counter } = cell.domain
      return local(g, `${array}[${counter}]`, () => `${array}[${counter}]`, 0, cell.cells - 1)
    }
    case 'lookup': return lookup(g, cell.table, cell.element, cell.cells)
  }
}

// ---------------------------------------------------------------- reading

function readText(g: Generation, storage: Storage, indices: readonly Linear[], site: number): Value {
  const { buffer } = storage
  if (buffer.scope === 'register') return registerRead(g, storage, indices, site)
  const at = addressAtom(g, storage, indices)
  const read = () => fetched(g, storage, at, elementText(storage, indices), site, 'read')
  // what other blocks write is read each time
  const loaded = g.shadows.get(buffer)?.scope === 'global' ? read() : heldElement(g, bind(g, 'm', storage.data), at, read)
  return unstored(g, loaded, buffer.element)
}

/** From shared or global memory: recorded, and found to be written. */
function fetched(
  g: Generation, storage: Storage, at: string, element: string, site: number, kind: 'read' | 'atomic'
): string {
  const { buffer } = storage, shadow = g.shadows.get(buffer)
  const data = bind(g, 'm', storage.data)
  if (shadow) recordText(g, buffer, shadow, kind, at, site)
  const loaded = fresh(g)
  if (!shadow && buffer.scope === 'input') {
    line(g, `const ${loaded} = ${data}[${at}]`)
    return loaded
  }
  line(g, `let ${loaded} = ${data}[${at}]`)
  const missing = `missing(${site}, tid, ${bind(g, 's', storage)}, ${at}, ${element})`
  if (storage.written) line(g, `if (${bind(g, 'i', storage.written)}[${at}] === 0) ${loaded} = ${missing}`)
  else line(g, `if (${loaded} !== ${loaded}) ${loaded} = ${missing}`)
  return loaded
}

function registerRead(g: Generation, storage: Storage, indices: readonly Linear[], site: number): Value {
  const { buffer } = storage, data = bind(g, 'm', storage.data)
  const cell = linearAt(storage, registerCell(g, storage, indices))
  const loaded = g.tagged.has(buffer) ? elementRead(g, storage, indices, cell, site)
    : heldElement(g, data, cell, () => elementRead(g, storage, indices, cell, site))
  return unstored(g, loaded, buffer.element)
}

function elementRead(g: Generation, storage: Storage, indices: readonly Linear[], cell: string, site: number): string {
  const { buffer } = storage, element = elementText(storage, indices)
  const loaded = fresh(g), at = fresh(g)
  line(g, `const ${at} = ${cell}`)
  line(g, `let ${loaded} = ${bind(g, 'm', storage.data)}[${at}]`)
  const missing = `missing(${site}, tid, ${bind(g, 's', storage)}, ${at}, ${element})`
  if (g.tagged.has(buffer)) {
    const tags = tagsName(g, storage)
    line(g, `if (${tags}[${at}] !== ${element} + 1 && ${tags}[${at}] !== -1) ${loaded} = notHeld(${site}, tid, ${bind(g, 's', storage)}, ${element})`)
  }
  if (storage.written) line(g, `if (${bind(g, 'i', storage.written)}[${at}] === 0) ${loaded} = ${missing}`)
  else line(g, `if (${loaded} !== ${loaded}) ${loaded} = ${missing}`)
  return loaded
}

function linearAt(storage: Storage, cell: Linear): string {
  const base: Linear = ofLocal({ name: baseOf(storage), low: 0, high: storage.data.length, table: undefined })
  return linearText(plus(base, cell))
}

/** Booleans are kept as 0 and 1. */
function unstored(g: Generation, js: string, element: Buffer['element']): Value {
  if (element !== 'bool') return atomValue(js, element)
  const truth = fresh(g)
  line(g, `const ${truth} = ${js} !== 0`)
  return atomValue(truth, element)
}

function stored(element: Buffer['element'], js: string): string {
  return element === 'bool' ? `(${js} ? 1 : 0)` : js
}

// ---------------------------------------------------------------- writing

function writeText(g: Generation, storage: Storage, indices: readonly Linear[], value: Expr, site: number): void {
  const { buffer } = storage, { element } = buffer
  const js = stored(element, atomOfType(g, value, element))
  const data = bind(g, 'm', storage.data)
  if (buffer.scope === 'register') {
    const cell = linearAt(storage, registerCell(g, storage, indices))
    if (g.tagged.has(buffer)) line(g, `${tagsName(g, storage)}[${cell}] = ${elementText(storage, indices)} + 1`)
    line(g, `${data}[${cell}] = ${js}`)
    elementsChange(g, data)
    if (storage.written) line(g, `${bind(g, 'i', storage.written)}[${cell}] = 1`)
    return
  }
  const at = addressAtom(g, storage, indices), shadow = g.shadows.get(buffer)
  changed(g, storage)
  if (g.asynchronous && shadow?.pending) {
    line(g, `copyLater(${bind(g, 's', storage)}, ${shadowName(g, buffer)}, ${at}, ${js}, ${site}, tid)`)
    return
  }
  if (shadow) recordText(g, buffer, shadow, 'write', at, site)
  line(g, `${data}[${at}] = ${js}`)
  if (storage.written) line(g, `${bind(g, 'i', storage.written)}[${at}] = 1`)
}

/** Of shared or global memory, by this thread. */
function changed(g: Generation, { buffer, data }: Storage): void {
  if (g.shadows.get(buffer)?.bytes) sharedChanges(g)
  else elementsChange(g, bind(g, 'm', data))
}

/** Notes an access and asks whether another one conflicts with it. */
function recordText(g: Generation, buffer: Buffer, shadow: Shadow, kind: Touch, at: string, site: number): void {
  const { writes, readers, adders, bytes, pending, scope } = shadow
  const own = `lo + ${site}`
  const simple = !adders && !bytes
  if (kind === 'read' && scope === 'global' && !readers && !adders) return
  if (simple && buffer.scope === 'output' && kind === 'write' && !readers) {
    const last = fresh(g), records = bind(g, 'w', writes)
    line(g, `const ${last} = ${records}[${at}]`)
    line(g, `if (${last} !== 0) rewritten(${site}, tid, ${at}, ${last})`)
    line(g, `${records}[${at}] = ${own}`)
    return
  }
  if (!simple || scope === 'global') {
    line(g, `touched(${bind(g, 's', storageOf(g, buffer))}, ${shadowName(g, buffer)}, '${kind}', ${at}, ${site}, tid)`)
    return
  }
  const last = fresh(g), records = bind(g, 'w', writes)
  const other = (record: string) => `(${record} < lo || ${record} >= hi)`
  if (pending) {
    const copies = bind(g, 'p', pending)
    line(g, `if (${copies}[${at}] !== 0) notArrived(${site}, tid, ${at}, ${copies}[${at}])`)
  }
  line(g, `const ${last} = ${records}[${at}]`)
  line(g, `if (${last} >= now && ${other(last)}${pending ? ` && ${bind(g, 'p', pending)}[${at}] === 0` : ''}) race(${site}, tid, ${at}, ${last})`)
  if (readers) {
    const reader = fresh(g), one = bind(g, 'r', readers.first), two = bind(g, 'r', readers.second)
    line(g, `const ${reader} = ${one}[${at}]`)
    if (kind === 'read') {
      line(g, `if (${reader} < now) ${one}[${at}] = ${own}`)
      line(g, `else if (${other(reader)} && ${two}[${at}] < now) ${two}[${at}] = ${own}`)
    } else {
      line(g, `if (${reader} >= now) {`)
      line(g, `if (${other(reader)}) race(${site}, tid, ${at}, ${reader})`)
      line(g, `else if (${two}[${at}] >= now) race(${site}, tid, ${at}, ${two}[${at}])`)
      line(g, '}')
    }
  }
  if (kind === 'write') line(g, `${records}[${at}] = ${own}`)
}
