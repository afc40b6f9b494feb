/** Kernels in CUDA by hand, with as much of a program around them as the CPU engine asks for. */
import path from 'node:path'
import { kernelName } from '../../../../compiler-core/codegen/cuda.ts'
import { cType, wrapperText, type Wrapper } from '../../../../compiler-core/codegen/wrappers.ts'
import type { Buffer, Expr, Kernel, Program } from '../../../../compiler-core/ir/ir.ts'
import { cpuEngine } from '../../../../compiler-core/verify/cpu/engine.ts'
import type { Access, Fault, Outcome, Request, Subject, ThreadOrder } from '../../../../compiler-core/verify/engine.ts'
import { scratch } from '../../../../scripts/paths.ts'
import { allocate, at, buffer, program, sm_80, store } from '../../codegen/support.ts'

export const engine = cpuEngine({ cacheFolder: path.join(scratch, 'cpu') })

/** x and y have 64 elements, w is a workspace of 64, s and t are shared, of 64 each, r is an array of registers. */
export const x = buffer('x', 'f32', 'input', 64)
export const y = buffer('y', 'f32', 'output', 64)
const w = buffer('w', 'f32', 'workspace', 64)
export const s = buffer('s', 'f32', 'shared', 64)
export const t = buffer('t', 'f32', 'shared', 64)

export interface Parts {
  readonly grid?: readonly (number | Expr)[]
  readonly block?: readonly number[]
  readonly wrappers?: readonly Wrapper[]
  /** In front of the kernel. */
  readonly functions?: string
  /** Parameters, then workspaces, then what is shared. */
  readonly buffers?: readonly Buffer[]
  /** t takes over the memory of s. */
  readonly reuses?: boolean
}

/** One kernel for each body: statements in CUDA. 64 threads of one block unless said otherwise. */
export function subjectOf(bodies: readonly string[], parts: Parts = {}): Subject {
  const { buffers = [x, y, w, s], block = [64], grid = [1], wrappers = [], functions = '', reuses = false } = parts
  const shared = buffers.filter(b => b.scope === 'shared')
  const global = buffers.filter(b => b.scope !== 'shared')
  const one = (_: string, i: number) => ({
    name: `k${i}`, grid, block,
    body: [
      ...shared.map(b => allocate(b, undefined, reuses && b === t ? [s] : [])),
      ...global.map(b => b.scope === 'input' ? store(y, 0, at(b, 0)) : store(b, 0, at(x, 0)))
    ]
  })
  const all = program('made', global.filter(b => b.scope !== 'workspace'), bodies.map(one), {
    workspaces: global.filter(b => b.scope === 'workspace').map(b => ({ buffer: b, value: undefined }))
  })
  const text = wrapperText(wrappers, sm_80) + functions + all.kernels.map((k, i) => kernelText(all, k, shared, bodies[i]!, reuses)).join('\n')
  return { elaborated: all, lowered: all, cuda: { text, trace: { regions: [] } }, architecture: sm_80 }
}

function kernelText(all: Program, one: Kernel, shared: readonly Buffer[], body: string, reuses: boolean): string {
  const global = [...all.parameters, ...all.workspaces.map(space => space.buffer)]
  const parameters = global.map(b => `${b.scope === 'input' ? 'const ' : ''}${cType(b.element)} *__restrict__ ${b.name}`)
  const arrays = shared.map(b => reuses
    ? `${cType(b.element)} (&${b.name})[64] = *(${cType(b.element)} (*)[64])(shared_memory + 0);`
    : `__shared__ __align__(16) ${cType(b.element)} ${b.name}[64];`)
  return [
    `extern "C" __global__ void __launch_bounds__(${one.block.join(' * ')})`,
    `${kernelName(all, one)}(${parameters.join(', ')}) {`,
    ...reuses ? ['  __shared__ __align__(16) unsigned char shared_memory[256];'] : [],
    ...arrays.map(a => `  ${a}`), ...body.split('\n').map(line => `  ${line}`), '}', ''
  ].join('\n')
}

/** x holds 0, 1, ..., 63. */
export function requestOf(subject: Subject, orders: readonly ThreadOrder[], more: Partial<Request> = {}): Request {
  const inputs = subject.lowered.parameters.filter(b => b.scope === 'input').map(() => Float64Array.from({ length: 64 }, (_, i) => i))
  return {
    extents: new Map(), counts: false, timeLimit: 20_000, signal: undefined,
    runs: orders.map(order => ({ inputs, order, seed: 1, budget: undefined })), ...more
  }
}

/** What happened, in words: `race: read s[63] in "s[63 - i]" by 0, write in "s[i]" by 63`, one a fault. */
export function wordsOf(outcome: Outcome, subject: Subject, run = 0): readonly string[] {
  const { text } = subject.cuda
  const access = ({ kind, buffer: b, indices, cell, span, block, thread }: Access, first: boolean) => {
    const element = b && first ? ` ${b.name}[${(indices ?? [cell]).join(', ')}]` : ''
    const where = span ? ` in "${text.slice(span.start, span.end).replace(/\s+/g, ' ')}"` : ''
    return `${kind}${element}${where} by ${block[0] === 0 ? '' : `${block[0]}:`}${thread[0]}`
  }
  const fault = (f: Fault) => `${f.kind}: ${access(f.access, true)}${f.other ? `, ${access(f.other, false)}` : ''}`
  switch (outcome.kind) {
    case 'executed': return outcome.runs[run]!.faults.map(fault)
    case 'ended':
      if (outcome.why === 'time') return [`time, ${outcome.fault?.kind} ${outcome.fault?.access.span ? 'in the text' : 'somewhere'}`]
      return [`${outcome.why}${outcome.fault ? `, ${fault(outcome.fault)}` : ''}`]
    case 'unavailable': return [outcome.message]
    case 'cancelled': return ['cancelled']
  }
}

