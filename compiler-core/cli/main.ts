/**
 * The `heddle` command: each view of the product as text for people, or as JSON for programs.
 *
 * With `--json` standard output holds JSON alone; every other text goes to standard error.
 * Exit status: 0 fine, 1 the program or expression has errors, 2 the command could not be carried out,
 * 130 it was interrupted.
 */
import os from 'node:os'
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { architectures, defaultTarget } from '../target/architectures.ts'
import { engineNames, type EngineName } from '../verify/engine.ts'
import { createVerifiers } from '../verify/workers.ts'
import { buildReport } from './build.ts'
import { cacheReport } from './cache.ts'
import { cacheFolder } from './cache-folder.ts'
import type { ConformanceOptions } from './conformance.ts'
import { layoutReport, mappingReport } from './describe.ts'
import { doctorReport } from './doctor.ts'
import { checkFiles, formatFiles } from './files.ts'
import { serveLanguage } from './lsp.ts'
import { compilerVersion, modelCache, type ModelOptions } from './model-options.ts'
import type { Report } from './report.ts'
import { spaceReport } from './space.ts'
import { verifyReport } from './verify.ts'

// commands over models import what they need when they run: others start faster without
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

modelCommand('compile <model>')
  .description('compile an ONNX model to CUDA kernels with their traces, a launch plan and a plan of its memory')
  .requiredOption('--out <folder>', 'where the files go')
  .addOption(json)
  .addHelpText('after', '\nExample:\n  heddle compile bert.onnx --bind batch=1 --bind sequence=128 --out bert'
    + '\n\nExit status: 0 compiled, 1 the model is wrong or not supported, 2 a file cannot be used.')
  .action(async (model: string, options: ModelArguments & { readonly out: string }) => {
    const { compileReport } = await import('./compile.ts')
    finish(compileReport(model, options.out, storing(options)), options)
  })

modelCommand('run <model>')
  .description('run an ONNX model on given inputs: input_0.pb and so on in, output_0.pb and so on out; no GPU is needed')
  .requiredOption('--inputs <folder>', 'where input_0.pb, input_1.pb ... are')
  .requiredOption('--outputs <folder>', 'where output_0.pb, output_1.pb ... go')
  .addOption(new Option('--engine <engine>', 'compiled kernels by g++, or what the operators define')
    .choices(['cpu', 'reference']).default('cpu'))
  .option('--limit <seconds>', 'for the run, without compiling', wholeNumber, 600)
  .addOption(json)
  .addHelpText('after', '\nExample:\n  heddle run resnet50.onnx --inputs test_data_set_0 --outputs results'
    + '\n\nExit status: 0 it ran, 1 the model, its inputs or a kernel is wrong, 2 a file or tool cannot be used,'
    + ' 130 it was interrupted.')
  .action(runModel)

modelCommand('fusion <model>')
  .description('say which operators of a model become one kernel, why others do not, and what that saves')
  .addOption(json)
  .action(async (model: string, options: ModelArguments) => {
    const { fusionReport } = await import('./fusion.ts')
    finish(fusionReport(model, storing(options)), options)
  })

modelCommand('export <model>')
  .description('write an ONNX model as a project in CUDA and C++ that stands alone: CMake, a plain C interface, weights')
  .requiredOption('--out <folder>', 'where the project goes')
  .addOption(json)
  .addHelpText('after', '\nExample:\n  heddle export resnet50.onnx --out resnet50'
    + '\n\nExit status: 0 exported, 1 the model is wrong or not supported, 2 a file cannot be used.')
  .action(async (model: string, options: ModelArguments & { readonly out: string }) => {
    const { exportReport } = await import('./export.ts')
    finish(await exportReport(model, options.out, storing(options)), options)
  })

program.command('cache')
  .description('what is kept of compiled models: `status` says how much, `clear` removes it')
  .addArgument(new Argument('<action>').choices(['status', 'clear']))
  .addOption(json)
  .action((action: 'status' | 'clear', options: { readonly json?: boolean }) => {
    finish(cacheReport(modelCache(cacheFolder()), action), options)
  })

program.command('conformance <folders...>')
  .description('run models below folders on given inputs and compare the results: model.onnx, test_data_set_0/input_0.pb, output_0.pb')
  .addOption(new Option('--engine <engine>', 'what runs them').choices(['cpu', 'reference']).default('cpu'))
  .option('--jobs <n>', 'so many at a time', wholeNumber, os.availableParallelism())
  .option('--limit <seconds>', 'for one model', wholeNumber, 600)
  .addOption(json).addOption(target)
  .addHelpText('after', '\nExit status: 0 none failed, 1 some failed, 2 there is none, 130 it was interrupted.')
  .action(conformance)

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

type ModelArguments = Omit<ModelOptions, 'cacheFolder' | 'version'> & { readonly json?: boolean }

/** With the options that all commands over models share. */
function modelCommand(name: string): Command {
  const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]
  return program.command(name)
    .option('--bind <name=number>', 'a free extent of the model, or an input of one element; once for each', gather, [])
    .option('--device <card>', 'the card it is compiled for; by default the first of the target')
    .addOption(new Option('--target <architecture>', 'the architecture it is compiled for').choices(architectures.map(a => a.name)))
    .option('--parallel-k <rule>', 'how products with few tiles are divided along k: default, paper, disabled, or so many parts')
}

function storing(options: ModelArguments): ModelOptions {
  return { ...options, cacheFolder: cacheFolder(), version: compilerVersion() }
}

interface RunArguments extends ModelArguments {
  readonly inputs: string
  readonly outputs: string
  readonly engine: 'cpu' | 'reference'
  readonly limit: number
}

async function runModel(model: string, options: RunArguments): Promise<void> {
  const signal = interruption()
  const { runReport } = await import('./run.ts')
  finish(await runReport(model, {
    ...options, cacheFolder: cacheFolder(), version: compilerVersion(), signal
  }), options)
}

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
  const signal = interruption()
  finish(await buildReport(file, {
    ...options, candidate: index === undefined || level === undefined ? undefined : { level, index },
    signal
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
  const signal = interruption()
  const threads = allCandidates === true ? os.availableParallelism() : 1
  const verifiers = createVerifiers(threads, { cacheFolder: cacheFolder() })
  const terminal = process.stderr.isTTY
  const one = index === undefined || level === undefined ? undefined : { kind: 'one', level, index } as const
  const report = await verifyReport(file, {
    instance: options.instance, target: options.target, engine, exhaustive, counts, signal,
    candidates: allCandidates === true ? { kind: 'all', level } : one,
    ...terminal ? { progress: (message: string) => { process.stderr.write(`\r\x1b[K${message}`) } } : {}
  }, verifiers)
  if (terminal) process.stderr.write('\r\x1b[K')
  await verifiers.close()
  finish(report, options)
}

interface ConformanceArguments extends ExpressionOptions {
  readonly engine: ConformanceOptions['engine']
  readonly jobs: number
  readonly limit: number
}

async function conformance(folders: string[], options: ConformanceArguments): Promise<void> {
  const { engine, jobs, limit, target, json } = options
  const signal = interruption(), terminal = process.stderr.isTTY
  const { conformanceReport } = await import('./conformance.ts')
  const report = await conformanceReport(folders, {
    engine, target, jobs: Math.max(jobs, 1), limitSeconds: limit, cacheFolder: cacheFolder(), signal,
    ...terminal ? { progress: (message: string) => { process.stderr.write(`\r\x1b[K${message}`) } } : {}
  })
  if (terminal) process.stderr.write('\r\x1b[K')
  finish(report, json === undefined ? {} : { json })
}

/** Aborted when someone ends the command, which then cleans up; a second time ends it at once. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => { controller.abort() })
  return controller.signal
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

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return // who read it has had enough
  process.stderr.write(`error: Standard output cannot be written: ${error.message}.\n`)
  process.exitCode = 2
})

program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof CommanderError)) throw error
  if (error.exitCode !== 0) process.exitCode = 2 // commander has printed its own message
})
