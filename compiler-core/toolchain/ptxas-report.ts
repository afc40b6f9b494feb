/**
 * What `ptxas -v` says about each kernel. Lines and fields vary with the kernel and the release; what is absent is 0.
 *
 *     ptxas info    : Compiling entry function 'main' for 'sm_80'
 *     ptxas info    : Function properties for main
 *         0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
 *     ptxas info    : Used 12 registers, used 1 barriers, 512 bytes smem, 372 bytes cmem[0]
 *     ->  [{ name: 'main', registers: 12, barriers: 1, shared_bytes: 512, ... }]
 */

export interface KernelFacts {
  readonly name: string
  /** 32-bit registers a thread. */
  readonly registers: number
  /** Bytes a thread. */
  readonly stack_bytes: number
  /** Bytes that a thread writes because registers ran out, counted once an instruction. */
  readonly spill_store_bytes: number
  /** Bytes that a thread reads back. */
  readonly spill_load_bytes: number
  /** Bytes a block that the kernel declares; what a launch adds is not among them. */
  readonly shared_bytes: number
  /** Named barriers. */
  readonly barriers: number
}

export interface PtxasReport {
  readonly kernels: readonly KernelFacts[]
  /** Each on one line, without the program's name. */
  readonly warnings: readonly string[]
}

export function parsePtxasReport(output: string): PtxasReport {
  const kernels = new Map<string, KernelFacts>(), warnings: string[] = []
  let current = ''
  for (const line of output.split(/\r?\n/)) {
    const warning = /^ptxas (?:.*; )?warning\s*: (.*)$/i.exec(line)?.[1]
    if (warning !== undefined) warnings.push(warning)
    const compiled = /Compiling entry function '([^']+)'/.exec(line)?.[1]
    if (compiled !== undefined) kernels.set(compiled, nothingKnown(compiled))
    current = compiled ?? /Function properties for (\S+)/.exec(line)?.[1] ?? current
    const known = kernels.get(current)
    if (known) kernels.set(current, { ...known, ...factsIn(line) })
  }
  return { kernels: [...kernels.values()], warnings }
}

function nothingKnown(name: string): KernelFacts {
  return {
    name, registers: 0, stack_bytes: 0, spill_store_bytes: 0, spill_load_bytes: 0, shared_bytes: 0, barriers: 0
  }
}

const fields: readonly (readonly [Exclude<keyof KernelFacts, 'name'>, RegExp])[] = [
  ['registers', /Used (\d+) registers/],
  ['stack_bytes', /(\d+) bytes (?:cumulative stack size|stack frame)/],
  ['spill_store_bytes', /(\d+) bytes spill stores/],
  ['spill_load_bytes', /(\d+) bytes spill loads/],
  ['shared_bytes', /(\d+)(?:\+\d+)? bytes smem/],
  ['barriers', /used (\d+) barriers/]
]

function factsIn(line: string): Partial<KernelFacts> {
  return Object.fromEntries(fields.flatMap(([field, pattern]) => {
    const found = pattern.exec(line)?.[1]
    return found === undefined ? [] : [[field, Number(found)]]
  }))
}
