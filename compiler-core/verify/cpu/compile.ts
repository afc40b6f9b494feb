/**
 * Kernels for the CPU: the prepared text and our headers through g++ to a shared object, and the runner that loads it.
 *
 *     CACHE/runners/HASH        compiled once a machine
 *     CACHE/kernels/HASH        once for each text
 */
import type { Compiler } from '../../toolchain/gcc.ts'
import { hashOf, kept, processor, type Cache, type Compiled } from '../../toolchain/kept.ts'
import collectives from './runner/collectives.h'
import counts from './runner/counts.h'
import device from './runner/device.h'
import launch from './runner/launch.h'
import memory from './runner/memory.h'
import ptx from './runner/ptx.h'
import report from './runner/report.h'
import runner from './runner/runner.cpp'
import fiberSwitch from './runner/switch.h'

const headers = {
  'device.h': device, 'ptx.h': ptx, 'switch.h': fiberSwitch, 'launch.h': launch, 'report.h': report,
  'memory.h': memory, 'collectives.h': collectives, 'counts.h': counts
}

const runnerFlags = [
  '-std=c++17', '-O2', '-fno-exceptions', '-fno-rtti', '-rdynamic', 'runner.cpp',
  '-Wl,--no-as-needed', '-ldl', '-lm'
]

/** The program that runs kernels. */
export function compiledRunner(cache: Cache, signal: AbortSignal | undefined): Promise<Compiled> {
  const { compiler } = cache
  const name = hashOf([compiler.identity, ...runnerFlags, runner, ...Object.values(headers)])
  const files = { ...headers, 'runner.cpp': runner }
  return kept(cache, { kind: 'runners', name, files, flags: [...runnerFlags, '-o', 'result'] }, signal)
}

/**
 * Every access stays where it is in the text, and the runner is told of it: what would merge accesses, or move them
 * over one another, is off. `counts`: nothing is optimised, so that each access is counted as often as it is written.
 */
function objectFlags(compiler: Compiler, counts: boolean): readonly string[] {
  return [
    '-std=c++17', '-w', '-g1', '-gdwarf-4', '-gz=none', '-fPIC', '-fno-plt', '-shared', '-nostdlib', '-march=native',
    ...counts ? ['-O0', '-DHEDDLE_COUNTS'] : ['-O1'],
    '-fsanitize=thread', '--param=tsan-instrument-func-entry-exit=0', '-fsanitize=bounds',
    ...compiler.major >= 12 ? ['-ftrivial-auto-var-init=pattern'] : [],
    '-fstack-clash-protection', '-fno-exceptions', '-fno-rtti', '-fno-math-errno', '-ffp-contract=fast',
    '-fno-strict-aliasing', '-fno-tree-sra', '-fno-tree-vectorize', '-fno-tree-slp-vectorize', '-fno-store-merging',
    '-fno-tree-tail-merge', '-fno-crossjumping', '-fno-code-hoisting', '-fno-tree-loop-distribute-patterns',
    '-include', 'device.h', '-include', 'ptx.h', 'kernel.cpp', '-o', 'result'
  ]
}

/** A prepared text as an object that the runner loads. */
export function compiledKernels(
  cache: Cache, text: string, counts: boolean, signal: AbortSignal | undefined
): Promise<Compiled> {
  const flags = objectFlags(cache.compiler, counts)
  const name = hashOf([cache.compiler.identity, processor(), device, ptx, ...flags, text])
  const files = { 'device.h': device, 'ptx.h': ptx, 'kernel.cpp': text }
  return kept(cache, { kind: 'kernels', name, files, flags }, signal)
}
