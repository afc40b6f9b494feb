/**
 * The `heddle` command: each view of the product as text for people, or as JSON for programs.
 *
 * With `--json` standard output holds JSON alone; every other text goes to standard error.
 * Exit status: 0 fine, 1 the program or expression has errors, 2 the command could not be carried out.
 */
import { Command, CommanderError, Option } from 'commander'
import { architectures, defaultTarget } from '../target/architectures.ts'
import { layoutReport, mappingReport, type Report } from './describe.ts'
import { doctorReport } from './doctor.ts'
import { checkFiles, formatFiles } from './files.ts'
import { serveLanguage } from './lsp.ts'

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
