import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { architectureNamed, architectures, defaultTarget } from '../../../compiler-core/target/architectures.ts'

describe('architectures', () => {
  it('are found by name, with or without the suffix of special features', () => {
    expect(architectures.map(a => a.name)).toEqual(['sm_75', 'sm_80', 'sm_86', 'sm_89', 'sm_90', 'sm_100', 'sm_120'])
    expect(architectureNamed('sm_90a')?.name).toBe('sm_90')
    expect(architectureNamed('sm_42')).toBeUndefined()
    expect(architectureNamed(defaultTarget)?.compute_capability).toBe(80)
  })

  it.each(architectures.map(a => [a.name, a] as const))('%s is consistent', (name, a) => {
    expect(name).toBe(`sm_${a.compute_capability}`)
    expect(a.warps_per_sm * a.warp_size).toBe(a.threads_per_sm)
    expect(a.shared_memory_per_block + a.reserved_shared_memory_per_block).toBe(a.shared_memory_per_sm)
    expect(a.threads_per_block).toBeLessThanOrEqual(a.threads_per_sm)
    expect(a.registers_per_sm % a.register_allocation_unit).toBe(0)
  })
})

const folders = [process.env['CUDA_HOME'], '/usr/local/cuda', '/usr/local/cuda-13.0', '/opt/cuda'].filter(f => f !== undefined)
const include = folders.map(f => path.join(f, 'include')).find(f => existsSync(path.join(f, 'cuda_occupancy.h')))
const compiler = ['/usr/bin/g++', '/usr/bin/c++', '/usr/bin/clang++'].find(c => existsSync(c))

describe('cuda_occupancy.h', () => {
  it.skipIf(include === undefined || compiler === undefined)('has the same limits (needs nvcc)', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'heddle-occupancy-'))
    const rows = architectures.map(a => `
      p.computeMajor = ${Math.floor(a.compute_capability / 10)}; p.computeMinor = ${a.compute_capability % 10};
      cudaOccMaxBlocksPerMultiprocessor(&blocks, &p); cudaOccRegAllocationGranularity(&registers, &p);
      cudaOccSMemAllocationGranularity(&unit, &p);
      fits = cudaOccAlignUpShmemSizeVoltaPlus(&(size = ${a.shared_memory_per_sm}), &p) == 0 && size == ${a.shared_memory_per_sm};
      beyond = cudaOccAlignUpShmemSizeVoltaPlus(&(size = ${a.shared_memory_per_sm + 1}), &p) == 0;
      printf("${a.name} %d %d %d %d %d\\n", blocks, registers, unit, fits, beyond);`)
    writeFileSync(path.join(folder, 'limits.cpp'), `
      #include <cstdio>
      #include <climits>
      #include <cstddef>
      #include "cuda_occupancy.h"
      int main() {
        cudaOccDeviceProp p = cudaOccDeviceProp();
        int blocks, registers, unit, fits, beyond; size_t size;
        ${rows.join('\n')}
      }`)
    execFileSync(compiler ?? '', ['-I', include ?? '', '-o', path.join(folder, 'limits'), path.join(folder, 'limits.cpp')])
    const printed = execFileSync(path.join(folder, 'limits'), { encoding: 'utf8' })
    const expected = architectures.map(a =>
      `${a.name} ${a.blocks_per_sm} ${a.register_allocation_unit} ${a.shared_memory_allocation_unit} 1 0\n`).join('')
    expect(printed).toBe(expected)
  })
})
