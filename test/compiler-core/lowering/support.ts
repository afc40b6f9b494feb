/** How tests of lowering are written: a kernel in Heddle in; what passes make, say and compute of it out. */
import { expect } from 'vitest'
import { compile, type Compiled } from '../../../compiler-core/compile/compile.ts'
import type { Buffer, Program } from '../../../compiler-core/ir/ir.ts'
import { printProgram } from '../../../compiler-core/ir/print.ts'
import { createProgram } from '../../../compiler-core/language/program.ts'
import type { Stage } from '../../../compiler-core/lowering/lower.ts'
import { execute, someElements, type Elements } from '../../harness/ir-interpreter.ts'

const uri = 'file:///project/main.heddle'

/** What a file's instance `it` becomes. */
export function compiled(text: string): Compiled {
  const files = createProgram({ read: asked => asked === uri ? text : undefined, roots: ['file:///project/'] })
  const errors = files.analyse(uri)?.diagnostics.filter(d => d.severity === 'error') ?? []
  expect(errors.map(d => d.message), text).toEqual([])
  return compile(files, uri, 'it')
}

/** Parts of a file around one kernel's body. */
export interface Around {
  /** Types of the operator's input `x` and output `y`. */
  readonly x?: string
  readonly y?: string
  /** Declarations of the file. */
  readonly before?: string
  /** Declarations of the schedule, in front of the kernel. */
  readonly lets?: string
  readonly grid?: string
  readonly block?: string
  /** Bound names of the instance. */
  readonly bind?: string
}

/** A file whose kernel has the body, over `x: f32[64]` and `y: f32[64]` in one block of 64 threads if not said else. */
export function kernel(body: string, around: Around = {}): string {
  const { x = 'f32[64]', y = 'f32[64]', before = '', lets = '', grid = '1', block = '64', bind = '' } = around
  return `import "std/prelude"
${before}
operator op(x: ${x}) -> y: ${y} { y[...i] = 0 }
schedule s for op {
  ${lets}
  kernel main(grid: ${grid}, block: ${block}) {
    ${body}
  }
}
instance it = op.s(${bind})
`
}

/** \`code: message\` of everything that compiling a kernel finds. */
export function findings(text: string): readonly string[] {
  return compiled(text).problems.map(p => `${p.diagnostic.code}: ${p.diagnostic.message}`)
}

/** The lines of a stage inside its (last) kernel, without the declarations of registers. */
export function stageText(text: string, name: string): string {
  const { stages, problems } = compiled(text)
  const stage = stages.find(s => s.name === name)
  expect(stage, `${problems.map(p => p.diagnostic.message).join('\n')} ${stages.map(s => s.name).join(', ')}`).toBeDefined()
  const lines = stage ? printProgram(stage.program).split('\n') : []
  const head = lines.findLastIndex(l => l.startsWith('kernel '))
  return lines.slice(head + 1, lines.lastIndexOf('}')).map(l => l.slice(2)).join('\n')
}

/** Stages whose accesses have one index. */
const flat = ['offsets', 'names', 'simplified', 'wide accesses', 'asynchronous copies', 'widths']

/** Every stage computes what the first one does, whatever the order of threads. */
function checkStages(stages: readonly Stage[], extents: ReadonlyMap<string, number> = new Map()): void {
  const [first] = stages
  if (!first) throw new Error('no stage')
  const wanted = outputsOf(first, 'forwards', extents)
  for (const stage of stages) {
    for (const order of ['forwards', 'backwards'] as const) {
      try {
        expect(outputsOf(stage, order, extents), `${stage.name}, ${order}`).toEqual(wanted)
      } catch (error) {
        const programs = [first, stage].map(s => printProgram(s.program)).join('\n')
        throw new Error(`${stage.name}, ${order}: ${String(error)}\n${programs}`, { cause: error })
      }
    }
  }
}

export function checkComputes(text: string, extents: ReadonlyMap<string, number> = new Map()): void {
  const { stages, problems } = compiled(text)
  expect(problems.filter(p => p.diagnostic.severity === 'error').map(p => p.diagnostic.message), text).toEqual([])
  expect(stages.at(-1)?.name).toBe('widths')
  checkStages(stages, extents)
}

function outputsOf(
  { name, program }: Stage, order: 'forwards' | 'backwards', extents: ReadonlyMap<string, number>
): readonly Elements[] {
  const values = new Map(program.extents.map(v => [v, extents.get(v.name) ?? 1]))
  const outputs = execute(program, inputsOf(program, values), {
    stage: flat.includes(name) ? 'cells' : 'logical', order, extents: values
  })
  return [...outputs.values()].map(elements => elements.map(x => x === 0 ? 0 : x))
}

function inputsOf(program: Program, extents: ReadonlyMap<unknown, number>): ReadonlyMap<Buffer, readonly number[]> {
  const inputs = program.parameters.filter(b => b.scope === 'input')
  return new Map(inputs.map((b, seed) => {
    const count = b.shape.reduce((n, e) => n * (e.kind === 'constant' ? Number(e.value)
      : e.kind === 'variable' ? extents.get(e.variable) ?? 1 : 1), 1)
    return [b, someElements(count, seed + 1)]
  }))
}
