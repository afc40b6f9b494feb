/** `heddle check` and `heddle fmt`: commands over files. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { compile, subjectsOf, unrepeated, type Problem } from '../compile/compile.ts'
import { createProgram, type Analysis, type Program } from '../language/program.ts'
import { listText } from '../language/suggestions.ts'
import { format } from '../language/syntax/format.ts'
import { parse } from '../language/syntax/parser.ts'
import { counted } from '../mapping/shape.ts'
import type { CheckOutput } from '../view/output.ts'
import { diagnosticText, displayName, rangeOf } from './diagnostic-text.ts'
import type { Report } from './report.ts'

/** Files below the current folder may import from all of it; another file from its own folder. */
export function openProgram(target: string): Program {
  return createProgram({ read: readUri, roots: [pathToFileURL(process.cwd()).href], target })
}

/** A sentence where a file has no such instance or graph; what it imports may have the schedule OPERATOR.SCHEDULE. */
export function missingSubject(analysis: Analysis, file: string, name: string): string | undefined {
  const subjects = subjectsOf(analysis).map(s => s.name)
  if (subjects.includes(name) || name.includes('.')) return undefined
  return `${file} has no \`${name}\`. ${subjects.length === 0 ? 'It has nothing to build' : `It has ${listText(subjects)}`}.`
}

/** What is wrong in files, and in what they compile to. */
export function checkFiles(files: readonly string[], target: string): Report {
  const program = openProgram(target)
  const found: CheckOutput = []
  let text = '', errors = ''
  for (const file of files) {
    const uri = pathToFileURL(path.resolve(file)).href
    const analysis = program.analyse(uri)
    if (analysis === undefined) {
      errors += `${file}: cannot be read\n`
      continue
    }
    for (const { uri: home, diagnostic: d } of problemsOf(program, analysis)) {
      const { severity, code, message } = d
      const name = home === uri ? file : displayName(home), source = program.analyse(home)?.text ?? ''
      found.push({ file: name, range: rangeOf(source, d.span), severity, code, message })
      text += diagnosticText(name, source, d)
    }
  }
  if (errors !== '') return { status: 2, text, errors }
  const wrong = found.filter(d => d.severity === 'error').length
  text += `${counted(files.length, 'file')}, ${counted(wrong, 'error')}, ${counted(found.length - wrong, 'other remark')}\n`
  return { status: wrong > 0 ? 1 : 0, text, errors, json: found }
}

/** A file with errors is not compiled: they would be said again. */
function problemsOf(program: Program, analysis: Analysis): readonly Problem[] {
  const { uri, diagnostics } = analysis
  const own = diagnostics.map((diagnostic): Problem => ({ uri, diagnostic }))
  if (diagnostics.some(d => d.severity === 'error')) return own
  return [...own, ...unrepeated(subjectsOf(analysis).flatMap(({ name }) => compile(program, uri, name).problems), own)]
}

/** Formats in place, `-` from standard input to standard output; with `check` only names what is not formatted. */
export async function formatFiles(files: readonly string[], check: boolean): Promise<Report> {
  let text = '', errors = '', unformatted = 0
  for (const file of files) {
    const before = file === '-' ? await standardInput() : read(path.resolve(file))
    if (before === undefined) {
      errors += `${file}: cannot be read\n`
      continue
    }
    const after = format(parse(before))
    if (after !== before) unformatted++
    if (check) text += after === before ? '' : `${file}: not formatted\n`
    else if (file === '-') text += after
    else if (after !== before) writeFileSync(file, after)
  }
  return { status: errors !== '' ? 2 : check && unformatted > 0 ? 1 : 0, text, errors }
}

function readUri(uri: string): string | undefined {
  return uri.startsWith('file:') ? read(fileURLToPath(uri)) : undefined
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
