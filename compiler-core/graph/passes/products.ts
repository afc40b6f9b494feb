/**
 * Matrix products as a GPU likes them: fewer and larger ones, and enough blocks for all of its processors.
 *
 *     batch_matmul(x, w1), batch_matmul(x, w2), ...   ->   c = batch_matmul(x, w1 | w2 | ...), slices of c
 *     batch_matmul(a, expand(w, to: (b, k, n)))       ->   reshape(batch_matmul(reshape(a, (1, b * m, k)), w))
 *     conv(x, w)                                      ->   columns_image(batch_matmul(image_columns(x), w'))
 *     conv(x, w), a filter for each channel           ->   depthwise_conv(x, w)
 *     batch_matmul(a, b), k long                      ->   reduce(batch_matmul(parts of a, parts of b), sum)
 *
 * Reference 3.2, 3.6 and 5.2.
 */
import type { Buffer } from '../../ir/ir.ts'
import { injectivityOf } from '../../operators/classify.ts'
import { extentsOf } from '../builder.ts'
import type { Node } from '../flow.ts'
import type { Model } from '../model.ts'
import { countOf } from '../tensor-data.ts'
import { edit, type Editing } from './editing.ts'
import { alignedShape, applied, constantOf, knownOperand, reshaped, sameShape, sourcesOf, type Rule } from './rules.ts'
import { viewedBy } from './transforms.ts'

// ---------------------------------------------------------------- one product for several

/**
 * Products of one tensor with known matrices become one, where that takes fewer waves of blocks, and where each result
 * is on its way to a kernel that can read its part itself: slicing is no kernel then. Where all of them have a summand
 * for each column, the summands are joined as well.
 */
export function mergeProducts(model: Model, sms: number): Model {
  return edit(model, (editing, node) => {
    const group = isByConstant(editing, node) ? siblings(editing, node) : []
    if (group.length > 1 && isGain(editing, group, sms)) merge(editing, group)
  })
}

function isByConstant({ constants }: Editing, { operator, inputs }: Node): boolean {
  return operator.name === 'batch_matmul' && !constants.has(inputs[0]!) && constants.has(inputs[1]!)
}

/** The products of the same tensor, whatever it is reshaped to on the way. */
function siblings(editing: Editing, node: Node): readonly Node[] {
  const shape = extentsOf(node.inputs[0]!), found = new Set<Node>()
  const shapes = new Set([rootOf(editing, node.inputs[0]!)])
  for (const tensor of shapes) {
    for (const user of editing.usersOf(tensor)) {
      if (viewedBy(user)) shapes.add(user.outputs[0]!)
      else if (isByConstant(editing, user) && sameShape(extentsOf(user.inputs[0]!), shape)) found.add(user)
    }
  }
  return [...found].slice(0, mostSiblings)
}

const mostSiblings = 8

function rootOf(editing: Editing, tensor: Buffer): Buffer {
  let root = tensor
  for (let before = editing.producerOf(root); before; before = editing.producerOf(root)) {
    const x = viewedBy(before)
    if (!x) break
    root = x
  }
  return root
}

function isGain(editing: Editing, group: readonly Node[], sms: number): boolean {
  const [batch, m] = extentsOf(group[0]!.outputs[0]!) as [number, number]
  const columns = group.map(node => extentsOf(node.outputs[0]!)[2]!)
  const waves = (n: number) => Math.ceil(blocksOf(batch, m, n) / sms)
  const apart = columns.reduce((all, n) => all + waves(n), 0), together = waves(columns.reduce((all, n) => all + n, 0))
  return together < apart && group.every(node => isReadByKernel(editing, node.outputs[0]!))
}

/** Blocks of 64 x 64 results. */
function blocksOf(batch: number, m: number, n: number): number {
  return batch * Math.ceil(m / 64) * Math.ceil(n / 64)
}

/** Whether what becomes of a tensor can be computed where a kernel loads it. */
function isReadByKernel(editing: Editing, tensor: Buffer): boolean {
  let now = tensor
  for (;;) {
    const [user] = editing.isInner(now) ? editing.usersOf(now) : []
    if (!user) return false
    if (!injectivityOf(user.operator).injective) return true
    now = user.outputs[0]!
  }
}

function merge(editing: Editing, group: readonly Node[]): void {
  const [first] = group as readonly [Node], [a] = first.inputs as readonly [Buffer]
  const [batch, m] = extentsOf(first.outputs[0]!) as [number, number]
  const summands = group.map(node => columnSummand(editing, node)), sources = sourcesOf(...group)
  const w = joined(editing, group.map(node => node.inputs[1]!))
  const product = w && applied(editing, 'batch_matmul', { a, b: w }, sources)
  const areAdded = summands.every(s => s !== undefined)
  const b = areAdded ? joined(editing, summands.map(s => s.c)) : undefined
  if (!product || (areAdded && !b)) return
  const added = sourcesOf(...summands.flatMap(s => s?.node ?? []))
  const sum = b ? applied(editing, 'add', { a: product, b }, added) : product
  let column = 0
  const parts = group.map((node, i) => {
    const n = extentsOf(node.outputs[0]!)[2]!
    const from = { begin: [0, 0, column], size: [batch, m, n], step: [1, 1, 1] }
    const part = sum && applied(editing, 'slice', { x: sum, ...from }, [])
    column += n
    return { node: areAdded ? summands[i]!.node : node, part }
  })
  if (parts.some(p => !p.part)) return
  for (const { node, part } of parts) editing.replace(node, [part!])
}

/** A constant that is added to each column of a product, as [1, 1, n], and the node that adds it. */
function columnSummand(editing: Editing, { outputs }: Node): { readonly node: Node; readonly c: Buffer } | undefined {
  const product = outputs[0]!, n = extentsOf(product)[2]!
  const [node] = editing.isInner(product) ? editing.usersOf(product) : []
  const known = node && knownOperand(editing, node, 'add')
  if (!known || typeof known.c === 'number' || !sameShape(alignedShape(known.c, 3), [1, 1, n])) return undefined
  const c = reshaped(editing, known.c, [1, 1, n])
  return c === undefined || typeof c === 'number' ? undefined : { node, c }
}

/** Constants one after the other along their last dimension. */
function joined(editing: Editing, all: readonly Buffer[]): Buffer | undefined {
  const [first, ...others] = all
  return others.reduce<Buffer | undefined>((before, next) =>
    before && constantOf(editing, applied(editing, 'concat', { a: before, b: next, axis: 2 }, [])), first)
}

// ---------------------------------------------------------------- one product for a batch

/** Where all matrices of a batch are the same constant: the rows of all are rows of one product. */
export const flattenRule: Rule = (editing, node) => {
  if (node.operator.name !== 'batch_matmul') return undefined
  const [a, b] = node.inputs as readonly [Buffer, Buffer], [batch, m, k] = extentsOf(a) as [number, number, number]
  const n = extentsOf(b)[2]!, w = batch > 1 ? repeatedMatrix(editing, b) : undefined
  const known = w && reshaped(editing, w, [1, k, n])
  const rows = known === undefined ? undefined : applied(editing, 'reshape', { x: a, to: [1, batch * m, k] }, [])
  const product = rows && applied(editing, 'batch_matmul', { a: rows, b: known }, node.sources)
  return product && applied(editing, 'reshape', { x: product, to: [batch, m, n] }, [])
}

/** The constant matrix that a tensor repeats. */
function repeatedMatrix(editing: Editing, tensor: Buffer): Buffer | undefined {
  const producer = editing.producerOf(rootOf(editing, tensor)), [w] = producer?.inputs ?? []
  if (producer?.operator.name !== 'expand' || !w || !editing.constants.has(w)) return undefined
  const shape = alignedShape(w, 2), matrix = extentsOf(tensor).slice(-2)
  return sameShape(shape.slice(-2), matrix) && countOf(shape.slice(0, -2)) === 1 ? w : undefined
}

// ---------------------------------------------------------------- convolutions

/**
 * One filter for each channel has a schedule of its own; so do groups of which each has little to multiply. All others
 * are matrix products, one for each group.
 */
export const convolutionRule: Rule = (editing, node) => {
  if (node.operator.name !== 'conv') return undefined
  const [x, w] = node.inputs as readonly [Buffer, Buffer], { groups = 1 } = node.attributes
  const [filters, channels, ...taps] = extentsOf(w) as [number, number, ...number[]]
  const args = { x, w, ...node.attributes }
  const isDepthwise = groups === filters && groups === extentsOf(x)[1] && taps.length === 2
  if (isDepthwise && filters > 1) return applied(editing, 'conv.as_depthwise', args, node.sources)
  const isLarge = groups === 1 || (filters / Number(groups) >= 8 && channels * countOf(taps) >= 16)
  return isLarge ? applied(editing, 'conv.implicit_gemm', args, node.sources) : undefined
}

// ---------------------------------------------------------------- parallel-k

/** `paper`: with the table of the paper; a number: so many parts wherever they divide k; `default`: what is below. */
export type ParallelK = 'default' | 'paper' | 'disabled' | number

/** Sums that are long, of products with few blocks, are computed in parts, each by blocks of its own. */
export function splitSums(model: Model, mode: ParallelK, sms: number): Model {
  if (mode === 'disabled') return model
  return edit(model, (editing, node) => {
    const [a, b] = node.operator.name === 'batch_matmul' ? node.inputs : []
    if (!a || !b || a.element !== 'f32') return
    const [batch, m, k] = extentsOf(a) as [number, number, number], n = extentsOf(b)[2]!
    const parts = partsOf({ batch, m, n, k }, mode, sms)
    const sum = parts > 1 ? applied(editing, 'parallel_k', { a, b, parts }, node.sources) : undefined
    if (sum) editing.replace(node, [sum])
  })
}

export interface Product { readonly batch: number; readonly m: number; readonly n: number; readonly k: number }

/** In how many parts a sum is computed; always a divisor of k. */
export function partsOf(product: Product, mode: ParallelK, sms: number): number {
  const { k } = product
  switch (mode) {
    case 'disabled': return 1
    case 'paper': return divisor(k < shortSum ? 1 : paperParts(product) ?? partsByWaves(product, sms), k)
    case 'default': return divisor(k < shortSum || isVector(product) ? 1 : partsByWaves(product, sms), k)
    default: return divisor(mode, k)
  }
}

/** Below it the sum of the parts costs more than it saves. */
const shortSum = 384

/** A schedule of its own shares the sums of a vector out to many threads. */
function isVector({ m, n }: Product): boolean {
  return m === 1 || n === 1
}

/** The most parts that keep the blocks within five waves. */
function partsByWaves({ batch, m, n }: Product, sms: number): number {
  return [8, 4, 2].find(parts => blocksOf(batch, m, n) * parts <= 5 * sms) ?? 1
}

function paperParts(product: Product): number | undefined {
  const { batch, m, n, k } = product
  return isVector(product) ? 16 : paperTable.get([batch, m, n, k].join())
}

/** By (batch, m, n, k): reference 3.2, from the artifact of the paper. */
const paperTable: ReadonlyMap<string, number> = new Map([
  ['1,128,3072,768', 3], ['1,128,2304,768', 3], ['1,128,768,768', 6], ['1,289,192,1120', 10], ['1,64,384,1152', 12],
  ['1,289,192,1344', 14], ['1,49,160,960', 15], ['1,49,320,960', 15], ['1,196,64,384', 16], ['1,196,256,2304', 16],
  ['1,289,128,768', 16], ['1,289,96,864', 16], ['1,289,128,896', 16], ['1,128,768,3072', 16]
])

function divisor(wanted: number, k: number): number {
  let a = wanted, b = k
  while (b > 0) [a, b] = [b, a % b]
  return a
}
