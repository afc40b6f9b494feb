/** How tests of the interpreter are written: a program in; what a run of it computes and what is wrong with it out. */
import { expect } from 'vitest'
import { compile } from '../../../../compiler-core/compile/compile.ts'
import type { Program } from '../../../../compiler-core/ir/ir.ts'
import { createProgram } from '../../../../compiler-core/language/program.ts'
import { libraryImports } from '../../../../compiler-core/library/library.ts'
import type { Access, Executed, Fault, Outcome, Request, ThreadOrder } from '../../../../compiler-core/verify/engine.ts'
import { execute } from '../../../../compiler-core/verify/interpreter/interpreter.ts'
import { execute as executeSlowly, someElements, type Elements } from '../../../harness/ir-interpreter.ts'
import { kernel, type Around } from '../../lowering/support.ts'

const uri = 'file:///project/main.heddle'

/** Before lowering: what the last instance or graph of a text becomes. */
export function elaborated(text: string, candidate?: { readonly level: number; readonly index: number }): Program {
  const files = createProgram({ read: asked => asked === uri ? text : undefined, roots: ['file:///project/'] })
  const name = [...text.matchAll(/^(?:instance|graph) (\w+)/gm)].at(-1)?.[1] ?? ''
  const { elaborated: program, problems } = compile(files, uri, name, { candidate })
  if (!program) throw new Error(`${text}\n${problems.map(p => p.diagnostic.message).join('\n')}`)
  return program
}

/** Of the library: `instance i = relu.flat(s: 7)`, or what stands behind `=` alone. */
export function ofLibrary(text: string, candidate?: { readonly level: number; readonly index: number }): Program {
  const imports = libraryImports.map(i => `import "${i}"\n`).join('')
  return elaborated(`${imports}${/^\s*(instance|graph|schedule)\b/.test(text) ? text : `instance it = ${text}`}\n`, candidate)
}

export function ofKernel(body: string, around: Around = {}): Program {
  return elaborated(kernel(body, around))
}

export const orders: readonly ThreadOrder[] = ['forward', 'reverse', 'random']

export interface How {
  /** By name; 64 where nothing is said. */
  readonly extents?: Readonly<Record<string, number>>
  readonly request?: Partial<Request>
  readonly orders?: readonly ThreadOrder[]
  readonly budget?: number
}

export function requestOf(program: Program, how: How = {}): Request {
  const extents = new Map(program.extents.map(v => [v, how.extents?.[v.name] ?? 64]))
  const inputs = inputsOf(program, extents).map(e => Float64Array.from(e))
  return {
    extents, counts: false, timeLimit: 60_000, signal: undefined,
    runs: (how.orders ?? orders).map(order => ({ inputs, order, seed: 7, budget: how.budget })),
    ...how.request
  }
}

export function outcomeOf(program: Program, how: How = {}): Outcome {
  return execute(program, requestOf(program, how))
}

/** One for each order of threads. */
export function runsOf(program: Program, how: How = {}): readonly Executed[] {
  const outcome = outcomeOf(program, how)
  if (outcome.kind !== 'executed') throw new Error(JSON.stringify(outcome))
  return outcome.runs
}

/** Computes, to the last bit and without a fault, what the slow interpreter does. */
export function checkAgrees(program: Program, how: How = {}): void {
  const request = requestOf(program, how)
  const inputs = program.parameters.filter(b => b.scope === 'input')
  const given = new Map(inputs.map((b, i) => [b, [...request.runs[0]?.inputs[i] ?? []]]))
  const wanted = [...executeSlowly(program, given, { stage: 'logical', extents: request.extents }).values()]
  for (const [n, run] of runsOf(program, how).entries()) {
    const order = request.runs[n]?.order
    expect(run.faults.map(faultText), order).toEqual([])
    expect(run.outputs.map((o, i) => firstApart(o.elements, wanted[i] ?? [])),
      order).toEqual(wanted.map(() => undefined))
  }
}

function firstApart(found: Float64Array, wanted: Elements): string | undefined {
  if (found.length !== wanted.length) return `${found.length} elements instead of ${wanted.length}`
  const at = found.findIndex((x, i) => !Object.is(x + 0, (wanted[i] ?? NaN) + 0))
  return at < 0 ? undefined : `element ${at} is ${found[at]}, not ${wanted[at]}`
}

function inputsOf(program: Program, extents: Request['extents']): readonly (readonly number[])[] {
  return program.parameters.filter(b => b.scope === 'input').map((b, seed) => {
    const count = b.shape.reduce((n, e) => n * (e.kind === 'constant' ? Number(e.value)
      : e.kind === 'variable' ? extents.get(e.variable) ?? 1 : 1), 1)
    const some = someElements(count, seed + 1)
    return b.element.startsWith('u') || b.element === 'bool' ? some.map(x => Number(x > 0)) : some
  })
}

/** `race: 1 reads s[0] | 0 writes s[0]`, threads by their number along x. */
export function faultText({ kind, access, other }: Fault): string {
  return `${kind}: ${accessText(access)}${other ? ` | ${accessText(other)}` : ''}`
}

export function accessText({ kind, thread, block, buffer, indices, cell }: Access): string {
  const [x, y, z] = thread, who = y === 0 && z === 0 ? String(x) : `(${x}, ${y}, ${z})`
  const where = block.every(b => b === 0) ? '' : ` of block ${block.join(', ')}`
  const what = !buffer ? '' : indices ? ` ${buffer.name}[${indices.join(', ')}]` : ` ${buffer.name}{${cell}}`
  return `${who}${where} ${kind}${what}`
}

/** Without the threads and elements: which pair of them is named first differs between orders. */
export function placesOf(texts: readonly string[]): readonly string[] {
  return texts.map(text => {
    const [kind = '', sides = ''] = text.replace(/\b\d+ (of block [\d, ]+ )?(?=[a-z])/g, '').replace(/\[[^\]]*\]|\{\d+\}/g, '').split(': ')
    return `${kind}: ${sides.split(' | ').sort().join(' | ')}`
  }).sort()
}
