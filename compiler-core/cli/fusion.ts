/** `heddle fusion`: which operators of a model become one kernel, why others do not, and the memory traffic saved. */
import type { PlacedGroup } from '../compile/groups.ts'
import type { Edge, Group, Node } from '../graph/flow.ts'
import { trafficOf } from '../graph/traffic.ts'
import { counted } from '../mapping/shape.ts'
import { viewedInput } from '../operators/views.ts'
import { compileModel, type CompiledModel, type CompileOptions } from '../runtime/compile-model.ts'
import type { FusionOutput } from '../view/output.ts'
import { openModelFile } from './model-file.ts'
import { bytesText, modelProblems, storedOptions, type ModelOptions } from './model-options.ts'
import { failure, table, type Report } from './report.ts'

export function fusionReport(file: string, given: ModelOptions): Report {
  const options = storedOptions(given)
  if ('status' in options) return options
  const source = openModelFile(file)
  if ('problem' in source) return failure(source.problem)
  const { name, bytes, external } = source
  const { compiled, problems } = compileModel(bytes, { ...options, name, external })
  if (!compiled) return modelProblems(file, problems)
  const output = outputOf(compiled, options)
  return { status: 0, text: textOf(output), errors: '', json: output }
}

function outputOf(
  { model, groups: { groups, partition } }: CompiledModel, { device, architecture }: CompileOptions
): FusionOutput {
  const traffic = trafficOf(partition), placed = groups.flatMap(g => g ?? [])
  const edges = partition.edges.map((edge): FusionOutput['edges'][number] => {
    const found = traffic.get(edge)
    return {
      tensor: edge.tensor.name, from: appliedOf(edge.from), to: appliedOf(edge.to), fused: edge.fused ?? null,
      reason: edge.reason,
      traffic: found
        ? { written: found.written, read: found.read, read_more: found.readMore, saved: found.saved }
        : null
    }
  })
  const savedBy = new Map<Node, number>()
  for (const [edge, { saved }] of traffic) savedBy.set(edge.to, (savedBy.get(edge.to) ?? 0) + saved)
  const all = placed.map(group => groupOf(group, savedBy))
  return {
    model: model.graph.name, target: architecture.name, device: device.name, groups: all, edges,
    launches: all.reduce((n, g) => n + g.launches, 0),
    launches_without_fusion: launchesAlone(placed),
    saved: all.reduce((n, g) => n + g.saved, 0)
  }
}

function groupOf({ group, code }: PlacedGroup, savedBy: ReadonlyMap<Node, number>): FusionOutput['groups'][number] {
  return {
    kernel: code?.name ?? null, schedule: code?.schedule.name ?? null, launches: code?.kernels.length ?? 0,
    operators: membersOf(group).map(({ node, role }) => ({ ...appliedOf(node), role })),
    saved: membersOf(group).reduce((n, { node }) => n + (savedBy.get(node) ?? 0), 0)
  }
}

type Role = FusionOutput['groups'][number]['operators'][number]['role']

function membersOf({ prologues, anchor, epilogues }: Group): readonly { readonly node: Node; readonly role: Role }[] {
  return [
    ...prologues.map(node => ({ node, role: 'prologue' as const })), { node: anchor, role: 'anchor' },
    ...epilogues.map(node => ({ node, role: 'epilogue' as const }))
  ]
}

/** Anchors keep the launches of their schedules, others have one each. */
function launchesAlone(groups: readonly PlacedGroup[]): number {
  const alone = (node: Node): number => (viewedInput(node.operator) ? 0 : 1)
  return groups.reduce((n, { group, code }) => n + (code?.kernels.length ?? 0)
    + [...group.prologues, ...group.epilogues].reduce((m, node) => m + alone(node), 0), 0)
}

function appliedOf({ operator, sources }: Edge['from']): FusionOutput['edges'][number]['from'] {
  return { operator: operator.name, nodes: [...sources] }
}

// ---------------------------------------------------------------- text

function textOf({ model, device, target, groups, edges, saved, ...all }: FusionOutput): string {
  const kernels = table(groups.map(({ kernel, operators, saved: own }) => [
    kernel ?? 'no kernel', operatorsText(operators), own === 0 ? '' : `saves ${signedBytes(own)}`
  ]))
  const reasons = new Map<string, number>()
  for (const { fused, from, to, reason } of edges) {
    const text = `${from.operator} -> ${to.operator}: ${reason}`
    if (fused === null) reasons.set(text, (reasons.get(text) ?? 0) + 1)
  }
  const times = (n: number): string => (n === 1 ? '' : `, ${n} times`)
  const unfused = [...reasons].map(([reason, n]) => `  ${reason}${times(n)}\n`).join('')
  return `${model}, for ${device} (${target})\n${kernels}`
    + (unfused === '' ? '' : `\nnot fused:\n${unfused}`)
    + `\n${counted(groups.length, 'group')}; launches: ${all.launches}, without fusion ${all.launches_without_fusion}; `
    + `saves ${signedBytes(saved)} of memory traffic\n`
}

/** `pad, [conv], add, relu` */
function operatorsText(operators: FusionOutput['groups'][number]['operators']): string {
  return operators.map(({ operator, role }) => (role === 'anchor' ? `[${operator}]` : operator)).join(', ')
}

function signedBytes(bytes: number): string {
  return bytes < 0 ? `-${bytesText(-bytes)}` : bytesText(bytes)
}
