import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { readLines } from '../../../../compiler-core/verify/cpu/lines.ts'
import { needs } from '../../../harness/needs.ts'
import { compileCpp, inFolder } from './support.ts'

const gxx = needs('g++')
const header = 'static inline __attribute__((always_inline)) int twice(int x) {\n  extern int seen;\n  return seen += x * 2;\n}\n'
/** Lines far apart and a long function, for all kinds of rows. */
const source = `#include "twice.h"
int seen;
static inline __attribute__((always_inline)) void count(int *p) {
  *p += 1;
}
${'\n'.repeat(300)}extern "C" int f(int *p, int n) {
  for (int i = 0; i < n; i++) {
    count(p + i);
    if (p[i] > 3) p[i] = twice(
      p[i + 1]);
  }
  ${'p[n] = seen ^ p[n + 1]; seen += p[n] % 7;\n  '.repeat(60)}
  return p[0];
}
extern "C" int g(int *p) {
  count(p);
  return seen;
}
`

/** What binutils says of the first 16 KiB. */
function expectedLines(object: string): ReadonlyArray<number | undefined> {
  const input = Array.from({ length: 0x4000 }, (_, address) => address.toString(16)).join('\n')
  const output = execFileSync('addr2line', ['-e', object], { input, maxBuffer: 2 ** 26 }).toString()
  return output.trimEnd().split('\n').map(line => {
    const found = /kernel\.cpp:(\d+)/.exec(line)
    return found === null ? undefined : Number(found[1])
  })
}

function linesOf(object: string): ReadonlyArray<number | undefined> {
  const lineOf = readLines(readFileSync(object), 'kernel.cpp')
  return Array.from({ length: 0x4000 }, (_, address) => lineOf(address))
}

describe(`lines of addresses (${gxx.label})`, () => {
  const compiled = <T>(flags: readonly string[], use: (object: string) => T): T =>
    inFolder({ 'twice.h': header, 'kernel.cpp': source }, folder => {
      compileCpp(folder, [...flags, '-gz=none', '-fPIC', '-shared', '-nostdlib', 'kernel.cpp', '-o', 'kernel.so'])
      return use(path.join(folder, 'kernel.so'))
    })

  it.skipIf(gxx.missing).each([
    ['-O0', '-gdwarf-4'], ['-O1', '-gdwarf-4'], ['-O2', '-gdwarf-3'], ['-O2', '-gdwarf-4', '-ffunction-sections']
  ])('are those of binutils: %s %s', (...flags) => {
    compiled([...flags, '-g1'], object => {
      const found = linesOf(object)
      expect(new Set(found).size).toBeGreaterThan(60)
      expect(found).toEqual(expectedLines(object))
    })
  })
  it.skipIf(gxx.missing)('are none of another format, or without debug information', () => {
    for (const flags of [['-gdwarf-5'], []]) {
      expect(compiled(flags, linesOf).every(line => line === undefined)).toBe(true)
    }
  })
  it('are none of what is no object', () => {
    expect([readLines(new Uint8Array(), 'kernel.cpp')(0), readLines(new Uint8Array(100), 'kernel.cpp')(5)])
      .toEqual([undefined, undefined])
  })
})
