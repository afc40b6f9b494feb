/**
 * From a schedule and a choice of its tunes to CUDA, every step kept.
 *
 *     elaborated -> bounds -> fused -> (lowered stages) -> CUDA text and trace
 */
import { printCuda, type Cuda } from '../codegen/cuda.ts'
import { fuse } from '../fusion/fuse.ts'
import type { Group } from '../graph/flow.ts'
import type { Finding } from '../ir/finding.ts'
import type { Buffer, Program as IrProgram } from '../ir/ir.ts'
import type { Choice, Fact, OpenSchedule } from '../language/instantiate.ts'
import { explicitBounds } from '../lowering/guards.ts'
import { checkLimits } from '../lowering/limits.ts'
import { lower } from '../lowering/lower.ts'
import { checkOutputs } from '../lowering/outputs.ts'
import type { Architecture } from '../target/architectures.ts'

export interface Stage { readonly name: string; readonly program: IrProgram }

/** The last stage is the program before lowering. */
export interface StagedProgram {
  readonly stages: readonly Stage[]
  readonly findings: readonly Finding[]
  readonly facts: readonly Fact[]
}

/** A group by the schedule of its anchor; undefined after a problem, which is in the schedule's run. */
export function fusedProgram(
  group: Group, schedule: OpenSchedule, point: readonly Choice[], name: string
): StagedProgram | undefined {
  const made = schedule.program(point, isFusedInto(group))
  if (!made) return undefined
  const bounded = explicitBounds(made.program)
  const result = fuse(bounded.program, group, name)
  const stages = [
    { name: 'elaborated', program: made.program }, { name: 'bounds', program: bounded.program },
    ...result.program ? [{ name: 'fused', program: result.program }] : []
  ]
  return { stages, facts: made.facts, findings: [...bounded.findings, ...result.findings] }
}

/** Whether an input of the anchor's operator is computed by prologues. */
export function isFusedInto({ anchor: { inputs, operator }, prologues }: Group): (input: Buffer) => boolean {
  const computed = new Set<Buffer>(prologues.flatMap(n => n.outputs))
  return input => {
    const tensor = inputs[operator.inputs.indexOf(input)]
    return tensor !== undefined && computed.has(tensor)
  }
}

export interface LoweredProgram {
  /** Undefined with an error among the findings. */
  readonly cuda: Cuda | undefined
  /** Those before lowering included. */
  readonly stages: readonly Stage[]
  readonly findings: readonly Finding[]
}

export function lowerToCuda(
  before: readonly Stage[], earlier: readonly Finding[], architecture: Architecture
): LoweredProgram {
  const last = before.at(-1)
  if (!last || hasError(earlier)) return { cuda: undefined, stages: before, findings: earlier }
  const lowered = lower(last.program, architecture)
  const { name, threads_per_block, shared_memory_per_block } = architecture
  const limits = checkLimits(lowered.program,
    { target: name, threadsPerBlock: threads_per_block, bytesPerBlock: shared_memory_per_block })
  const found = [...earlier, ...lowered.findings, ...limits]
  const findings = hasError(found) ? found : [...found, ...checkOutputs(last.program)]
  const stages = [...before, ...lowered.stages]
  return { cuda: hasError(findings) ? undefined : printCuda(lowered.program, architecture), stages, findings }
}

export function hasError(findings: readonly Finding[]): boolean {
  return findings.some(f => f.severity === 'error')
}
