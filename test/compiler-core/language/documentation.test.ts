/**
 * The examples of the documentation are true: each block is analysed, its instances are compiled, those of
 * diagnostics.md run by the interpreter. `// error: code` (or warning, information) expects a diagnostic that starts on
 * its line, and `// = value` is the value of the name that its line declares. `// file: NAME` starts another file; the
 * last one is analysed.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compile, problemOf } from '../../../compiler-core/compile/compile.ts'
import { subjectsOf } from '../../../compiler-core/compile/subjects.ts'
import { diagnosticCodes, type Diagnostic } from '../../../compiler-core/language/diagnostics.ts'
import type { Program } from '../../../compiler-core/language/program.ts'
import { valueText } from '../../../compiler-core/language/values.ts'
import { openJob } from '../../../compiler-core/verify/job.ts'
import { findingsOf } from '../../../compiler-core/verify/verify.ts'
import { verifyHere } from '../../harness/verify.ts'
import { mainUri, programOf } from './support.ts'

const documentation = (name: string): string => readFileSync(path.join(import.meta.dirname, '../../../docs', name), 'utf8')

interface Block { readonly line: number; readonly text: string }

function blocksOf(name: string): readonly Block[] {
  const text = documentation(name)
  return [...text.matchAll(/```heddle\n([\s\S]*?)```/g)].map(m => ({ line: text.slice(0, m.index).split('\n').length + 1, text: m[1] ?? '' }))
}

const byLine = (a: string, b: string): number => parseInt(a) - parseInt(b)

type Find = (program: Program, subject: string) => Promise<readonly Diagnostic[]>

function compiled(program: Program, name: string): Promise<readonly Diagnostic[]> {
  return Promise.resolve(compile(program, mainUri, name).problems.map(p => p.diagnostic))
}

async function verified(program: Program, name: string): Promise<readonly Diagnostic[]> {
  const options = { engines: ['interpreter'], exhaustive: false, counts: false } as const
  const { job, problems, span } = openJob(program, mainUri, name, options)
  const found = job ? findingsOf(await verifyHere(job)) : []
  return [...problems, ...found.map(f => problemOf({ uri: mainUri, span }, f))].map(p => p.diagnostic)
}

async function checkBlock(block: string, find: Find): Promise<void> {
  const parts = block.split(/^\/\/ file: (.*)\n/m)
  const files = Object.fromEntries(parts.slice(1, -2).flatMap((part, i) => i % 2 === 0 ? [[part, parts[i + 2] ?? '']] : []))
  const main = parts.at(-1) ?? ''
  const program = programOf(main, files), a = program.analyse(mainUri)
  if (!a) throw new Error('the main file is there')
  const instances = a.diagnostics.some(d => d.severity === 'error') ? [] : subjectsOf(a).filter(s => s.kind === 'instance')
  const found = (await Promise.all(instances.map(s => find(program, s.name)))).flat()
  const lineOf = (offset: number): number => main.slice(0, offset).split('\n').length
  const expected = main.split('\n').flatMap((line, i) => [...line.matchAll(/\/\/ (error|warning|information): ([a-z-]+)/g)].map(m => `${i + 1} ${m[1]} ${m[2]}`))
  const said = [...a.diagnostics, ...found].map(d => `${lineOf(d.span.start)} ${d.severity} ${d.code}`)
  expect([...new Set(said)].sort(byLine)).toEqual(expected)
  for (const [i, line] of main.split('\n').entries()) {
    const value = /\/\/ = (.*)$/.exec(line)?.[1]
    if (value === undefined) continue
    const declared = a.resolved.definitions.find(d => lineOf(a.parsed.tokens[d.nameNode.first]?.start ?? 0) === i + 1)
    const found = declared && a.values.get(declared.nameNode)
    expect(found ? valueText(found) : '?', line).toBe(value.trim())
  }
}

describe('docs/language.md', () => {
  it.each(blocksOf('language.md').map(b => [b.line, b.text] as const))('the example at line %i', (_, text) => checkBlock(text, compiled))
})

/** No program gives them unless the compiler itself is wrong, or the machine. */
const withoutExample = new Set(['misaligned', 'no-answer'])

describe('docs/diagnostics.md', () => {
  const text = documentation('diagnostics.md')
  it.each(blocksOf('diagnostics.md').map(b => [b.line, b.text] as const))('the example at line %i', (_, block) => checkBlock(block, verified))
  it.each(Object.entries(diagnosticCodes))('explains %s and shows it', (code, rule) => {
    const section = text.split(/^## /m).find(s => s.startsWith(`\`${code}\`\n`))
    expect(section).toContain(rule)
    if (!withoutExample.has(code)) expect(section).toMatch(new RegExp(`// (error|warning|information): ${code}$`, 'm'))
  })
  it('explains no other code', () => {
    expect([...text.matchAll(/^## `(.*)`$/gm)].map(m => m[1])).toEqual(Object.keys(diagnosticCodes))
  })
})
