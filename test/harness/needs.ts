// What a test may need that a machine may lack. A test that needs it is skipped without it, and says so in its title:
//
//   const shared = needs('../shared')
//   it.skipIf(shared.missing)(`agrees with the reference's vectors (${shared.label})`, ...)
//
// `npm test` reads the reason of each skipped test from the `(needs X)` in its title or in its group's title.
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'
import { chromium } from 'playwright-core'
import { codeServer, root } from '../../scripts/paths.ts'

export type Tool = '../shared' | 'GPU' | 'nvcc' | 'g++' | 'chromium' | 'code-server'

export interface Need { readonly missing: boolean; readonly label: string }

export function needs(tool: Tool): Need {
  return { missing: !isThere(tool), label: `needs ${tool}` }
}

/** The tool that the `(needs X)` of a test's full title names. */
export function needOf(title: string): string | undefined {
  return /\(needs ([^)]+)\)/.exec(title)?.[1]
}

function isThere(tool: Tool): boolean {
  switch (tool) {
    case '../shared': return existsSync(path.join(root, '../shared'))
    case 'GPU': return hasGpu()
    case 'nvcc': return onPath('nvcc') !== undefined
    case 'g++': return onPath('g++') !== undefined
    case 'chromium': return findChromium() !== undefined
    case 'code-server': return existsSync(codeServer)
  }
}

/** The executable of that name in the folders of PATH. */
export function onPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '').split(path.delimiter).map(folder => path.join(folder, name)).find(isExecutable)
}

/** A Chromium: the one CHROMIUM names, the system's, or one that Playwright has installed. */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM']
  if (named !== undefined) return isExecutable(named) ? named : undefined
  const mac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
  return ['chromium', 'chromium-browser', 'google-chrome'].map(onPath).find(file => file !== undefined)
    ?? [mac, chromium.executablePath()].find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function hasGpu(): boolean {
  try {
    return execFileSync('nvidia-smi', ['--list-gpus'], { stdio: ['ignore', 'pipe', 'ignore'] }).includes('GPU')
  } catch {
    return false
  }
}
