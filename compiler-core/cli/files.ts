/** `heddle check` and `heddle fmt`: commands over files. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createProgram } from '../language/program.ts'
import { format } from '../language/syntax/format.ts'
import { parse } from '../language/syntax/parser.ts'
import { counted } from '../mapping/shape.ts'
import type { CheckOutput } from '../view/output.ts'
import type { Report } from './describe.ts'
import { diagnosticText, rangeOf } from './diagnostic-text.ts'

/** Files below the current folder may import from all of it; another file from its own folder. */
export function checkFiles(files: readonly string[], target: string): Report {
  const program = createProgram({ read: readUri, roots: [pathToFileURL(process.cwd()).href], target })
  const found: CheckOutput = []
  let text = '', errors = ''
  for (const file of files) {
    const analysis = program.analyse(pathToFileURL(path.resolve(file)).href)
    if (analysis === undefined) {
      errors += `${file}: cannot be read\n`
      continue
    }
    for (const d of analysis.diagnostics) {
      const { severity, code, message } = d
      found.push({ file, range: rangeOf(analysis.text, d.span), severity, code, message })
      text += diagnosticText(file, analysis.text, d)
    }
  }
  if (errors !== '') return { status: 2, text, errors }
  const wrong = found.filter(d => d.severity === 'error').length
  text += `${counted(files.length, 'file')}, ${counted(wrong, 'error')}, ${counted(found.length - wrong, 'other remark')}\n`
  return { status: wrong > 0 ? 1 : 0, text, errors, json: found }
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
