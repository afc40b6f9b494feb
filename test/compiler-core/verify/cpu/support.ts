/** C++ for tests: files in a folder of their own, g++ with the flags that line numbers need, the program's output. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import device from '../../../../compiler-core/verify/cpu/runner/device.h'
import ptx from '../../../../compiler-core/verify/cpu/runner/ptx.h'

/** As the engine compiles a kernel, with calls at its accesses: to run it, and to count. */
export const kernelFlags = ['-O1', '-O0'].map(level => [
  '-std=c++17', level, '-w', '-g1', '-gdwarf-4', '-gz=none', '-fPIC', '-fno-strict-aliasing', '-fno-tree-sra',
  '-fno-tree-tail-merge', '-fno-crossjumping', '-fno-code-hoisting', '-fno-store-merging', '-ffp-contract=fast',
  '-fsanitize=thread', '-fsanitize=bounds', '-include', 'device.h', '-include', 'ptx.h'
])

/** A folder with the headers, for as long as `use` runs. */
export function inFolder<T>(files: Readonly<Record<string, string>>, use: (folder: string) => T): T {
  const folder = mkdtempSync(path.join(tmpdir(), 'heddle-cpu-'))
  try {
    for (const [name, text] of Object.entries({ 'device.h': device, 'ptx.h': ptx, ...files })) {
      writeFileSync(path.join(folder, name), text)
    }
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Throws with what g++ says. */
export function compileCpp(folder: string, args: readonly string[]): void {
  execFileSync('g++', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
}

export function runProgram(
  folder: string, name: string, args: readonly string[] = [], input: Uint8Array = new Uint8Array()
): Buffer {
  return execFileSync(path.join(folder, name), args, { input, maxBuffer: 2 ** 28 })
}
