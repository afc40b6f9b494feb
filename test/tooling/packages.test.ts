// What package.json and the lock files promise to a fresh machine.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../../scripts/paths.ts'

interface Manifest {
  readonly engines: { readonly vscode: string }
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, {
    readonly resolved?: string
    readonly optionalDependencies?: Readonly<Record<string, string>>
  }>>
}

const manifest = readJson('package.json') as Manifest

describe.each(['package-lock.json', 'scripts/code-server/package-lock.json'])('%s', file => {
  const { packages } = readJson(file) as Lock

  it('names no address to download from', () => {
    expect(Object.keys(packages).filter(name => packages[name]?.resolved !== undefined)).toEqual([])
  })

  it('holds the parts of a package for all platforms, without which `npm ci` refuses it', () => {
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    const held = new Set(Object.keys(packages).map(where => where.replace(/^.*node_modules\//, '')))
    expect(wanted.filter(name => !held.has(name))).toEqual([])
  })
})

describe('package.json', () => {
  it('takes the types of the oldest VS Code that it promises to run in', () => {
    expect(manifest.engines.vscode).toBe(`^${manifest.devDependencies['@types/vscode']}`)
  })

  it('has a reason for every package in docs/dependencies.md', () => {
    const reasons = readFileSync(path.join(root, 'docs/dependencies.md'), 'utf8')
    const { dependencies, devDependencies, optionalDependencies } = manifest
    const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
    const explained = reasons.split('\n').filter(line => line.startsWith('|')).flatMap(line =>
      (line.split('|')[1] ?? '').split(',').map(name => name.trim()))
    expect(names.filter(name => !explained.includes(name))).toEqual([])
  })
})

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8'))
}
