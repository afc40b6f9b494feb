import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname, '../../../..')

export interface Sample { readonly name: string; readonly text: string }

/** The files of a folder of this repository. */
export function samples(folder: string): readonly Sample[] {
  return globSync(path.join(root, folder, '*.heddle')).sort()
    .map(file => ({ name: path.basename(file), text: readFileSync(file, 'utf8') }))
}

/** Realistic files that only these tests read; they are as the formatter leaves them. */
export const fixtures: readonly Sample[] = samples('test/compiler-core/language/syntax/fixtures')

/** A text of so many lines, made of the fixtures. */
export function linesOf(count: number): string {
  const lines = fixtures.flatMap(({ text }) => text.split('\n'))
  return Array.from({ length: count }, (_, i) => lines[i % lines.length]).join('\n')
}
