/**
 * A compiled model: its plan, and the CUDA text and trace of each kernel.
 *
 *     plan.json                        steps, tensors, memory (plan.ts)
 *     graph.heddle                     the operators that are applied, each with the node it came from
 *     kernels/conv_relu_1.cu           CUDA text
 *     kernels/conv_relu_1.trace.json   what of it was made from what
 *
 * The constants that kernels read are not part of it: `weights.bin` is made when somebody needs it (weights.ts).
 */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { makeFolder } from '../toolchain/folders.ts'
import type { Plan } from './plan.ts'

export interface Package {
  readonly plan: Plan
  /** Texts by path below the folder: `kernels/conv_relu_1.cu`. */
  readonly files: ReadonlyMap<string, string>
}

/** Where a package lies. */
const planFile = 'plan.json', kernelFolder = 'kernels'

/**
 * Writes the folder of a package: each file is complete or as it was before, and those of a package that was there
 * before are gone. Gives the paths below the folder, or a sentence that says what could not be written.
 */
export function writePackage(
  folder: string, { plan, files }: Package
): readonly string[] | { readonly problem: string } {
  if (folder === '') return { problem: 'The folder to write to has no name.' }
  let staging: string | undefined
  try {
    makeFolder(path.join(folder, kernelFolder))
    staging = mkdtempSync(path.join(folder, '.heddle-'))
    mkdirSync(path.join(staging, kernelFolder))
    const all = new Map([...files, [planFile, planText(plan)]])
    for (const [name, text] of all) writeFileSync(path.join(staging, name), text)
    for (const name of earlierKernels(folder)) {
      for (const file of [`${name}.cu`, `${name}.trace.json`]) {
        if (!all.has(`${kernelFolder}/${file}`)) rmSync(path.join(folder, kernelFolder, file), { force: true })
      }
    }
    for (const name of all.keys()) renameSync(path.join(staging, name), path.join(folder, name))
    return [...all.keys()].sort()
  } catch (error) {
    return { problem: `${folder} cannot be written: ${(error as Error).message}.` }
  } finally {
    if (staging !== undefined) rmSync(staging, { recursive: true, force: true })
  }
}

/** The names of the kernels of a package that was there before. */
function earlierKernels(folder: string): readonly string[] {
  try {
    const { kernels } = JSON.parse(readFileSync(path.join(folder, planFile), 'utf8')) as Partial<Plan>
    return (kernels ?? []).map(kernel => path.basename(kernel.file, '.cu')).filter(name => /^\w+$/.test(name))
  } catch {
    return []
  }
}

/** One line a kernel, tensor and step. */
function planText(plan: Plan): string {
  const lines = (list: readonly unknown[]): string =>
    (list.length === 0 ? '[]' : `[\n${list.map(item => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`)
  const entries = Object.entries(plan).map(([name, value]) =>
    `  ${JSON.stringify(name)}: ${Array.isArray(value) ? lines(value) : JSON.stringify(value)}`)
  return `{\n${entries.join(',\n')}\n}\n`
}

// ---------------------------------------------------------------- as one sequence of bytes

/** A line of JSON with the plan and the lengths of the files, then the files. */
export function packageBytes({ plan, files }: Package, more: unknown): Uint8Array {
  const texts = [...files].map(([name, text]) => ({ name, bytes: Buffer.from(text) }))
  const head = { plan, more, files: texts.map(({ name, bytes }) => [name, bytes.length]) }
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...texts.map(t => t.bytes)])
}

/** What `packageBytes` of the same version of Heddle made. */
export function packageOf(content: Uint8Array): { readonly package: Package; readonly more: unknown } {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength), end = bytes.indexOf('\n')
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as {
    readonly plan: Plan; readonly more: unknown; readonly files: readonly (readonly [string, number])[]
  }
  let at = end + 1
  const files = new Map(head.files.map(([name, length]) => [name, bytes.toString('utf8', at, at += length)] as const))
  return { package: { plan: head.plan, files }, more: head.more }
}
