import { describe, expect, it } from 'vitest'
import { parsePtxasReport, type KernelFacts } from '../../../compiler-core/toolchain/ptxas-report.ts'

const nothing: Omit<KernelFacts, 'name'> = {
  registers: 0, stack_bytes: 0, spill_store_bytes: 0, spill_load_bytes: 0, shared_bytes: 0, barriers: 0
}

describe('what ptxas -v says', () => {
  const header = (name: string) => `ptxas info    : Compiling entry function '${name}' for 'sm_75'
ptxas info    : Function properties for ${name}
`
  const cases: [string, string, readonly KernelFacts[]][] = [
    ['nothing', '', []],
    ['a kernel', `ptxas info    : 0 bytes gmem
${header('k')}    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, used 1 barriers, 512 bytes smem, 372 bytes cmem[0]
ptxas info    : Compile time = 19.211 ms
`, [{ name: 'k', ...nothing, registers: 12, barriers: 1, shared_bytes: 512 }]],
    ['spills', `${header('k2')}    1096 bytes stack frame, 1088 bytes spill stores, 1960 bytes spill loads
ptxas info    : Used 64 registers, used 1 barriers, 1096 bytes cumulative stack size, 364 bytes cmem[0]
`, [{
      name: 'k2', ...nothing, registers: 64, barriers: 1, stack_bytes: 1096, spill_store_bytes: 1088, spill_load_bytes: 1960
    }]],
    ['a called function is no kernel', `${header('k')}    400 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 47 registers
ptxas info    : Function properties for _Z1fPfi
    8 bytes stack frame, 4 bytes spill stores, 4 bytes spill loads
`, [{ name: 'k', ...nothing, registers: 47, stack_bytes: 400 }]],
    ['two kernels, lines of Windows, an older form', `${header('a')}ptxas info    : Used 8 registers, 1024+0 bytes smem, 360 bytes cmem[0]
${header('b')}ptxas info    : Used 9 registers
`.replaceAll('\n', '\r\n'), [
      { name: 'a', ...nothing, registers: 8, shared_bytes: 1024 }, { name: 'b', ...nothing, registers: 9 }
    ]]
  ]
  it.each(cases)('%s', (_, output, kernels) => {
    expect(parsePtxasReport(output)).toEqual({ kernels, warnings: [] })
  })
  it('warns', () => expect(parsePtxasReport(`
ptxas warning : Value of threads per SM for entry k2 is out of range. .minnctapersm will be ignored
ptxas k.ptx, line 7; warning : Something else
`).warnings).toEqual(['Value of threads per SM for entry k2 is out of range. .minnctapersm will be ignored', 'Something else']))
})
