/**
 * The plan of a model's launches: its compiled groups in order, where every tensor lies, and what happens between the
 * launches.
 *
 *     conv_relu_1(x, w1) -> t0        t0 at offset 0 of the arena
 *     reshape(t0) -> t1               t1 is a view of t0: no step
 *     matmul_2(t1, w2) -> y           fill y with 0 first, where the kernel adds to it
 *
 * Views share memory with what they view. Memory that holds a result of the model is the caller's; where a result lies
 * in an input, in a constant or in another result, it is copied.
 */
import type { CompiledGroups, GroupCode, PlacedGroup } from '../compile/groups.ts'
import { extentsOf } from '../graph/builder.ts'
import type { Group } from '../graph/flow.ts'
import type { Model } from '../graph/model.ts'
import { countOf } from '../graph/tensor-data.ts'
import type { Buffer } from '../ir/ir.ts'
import { bytesOf } from '../ir/memory.ts'
import { aligned, planMemory, type Block } from './memory-plan.ts'
import type { Place, Plan, PlanKernel, PlanTensor, Step } from './plan.ts'

/** A constant that kernels read, or that is a result: its bytes belong into the weights, from `offset` on. */
export interface PlacedConstant { readonly tensor: Buffer; readonly offset: number; readonly bytes: number }

export interface PlannedModel {
  readonly plan: Plan
  readonly constants: readonly PlacedConstant[]
  /** All that is launched, in the order of the first launch. */
  readonly codes: readonly GroupCode[]
}

export function planModel(model: Model, { groups }: CompiledGroups, target: string): PlannedModel {
  const placed = groups.flatMap(g => g ?? [])
  const codes = [...new Set(placed.flatMap(g => g.code ?? []))]
  const storage = storageOf(model, placed)
  const draft: Draft = { model, storage, tensors: [], numbers: new Map(), steps: [], lives: new Map() }
  const inputs = model.inputs.map(({ name, tensor }) => ({ name, tensor: numberOf(draft, tensor) }))
  const kernels = codes.flatMap(kernelsOf)
  const kernelNumbers = new Map(kernels.map((k, i) => [k.name, i]))
  for (const group of placed) addSteps(draft, group, kernelNumbers)
  const outputs = model.outputs.map(({ name, tensor }, i) => {
    const isDirect = storage.results.get(i) !== undefined
    if (isDirect) return { name, tensor: numberOf(draft, tensor) }
    const to = add(draft, { ...tensor, name, scope: 'output' }, { kind: 'output', index: i })
    draft.steps.push({ kind: 'copy', from: use(draft, tensor), to })
    return { name, tensor: to }
  })
  const constants = placeConstants(draft)
  const { tensors, arenaBytes, arenaBytesWithoutReuse } = placeTensors(draft, constants)
  const port = ({ name, tensor }: { readonly name: string; readonly tensor: number }) => {
    const { element, shape } = tensors[tensor]!
    return { name, element, shape, tensor }
  }
  return {
    plan: {
      version: 1, name: model.graph.name, target, kernels, tensors, arenaBytes, arenaBytesWithoutReuse,
      inputs: inputs.map(port), outputs: outputs.map(port), steps: draft.steps
    },
    constants, codes
  }
}

function kernelsOf(code: GroupCode): readonly PlanKernel[] {
  return code.kernels.map(kernel => ({
    name: kernel.name, file: `kernels/${code.name}.cu`, block: kernel.block,
    dynamicSharedBytes: kernel.dynamicSharedBytes,
    parameters: kernel.arguments.map(({ buffer, written }) => ({ name: buffer.name, element: buffer.element, written }))
  }))
}

// ---------------------------------------------------------------- what shares memory

interface Storage {
  /** The tensor whose memory a tensor has: itself, unless it is a view. */
  readonly root: (tensor: Buffer) => Buffer
  /** The results that lie in memory of their own, by number, with the root that the memory stands for. */
  readonly results: ReadonlyMap<number, Buffer>
}

function storageOf(model: Model, groups: readonly PlacedGroup[]): Storage {
  const viewed = new Map(groups.flatMap(({ viewOf, group }) => (viewOf ? [[group.outputs[0]!, viewOf] as const] : [])))
  const root = (tensor: Buffer): Buffer => {
    let at = tensor
    for (let next = viewed.get(at); next; next = viewed.get(at)) at = next
    return at
  }
  const computed = new Set(groups.flatMap(g => (g.code ? g.group.outputs : [])))
  const results = new Map<number, Buffer>(), taken = new Set<Buffer>()
  model.outputs.forEach(({ tensor }, i) => {
    const own = root(tensor)
    if (!computed.has(own) || taken.has(own)) return
    taken.add(own)
    results.set(i, own)
  })
  return { root, results }
}

// ---------------------------------------------------------------- steps

interface Draft {
  readonly model: Model
  readonly storage: Storage
  readonly tensors: { readonly tensor: Buffer; readonly place: Place | undefined }[]
  readonly numbers: Map<Buffer, number>
  readonly steps: Step[]
  /** Of tensors in the arena: the steps that need them. */
  readonly lives: Map<number, { first: number; last: number }>
}

function add(draft: Draft, tensor: Buffer, place: Place | undefined): number {
  draft.tensors.push({ tensor, place })
  draft.numbers.set(tensor, draft.tensors.length - 1)
  return draft.tensors.length - 1
}

/** The tensor's number in the plan; with the first use it gets one, after the one whose memory it has. */
function numberOf(draft: Draft, tensor: Buffer): number {
  const known = draft.numbers.get(tensor)
  if (known !== undefined) return known
  const { model, storage } = draft, own = storage.root(tensor)
  if (own !== tensor) return add(draft, tensor, { kind: 'view', of: numberOf(draft, own) })
  const input = model.inputs.findIndex(i => i.tensor === tensor)
  if (input >= 0) return add(draft, tensor, { kind: 'input', index: input })
  const [result] = [...storage.results].find(([, memory]) => memory === tensor) ?? []
  return add(draft, tensor, result === undefined ? undefined : { kind: 'output', index: result })
}

/** The tensor is needed at the next step. */
function use(draft: Draft, tensor: Buffer): number {
  const number = numberOf(draft, tensor), own = numberOf(draft, draft.storage.root(tensor))
  const now = draft.steps.length, life = draft.lives.get(own)
  if (life) life.last = now
  else draft.lives.set(own, { first: now, last: now })
  return number
}

function addSteps(draft: Draft, { group, code, parameters }: PlacedGroup, kernels: ReadonlyMap<string, number>): void {
  if (!code) {
    numberOf(draft, parameters.at(-1)!)
    return
  }
  const workspaces = code.workspaces.map(({ buffer }): Buffer => ({ ...buffer }))
  const all = [...parameters, ...workspaces]
  const fill = (tensor: Buffer, value: number): void => {
    draft.steps.push({ kind: 'fill', tensor: use(draft, tensor), value })
  }
  for (const i of code.added) fill(parameters[i]!, 0)
  code.workspaces.forEach((w, i) => {
    if (w.fill !== undefined) fill(workspaces[i]!, w.fill)
  })
  for (const kernel of code.kernels) {
    const args = kernel.arguments.map(a => use(draft, all[a.tensor]!))
    draft.steps.push({
      kind: 'launch', kernel: kernels.get(kernel.name)!, grid: kernel.grid, arguments: args, label: labelOf(group)
    })
  }
}

/** `pad, [conv], add, relu` */
function labelOf({ prologues, anchor, epilogues }: Group): string {
  const names = [
    ...prologues.map(n => n.operator.name), `[${anchor.operator.name}]`, ...epilogues.map(n => n.operator.name)
  ]
  return names.join(', ')
}

// ---------------------------------------------------------------- places

function placeConstants({ model, tensors }: Draft): readonly PlacedConstant[] {
  let end = 0
  return tensors.flatMap(({ tensor }): readonly PlacedConstant[] => {
    if (!model.graph.constants.has(tensor)) return []
    const offset = end, bytes = sizeOf(tensor)
    end += aligned(bytes)
    return [{ tensor, offset, bytes }]
  })
}

function placeTensors(
  { tensors, lives }: Draft, constants: readonly PlacedConstant[]
): Pick<Plan, 'tensors' | 'arenaBytes' | 'arenaBytesWithoutReuse'> {
  const weights = new Map(constants.map(c => [c.tensor, c.offset]))
  const isPassedOn = ({ tensor, place }: Draft['tensors'][number]): boolean => !place && !weights.has(tensor)
  const passedOn = tensors.flatMap((t, i) => (isPassedOn(t) ? [i] : []))
  const blocks = passedOn.map((i): Block =>
    ({ bytes: sizeOf(tensors[i]!.tensor), ...lives.get(i) ?? { first: 0, last: 0 } }))
  const memory = planMemory(blocks)
  const offsets = new Map(passedOn.map((i, n) => [i, memory.offsets[n]!]))
  const names = new Map<string, number>()
  return {
    tensors: tensors.map(({ tensor, place }, i): PlanTensor => ({
      name: unique(names, tensor.name), element: tensor.element, shape: extentsOf(tensor),
      place: place ?? (weights.has(tensor)
        ? { kind: 'constant', offset: weights.get(tensor)! } : { kind: 'arena', offset: offsets.get(i)! })
    })),
    arenaBytes: memory.bytes, arenaBytesWithoutReuse: memory.bytesWithoutReuse
  }
}

function sizeOf(tensor: Buffer): number {
  return countOf(extentsOf(tensor)) * bytesOf(tensor.element)
}

/** `y`, `y_2`, `y_3`; `taken`: how often each was asked for. */
function unique(taken: Map<string, number>, name: string): string {
  for (;;) {
    const n = (taken.get(name) ?? 0) + 1, free = n === 1 ? name : `${name}_${n}`
    taken.set(name, n)
    if (n === 1) return free
    if (!taken.has(free)) {
      taken.set(free, 1)
      return free
    }
  }
}
