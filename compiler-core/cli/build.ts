/** `heddle build`: an instance as CUDA with its trace, and with a toolkit as PTX, machine code and what ptxas says. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDynamic, kernelName } from '../codegen/cuda.ts'
import { traceJson } from '../codegen/trace.ts'
import { compile } from '../compile/compile.ts'
import type { Program as IrProgram } from '../ir/ir.ts'
import { sharedMemory } from '../ir/memory.ts'
import { printProgram } from '../ir/print.ts'
import { counted } from '../mapping/shape.ts'
import type { Architecture } from '../target/architectures.ts'
import { compileCuda, type Compiled as CompiledCuda } from '../toolchain/compile-cuda.ts'
import { findToolkit } from '../toolchain/toolkit.ts'
import type { BuildOutput, FactsOutput } from '../view/output.ts'
import { problemsText } from './diagnostic-text.ts'
import { missingSubject, openProgram } from './files.ts'
import { failure, table, type Report } from './report.ts'
import { writeFiles, type FileContent } from './write-files.ts'

export interface BuildOptions {
  /** An instance or a graph of the file, or a schedule as OPERATOR.SCHEDULE. */
  readonly instance: string
  /** Of an instance that names none itself. */
  readonly target: string
  /** Where the files go; without it nothing is written, and no toolkit asked. */
  readonly out?: string | undefined
  /** Undefined: what the instance binds, and else the defaults. */
  readonly candidate?: { readonly level: number; readonly index: number } | undefined
  readonly stages?: boolean | undefined
  /** Where the toolkit is looked for; the process's own when absent. */
  readonly environment?: NodeJS.ProcessEnv | undefined
  readonly signal?: AbortSignal | undefined
}

export async function buildReport(file: string, options: BuildOptions): Promise<Report> {
  const text = compiledText(file, options)
  if ('status' in text) return text
  const { instance, out } = options
  const shown = text.stages.map(s => `// ${s.name}\n${s.text}\n`).join('')
  const output: BuildOutput = {
    instance, target: text.architecture.name, schedule: text.schedule, files: [], facts: null,
    ...options.stages === true ? { stages: [...text.stages] } : {}
  }
  if (out === undefined) return { status: 0, text: shown, errors: text.errors, json: output }
  const built = await toolkitFiles(text, options)
  const errors = text.errors + built.errors
  if (options.signal?.aborted === true) return { status: 2, text: '', errors }
  const files = new Map([...text.files, ...built.files])
  const problem = writeFiles(out, files)
  if (problem !== undefined) return failure(problem)
  const written = [...files].flatMap(([name, content]) => content === undefined ? [] : [name])
  return {
    status: built.status, errors, json: { ...output, files: written, facts: built.facts },
    text: shown + scheduleText(text.schedule) + written.map(name => `${path.join(out, name)}\n`).join('') + built.text
  }
}

/** Names and contents; undefined: there is no such file any more. */
type Files = readonly (readonly [string, FileContent])[]

interface CompiledText {
  readonly cuda: string
  readonly architecture: Architecture
  readonly lowered: IrProgram
  readonly schedule: BuildOutput['schedule']
  readonly stages: readonly { readonly name: string; readonly text: string }[]
  readonly files: Files
  /** Warnings. */
  readonly errors: string
}

/** The CUDA of the instance; a report where there is none. */
function compiledText(file: string, { instance, target, candidate, stages }: BuildOptions): CompiledText | Report {
  const program = openProgram(target)
  const uri = pathToFileURL(path.resolve(file)).href
  const analysis = program.analyse(uri)
  if (analysis === undefined) return failure(`${file} cannot be read.`)
  const wrong = analysis.diagnostics.filter(d => d.severity === 'error')
  if (wrong.length > 0) {
    return { status: 1, text: '', errors: problemsText(program, wrong.map(diagnostic => ({ uri, diagnostic }))) }
  }
  const missing = missingSubject(analysis, file, instance)
  if (missing !== undefined) return failure(missing)
  const { cuda, architecture, problems, ...made } = compile(program, uri, instance, { candidate })
  const errors = problemsText(program, problems), lowered = made.stages.at(-1)?.program
  if (!cuda || !architecture || !lowered) return { status: 1, text: '', errors }
  const trace = traceJson(cuda.trace, `${instance}.cu`, cuda.text, u => program.analyse(u)?.text ?? '')
  return {
    cuda: cuda.text, architecture, lowered, errors,
    schedule: {
      parameters: Object.fromEntries(made.parameters.map(p => [p.name, p.text])),
      facts: Object.fromEntries(made.facts.map(f => [f.name, f.value]))
    },
    stages: stages === true ? made.stages.map(s => ({ name: s.name, text: printProgram(s.program) })) : [],
    files: [[`${instance}.cu`, cuda.text], [`${instance}.trace.json`, `${JSON.stringify(trace)}\n`]]
  }
}

interface ToolkitResult {
  readonly status: 0 | 1 | 2
  readonly files: Files
  readonly facts: FactsOutput | null
  readonly text: string
  readonly errors: string
}

/** What the toolkit makes of the text. Where it makes nothing, it is said why, and older files go. */
async function toolkitFiles(
  { cuda, architecture, lowered }: CompiledText, { instance: name, signal, environment }: BuildOptions
): Promise<ToolkitResult> {
  const made = (ptx?: string, cubin?: Uint8Array, facts?: FactsOutput): Files => [
    [`${name}.ptx`, ptx], [`${name}.cubin`, cubin],
    [`${name}.facts.json`, facts && `${JSON.stringify(facts, undefined, 2)}\n`]
  ]
  const none = (status: 0 | 1 | 2, errors: string): ToolkitResult =>
    ({ status, errors, facts: null, text: '', files: made() })
  const search = await findToolkit(environment)
  if (search.kind === 'missing') return none(0, `note: ${search.message}\n`)
  const compiled = await compileCuda(search.toolkit, cuda, { name, architecture: architecture.name, signal })
  switch (compiled.kind) {
    case 'rejected': return none(1, `error: ${compiled.message}\n`)
    case 'cancelled': case 'too-slow': case 'failed': return none(2, `error: ${compiled.message}\n`)
    case 'compiled': {
      const facts = factsOf(compiled, lowered, architecture, search.toolkit.version)
      return {
        status: 0, facts, text: factsText(facts), files: made(compiled.ptx, compiled.cubin, facts),
        errors: compiled.warnings.map(w => `warning: ${w}\n`).join('')
      }
    }
  }
}

function factsOf(
  { kernels, warnings }: CompiledCuda, program: IrProgram, architecture: Architecture, toolkit: string
): FactsOutput {
  const dynamic = new Map(program.kernels.map(kernel => {
    const shared = sharedMemory(kernel)
    return [kernelName(program, kernel), isDynamic(shared, architecture) ? shared.bytes : 0]
  }))
  const each = kernels.map(k => ({
    name: k.name, registers: k.registers, spills: k.spill_store_bytes + k.spill_load_bytes, stack: k.stack_bytes,
    shared_bytes: k.shared_bytes, dynamic_shared_bytes: dynamic.get(k.name) ?? 0
  }))
  const most = (of: Exclude<keyof typeof each[number], 'name'>): number => Math.max(0, ...each.map(k => k[of]))
  return {
    target: architecture.name, toolkit, registers: most('registers'), spills: most('spills'), stack: most('stack'),
    shared_bytes: most('shared_bytes'), dynamic_shared_bytes: most('dynamic_shared_bytes'), kernels: each,
    warnings: [...warnings]
  }
}

function scheduleText({ parameters, facts }: BuildOutput['schedule']): string {
  const line = (of: Readonly<Record<string, string | number>>): string =>
    Object.entries(of).map(([name, value]) => `${name} ${value}`).join(', ')
  return [line(parameters), line(facts)].filter(text => text !== '').map(text => `${text}\n`).join('')
}

function factsText({ kernels }: FactsOutput): string {
  return table(kernels.map(k => [
    k.name, counted(k.registers, 'register'), `${k.spills} bytes spilled`, `${k.stack} bytes of stack`,
    `${k.shared_bytes + k.dynamic_shared_bytes} bytes of shared memory`
  ]))
}
