/**
 * Executes a whole plan on the processor of this machine.
 *
 *     CUDA texts --g++--> objects --link--> program           build.ts, kept by content
 *     plan, inputs --job--> program                           a child process: blocks of threads on all cores
 *     what it says, outputs --> outcome
 *
 * What a kernel does harms only the child, which has limits of time and memory; its accident is told with the kernel's
 * name.
 */
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { TensorData } from '../../graph/tensor-data.ts'
import { counted } from '../../mapping/shape.ts'
import { findCompiler } from '../../toolchain/gcc.ts'
import { readAt, writeAt } from '../../toolchain/large-files.ts'
import { run, type Outcome } from '../../toolchain/process.ts'
import type { Package } from '../package.ts'
import type { Plan, PlanPort } from '../plan.ts'
import { buildProgram, type BuildOptions } from './build.ts'
import { bytesOfTensor, jobText, portLayout } from './job.ts'
import type { Entry } from './text.ts'

export interface RunOptions extends BuildOptions {
  /** Where compiled kernels are kept; made where it is missing. */
  readonly cacheFolder: string
  /** Milliseconds for the run, without what is compiled before. */
  readonly timeLimit: number
  /** Of the machine, on which blocks are run; as many as it has when absent. */
  readonly threads?: number | undefined
  /** Whose PATH is searched for g++; the process's when absent. */
  readonly environment?: NodeJS.ProcessEnv | undefined
}

export type RunOutcome =
  | {
    readonly kind: 'ran'
    /** In the plan's order. */
    readonly outputs: readonly TensorData[]
    /** For each step of the plan. */
    readonly stepSeconds: readonly number[]
    /** What g++ took, or looking up what it had made. */
    readonly buildSeconds: number
    /** From the start of the program to its outputs. */
    readonly runSeconds: number
  }
  /** The kernels cannot be compiled, crash or do not end; or inputs or weights are not what the plan says. */
  | { readonly kind: 'failed'; readonly message: string }
  /** The machine lacks something. */
  | { readonly kind: 'unavailable'; readonly message: string }
  | { readonly kind: 'cancelled' }

/** `weights`: the path of the file of constants; undefined where the plan has none. */
export async function runPlan(
  compiled: Package, weights: string | undefined, inputs: readonly TensorData[], options: RunOptions
): Promise<RunOutcome> {
  const problem = inputProblem(compiled.plan, inputs)
  if (problem !== undefined) return { kind: 'failed', message: problem }
  const compiler = await findCompiler(options.environment ?? process.env)
  if (typeof compiler === 'string') return { kind: 'unavailable', message: compiler }
  const start = performance.now()
  const built = await buildProgram(compiled, { folder: options.cacheFolder, compiler }, options)
  if (built.kind !== 'built') return built
  const buildSeconds = (performance.now() - start) / 1000
  return execute(compiled.plan, built, weights, inputs, { ...options, buildSeconds })
}

function inputProblem({ inputs }: Plan, given: readonly TensorData[]): string | undefined {
  if (given.length !== inputs.length) {
    return `The model has ${counted(inputs.length, 'input')}; ${given.length} ${given.length === 1 ? 'was' : 'were'} given.`
  }
  const text = ({ element, shape }: Pick<PlanPort, 'element' | 'shape'>): string => `${element}[${shape.join(', ')}]`
  for (const [i, port] of inputs.entries()) {
    const own = given[i]!
    if (text(own) !== text(port)) return `Input \`${port.name}\` is ${text(port)}, not ${text(own)}.`
  }
  return undefined
}

interface Program { readonly file: string; readonly entries: readonly Entry[] }

async function execute(
  plan: Plan, program: Program, weights: string | undefined, inputs: readonly TensorData[],
  { signal, timeLimit, threads, buildSeconds }: RunOptions & { readonly buildSeconds: number }
): Promise<RunOutcome> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'heddle-'))
  const file = (name: string): string => path.join(folder, name)
  const job = jobText(plan, program.entries, {
    time: timeLimit, memory: Math.floor(os.totalmem() * memoryShare), threads: threads ?? os.availableParallelism()
  })
  const inputLayout = portLayout(plan.inputs), outputLayout = portLayout(plan.outputs)
  const start = performance.now()
  try {
    await writeParts(file('job'), [Buffer.from(job)], [0], 0)
    await writeParts(file('inputs'), inputs.map(i => i.bytes), inputLayout.offsets, inputLayout.bytes)
    await writeParts(file('outputs'), [], [], outputLayout.bytes)
    await writeParts(file('progress'), [], [], 8)
    const noWeights = file('weights')
    if (weights === undefined) await writeParts(noWeights, [], [], 0)
    const ran = await run(
      program.file, [file('job'), weights ?? noWeights, ...['inputs', 'outputs', 'progress'].map(file)],
      { folder, signal, timeLimit: timeLimit + grace }
    )
    const at = Number((await readFile(file('progress'))).readBigUInt64LE()) - 1
    const steps = readSteps(plan, ran, subjectOf(plan, at), timeLimit)
    if (!Array.isArray(steps)) return steps
    const outputs = await readOutputs(file('outputs'), plan.outputs, outputLayout.offsets)
    return { kind: 'ran', outputs, stepSeconds: steps, buildSeconds, runSeconds: (performance.now() - start) / 1000 }
  } catch (error) {
    return { kind: 'unavailable', message: `The CPU engine cannot hand on its data: ${(error as Error).message}.` }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Beyond the limit that the program keeps itself, so that it can tell where it was. Milliseconds. */
const grace = 2000
/** Of the machine's memory, as a share. */
const memoryShare = 0.75

/** The seconds of each step, or what became of it instead. `subject`: what ran last. */
function readSteps(
  plan: Plan, ran: Outcome, subject: string, timeLimit: number
): number[] | Exclude<RunOutcome, { kind: 'ran' }> {
  const failed = (what: string): RunOutcome & { kind: 'failed' } => ({ kind: 'failed', message: `${subject} ${what}.` })
  const tooSlow = `did not end within ${timeLimit / 1000} seconds`
  switch (ran.kind) {
    case 'cancelled': return ran
    case 'too-slow': return failed(tooSlow)
    case 'failed': return failed(`ended the program that runs it: ${ran.message}`)
    case 'exited': {
      const [word, ...rest] = (ran.output.trim().split('\n').at(-1) ?? '').split(' ')
      if (word === 'done' && rest.length === plan.steps.length) return rest.map(time => Number(time) / 1e6)
      const what = rest.join(' ')
      if (word === 'accident') return failed(what === 'time' ? tooSlow : `fails: ${what}`)
      return failed(`ended the program that runs it with status ${ran.status}: ${ran.output.trim()}`)
    }
  }
}

/** `Kernel `conv_relu_1` (Conv + Relu)` */
function subjectOf({ steps, kernels, tensors }: Plan, at: number): string {
  const step = steps[at]
  switch (step?.kind) {
    case undefined: return 'The model'
    case 'launch': return `Kernel \`${kernels[step.kernel]!.name}\` (${step.label})`
    case 'fill': return `Setting \`${tensors[step.tensor]!.name}\``
    case 'copy': return `Copying \`${tensors[step.from]!.name}\``
  }
}

// ---------------------------------------------------------------- files

/** A new file of so many bytes, or more where the parts need them. */
async function writeParts(
  name: string, parts: readonly Uint8Array[], offsets: readonly number[], size: number
): Promise<void> {
  const handle = await open(name, 'wx')
  try {
    for (const [i, part] of parts.entries()) await writeAt(handle, part, offsets[i]!)
    if (size > 0) await handle.truncate(size)
  } finally {
    await handle.close()
  }
}

async function readOutputs(
  name: string, ports: readonly PlanPort[], offsets: readonly number[]
): Promise<readonly TensorData[]> {
  const handle = await open(name, 'r')
  try {
    const outputs: TensorData[] = []
    for (const [i, port] of ports.entries()) {
      const bytes = new Uint8Array(bytesOfTensor(port))
      await readAt(handle, bytes, offsets[i]!)
      outputs.push({ element: port.element, shape: port.shape, bytes })
    }
    return outputs
  } finally {
    await handle.close()
  }
}
