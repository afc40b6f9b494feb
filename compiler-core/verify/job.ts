/**
 * From a declaration of a file to a verification's job.
 *
 *     instance square = batch_matmul.simt(m: 1024, ...)     one launch, of that size
 *     schedule simt for batch_matmul                        extents are known at launch: four launches, of awkward
 *                                                           sizes, of sizes that tiles divide, of tiny ones
 */
import { compile, type Problem } from '../compile/compile.ts'
import type { Program as IrProgram } from '../ir/ir.ts'
import type { Span } from '../ir/origin.ts'
import type { Program } from '../language/program.ts'
import type { EngineName } from './engine.ts'
import { elementsOf, type Job } from './verify.ts'

export interface JobOptions {
  /** A legal point of the space by its number, instead of the default and of what an instance binds. */
  readonly candidate?: { readonly level: number; readonly index: number } | undefined
  readonly engines: readonly EngineName[]
  /** All blocks run, however long it takes. */
  readonly exhaustive: boolean
  readonly counts: boolean
}

export interface OpenJob {
  /** Undefined where the subject does not compile: `problems` say why. */
  readonly job: Job | undefined
  readonly problems: readonly Problem[]
  /** Of the subject's name. */
  readonly span: Span
}

export function openJob(program: Program, uri: string, name: string, options: JobOptions): OpenJob {
  const { candidate, engines, exhaustive, counts } = options
  const compiled = compile(program, uri, name, { candidate })
  const { cuda, stages, elaborated, meaning, architecture, problems, span } = compiled
  const lowered = stages.at(-1)?.program
  if (!cuda || !lowered || !elaborated || !meaning || !architecture) return { job: undefined, problems, span }
  const job: Job = {
    name, meaning, subject: { elaborated, lowered, cuda, architecture }, engines, counts,
    sizes: sizesOf(elaborated), sources: sourcesOf(program, uri), ...exhaustive ? patient : quick
  }
  return { job, problems, span }
}

/** Milliseconds: three runs on two engines stay below ten seconds, unless one block alone takes longer. */
const quick = { budget: 1000, timeLimit: 15_000 }
const patient = { budget: undefined, timeLimit: 600_000 }

/** By the number of extents: primes above the usual tiles; powers of two, which tiles divide; less than a tile. */
const launches = [
  [[], [1009], [149, 173], [67, 149, 173], [2, 149, 173, 19]], [[], [1024], [32, 128], [16, 32, 64], [2, 64, 128, 16]],
  [[], [3], [3, 5], [3, 5, 7], [1, 5, 7, 3]], [[], [1], [1, 1], [1, 1, 1], [1, 1, 1, 1]]
]

/** Elements of all parameters: with fewer, a launch of all blocks takes about a second. */
const quickElements = 2 ** 21

/** Where an extent that is bound makes tensors large, the others are small. */
function sizesOf({ extents, parameters }: IrProgram): Job['sizes'] {
  if (extents.length === 0) return [{}]
  const all = launches.map(lists => {
    const preferred = extents.map((_, i) => lists[extents.length]?.[i] ?? i % 3 + 2)
    const sizes = [preferred, extents.map(() => 3), extents.map(() => 1)]
    const isSmall = (each: readonly number[]): boolean =>
      elementsOf(parameters, new Map(extents.map((v, i) => [v, each[i] ?? 1]))) <= quickElements
    return sizes.find(isSmall) ?? extents.map(() => 1)
  })
  return unique(all).map(sizes => Object.fromEntries(extents.map(({ name }, i) => [name, sizes[i] ?? 1])))
}

function unique(all: ReadonlyArray<readonly number[]>): ReadonlyArray<readonly number[]> {
  return all.filter((sizes, i) => all.findIndex(other => other.join() === sizes.join()) === i)
}

function sourcesOf(program: Program, uri: string): ReadonlyMap<string, string> {
  const files = [...program.analyse(uri)?.files ?? []]
  return new Map(files.map(file => [file, program.analyse(file)?.text ?? '']))
}
