/**
 * The groups of a model as CUDA: one kernel (or several in order) for each different group.
 *
 *     conv + add + relu over f32[1, 64, 56, 56]      conv_add_relu_3: CUDA text, trace, launches, schedule
 *     the same again, of other tensors               the same kernel
 *     reshape alone                                  a view: no kernel
 *
 * Two groups are equal when they apply the same operators to tensors in the same way; names of tensors do not count.
 * Where the operators of a group cannot be one kernel (the schedule reads back what it stores, its memory does not
 * suffice, ...) the tensor over which they were fused is refused with the reason, and the graph is divided anew.
 */
import { isDynamic, kernelArguments, kernelName, type Cuda } from '../codegen/cuda.ts'
import { legalFunctionName } from '../codegen/names.ts'
import type { Builder } from '../graph/builder.ts'
import type { FlowGraph, Group, Node, Partition } from '../graph/flow.ts'
import { partition } from '../graph/partition.ts'
import type { Buffer, Expr, Kernel, Program as IrProgram } from '../ir/ir.ts'
import { sharedMemory } from '../ir/memory.ts'
import { forEachStmt } from '../ir/visit.ts'
import type { Fact } from '../language/instantiate.ts'
import type { OperatorInstance } from '../operators/definition.ts'
import { viewedInput } from '../operators/views.ts'
import { chooseSchedule } from '../schedule/choose.ts'
import type { Architecture } from '../target/architectures.ts'
import type { Device } from '../target/devices.ts'
import { fusedProgram, hasError, isFusedInto, lowerToCuda } from './staged.ts'

export interface CompiledGroups {
  readonly partition: Partition
  /** One for each group of the partition, in order; undefined after a problem. */
  readonly groups: readonly (PlacedGroup | undefined)[]
  readonly problems: readonly GroupProblem[]
}

/** A group with what computes it. */
export interface PlacedGroup {
  readonly group: Group
  /** The tensor whose elements the group's one output has, at the same offsets: there is no kernel. */
  readonly viewOf: Buffer | undefined
  readonly code: GroupCode | undefined
  /** The group's tensors, in the order of the code's parameters. */
  readonly parameters: readonly Buffer[]
}

/** What equal groups share. */
export interface GroupCode {
  /** A C identifier that no other code of the model has. */
  readonly name: string
  readonly cuda: Cuda
  /** In order of their launches. */
  readonly kernels: readonly GroupKernel[]
  /** Memory that lives from the first kernel to the last; `fill`: what each element is before. */
  readonly workspaces: readonly { readonly buffer: Buffer; readonly fill: number | undefined }[]
  /** The parameters to which kernels add: they are 0 before. */
  readonly added: readonly number[]
  readonly schedule: ChosenSchedule
}

export interface GroupKernel {
  /** The function in the CUDA text. */
  readonly name: string
  readonly grid: readonly [number, number, number]
  readonly block: readonly [number, number, number]
  readonly dynamicSharedBytes: number
  /** Each a number of a parameter, or behind those of a workspace. */
  readonly arguments: readonly { readonly tensor: number; readonly buffer: Buffer; readonly written: boolean }[]
}

export interface ChosenSchedule {
  readonly name: string
  /** Why this one, and these parameters, in words. */
  readonly reason: string
  readonly parameters: readonly { readonly name: string; readonly text: string }[]
  readonly facts: readonly Fact[]
}

/** Why an operator of the model has no kernel. */
export interface GroupProblem { readonly node: Node; readonly message: string }

/** What kernels are made for. */
export interface Target { readonly architecture: Architecture; readonly device: Device }

/** Divides a graph into groups and compiles each different one once. */
export function compileGroups(
  graph: FlowGraph, builder: Builder, { architecture, device }: Target
): CompiledGroups {
  const compiler: Compiler = {
    builder, architecture, device, codes: new Map(), names: new Set(), numbers: new Map(), problems: []
  }
  const forbidden = new Map<Buffer, string>()
  for (;;) {
    const divided = partition(graph, { forbidden }), groups: (PlacedGroup | undefined)[] = [], before = forbidden.size
    compiler.problems.length = 0
    for (const group of divided.groups) {
      groups.push(placed(compiler, group, forbidden))
      if (forbidden.size > before) break
    }
    if (forbidden.size === before) return { partition: divided, groups, problems: compiler.problems }
  }
}

interface Compiler extends Target {
  readonly builder: Builder
  /** By the group's form. */
  readonly codes: Map<string, GroupCode | Refusal>
  readonly names: Set<string>
  /** Of operators, as forms name them. */
  readonly numbers: Map<OperatorInstance, number>
  readonly problems: GroupProblem[]
}

/** Why a group has no code. `tensor`: by its number in the form, the one that is not to be fused. */
interface Refusal { readonly tensor: number | undefined; readonly message: string }

function placed(c: Compiler, group: Group, forbidden: Map<Buffer, string>): PlacedGroup | undefined {
  const viewOf = viewedBy(group)
  if (viewOf) return { group, viewOf, code: undefined, parameters: [viewOf, ...group.outputs] }
  const form = formOf(c, group)
  const code = c.codes.get(form.key) ?? compileGroup(c, form)
  c.codes.set(form.key, code)
  if (!('tensor' in code)) return { group, viewOf, code, parameters: form.parameters }
  const tensor = code.tensor === undefined ? undefined : form.tensors[code.tensor]!
  if (tensor) forbidden.set(tensor, code.message)
  else c.problems.push({ node: group.anchor, message: code.message })
  return undefined
}

function viewedBy(group: Group): Buffer | undefined {
  let tensor = group.outputs[0]!
  if (group.outputs.length > 1) return undefined
  for (const node of [...group.prologues, group.anchor, ...group.epilogues].toReversed()) {
    const input = node.outputs[0] === tensor ? viewedInput(node.operator) : undefined
    if (!input) return undefined
    tensor = node.inputs[node.operator.inputs.indexOf(input)]!
  }
  return tensor
}

// ---------------------------------------------------------------- forms

/** A group without the names of its tensors. */
interface Form {
  /** Equal for equal groups. */
  readonly key: string
  /** All of the group, in the order in which they are met from the anchor's first input on. */
  readonly tensors: readonly Buffer[]
  /** Those that the group reads, then those that it stores. */
  readonly parameters: readonly Buffer[]
  readonly group: Group
}

function formOf({ numbers }: Compiler, group: Group): Form {
  const place = new Map<Buffer, number>(), parts: string[] = [], seen = new Set<Node>()
  const producers = new Map(group.prologues.flatMap(node => node.outputs.map(tensor => [tensor, node] as const)))
  const met = (tensor: Buffer): number => {
    const producer = producers.get(tensor)
    if (producer) visit(producer)
    const n = place.get(tensor) ?? place.size
    place.set(tensor, n)
    return n
  }
  const visit = (node: Node): void => {
    if (seen.has(node)) return
    seen.add(node)
    const number = numbers.get(node.operator) ?? numbers.size
    numbers.set(node.operator, number)
    const read = node.inputs.map(met)
    parts.push(`${number}(${read.join()})${node.outputs.map(met).join()}`)
  }
  visit(group.anchor)
  for (const output of group.anchor.outputs) {
    for (let tensor: Buffer | undefined = output; tensor;) {
      const next: Node | undefined = group.epilogues.find(node => node.inputs.includes(tensor!))
      if (next) visit(next)
      tensor = next?.outputs[0]
    }
  }
  const inside = (list: readonly Buffer[]): readonly Buffer[] => [...list].sort((a, b) => met(a) - met(b))
  const inputs = inside(group.inputs), outputs = inside(group.outputs)
  return {
    key: `${parts.join(' ')} -> ${outputs.map(met).join()}`, tensors: [...place.keys()],
    parameters: [...inputs, ...outputs], group: { ...group, inputs, outputs }
  }
}

/** The group of a form over tensors of its own, named as the operators name them. */
function formalGroup({ group }: Form): Group {
  const formals = new Map<Buffer, Buffer>()
  const name = (tensor: Buffer, as: Buffer, scope: Buffer['scope']): void => {
    if (!formals.has(tensor)) formals.set(tensor, { ...tensor, name: as.name, scope })
  }
  const nodes = [group.anchor, ...group.prologues, ...group.epilogues]
  const inputs = new Set(group.inputs), outputs = new Set(group.outputs)
  for (const node of nodes) {
    node.outputs.forEach((tensor, i) => {
      name(tensor, node.operator.outputs[i]!.buffer, outputs.has(tensor) ? 'output' : 'workspace')
    })
  }
  for (const node of nodes) {
    node.inputs.forEach((tensor, i) => {
      if (inputs.has(tensor)) name(tensor, node.operator.inputs[i]!, 'input')
    })
  }
  const formal = (tensor: Buffer): Buffer => formals.get(tensor)!
  const renamed = (node: Node): Node =>
    ({ ...node, inputs: node.inputs.map(formal), outputs: node.outputs.map(formal) })
  return {
    anchor: renamed(group.anchor), prologues: group.prologues.map(renamed), epilogues: group.epilogues.map(renamed),
    inputs: group.inputs.map(formal), outputs: group.outputs.map(formal)
  }
}

// ---------------------------------------------------------------- one group

function compileGroup(c: Compiler, form: Form): GroupCode | Refusal {
  const { builder: { surroundings, defined }, architecture, device } = c
  const { run } = surroundings, { anchor } = form.group
  const said = run.diagnostics.length
  const refused = (message: string): Refusal => refusal(form, message)
  const reported = (): Refusal => refused(run.diagnostics.slice(said).find(d => d.severity === 'error')?.message
    ?? `No schedule serves \`${anchor.operator.name}\`.`)
  run.reported.clear()
  const chosen = chooseSchedule(surroundings, defined(anchor.operator), { device, isFused: isFusedInto(form.group) })
  // no other division of the graph gives it one
  if (!chosen) return { ...reported(), tensor: undefined }
  const { schedule, point } = chosen
  const group = formalGroup(form), name = nameOf(c, form.group)
  const made = fusedProgram(group, schedule, point, name)
  if (!made) return reported()
  const { cuda, stages, findings } = lowerToCuda(made.stages, made.findings, architecture)
  const program = stages.at(-1)?.program
  if (!cuda || !program || hasError(findings)) {
    return refused(findings.find(f => f.severity === 'error')?.message ?? 'It cannot be lowered.')
  }
  c.names.add(name)
  return {
    name, cuda, ...launchesOf(program, architecture),
    schedule: {
      name: chosen.name, reason: chosen.reason, facts: made.facts,
      parameters: schedule.tunes.map((t, i) => ({ name: t.name, text: point[i]?.text ?? '' }))
    }
  }
}

/** What stands behind the anchor is given up first, then what stands before it, one tensor after the other. */
function refusal({ tensors, group: { anchor, prologues, epilogues } }: Form, message: string): Refusal {
  const behind = anchor.outputs.find(tensor => epilogues.some(node => node.inputs.includes(tensor)))
  const before = anchor.inputs.find(tensor => prologues.some(node => node.outputs.includes(tensor)))
  const fused = behind ?? before
  return { tensor: fused && tensors.indexOf(fused), message }
}

/** `conv_add_relu_3`: the operators in order, but for those that only move elements, and a number for uniqueness. */
function nameOf({ names }: Compiler, { prologues, anchor, epilogues }: Group): string {
  const isConvolution = prologues.some(n => n.operator.name === 'image_columns')
    || (anchor.inputs.length > 1 && epilogues.some(n => n.operator.name === 'columns_image'))
  const around = (nodes: readonly Node[]): readonly string[] =>
    nodes.filter(n => !isMove(n.operator)).map(n => n.operator.name)
  const shown = [
    ...around(prologues).slice(-1), isConvolution ? 'conv' : anchor.operator.name, ...around(epilogues).slice(0, 3)
  ].filter((name, i, all) => name !== all[i - 1])
  return legalFunctionName(`${shown.join('_')}_${names.size + 1}`)
}

/** Its elements are elements of inputs, or constants. */
function isMove({ outputs }: OperatorInstance): boolean {
  const isElement = (e: Expr): boolean => e.kind === 'load' || e.kind === 'constant'
    || (e.kind === 'select' && isElement(e.then) && isElement(e.otherwise))
  return outputs.every(({ value }) => isElement(value))
}

function launchesOf(
  program: IrProgram, architecture: Architecture
): Pick<GroupCode, 'kernels' | 'workspaces' | 'added'> {
  const tensors = [...program.parameters, ...program.workspaces.map(w => w.buffer)]
  const added = new Set<Buffer>()
  const kernels = program.kernels.map((kernel): GroupKernel => {
    const written = writtenBy(kernel, added)
    const shared = sharedMemory(kernel)
    const [x, y, z] = kernel.grid.map(known)
    return {
      name: kernelName(program, kernel), grid: [x!, y!, z!], block: kernel.block,
      dynamicSharedBytes: isDynamic(shared, architecture) ? shared.bytes : 0,
      arguments: kernelArguments(program, kernel).map(argument => {
        if (!('scope' in argument)) throw new Error('A model has no extents of a launch')
        return { tensor: tensors.indexOf(argument), buffer: argument, written: written.has(argument) }
      })
    }
  })
  return {
    kernels, workspaces: program.workspaces.map(({ buffer, value }) => ({ buffer, fill: value && known(value) })),
    added: program.parameters.flatMap((b, i) => (added.has(b) ? [i] : []))
  }
}

/** `added`: receives those to which the kernel adds. */
function writtenBy(kernel: Kernel, added: Set<Buffer>): ReadonlySet<Buffer> {
  const written = new Set<Buffer>()
  forEachStmt(kernel.body, s => {
    if (s.kind === 'store') written.add(s.buffer)
    else if (s.kind === 'copy') written.add(s.to.buffer)
    else if (s.kind === 'effect' && s.effect === 'atomic_add') {
      written.add(s.buffer)
      added.add(s.buffer)
    }
  })
  return written
}

function known(e: Expr): number {
  if (e.kind !== 'constant') throw new Error('All extents of a model are known')
  return Number(e.value)
}
