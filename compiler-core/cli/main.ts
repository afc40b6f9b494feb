/**
 * The `heddle` command: each view of the product as text for people, or as JSON for programs.
 *
 * With `--json` standard output holds JSON alone; every other text goes to standard error.
 * Exit status: 0 fine, 1 the program or expression has errors, 2 the command could not be carried out.
 */
import os from 'node:os'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { architectures, defaultTarget } from '../target/architectures.ts'
import { engineNames, type EngineName } from '../verify/engine.ts'
import { createVerifiers } from '../verify/workers.ts'
import { buildReport } from './build.ts'
import { cacheFolder } from './cache-folder.ts'
import { layoutReport, mappingReport } from './describe.ts'
import { doctorReport } from './doctor.ts'
import { checkFiles, formatFiles } from './files.ts'
import { serveLanguage } from './lsp.ts'
import type { Report } from './report.ts'
import { spaceReport } from './space.ts'
import { verifyReport } from './verify.ts'

declare const heddleVersion: string

const target = new Option('--target <architecture>', 'what `target` stands for')
  .choices(architectures.map(a => a.name)).default(defaultTarget)
const json = new Option('--json', 'print JSON')

interface ExpressionOptions { readonly json?: boolean; readonly target: string }

const program = new Command('heddle')
  .description('Task-mapping tensor programs for GPUs: describe, check and format them.')
  .version(heddleVersion)
  .exitOverride()

program.command('mapping <expression>')
  .description('describe a task mapping: workers, task shape, the tasks of each worker')
  .addOption(json).addOption(target)
  .addHelpText('after', '\nExample:\n  heddle mapping "repeat(4, 1) * spatial(16, 8)"')
  .action((expression: string, options: ExpressionOptions) => {
    finish(mappingReport(expression, options.target), options)
  })

program.command('layout <expression>')
  .description('describe a data layout: shape, size, the offset of each element')
  .addOption(json).addOption(target)
  .addHelpText('after', '\nExample:\n  heddle layout "row_major(8, 4).swizzle(1)"')
  .action((expression: string, options: ExpressionOptions) => {
    finish(layoutReport(expression, options.target), options)
  })

program.command('check <files...>')
  .description('report everything that is wrong in .heddle files')
  .addOption(json).addOption(target)
  .action((files: string[], options: ExpressionOptions) => { finish(checkFiles(files, options.target), options) })

program.command('space <file-or-schedule> [schedule]')
  .description('list what a schedule can be tuned to: `heddle space FILE OPERATOR.SCHEDULE`; without FILE, of the library')
  .option('--level <n>', 'how thorough: 0 the defaults, 1 a short list, 2 a long one', wholeNumber, 1)
  .addOption(json).addOption(target)
  .addHelpText('after', '\nExample:\n  heddle space batch_matmul.simt --level 2')
  .action((first: string, second: string | undefined, options: ExpressionOptions & { readonly level: number }) => {
    finish(spaceReport(second === undefined ? undefined : first, second ?? first, options), options)
  })

program.command('build <file>')
  .description('write an instance as CUDA with its trace; with a CUDA toolkit also PTX, cubin and facts')
  .requiredOption('--instance <name>', 'an instance or graph of the file, or OPERATOR.SCHEDULE')
  .option('--out <folder>', 'where the files go')
  .option('--candidate <n>', 'this candidate of the space instead of the default', wholeNumber)
  .option('--level <n>', 'the level at which candidates are counted', wholeNumber)
  .option('--stages', 'print the program after each pass')
  .addOption(json).addOption(target)
  .addHelpText('after', '\nExample:\n  heddle build matmul.heddle --instance square --out build')
  .action(build)

program.command('verify <file>')
  .description('run an instance on the CPU and compare it with what its operator defines; no GPU is needed')
  .requiredOption('--instance <name>', 'an instance or graph of the file, or OPERATOR.SCHEDULE')
  .option('--candidate <n>', 'this candidate of the space instead of the default', wholeNumber)
  .option('--level <n>', 'the level at which candidates are counted', wholeNumber)
  .option('--all-candidates', 'every candidate of the level, or of the largest one')
  .addOption(new Option('--engine <engine>', 'only this engine').choices(engineNames))
  .option('--exhaustive', 'all blocks run, however long it takes')
  .option('--counts', 'count wavefronts of shared memory and sectors of global memory by source line')
  .addOption(json).addOption(target)
  .addHelpText('after', '\nExamples:\n  heddle verify matmul.heddle --instance square'
    + '\n  heddle verify matmul.heddle --instance square --all-candidates --level 1'
    + '\n\nExit status: 0 right, 1 wrong, 2 not decided (a tool is missing, or it was cancelled).')
  .action(verifyCommand)

program.command('fmt <files...>')
  .description('format .heddle files in place; `-` formats standard input to standard output')
  .option('--check', 'change nothing, name the files that are not formatted')
  .action(async (files: string[], options: { readonly check?: boolean }) => {
    finish(await formatFiles(files, options.check === true), {})
  })

program.command('lsp')
  .description('serve the Language Server Protocol on standard input and output')
  .action(serveLanguage)

program.command('doctor')
  .description('say which tools of this machine Heddle can use')
  .addOption(json)
  .action(async (options: { readonly json?: boolean }) => { finish(await doctorReport(heddleVersion), options) })

interface BuildArguments extends ExpressionOptions {
  readonly instance: string
  readonly out?: string
  readonly candidate?: number
  readonly level?: number
  readonly stages?: boolean
}

async function build(file: string, options: BuildArguments): Promise<void> {
  const { candidate: index, level } = options
  if ((index === undefined) !== (level === undefined)) program.error('error: --candidate and --level go together')
  if (options.out === undefined && options.stages !== true) program.error('error: say where the files go: --out FOLDER')
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { controller.abort() })
  finish(await buildReport(file, {
    ...options, candidate: index === undefined || level === undefined ? undefined : { level, index },
    signal: controller.signal
  }), options)
}

interface VerifyArguments extends ExpressionOptions {
  readonly instance: string
  readonly candidate?: number
  readonly level?: number
  readonly allCandidates?: boolean
  readonly engine?: EngineName
  readonly exhaustive?: boolean
  readonly counts?: boolean
}

async function verifyCommand(file: string, options: VerifyArguments): Promise<void> {
  const { candidate: index, level, allCandidates, engine, exhaustive = false, counts = false } = options
  if (index !== undefined && allCandidates === true) program.error('error: --candidate and --all-candidates exclude each other')
  if (allCandidates !== true && index === undefined && level !== undefined) {
    program.error('error: --level goes with --candidate N or --all-candidates')
  }
  if (index !== undefined && level === undefined) program.error('error: --candidate N needs --level L')
  if (counts && engine === 'interpreter') program.error('error: only the cpu engine counts accesses')
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { controller.abort() })
  const threads = allCandidates === true ? os.availableParallelism() : 1
  const verifiers = createVerifiers(threads, { cacheFolder: cacheFolder() })
  const terminal = process.stderr.isTTY
  const one = index === undefined || level === undefined ? undefined : { kind: 'one', level, index } as const
  const report = await verifyReport(file, {
    instance: options.instance, target: options.target, engine, exhaustive, counts, signal: controller.signal,
    candidates: allCandidates === true ? { kind: 'all', level } : one,
    ...terminal ? { progress: (message: string) => { process.stderr.write(`\r\x1b[K${message}`) } } : {}
  }, verifiers)
  if (terminal) process.stderr.write('\r\x1b[K')
  await verifiers.close()
  finish(report, options)
}

function wholeNumber(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('This is a whole number.')
  return Number(text)
}

function finish(report: Report, options: { readonly json?: boolean }): void {
  if (report.errors !== '') process.stderr.write(report.errors)
  if (options.json === true && report.json !== undefined) process.stdout.write(`${JSON.stringify(report.json)}\n`)
  else if (options.json !== true) process.stdout.write(report.text)
  process.exitCode = report.status
}

program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : 2 // commander has printed its own message
})
