/**
 * What an NVIDIA architecture allows: the limits that schedules ask for as `target.warp_size` and that decide whether a
 * kernel can run. Facts of a compute capability only; what differs between two cards of one (number of SMs, clocks,
 * bandwidth) belongs to a device.
 *
 * Sources, named at each field:
 *   [guide]  CUDA C++ Programming Guide, appendix "Compute Capabilities", table "Technical Specifications per Compute
 * Capability"
 *   [occupancy]  `cuda_occupancy.h` of the CUDA toolkit 13.0 (a test compares with it where a toolkit is installed)
 *   [tuning]  Tuning guides of the Ampere, Hopper and Blackwell architectures, section "Occupancy"
 */

export interface Architecture {
  /** `sm_80` */
  readonly name: string
  /** The marketing name of the architecture. */
  readonly family: string
  /** 10 * major + minor, as in `sm_86`. */
  readonly compute_capability: number
  /** Threads. [guide] */
  readonly warp_size: number
  /** [guide] */
  readonly threads_per_block: number
  /** Resident threads. [guide] */
  readonly threads_per_sm: number
  /** Resident warps: `threads_per_sm / warp_size`. [guide] */
  readonly warps_per_sm: number
  /** Resident blocks. [guide] [occupancy: cudaOccMaxBlocksPerMultiprocessor] */
  readonly blocks_per_sm: number
  /** 32-bit registers. [guide] */
  readonly registers_per_sm: number
  /** 32-bit registers. [guide] */
  readonly registers_per_block: number
  /** 32-bit registers. [guide] (the header's 256 counts the zero register) */
  readonly registers_per_thread: number
  /** Registers are handed to a warp in multiples of this. [occupancy: cudaOccRegAllocationGranularity] */
  readonly register_allocation_unit: number
  /** Bytes. [guide] */
  readonly shared_memory_per_sm: number
  /** Bytes a block may have if its kernel opts in. [guide] */
  readonly shared_memory_per_block: number
  /** Bytes a block may declare statically, and have without opting in: 48 KiB everywhere. [guide] */
  readonly static_shared_memory_per_block: number
  /** Bytes that the driver keeps for itself in each block. [tuning] */
  readonly reserved_shared_memory_per_block: number
  /** Shared memory is handed to a block in multiples of this. [occupancy: cudaOccSMemAllocationGranularity] */
  readonly shared_memory_allocation_unit: number
}

const KiB = 1024

/** The same on all seven. */
const common = {
  warp_size: 32,
  threads_per_block: 1024,
  registers_per_sm: 64 * KiB,
  registers_per_block: 64 * KiB,
  registers_per_thread: 255,
  register_allocation_unit: 256,
  static_shared_memory_per_block: 48 * KiB,
} as const

/** From sm_80 on the driver reserves 1 KiB a block, and the unit of allocation is 128 bytes. */
const sinceAmpere = {
  ...common, reserved_shared_memory_per_block: 1 * KiB, shared_memory_allocation_unit: 128
} as const

export const architectures: readonly Architecture[] = [
  {
    name: 'sm_75', family: 'Turing', compute_capability: 75, ...common,
    threads_per_sm: 1024, warps_per_sm: 32, blocks_per_sm: 16,
    shared_memory_per_sm: 64 * KiB, shared_memory_per_block: 64 * KiB,
    reserved_shared_memory_per_block: 0, shared_memory_allocation_unit: 256,
  },
  {
    name: 'sm_80', family: 'Ampere', compute_capability: 80, ...sinceAmpere,
    threads_per_sm: 2048, warps_per_sm: 64, blocks_per_sm: 32,
    shared_memory_per_sm: 164 * KiB, shared_memory_per_block: 163 * KiB,
  },
  {
    name: 'sm_86', family: 'Ampere', compute_capability: 86, ...sinceAmpere,
    threads_per_sm: 1536, warps_per_sm: 48, blocks_per_sm: 16,
    shared_memory_per_sm: 100 * KiB, shared_memory_per_block: 99 * KiB,
  },
  {
    name: 'sm_89', family: 'Ada Lovelace', compute_capability: 89, ...sinceAmpere,
    threads_per_sm: 1536, warps_per_sm: 48, blocks_per_sm: 24,
    shared_memory_per_sm: 100 * KiB, shared_memory_per_block: 99 * KiB,
  },
  {
    name: 'sm_90', family: 'Hopper', compute_capability: 90, ...sinceAmpere,
    threads_per_sm: 2048, warps_per_sm: 64, blocks_per_sm: 32,
    shared_memory_per_sm: 228 * KiB, shared_memory_per_block: 227 * KiB,
  },
  {
    name: 'sm_100', family: 'Blackwell', compute_capability: 100, ...sinceAmpere,
    threads_per_sm: 2048, warps_per_sm: 64, blocks_per_sm: 32,
    shared_memory_per_sm: 228 * KiB, shared_memory_per_block: 227 * KiB,
  },
  {
    name: 'sm_120', family: 'Blackwell', compute_capability: 120, ...sinceAmpere,
    threads_per_sm: 1536, warps_per_sm: 48, blocks_per_sm: 24,
    shared_memory_per_sm: 100 * KiB, shared_memory_per_block: 99 * KiB,
  },
]

/** What a program is compiled for when nobody says otherwise. */
export const defaultTarget = 'sm_80'

/** By name; the suffixes of architecture-specific features (`sm_90a`, `sm_120f`) have the limits of their base. */
export function architectureNamed(name: string): Architecture | undefined {
  const base = /^(sm_\d+)[af]?$/.exec(name)?.[1]
  return architectures.find(a => a.name === base)
}
