/** What a target allows of one block and of one launch. A legal program may still be too much for it. */
import type { Finding } from '../ir/finding.ts'
import { dimensions, type Kernel, type Program } from '../ir/ir.ts'
import { sharedMemory } from '../ir/memory.ts'

export interface Limits {
  /** As a person names it: `sm_80`. */
  readonly target: string
  readonly threadsPerBlock: number
  /** Of shared memory, at most, with the attribute that allows it. */
  readonly bytesPerBlock: number
}

/** Along x, y and z (CUDA programming guide, "Technical specifications per compute capability"). */
const mostThreads = [1024, 1024, 64]
const mostBlocks = [2 ** 31 - 1, 65535, 65535]

/** Errors: `too-many-threads`, `too-much-shared-memory`, `grid-too-large`, each at its kernel. */
export function checkLimits(program: Program, limits: Limits): readonly Finding[] {
  return program.kernels.flatMap(kernel => {
    const { target, threadsPerBlock, bytesPerBlock } = limits
    const findings: Finding[] = []
    const error = (code: Finding['code'], message: string) => {
      findings.push({ code, severity: 'error', message, origins: kernel.origins, related: [] })
    }
    const threads = kernel.block.reduce((n, d) => n * d, 1)
    if (threads > threadsPerBlock) {
      error('too-many-threads', `A block of \`${kernel.name}\` has ${threads} threads; ${target} allows ${threadsPerBlock}, which is ${threads - threadsPerBlock} fewer.`)
    }
    dimensions.forEach((d, i) => {
      const own = kernel.block[i] ?? 1, most = mostThreads[i] ?? 1
      if (own > most && threads <= threadsPerBlock) {
        error('too-many-threads', `A block of \`${kernel.name}\` has ${own} threads along ${d}; at most ${most} are allowed there.`)
      }
    })
    const { bytes } = sharedMemory(kernel)
    if (bytes > bytesPerBlock) {
      error('too-much-shared-memory', `A block of \`${kernel.name}\` needs ${bytes} bytes of shared memory; ${target} allows ${bytesPerBlock}, which is ${bytes - bytesPerBlock} fewer.`)
    }
    return [...findings, ...gridFindings(kernel)]
  })
}

function gridFindings(kernel: Kernel): readonly Finding[] {
  return kernel.grid.flatMap((blocks, i) => {
    const most = mostBlocks[i] ?? 1
    if (blocks.kind !== 'constant' || Number(blocks.value) <= most) return []
    return [{
      code: 'grid-too-large' as const, severity: 'error' as const, origins: kernel.origins, related: [],
      message: `\`${kernel.name}\` is launched with ${blocks.value} blocks along ${dimensions[i]}; at most ${most} are allowed, which is ${Number(blocks.value) - most} fewer.`
    }]
  })
}
