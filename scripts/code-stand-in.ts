#!/usr/bin/env node
// Stands in for the desktop's VS Code where it cannot be had: takes the arguments with which @vscode/test-electron
// starts an extension's tests, runs them in the VS Code server, and ends with their exit code.
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runInServer } from '../test/harness/integration.ts'
import { scratch } from './paths.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  strict: false, // test-electron passes many more, about windows, GPUs and sandboxes
  options: {
    'extensionDevelopmentPath': { type: 'string' }, 'extensionTestsPath': { type: 'string' },
    'user-data-dir': { type: 'string' }, 'extensions-dir': { type: 'string' }
  }
})
const text = (name: string): string | undefined => {
  const value = values[name]
  return typeof value === 'string' ? path.resolve(value) : undefined
}
const extension = text('extensionDevelopmentPath')
const entry = text('extensionTestsPath')
const [folder] = positionals
if (extension === undefined || entry === undefined || folder === undefined) {
  console.error('code-stand-in runs an extension\'s tests only: it wants both extension paths and a folder')
  process.exit(2)
}
const userData = text('user-data-dir')
const extensions = text('extensions-dir')
process.exit(await runInServer(
  { extension, entry, folder, limitSeconds: 300, hostLog: path.join(scratch, 'logs/code-stand-in.log') },
  { ...(userData === undefined ? {} : { userData }), ...(extensions === undefined ? {} : { extensions }) }
))
