/** `heddle build`: an instance as CUDA with its trace, and with a toolkit as PTX, machine code and what ptxas says. */
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { traceJson } from '../codegen/trace.ts'
import { compile, subjectsOf } from '../compile/compile.ts'
import { printProgram } from '../ir/print.ts'
import { listText } from '../language/suggestions.ts'
import { counted } from '../mapping/shape.ts'
import { compileCuda, type Compiled } from '../toolchain/compile-cuda.ts'
import type { KernelFacts } from '../toolchain/ptxas-report.ts'
import { findToolkit } from '../toolchain/toolkit.ts'
import type { BuildOutput, FactsOutput } from '../view/output.ts'
import { problemsText } from './diagnostic-text.ts'
import { openProgram } from './files.ts'
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
  const { instance, out } = options
  const program = openProgram(options.target)
  const uri = pathToFileURL(path.resolve(file)).href
  const analysis = program.analyse(uri)
  if (analysis === undefined) return failure(`${file} cannot be read.`)
  const wrong = analysis.diagnostics.filter(d => d.severity === 'error')
  if (wrong.length > 0) {
    return { status: 1, text: '', errors: problemsText(program, wrong.map(diagnostic => ({ uri, diagnostic }))) }
  }
  const subjects = subjectsOf(analysis).map(s => s.name)
  if (!subjects.includes(instance) && !instance.includes('.')) {
    const there = subjects.length === 0 ? 'It has nothing to build' : `It has ${listText(subjects)}`
    return failure(`${file} has no \`${instance}\`. ${there}.`)
  }
  const made = compile(program, uri, instance, options.candidate ? { candidate: options.candidate } : {})
  const errors = problemsText(program, made.problems)
  if (made.cuda === undefined || made.architecture === undefined) return { status: 1, text: '', errors }
  const target = made.architecture.name

  const stages = options.stages === true ? made.stages.map(s => ({ name: s.name, text: printProgram(s.program) })) : []
  const stagesText = stages.map(s => `// ${s.name}\n${s.text}\n`).join('')
  const output: BuildOutput = { instance, target, files: [], facts: null, ...options.stages === true ? { stages } : {} }
  if (out === undefined) return { status: 0, text: stagesText, errors, json: output }

  const built = await toolkitFiles(made.cuda.text, target, options)
  if (built.status === 2) return { status: 2, text: '', errors: errors + built.errors }
  const trace = traceJson(made.cuda.trace, `${instance}.cu`, made.cuda.text, u => program.analyse(u)?.text ?? '')
  const files = new Map<string, FileContent>([
    [`${instance}.cu`, made.cuda.text], [`${instance}.trace.json`, `${JSON.stringify(trace)}\n`], ...built.files
  ])
  const problem = writeFiles(out, files)
  if (problem !== undefined) return failure(problem)
  const written = [...files].flatMap(([name, content]) => content === undefined ? [] : [name])
  return {
    status: built.status, errors: errors + built.errors,
    text: stagesText + written.map(name => `${path.join(out, name)}\n`).join('') + built.text,
    json: { ...output, files: written, facts: built.facts }
  }
}

interface ToolkitResult {
  readonly status: 0 | 1 | 2
  readonly files: readonly (readonly [string, FileContent])[]
  readonly facts: FactsOutput | null
  readonly text: string
  readonly errors: string
}

/** What the toolkit makes of the text; of a missing one it says so, and older files are removed. */
async function toolkitFiles(text: string, architecture: string, options: BuildOptions): Promise<ToolkitResult> {
  const { instance: name, signal } = options
  const made = (ptx?: string, cubin?: Uint8Array, facts?: FactsOutput): ToolkitResult['files'] => [
    [`${name}.ptx`, ptx], [`${name}.cubin`, cubin],
    [`${name}.facts.json`, facts && `${JSON.stringify(facts, undefined, 2)}\n`]
  ]
  const none = (status: 0 | 1 | 2, errors: string): ToolkitResult =>
    ({ status, errors, facts: null, text: '', files: made() })
  const search = await findToolkit(options.environment)
  if (search.kind === 'missing') return none(0, `note: ${search.message}\n`)
  const compiled = await compileCuda(search.toolkit, text, { name, architecture, signal })
  switch (compiled.kind) {
    case 'rejected': return none(1, `error: ${compiled.message}\n`)
    case 'cancelled': case 'too-slow': case 'failed': return none(2, `error: ${compiled.message}\n`)
    case 'compiled': {
      const facts = factsOf(compiled, architecture, search.toolkit.version)
      return {
        status: 0, facts, text: factsText(facts), errors: compiled.warnings.map(w => `warning: ${w}\n`).join(''),
        files: made(compiled.ptx, compiled.cubin, facts)
      }
    }
  }
}

function factsOf({ kernels, warnings }: Compiled, target: string, toolkit: string): FactsOutput {
  const each = kernels.map((k: KernelFacts) => ({
    name: k.name, registers: k.registers, spills: k.spill_store_bytes + k.spill_load_bytes, stack: k.stack_bytes,
    shared_bytes: k.shared_bytes
  }))
  const most = (of: 'registers' | 'spills' | 'stack' | 'shared_bytes'): number => Math.max(0, ...each.map(k => k[of]))
  return {
    target, toolkit, registers: most('registers'), spills: most('spills'), stack: most('stack'),
    shared_bytes: most('shared_bytes'), kernels: each, warnings: [...warnings]
  }
}

function factsText({ kernels }: FactsOutput): string {
  return table(kernels.map(k => [
    k.name, counted(k.registers, 'register'), `${k.spills} bytes spilled`, `${k.stack} bytes of stack`,
    `${k.shared_bytes} bytes of static shared memory`
  ]))
}
