// Who may import whom: the table of ARCHITECTURE.md, as rules in import-rules.ts.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { type ICruiseResult, cruise } from 'dependency-cruiser'
import { describe, expect, it } from 'vitest'
import { root } from '../../scripts/paths.ts'
import { importRules, resolveOptions } from './import-rules.ts'

const folders = ['compiler-core', 'extension', 'webview']

/** Each import that breaks a rule, a line each: 'rule: from -> to'. */
async function violations(baseDir: string): Promise<string> {
  const present = folders.filter(folder => existsSync(path.join(baseDir, folder)))
  const { output } = await cruise(present, { ...importRules, baseDir }, { ...resolveOptions, bustTheCache: true })
  const broken = (output as ICruiseResult).summary.violations
  return broken.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort().join('\n')
}

describe('imports', () => {
  it('follow the table and run in no circle', async () => {
    expect(await violations(root)).toBe('')
  })

  it('that break the table are reported', async () => {
    expect(await violations(path.join(root, 'test/tooling/fixtures/imports'))).toBe([
      'client-folders: extension/client/wrong.ts -> compiler-core/language/a.ts',
      'found: extension/client/wrong.ts -> ./nowhere.ts',
      'language-packages: compiler-core/language/a.ts -> fs',
      'mapping-folders: compiler-core/mapping/wrong.ts -> compiler-core/language/b.ts',
      'no-circles: compiler-core/language/a.ts -> compiler-core/language/b.ts',
      'webview-folders: webview/wrong.ts -> compiler-core/language/b.ts',
      'webview-packages: webview/wrong.ts -> vscode'
    ].join('\n'))
  })
})
